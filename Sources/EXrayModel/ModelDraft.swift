public import EXrayCore

/// A changed copy of a model: other ops, tensors, inputs and outputs of its primary graph.
///
/// The model's own file stays as it is behind a new front, so that constants and options need not be
/// understood to be kept. Other graphs stay; signatures and metadata go.
public struct ModelDraft: Sendable {
  /// An op of the changed graph.
  public struct Op: Sendable, Hashable {
    /// What the op does.
    public enum Kind: Sendable, Hashable {
      /// As the op of this index in the model does.
      case like(Int)
      /// A built-in op without options, by its name in the schema (`DEQUANTIZE`).
      case plain(String)
    }

    /// What the op does.
    public var kind: Kind
    /// Indices of the tensors that it reads; -1 where an optional one is absent.
    public var inputs: [Int]
    /// Indices of the tensors that it writes; -1 where an optional one is absent.
    public var outputs: [Int]

    /// Creates an op.
    public init(_ kind: Kind, inputs: [Int], outputs: [Int]) {
      self.kind = kind
      self.inputs = inputs
      self.outputs = outputs
    }

    /// An op of the model as it is.
    public init(_ op: EXrayModel.Op) {
      self.init(.like(op.index), inputs: op.inputs, outputs: op.outputs)
    }
  }

  private struct NewTensor: Sendable {
    var description: TensorDescription
    var constant: [UInt8]?
  }

  /// The model that is changed.
  public let model: Model
  /// The ops in execution order.
  public var ops: [Op]
  /// Indices of the tensors that the caller sets.
  public var inputs: [Int]
  /// Indices of the tensors that the caller reads.
  public var outputs: [Int]
  private var newTensors: [NewTensor] = []
  /// New names of the model's tensors, by index.
  private var names: [Int: String] = [:]

  /// A copy that nothing has been changed in.
  public init(_ model: Model) {
    self.model = model
    ops = model.primary.ops.map(Op.init)
    inputs = model.primary.inputs
    outputs = model.primary.outputs
  }

  /// Adds a tensor.
  ///
  /// - Parameter constant: Its packed little-endian values; nil for a tensor that an op or the caller writes.
  /// - Returns: Its index.
  public mutating func addTensor(_ description: TensorDescription, constant: [UInt8]? = nil) -> Int
  {
    newTensors.append(NewTensor(description: description, constant: constant))
    return model.primary.tensors.count + newTensors.count - 1
  }

  /// Gives a tensor of the model another name.
  public mutating func rename(_ tensor: Int, to name: String) { names[tensor] = name }

  /// The description of a tensor of the model or of the draft.
  public func description(of tensor: Int) -> TensorDescription {
    let count = model.primary.tensors.count
    return tensor < count
      ? model.primary.tensors[tensor].description : newTensors[tensor - count].description
  }

  /// Writes the changed model.
  ///
  /// - Throws: ``ModelError``: `.externalBuffers` for models whose constants lie outside the flatbuffer, and
  ///   whatever a model that LiteRT would refuse is refused for.
  public func written() throws(ModelError) -> Model {
    guard !model.hasExternalBuffers else {
      throw ModelError(
        .externalBuffers,
        "the model keeps constants outside its flatbuffer, so it cannot be changed; export it under 2 GB"
      )
    }
    var file = FlatBuffer(model.bytes)
    let root = try file.table(at: file.follow(0))
    let (codes, newCodes) = try opCodes(&file, root)
    let graph = try graph(&file, root, newCodes: newCodes)
    let buffers = try references(&file, root, 4)
    let newBuffers = newTensors.compactMap(\.constant).map { constant in
      FlatBufferNode.table([(0, .bytes(constant))])
    }
    let fields: [(slot: Int, node: FlatBufferNode)] = [
      (0, .word(UInt32(truncatingIfNeeded: model.formatVersion))), (1, .nodes(codes)),
      (2, .nodes([graph] + (try references(&file, root, 2)).dropFirst())),
      (3, .string(model.description)), (4, .nodes(buffers + newBuffers)),
    ]
    let bytes = FlatBufferWriter.file(
      .table(fields), identifier: Schema.identifier, before: model.bytes)
    guard bytes.count <= Int(Int32.max) else {
      throw ModelError(.tooLarge, "the changed model would have over 2 GiB; change a smaller model")
    }
    return try Model(bytes)
  }

  /// The elements of a vector of tables, where they are.
  private func references(
    _ file: inout FlatBuffer, _ table: FlatBuffer.Table, _ slot: Int
  ) throws(ModelError) -> [FlatBufferNode] {
    guard let vector = try file.vector(table, slot, stride: 4) else { return [] }
    var nodes: [FlatBufferNode] = []
    nodes.reserveCapacity(vector.count)
    for index in 0..<vector.count {
      nodes.append(.older(try file.follow(vector.start + 4 * index)))
    }
    return nodes
  }

