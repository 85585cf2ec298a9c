import CLiteRT
import EXrayCore
public import EXrayRuntime
import EXraySystem

/// A model that LiteRT runs in this process.
///
/// Owns the C objects and frees them in the order that LiteRT needs: buffers, compiled model, model,
/// model bytes. `mutating` runs make the compiler refuse two at once, which LiteRT answers with silently
/// wrong values; separate sessions may run on separate threads.
public struct Session: InferenceSession, ~Copyable {
  /// The inputs of signature 0; where the model has no signature, the primary subgraph's, in its order.
  public let inputs: [SessionTensor]
  /// The outputs of signature 0; where the model has no signature, the primary subgraph's, in its order.
  public let outputs: [SessionTensor]
  /// How long LiteRT took to read the model, to prepare its kernels and to lay out its memory.
  public let loadTime: Duration?

  let options: SessionOptions
  private var compiled: Compiled
  private let profiler: Profiler?
  private var isStarted = false

  init(library: Library, model: RawSpan, options: SessionOptions) throws(RuntimeError) {
    let clock = ContinuousClock()
    let began = clock.now
    let loaded = try LoadedModel(library: library, model: model)
    var inputs = try loaded.tensors(areInputs: true)
    var outputs = try loaded.tensors(areInputs: false)
    var compiled = try Compiled(model: loaded, options: options)
    for (index, shape) in options.inputShapes.sorted(by: { $0.key < $1.key }) {
      guard inputs.indices.contains(index) else {
        throw RuntimeError(
          .invalidInput,
          "a shape is given for input \(index), but the model has \(inputs.count) inputs")
      }
      let stated = inputs[index].description
      guard shape.byteCount(of: stated.elementType).map({ $0 > 0 && $0 <= 1 << 33 }) == true else {
        throw RuntimeError(
          .invalidInput,
          "the shape \(shape) for input \(index) (\(stated.name)) has no usable size; "
            + "give positive extents")
      }
      if shape == stated.shape { continue }
      let status = compiled.resizeInput(index, to: shape)
      if status != 0 {
        let words = compiled.words()
        throw RuntimeError(
          .invalidInput,
          "input \(index) (\(stated.name)) cannot be \(shape); the model states \(stated.shape) "
            + "(\(Status(status)))\(words.isEmpty ? "" : ": \(words)"); give the shape it was made for"
        )
      }
    }
    let buffers = try compiled.complete(inputs: &inputs, outputs: &outputs)
    try compiled.allocateBuffers(inputs: buffers.inputs, outputs: buffers.outputs)
    profiler = options.profilesOps ? try unsafe Profiler(compiled.handle, library) : nil
    loadTime = clock.now - began
    self.inputs = inputs
    self.outputs = outputs
    self.options = options
    self.compiled = compiled
  }

  var library: Library { compiled.library }

  /// Calls `body` with the model file's bytes.
  borrowing func withModel<Result, Failure: Error>(
    _ body: (RawSpan) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    try body(compiled.model.span)
  }

  /// Calls `body` with the packed values of one input, in place.
  borrowing func withInput<Result>(_ index: Int, _ body: (RawSpan) throws -> Result) rethrows
    -> Result
  {
    let byteCount = inputs[index].description.byteCount ?? 0
    let bytes = unsafe UnsafeRawBufferPointer(
      rebasing: compiled.inputs.blocks[index].prefix(byteCount))
    return try body(unsafe RawSpan(_unsafeBytes: bytes))
  }

  /// Sets the packed little-endian values of one input.
  ///
  /// - Throws: ``RuntimeError`` `.invalidInput` when the index or the byte count is wrong.
  public mutating func write(_ bytes: RawSpan, toInput index: Int) throws(RuntimeError) {
    try checkInput(bytes, index)
    unsafe bytes.withUnsafeBytes {
      unsafe compiled.inputs.blocks[index].copyMemory(from: $0)
    }
  }

  /// Marks a run as begun; ``finish()`` does the work.
  public mutating func start() throws(RuntimeError) { isStarted = true }

