import EXrayCore
import EXrayModel
import EXrayRuntime

/// A part of a model, loaded, fed and read by the tensors of the whole model.
struct PartSession: ~Copyable {
  private let whole: Subgraph
  private var session: AnySession
  /// For each input of the session, the tensor of the whole.
  private let inputs: [Int]
  /// For each output of the session, the tensor of the whole.
  private let outputs: [Int]

  init(
    _ part: ModelPart, of model: Model, runtime: any InferenceRuntime, options: SessionOptions
  ) throws {
    whole = model.primary
    session = try unsafe runtime.openSession(model: part.model.bytes.span.bytes, options: options)
    let graph = part.model.primary
    func wholes(_ tensors: [SessionTensor], _ indices: [Int], _ wholes: [Int]) -> [Int] {
      let known = Dictionary(zip(indices, wholes), uniquingKeysWith: { first, _ in first })
      return tensors.map { known[$0.tensorIndex] ?? $0.tensorIndex }
    }
    inputs = wholes(session.inputs, graph.inputs, part.inputs)
    outputs = wholes(session.outputs, graph.outputs, part.outputs)
  }

  /// Runs the part once.
  ///
  /// - Parameter values: The packed values of a tensor of the whole.
  mutating func run(_ values: (Int) throws -> [UInt8]) throws {
    for (index, tensor) in inputs.enumerated() {
      let bytes = try values(tensor)
      try unsafe session.write(bytes.span.bytes, toInput: index)
    }
    try session.run()
  }

  /// The real values of a tensor of the whole after a run; nil where the part does not compute it.
  borrowing func values(of tensor: Int) throws -> [Float]? {
    guard let index = outputs.firstIndex(of: tensor) else { return nil }
    let description = whole.tensors[tensor].description
    return try session.withOutput(index) { description.realValues(in: $0) }
  }

  /// The packed values of a tensor of the whole after a run; nil where the part does not compute it.
  borrowing func bytes(of tensor: Int) throws -> [UInt8]? {
    guard let index = outputs.firstIndex(of: tensor) else { return nil }
    return try session.withOutput(index) { values in
      unsafe values.withUnsafeBytes { unsafe [UInt8]($0) }
    }
  }
}
