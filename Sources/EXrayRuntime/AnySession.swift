/// A session of any runtime, as one concrete type.
///
/// Swift 6.3 treats a borrowing call on a variable of type `any InferenceSession & ~Copyable` as its
/// last use ("used after consume"). This type forwards every call and has no such trouble.
public struct AnySession: InferenceSession, ~Copyable {
  private var session: any InferenceSession & ~Copyable

  /// Wraps a session.
  public init(_ session: consuming any InferenceSession & ~Copyable) {
    inputs = session.inputs
    outputs = session.outputs
    loadTime = session.loadTime
    self.session = session
  }

  /// The inputs, in the order that ``write(_:toInput:)`` counts.
  public let inputs: [SessionTensor]

  /// The outputs, in the order that ``withOutput(_:_:)`` counts.
  public let outputs: [SessionTensor]

  /// How long loading and preparing the model took; nil where the runtime does not say.
  public let loadTime: Duration?

  /// Sets the packed little-endian values of one input.
  public mutating func write(_ bytes: RawSpan, toInput index: Int) throws(RuntimeError) {
    try session.write(bytes, toInput: index)
  }

  /// Begins a run with the inputs that were written last.
  public mutating func start() throws(RuntimeError) { try session.start() }

  /// Waits for the run that ``start()`` began.
  public mutating func finish() throws(RuntimeError) -> RunReport { try session.finish() }

  /// Calls `body` with the packed values of one output of the last run, in place.
  public borrowing func withOutput<Result>(
    _ index: Int, _ body: (RawSpan) throws -> Result
  ) throws -> Result {
    try Self.withOutput(of: session, index, body)
  }

  private static func withOutput<Result>(
    of session: borrowing any InferenceSession & ~Copyable, _ index: Int,
    _ body: (RawSpan) throws -> Result
  ) throws -> Result {
    try session.withOutput(index, body)
  }

  /// Makes later runs use the caller's memory, where the session can.
  public mutating func adopt(
    inputs: [UnsafeMutableRawBufferPointer], outputs: [UnsafeMutableRawBufferPointer]
  ) throws(RuntimeError) -> Bool {
    try unsafe session.adopt(inputs: inputs, outputs: outputs)
  }
}

extension InferenceRuntime {
  /// Loads a model like ``open(model:options:)`` and wraps the session.
  public func openSession(
    model: RawSpan, options: SessionOptions = SessionOptions()
  ) throws(RuntimeError) -> AnySession {
    AnySession(try open(model: model, options: options))
  }
}
