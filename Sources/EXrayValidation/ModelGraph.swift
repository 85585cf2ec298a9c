import EXrayCore
public import EXrayModel

/// Which op reads what which other op made: a model's graph as a drawing needs it.
public struct ModelGraph: Sendable, Hashable, Codable {
  /// One op.
  public struct Op: Sendable, Hashable, Codable {
    /// Index in execution order.
    public var index: Int
    /// The op's type (`CONV_2D`).
    public var type: String
    /// Indices of the ops whose results it reads, ascending.
    public var from: [Int]
    /// Positions of the model inputs that it reads, ascending.
    public var fromInputs: [Int]
    /// Names of the tensors that it makes.
    public var tensors: [String]

    /// Creates an op.
    public init(index: Int, type: String, from: [Int], fromInputs: [Int], tensors: [String]) {
      self.index = index
      self.type = type
      self.from = from
      self.fromInputs = fromInputs
      self.tensors = tensors
    }
  }

  /// The subgraph's name; may be empty.
  public var name: String
  /// Names of the model's inputs, in order.
  public var inputs: [String]
  /// The ops in execution order.
  public var ops: [Op]
  /// Indices of the ops that make the model's outputs, ascending.
  public var outputs: [Int]

  /// Creates a graph.
  public init(name: String = "", inputs: [String], ops: [Op], outputs: [Int]) {
    self.name = name
    self.inputs = inputs
    self.ops = ops
    self.outputs = outputs
  }

  /// The graph of a model's primary subgraph; constants are left out.
  public init(_ model: Model) {
    let graph = model.primary
    name = graph.name
    var makers: [Int: Int] = [:]
    for op in graph.ops {
      for tensor in op.outputs where tensor >= 0 { makers[tensor] = op.index }
    }
    var positions: [Int: Int] = [:]
    for (position, tensor) in graph.inputs.enumerated() where positions[tensor] == nil {
      positions[tensor] = position
    }
    func tensorName(_ tensor: Int) -> String? {
      graph.tensors.indices.contains(tensor) ? graph.tensors[tensor].description.name : nil
    }
    inputs = graph.inputs.map { tensorName($0) ?? "" }
    ops = graph.ops.map { op in
      Op(
        index: op.index, type: op.type,
        from: Set(op.inputs.compactMap { makers[$0] }).filter { $0 != op.index }.sorted(),
        fromInputs: Set(op.inputs.compactMap { positions[$0] }).sorted(),
        tensors: op.outputs.compactMap(tensorName))
    }
    outputs = Set(graph.outputs.compactMap { makers[$0] }).sorted()
  }
}
