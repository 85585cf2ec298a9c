public import EXrayCore

/// An inference runtime: a library that loads models and runs them.
public protocol InferenceRuntime: Sendable {
  /// The runtime's name as traces record it, e.g. `litert`.
  var name: String { get }
  /// The library's version, e.g. `2.3.0`.
  var version: String { get }

  /// Loads a model and prepares it to run.
  ///
  /// - Parameter model: The whole model file; copied where the runtime needs it to outlive the call.
  /// - Throws: ``RuntimeError`` with the library's own words.
  func open(model: RawSpan, options: SessionOptions) throws(RuntimeError)
    -> any InferenceSession & ~Copyable
}

/// One loaded model, ready to run; owned by one place at a time.
///
/// One run is: ``write(_:toInput:)`` for each input, ``start()``, ``finish()``, ``withOutput(_:_:)``.
/// A session that runs elsewhere computes between `start` and `finish`, so the caller can do other
/// work meanwhile; a session in this process may do everything in `finish`.
public protocol InferenceSession: ~Copyable {
  /// The inputs, in the order that ``write(_:toInput:)`` counts.
  var inputs: [SessionTensor] { get }
  /// The outputs, in the order that ``withOutput(_:_:)`` counts.
  var outputs: [SessionTensor] { get }
  /// How long loading and preparing the model took, without starting a process or loading the library; nil where
  /// the runtime does not say.
  var loadTime: Duration? { get }

  /// Sets the packed little-endian values of one input.
  ///
  /// - Throws: ``RuntimeError`` `.invalidInput` when the byte count is not the input's.
  mutating func write(_ bytes: RawSpan, toInput index: Int) throws(RuntimeError)

  /// Begins a run with the inputs that were written last.
  mutating func start() throws(RuntimeError)

  /// Waits for the run that ``start()`` began.
  ///
  /// - Returns: How long the model took, and per-op times where ``SessionOptions/profilesOps`` is set.
  /// - Throws: ``RuntimeError``; `.crashed` where the process that ran the model died.
  mutating func finish() throws(RuntimeError) -> RunReport

  /// Calls `body` with the packed values of one output of the last run, in place.
  borrowing func withOutput<Result>(_ index: Int, _ body: (RawSpan) throws -> Result) throws
    -> Result

  /// Makes later runs read the inputs from, and write the outputs to, memory of the caller's.
  ///
  /// The process that hosts a session gives it the memory it shares with its parent, so that no tensor
  /// is copied between the two. A session that cannot do so returns false, the default, and is then fed
  /// by ``write(_:toInput:)`` and read by ``withOutput(_:_:)``.
  ///
  /// - Parameters:
  ///   - inputs: One block an input, aligned to 64 bytes, at least 64 bytes longer than its values;
  ///     must outlive the session.
  ///   - outputs: One block an output, likewise.
  /// - Returns: Whether the memory is in use.
  mutating func adopt(
    inputs: [UnsafeMutableRawBufferPointer], outputs: [UnsafeMutableRawBufferPointer]
  ) throws(RuntimeError) -> Bool
}

extension InferenceSession where Self: ~Copyable {
  /// Unknown.
  public var loadTime: Duration? { nil }

  /// Declines the memory.
  public mutating func adopt(
    inputs: [UnsafeMutableRawBufferPointer], outputs: [UnsafeMutableRawBufferPointer]
  ) throws(RuntimeError) -> Bool { false }

  /// Runs the model once and waits.
  @discardableResult
  public mutating func run() throws(RuntimeError) -> RunReport {
    try start()
    return try finish()
  }
}

/// Which of a runtime's kernels compute.
public enum KernelMode: String, Sendable, Hashable, CaseIterable, Codable {
  /// The XNNPACK delegate: fastest, what apps get by default.
  case xnnpack
  /// The runtime's own optimised kernels, no delegate.
  case builtin
  /// The runtime's plain reference kernels: slow, the yardstick.
  case reference
}

/// How a session runs.
public struct SessionOptions: Sendable, Hashable, Codable {
  /// Which kernels compute.
  public var kernels: KernelMode
  /// Threads that the runtime may use.
  public var threads: Int
  /// Whether every run also reports the time of each op; slows runs down.
  public var profilesOps: Bool
  /// New extents for inputs whose shape is dynamic, by input index.
  public var inputShapes: [Int: Shape]

  /// Creates options.
  public init(
    kernels: KernelMode = .xnnpack, threads: Int = 1, profilesOps: Bool = false,
    inputShapes: [Int: Shape] = [:]
  ) {
    self.kernels = kernels
    self.threads = threads
    self.profilesOps = profilesOps
    self.inputShapes = inputShapes
  }
}

/// An input or an output of a session.
public struct SessionTensor: Sendable, Hashable, Codable {
  /// Index of the tensor in the model's primary subgraph.
  public var tensorIndex: Int
  /// Name, type, shape and quantization; the shape is the one that this session runs with.
  public var description: TensorDescription

  /// Creates a session tensor.
  public init(tensorIndex: Int, description: TensorDescription) {
    self.tensorIndex = tensorIndex
    self.description = description
  }
}

/// What one run took.
public struct RunReport: Sendable, Hashable {
  /// Time inside the runtime's run call, without copying inputs and outputs.
  public var inferenceTime: Duration
  /// Times of single ops in execution order; empty unless asked for.
  public var ops: [OpTiming]
  /// The memory that the process running the model holds resident after the run, in bytes, if known.
  public var residentMemoryInBytes: Int?
  /// The most memory that the process running the model has held resident, in bytes, if known.
  public var peakMemoryInBytes: Int?

  /// Creates a report.
  public init(
    inferenceTime: Duration, ops: [OpTiming] = [], residentMemoryInBytes: Int? = nil,
    peakMemoryInBytes: Int? = nil
  ) {
    self.inferenceTime = inferenceTime
    self.ops = ops
    self.residentMemoryInBytes = residentMemoryInBytes
    self.peakMemoryInBytes = peakMemoryInBytes
  }
}

/// The time of one op in one run.
public struct OpTiming: Sendable, Hashable, Codable {
  /// What computed it.
  public enum Part: String, Sendable, Hashable, Codable, CaseIterable {
    /// A node of the graph, by the runtime's own kernel.
    case node
    /// An operator of a delegate, which stands for one node or several.
    case delegate
    /// A node inside a control-flow op, whose time is part of that op's.
    case inner
  }

  /// What computed it.
  public var part: Part
  /// The runtime's label: an op type, or a delegate's operator name.
  public var label: String
  /// The op's index in the graph, or nil where a delegate's operator has no single op.
  public var opIndex: Int?
  /// Whole microseconds, the resolution of LiteRT's profiler.
  public var microseconds: Int

  /// Creates a timing.
  public init(label: String, opIndex: Int?, microseconds: Int, part: Part = .node) {
    self.part = part
    self.label = label
    self.opIndex = opIndex
    self.microseconds = microseconds
  }
}