  /// Runs the model.
  ///
  /// - Returns: The time inside LiteRT, the ops' times where asked for, and the process's peak memory.
  /// - Throws: ``RuntimeError`` `.runFailed` with LiteRT's own words.
  public mutating func finish() throws(RuntimeError) -> RunReport {
    guard isStarted else {
      throw RuntimeError(.runFailed, "no run was started; call start() before finish()")
    }
    isStarted = false
    profiler?.start()
    let clock = ContinuousClock()
    let began = clock.now
    let status = compiled.run()
    let time = clock.now - began
    guard status == 0 else {
      _ = profiler?.stop()
      let words = compiled.words()
      throw RuntimeError(
        .runFailed,
        "LiteRT's run failed (\(Status(status)))\(words.isEmpty ? "" : ": \(words)"); "
          + "check the model with exray inspect, or try other kernels")
    }
    let memory = ProcessUsage.current
    return RunReport(
      inferenceTime: time, ops: profiler?.stop() ?? [],
      residentMemoryInBytes: memory.residentInBytes, peakMemoryInBytes: memory.peakInBytes)
  }

  /// Calls `body` with the packed values of one output of the last run, in place.
  public borrowing func withOutput<Result>(
    _ index: Int, _ body: (RawSpan) throws -> Result
  ) throws -> Result {
    try checkOutput(index)
    let byteCount = outputs[index].description.byteCount ?? 0
    let bytes = unsafe UnsafeRawBufferPointer(
      rebasing: compiled.outputs.blocks[index].prefix(byteCount))
    return try body(unsafe RawSpan(_unsafeBytes: bytes))
  }

  /// Makes later runs use the caller's memory: LiteRT then reads and writes there, without a copy.
  public mutating func adopt(
    inputs: [UnsafeMutableRawBufferPointer], outputs: [UnsafeMutableRawBufferPointer]
  ) throws(RuntimeError) -> Bool {
    try unsafe compiled.adopt(inputs: inputs, outputs: outputs)
  }
}

/// LiteRT's profiler of one compiled model, which owns it.
@safe
private struct Profiler {
  private let handle: OpaquePointer
  private let library: Library

  init(_ compiled: OpaquePointer, _ library: Library) throws(RuntimeError) {
    var handle: OpaquePointer?
    let status = unsafe library.functions.pointee.CompiledModelGetProfiler(compiled, &handle)
    guard status == 0, let handle = unsafe handle else {
      throw RuntimeError(
        .environment,
        "LiteRT gives no profiler (\(Status(status))); run without per-op times")
    }
    unsafe self.handle = handle
    self.library = library
  }

  /// Forgets earlier events and records new ones.
  func start() { _ = unsafe library.functions.pointee.StartProfiler(handle) }

  /// Ends recording and returns the ops' times.
  ///
  /// An event of type 2 is one node of the graph (metadata: node, subgraph); of type 8, one operator of a
  /// delegate, which has no node. The node that stands for a delegate covers its operators, so it is
  /// left out where they are listed.
  func stop() -> [OpTiming] {
    let c = unsafe library.functions.pointee
    var count: Int32 = 0
    guard unsafe c.StopProfiler(handle) == 0,
      unsafe c.GetNumProfilerEvents(handle, &count) == 0, count > 0
    else { return [] }
    var events = unsafe [LiteRtProfiledEvent](repeating: LiteRtProfiledEvent(), count: Int(count))
    guard unsafe c.GetProfilerEvents(handle, count, &events) == 0 else { return [] }
    let hasOperators = unsafe events.contains { unsafe $0.event_type == 8 }
    return unsafe events.compactMap { event -> OpTiming? in
      guard unsafe event.event_type == 2 || event.event_type == 8 else { return nil }
      let label = unsafe event.tag.map { unsafe String(cString: $0) } ?? ""
      let isNode = unsafe event.event_type == 2
      if isNode, hasOperators, label.contains("Delegate") { return nil }
      let isPrimary = unsafe event.metadata2 == 0
      return unsafe OpTiming(
        label: label, opIndex: isNode && isPrimary ? Int(exactly: event.metadata1) : nil,
        microseconds: Int(clamping: event.elapsed_time_us),
        part: !isNode ? .delegate : isPrimary ? .node : .inner)
    }
  }
}
