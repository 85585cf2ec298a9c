import CEXray
import EXray
import Synchronization

/// What an `exray_monitor` points to.
final class OpenMonitor: Sendable {
  /// The most frames and spans that may be under way at a time.
  static let limit = 65536

  /// A frame that was begun and has not ended.
  struct OpenFrame {
    var frame: Frame
    var preprocessStart: UInt64?
    var inferenceStart: UInt64?
  }

  /// A span that was begun and has not ended.
  struct OpenSpan {
    var name: String
    var start: UInt64
    /// Nil outside of frames.
    var frame: Frame?
  }

  private struct State {
    var frames: [UInt64: OpenFrame] = [:]
    var spans: [UInt64: OpenSpan] = [:]
    var lastToken: UInt64 = 0
  }

  let monitor: Monitor
  let tensors = TensorCache()
  let summary = Mutex<SummaryStorage?>(nil)
  private let state = Mutex(State())

  init(_ monitor: Monitor) { self.monitor = monitor }

  /// The monitor of a handle; nil for the disabled one.
  static func at(_ handle: OpaquePointer?) -> OpenMonitor? {
    guard let handle = unsafe handle else { return nil }
    return unsafe Unmanaged<OpenMonitor>.fromOpaque(UnsafeRawPointer(handle))
      .takeUnretainedValue()
  }

  /// Counts a call that made no sense.
  func misuse(_ note: String) { monitor.noteMisuse(note) }

  // MARK: Frames

  /// Keeps a frame that was begun; 0 where too many are.
  func add(_ frame: Frame) -> UInt64 {
    let token = state.withLock { state -> UInt64? in
      guard state.frames.count < Self.limit else { return nil }
      state.lastToken += 1
      state.frames[state.lastToken] = OpenFrame(frame: frame)
      return state.lastToken
    }
    if token == nil { misuse("more than \(Self.limit) frames are under way at once; end each") }
    return token ?? 0
  }

  /// The frame that is under way; a note of misuse where none is.
  func frame(_ token: UInt64) -> Frame? {
    let frame = state.withLock { $0.frames[token]?.frame }
    if frame == nil { misuse("a frame was used that is not under way") }
    return frame
  }

  /// Changes what is known of a frame that is under way; a note of misuse where none is.
  func update<Result>(_ token: UInt64, _ body: (inout OpenFrame) -> Result) -> Result? {
    let result = state.withLock { state -> Result? in
      guard var open = state.frames[token] else { return nil }
      defer { state.frames[token] = open }
      return body(&open)
    }
    if result == nil { misuse("a frame was used that is not under way") }
    return result
  }

  /// Forgets a frame that ends.
  func removeFrame(_ token: UInt64) -> Frame? {
    let frame = state.withLock { $0.frames.removeValue(forKey: token)?.frame }
    if frame == nil { misuse("a frame was ended that is not under way") }
    return frame
  }

  // MARK: Spans

  /// Keeps a span that was begun; 0 where too many are.
  func add(_ span: OpenSpan) -> UInt64 {
    let token = state.withLock { state -> UInt64? in
      guard state.spans.count < Self.limit else { return nil }
      state.lastToken += 1
      state.spans[state.lastToken] = span
      return state.lastToken
    }
    if token == nil { misuse("more than \(Self.limit) spans are under way at once; end each") }
    return token ?? 0
  }

  /// Forgets a span that ends.
  func removeSpan(_ token: UInt64) -> OpenSpan? {
    let span = state.withLock { $0.spans.removeValue(forKey: token) }
    if span == nil { misuse("a span was ended that is not under way") }
    return span
  }
}

/// What an `exray_frame` stands for, where that is not disabled.
struct Target {
  /// Tokens that stand for no frame of ``OpenMonitor``.
  enum Token {
    static let skipped = UInt64.max
    static let outside = UInt64.max - 1
  }

  let owner: OpenMonitor
  /// Nil outside of frames.
  let frame: Frame?

  /// Finds the frame under way; nil where nothing is to be recorded.
  init?(_ handle: exray_frame) {
    guard unsafe handle.token != 0, unsafe handle.token != Token.skipped,
      let owner = unsafe OpenMonitor.at(handle.monitor)
    else { return nil }
    self.owner = owner
    if unsafe handle.token == Token.outside {
      frame = nil
    } else {
      guard let frame = unsafe owner.frame(handle.token) else { return nil }
      self.frame = frame
    }
  }

  /// The frame, for what only frames have; a note of misuse outside of frames.
  func inFrame(_ function: StaticString) -> Frame? {
    if frame == nil { owner.misuse("\(function) was called outside of frames; begin a frame") }
    return frame
  }
}

/// Text with a terminating zero; what is not UTF-8 is repaired, NULL is empty.
func text(_ characters: UnsafePointer<CChar>?) -> String {
  guard let characters = unsafe characters else { return "" }
  return unsafe String(cString: characters)
}

/// Bytes of the caller; nil for NULL with a size, or a size that no memory has.
func memory(_ start: UnsafeRawPointer?, _ byteCount: Int) -> UnsafeRawBufferPointer? {
  if byteCount == 0 { return unsafe UnsafeRawBufferPointer(start: nil, count: 0) }
  guard byteCount > 0, let start = unsafe start else { return nil }
  return unsafe UnsafeRawBufferPointer(start: start, count: byteCount)
}