  /// The model's op codes and those of new plain ops, and the numbers of the latter.
  private func opCodes(
    _ file: inout FlatBuffer, _ root: FlatBuffer.Table
  ) throws(ModelError) -> (nodes: [FlatBufferNode], new: [String: Int]) {
    var nodes = try references(&file, root, 1)
    var new: [String: Int] = [:]
    for op in ops {
      guard case .plain(let name) = op.kind, new[name] == nil else { continue }
      guard let code = Schema.opCode(name) else {
        throw ModelError(.invalidOp, "there is no built-in op \(name)")
      }
      new[name] = nodes.count
      nodes.append(
        .table([
          (0, .byte(UInt8(min(code, 127)))), (2, .word(1)), (3, .word(UInt32(code))),
        ]))
    }
    return (nodes, new)
  }

  private func graph(
    _ file: inout FlatBuffer, _ root: FlatBuffer.Table, newCodes: [String: Int]
  ) throws(ModelError) -> FlatBufferNode {
    guard let graphs = try file.vector(root, 2, stride: 4), graphs.count > 0 else {
      throw ModelError(.missingPart, "the model has no graph to change; \(exportAgain)")
    }
    file.place = .subgraph(0)
    let table = try file.table(at: file.follow(graphs.start))
    var tensors = try references(&file, table, 0)
    for (index, name) in names {
      file.place = .tensor(index, subgraph: 0)
      let tensor = try file.table(at: model.primary.tensors[index].offset)
      tensors[index] = try Self.copy(
        tensor, of: file, bytes: [1, 5, 8], words: [2, 10], parts: [0, 4, 6, 7, 9],
        replacing: [(3, .string(name))])
    }
    var buffer = try file.vector(root, 4, stride: 4)?.count ?? 0
    for tensor in newTensors {
      tensors.append(Self.node(tensor.description, buffer: tensor.constant == nil ? 0 : buffer))
      if tensor.constant != nil { buffer += 1 }
    }
    var operators: [FlatBufferNode] = []
    for op in ops { operators.append(try node(op, &file, newCodes)) }
    return .table([
      (0, .nodes(tensors)), (1, .integers(inputs)), (2, .integers(outputs)), (3, .nodes(operators)),
      (4, .string(model.primary.name)),
    ])
  }

  private static func node(_ description: TensorDescription, buffer: Int) -> FlatBufferNode {
    var fields: [(slot: Int, node: FlatBufferNode)] = [
      (0, .integers(description.shape.dimensions)),
      (1, .byte(UInt8(Schema.code(of: description.elementType)))),
      (2, .word(UInt32(buffer))), (3, .string(description.name)), (8, .byte(1)),
    ]
    if let quantization = description.quantization {
      let parameters: [(slot: Int, node: FlatBufferNode)] = [
        (2, .words(quantization.scales.map(\.bitPattern))), (3, .longs(quantization.zeroPoints)),
        (6, .word(UInt32(quantization.axis))),
      ]
      fields.append((4, .table(parameters)))
    }
    return .table(fields)
  }

  private func node(
    _ op: Op, _ file: inout FlatBuffer, _ newCodes: [String: Int]
  ) throws(ModelError) -> FlatBufferNode {
    switch op.kind {
    case .plain(let name):
      return .table([
        (0, .word(UInt32(newCodes[name] ?? 0))), (1, .integers(op.inputs)),
        (2, .integers(op.outputs)),
      ])
    case .like(let index):
      guard model.primary.ops.indices.contains(index) else {
        throw ModelError(.invalidIndex, "there is no op \(index) to copy")
      }
      let original = model.primary.ops[index]
      if original.inputs == op.inputs, original.outputs == op.outputs {
        return .older(original.offset)
      }
      file.place = .op(index, subgraph: 0)
      return try Self.copy(
        file.table(at: original.offset), of: file, bytes: [3, 6, 11], words: [0],
        parts: [4, 5, 7, 8, 12],
        replacing: [(1, .integers(op.inputs)), (2, .integers(op.outputs))])
    }
  }

  /// A table of the model with some slots replaced; the slots of each kind are the schema's.
  private static func copy(
    _ table: FlatBuffer.Table, of file: FlatBuffer, bytes: [Int], words: [Int], parts: [Int],
    replacing fields: [(slot: Int, node: FlatBufferNode)]
  ) throws(ModelError) -> FlatBufferNode {
    var fields = fields
    for slot in bytes {
      fields.append((slot, .byte(try file.scalar(table, slot, default: UInt8(0)))))
    }
    for slot in words {
      fields.append((slot, .word(try file.scalar(table, slot, default: UInt32(0)))))
    }
    for slot in parts {
      if let field = try file.field(table, slot) {
        fields.append((slot, .older(try file.follow(field))))
      }
    }
    return .table(fields)
  }
}
