public import EXrayCore
public import EXrayRuntime

/// A runtime that computes with a Swift closure, for tests of what stands above runtimes.
///
/// A model is accepted when its bytes begin with `fake`; everything else is refused.
public struct FakeRuntime: InferenceRuntime {
  /// The runtime's name, `fake`.
  public var name: String { "fake" }
  /// The runtime's version, `1`.
  public var version: String { "1" }
  /// The inputs of every model.
  public var inputs: [SessionTensor]
  /// The outputs of every model.
  public var outputs: [SessionTensor]
  /// Computes the outputs' bytes from the inputs' bytes.
  public var compute: @Sendable ([[UInt8]]) throws(RuntimeError) -> [[UInt8]]

  /// The bytes of an acceptable model.
  public static let model: [UInt8] = Array("fake".utf8)

  /// Creates a runtime whose models have the given inputs and outputs.
  public init(
    inputs: [TensorDescription], outputs: [TensorDescription],
    compute: @escaping @Sendable ([[UInt8]]) throws(RuntimeError) -> [[UInt8]]
  ) {
    self.inputs = inputs.enumerated().map { SessionTensor(tensorIndex: $0, description: $1) }
    self.outputs = outputs.enumerated().map {
      SessionTensor(tensorIndex: inputs.count + $0, description: $1)
    }
    self.compute = compute
  }

  /// A runtime whose one output repeats its one input.
  public static func identity(_ tensor: TensorDescription) -> Self {
    Self(inputs: [tensor], outputs: [tensor]) { (inputs) throws(RuntimeError) in inputs }
  }

  /// Opens a session; `model` must begin with `fake`.
  public func open(model: RawSpan, options: SessionOptions) throws(RuntimeError)
    -> any InferenceSession & ~Copyable
  {
    let start = (0..<min(4, model.byteCount)).map {
      unsafe model.unsafeLoad(fromByteOffset: $0, as: UInt8.self)
    }
    guard start == Self.model else {
      throw RuntimeError(.modelRefused, "the model does not begin with fake; use FakeRuntime.model")
    }
    return FakeSession(runtime: self)
  }
}

private struct FakeSession: InferenceSession, ~Copyable {
  let inputs: [SessionTensor]
  let outputs: [SessionTensor]
  private let compute: @Sendable ([[UInt8]]) throws(RuntimeError) -> [[UInt8]]
  private var values: [[UInt8]]
  private var results: [[UInt8]]
  private var isStarted = false

  init(runtime: FakeRuntime) {
    func zeros(_ tensor: SessionTensor) -> [UInt8] {
      [UInt8](repeating: 0, count: tensor.description.byteCount ?? 0)
    }
    inputs = runtime.inputs
    outputs = runtime.outputs
    compute = runtime.compute
    values = runtime.inputs.map(zeros)
    results = runtime.outputs.map(zeros)
  }

  mutating func write(_ bytes: RawSpan, toInput index: Int) throws(RuntimeError) {
    guard inputs.indices.contains(index) else {
      throw RuntimeError(.invalidInput, "there is no input \(index) of \(inputs.count)")
    }
    guard bytes.byteCount == values[index].count else {
      throw RuntimeError(
        .invalidInput, "input \(index) takes \(values[index].count) bytes, not \(bytes.byteCount)")
    }
    values[index] = unsafe bytes.withUnsafeBytes { unsafe Array($0) }
  }

  mutating func start() throws(RuntimeError) { isStarted = true }

  mutating func finish() throws(RuntimeError) -> RunReport {
    guard isStarted else { throw RuntimeError(.runFailed, "no run was started; call start()") }
    isStarted = false
    let clock = ContinuousClock()
    let began = clock.now
    results = try compute(values)
    return RunReport(inferenceTime: clock.now - began)
  }

  borrowing func withOutput<Result>(
    _ index: Int, _ body: (RawSpan) throws -> Result
  ) throws -> Result {
    guard outputs.indices.contains(index) else {
      throw RuntimeError(.invalidInput, "there is no output \(index) of \(outputs.count)")
    }
    let bytes = results[index]
    return try unsafe body(bytes.span.bytes)
  }
}
