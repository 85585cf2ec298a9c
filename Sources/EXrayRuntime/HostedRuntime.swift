import EXrayCore

/// A runtime whose sessions each live in a process of their own, so that a crash there is an error here.
///
/// The child is started with a command that calls ``RuntimeHost``. Tensors and models lie in memory
/// that both processes map; only small messages travel.
public struct HostedRuntime: InferenceRuntime {
  /// The hosted runtime's name.
  public let name: String
  /// The hosted runtime's version.
  public let version: String
  /// The program that hosts a session.
  public var executable: String
  /// The program's arguments, such as `host-runtime --runtime litert`.
  public var arguments: [String]
  /// How long opening a model, and each run, may take.
  public var timeLimit: Duration
  /// The memory that a child may allocate, in bytes.
  public var memoryLimitInBytes: Int

  /// Describes the runtime; nothing is started before a model is opened.
  public init(
    name: String, version: String, executable: String, arguments: [String],
    timeLimit: Duration = .seconds(120), memoryLimitInBytes: Int = 16 << 30
  ) {
    self.name = name
    self.version = version
    self.executable = executable
    self.arguments = arguments
    self.timeLimit = timeLimit
    self.memoryLimitInBytes = memoryLimitInBytes
  }

  /// Starts a child process and loads the model there.
  ///
  /// - Throws: ``RuntimeError``: what the hosted runtime reports; `.crashed` or `.timedOut` where
  ///   loading killed or hung the child; `.environment` where no child can be started.
  public func open(model: RawSpan, options: SessionOptions) throws(RuntimeError)
    -> any InferenceSession & ~Copyable
  {
    try HostedSession(runtime: self, model: model, options: options)
  }
}

/// A session in a child process.
struct HostedSession: InferenceSession, ~Copyable {
  let inputs: [SessionTensor]
  let outputs: [SessionTensor]
  let loadTime: Duration?

  private let child: HostChild
  private let inputMemory: SharedMemory
  private let outputMemory: SharedMemory
  private let inputLayout: TensorLayout
  private let outputLayout: TensorLayout
  private let timeLimit: Duration
  private var deadline: ContinuousClock.Instant?
  private var failure: RuntimeError?

  init(runtime: HostedRuntime, model: RawSpan, options: SessionOptions) throws(RuntimeError) {
    let limit = runtime.timeLimit
    let deadline = ContinuousClock.now + limit
    let modelMemory = try SharedMemory()
    let inputMemory = try SharedMemory()
    let outputMemory = try SharedMemory()
    let child = try HostChild(
      executable: runtime.executable, arguments: runtime.arguments, model: modelMemory,
      inputs: inputMemory, outputs: outputMemory)
    // The child reads the model when it is told to open it; until then it is busy starting.
    try modelMemory.store(model)

    let greeting = try child.receive(
      .hello, until: deadline, limit: limit, during: "it was starting")
    guard greeting.payload == [HostMessage.version] else {
      throw RuntimeError(
        .environment,
        "\(runtime.executable) speaks version \(greeting.payload) of the host protocol, this is "
          + "\(HostMessage.version); build both from the same source")
    }
    let loading = "it was loading the model"
    child.send(
      try HostMessage(
        .open,
        HostMessage.OpenRequest(options: options, memoryLimitInBytes: runtime.memoryLimitInBytes)),
      timeLimit: limit)
    let answer = try child.receive(.tensors, until: deadline, limit: limit, during: loading)
    guard let tensors = answer.value(HostMessage.SessionTensors.self),
      let inputLayout = TensorLayout(tensors.inputs, limit: runtime.memoryLimitInBytes),
      let outputLayout = TensorLayout(tensors.outputs, limit: runtime.memoryLimitInBytes)
    else {
      throw RuntimeError(
        .environment,
        "the model's inputs and outputs need more than the \(runtime.memoryLimitInBytes) bytes that "
          + "its process may use, or have no fixed size; raise the limit, or capture fewer layers")
    }
    try inputMemory.resize(to: inputLayout.byteCount)
    try outputMemory.resize(to: outputLayout.byteCount)
    child.send(HostMessage(kind: .mapped), timeLimit: limit)
    _ = try child.receive(.ready, until: deadline, limit: limit, during: loading)

    inputs = tensors.inputs
    outputs = tensors.outputs
    loadTime = tensors.loadNanoseconds.map { .nanoseconds($0) }
    self.child = child
    self.inputMemory = inputMemory
    self.outputMemory = outputMemory
    self.inputLayout = inputLayout
    self.outputLayout = outputLayout
    timeLimit = limit
  }

  mutating func write(_ bytes: RawSpan, toInput index: Int) throws(RuntimeError) {
    try checkInput(bytes, index)
    guard deadline == nil else {
      throw RuntimeError(
        .invalidInput, "input \(index) is written during a run; finish the run first")
    }
    let values = inputLayout.values[index]
    unsafe bytes.withUnsafeBytes {
      unsafe UnsafeMutableRawBufferPointer(rebasing: inputMemory.bytes[values]).copyMemory(from: $0)
    }
  }

  mutating func start() throws(RuntimeError) {
    if let failure { throw failure }
    guard deadline == nil else {
      throw RuntimeError(.runFailed, "a run is started during a run; finish the first one before")
    }
    deadline = .now + timeLimit
    child.send(HostMessage(kind: .start), timeLimit: timeLimit)
  }

  mutating func finish() throws(RuntimeError) -> RunReport {
    if let failure { throw failure }
    guard let deadline else {
      throw RuntimeError(.runFailed, "no run was started; call start() before finish()")
    }
    self.deadline = nil
    do throws(RuntimeError) {
      let answer = try child.receive(
        .done, until: deadline, limit: timeLimit, during: "it was running the model")
      guard let report = answer.report else {
        throw RuntimeError(
          .crashed,
          "the process that ran the model sent a report that cannot be read; "
            + "do not trust the model")
      }
      return report
    } catch {
      // A run that failed in the runtime's own words leaves the session usable; an end does not.
      if error.code == .crashed || error.code == .timedOut { failure = error }
      throw error
    }
  }

  borrowing func withOutput<Result>(_ index: Int, _ body: (RawSpan) throws -> Result) throws
    -> Result
  {
    try checkOutput(index)
    let values = unsafe UnsafeRawBufferPointer(
      rebasing: outputMemory.bytes[outputLayout.values[index]])
    return try body(unsafe RawSpan(_unsafeBytes: values))
  }
}

extension InferenceSession where Self: ~Copyable {
  /// Refuses an index without an input, and bytes that are not the input's size.
  package borrowing func checkInput(_ bytes: RawSpan, _ index: Int) throws(RuntimeError) {
    guard inputs.indices.contains(index) else {
      throw RuntimeError(
        .invalidInput, "there is no input \(index); the model has \(inputs.count) inputs")
    }
    let description = inputs[index].description
    guard description.byteCount == bytes.byteCount else {
      throw RuntimeError(
        .invalidInput,
        "input \(index) (\(description.name)) takes \(description.byteCount ?? 0) bytes, "
          + "\(description.shape) of \(description.elementType.rawValue), but \(bytes.byteCount) were "
          + "given; check the recipe's last step")
    }
  }

  /// Refuses an index without an output.
  package borrowing func checkOutput(_ index: Int) throws(RuntimeError) {
    guard outputs.indices.contains(index) else {
      throw RuntimeError(
        .invalidInput, "there is no output \(index); the model has \(outputs.count) outputs")
    }
  }
}
