/// A frame that a monitor records: one input, and everything that happens to it.
///
/// Copies stand for the same frame, on any thread. A frame that sampling skips takes all calls and records nothing.
public struct Frame: Sendable {
  /// Keeps the monitor open while a frame is under way.
  let monitor: Monitor
  let state: FrameState?

  /// The frame's number, counting those that sampling chose from 0; nil where the frame is not recorded.
  public var index: UInt32? { isRecorded ? state?.index : nil }

  /// Whether tensors of a role are recorded or checked, so that others need not be made.
  public func wants(_ role: TensorRole) -> Bool { isRecorded && monitor.wants(role) }

  private var isRecorded: Bool { state.map { $0.refusal == nil } ?? false }

  /// Ends the frame; its end-to-end latency is the time since its begin.
  public func end() { if let state { state.core.end(state) } }

  // MARK: Values

  /// Logs a tensor.
  ///
  /// - Parameters:
  ///   - bytes: Packed little-endian values in row-major order.
  ///   - index: The position within the role. A frame takes each position once, but for custom tensors.
  public func log(
    _ role: TensorRole, _ bytes: RawSpan, as description: TensorDescription, index: Int = 0
  ) {
    guard let state, state.core.takes(role) else { return }
    state.core.log(
      TensorStream(role: role, index: index, description: description), bytes, state)
  }

  /// Logs a tensor that is known to be a certain tensor or an op's result in the model.
  ///
  /// - Parameter bytes: Packed little-endian values in row-major order.
  public func log(_ tensor: TensorStream, _ bytes: RawSpan) {
    guard let state, state.core.takes(tensor.role) else { return }
    state.core.log(tensor, bytes, state)
  }

  /// Logs a number.
  public func log(_ name: String, _ value: Double) {
    if let state { state.core.log(name, value, state) }
  }

  /// Logs what the frame is made from, as the bytes of a picture file; once a frame.
  public func log(rawInput bytes: RawSpan, mediaType: String, name: String = "") {
    if let state { state.core.log(rawInput: bytes, mediaType: mediaType, name: name, state) }
  }

  /// Logs what the frame is made from, as the bytes of a picture file; once a frame.
  public func log(rawInput bytes: [UInt8], mediaType: String, name: String = "") {
    bytes.withBytes { log(rawInput: $0, mediaType: mediaType, name: name) }
  }

  /// Logs the pixels of a picture.
  public func log(image pixels: RawSpan, _ layout: ImageLayout) {
    if let state { state.core.log(image: pixels, layout, state) }
  }

  /// Logs the pixels of a picture.
  public func log(image pixels: [UInt8], _ layout: ImageLayout) {
    pixels.withBytes { log(image: $0, layout) }
  }

  /// Logs rectangles in the frame's picture.
  public func log(boxes: [BoxSample]) {
    if let state { state.core.log(boxes: boxes, state) }
  }

  /// Logs the times of ops, after those logged before.
  public func log(ops: [OpTimingSample]) {
    if let state { state.core.log(ops: ops, state) }
  }

  // MARK: Times

  /// Calls `body` and notes how long it took.
  public func span<Result>(_ name: String, _ body: () throws -> Result) rethrows -> Result {
    try measure(.span, name, body)
  }

  /// Calls `body`, which makes the model's inputs; its time is part of the frame's latency sample.
  public func preprocess<Result>(_ body: () throws -> Result) rethrows -> Result {
    try measure(.preprocess, "preprocess", body)
  }

  /// Calls `body`, which runs the model; its time is part of the frame's latency sample.
  public func inference<Result>(_ body: () throws -> Result) rethrows -> Result {
    try measure(.inference, "inference", body)
  }

  /// Notes a run of the model that ended just now and was timed by the app or its runtime.
  public func log(inference duration: Duration) { logEnded(.inference, "inference", duration) }

  /// Notes a preparation of inputs that ended just now and was timed by the app.
  public func log(preprocess duration: Duration) { logEnded(.preprocess, "preprocess", duration) }

  private func logEnded(_ kind: Event.Kind, _ name: String, _ duration: Duration) {
    guard let state, state.core.accepts(frame: state) else { return }
    let nanoseconds = duration.clampedNanoseconds
    let now = state.core.clock.now
    state.core.log(
      kind, name, start: now - min(now, nanoseconds), duration: nanoseconds, frame: state.index)
  }

  private func measure<Result>(
    _ kind: Event.Kind, _ name: String, _ body: () throws -> Result
  ) rethrows -> Result {
    guard let state else { return try body() }
    let start = state.core.clock.now
    defer { logSpan(kind, name, since: start) }
    return try body()
  }

  func logSpan(_ kind: Event.Kind, _ name: String, since start: UInt64) {
    guard let state, state.core.accepts(frame: state) else { return }
    state.core.log(
      kind, name, start: start, duration: state.core.clock.now &- start, frame: state.index)
  }
}
