import EXraySystem
import Synchronization

/// What a monitor's calls, its frames and its writing thread share.
final class MonitorCore: Sendable {
  enum Phase {
    /// Records nothing and counts nothing.
    static let off: UInt8 = 0
    static let active: UInt8 = 1
    /// The trace cannot be written: everything is counted as lost.
    static let failed: UInt8 = 2
    static let closed: UInt8 = 3
  }

  /// In place of a frame under way: the last frame begun was not sampled.
  private static let unsampled = UInt64.max

  let path: String
  let level: Monitor.Level
  let configuration: MonitorConfiguration
  let clock: MonitorClock
  let ring: EventRing?
  let names = NameTable()
  let streams = StreamTable()
  let ledger = LossLedger()
  /// The descriptions and checks that events name by their positions.
  let models = Guarded<[ModelDescription]>([])
  let checks = Guarded<[(check: Check, selector: TensorSelector)]>([])
  /// What the writing thread has counted.
  let summary: Guarded<MonitorSummary>
  /// Whether the trace has taken all the bytes that it may.
  let isOverByteBudget = Atomic<Bool>(false)

  private let phase: Atomic<UInt8>
  private let wantedRoles: Atomic<UInt8>
  private let appTime = Atomic<UInt64>(0)
  private let frameCalls = Atomic<UInt64>(0)
  /// The index of the frame that was begun last, plus one, while it is under way; else 0.
  private let current = Atomic<UInt64>(0)
  private let deadline: UInt64
  private let frameTimeLimit: UInt64
  private let samplingInterval: UInt64

  init(
    path: String, level: Monitor.Level, configuration: MonitorConfiguration, ring: EventRing?,
    phase: UInt8
  ) {
    self.path = path
    self.level = level
    self.configuration = configuration
    self.ring = ring
    self.phase = Atomic(phase)
    clock = MonitorClock(configuration.clock)
    summary = Guarded(MonitorSummary(path: path))
    var roles: UInt8 = 0
    for role in TensorRole.allCases where level.logs(role) { roles |= role.bit }
    wantedRoles = Atomic(roles)
    samplingInterval = UInt64(max(1, configuration.everyNth))
    frameTimeLimit = configuration.frameTimeBudget?.clampedNanoseconds ?? .max
    let (end, isNever) = clock.now.addingReportingOverflow(
      configuration.durationBudget?.clampedNanoseconds ?? .max)
    deadline = isNever ? .max : end
  }

  // MARK: State

  var isOff: Bool { phase.load(ordering: .relaxed) == Phase.off }

  var isActive: Bool { phase.load(ordering: .acquiring) == Phase.active }

  /// Whether an event is to be recorded; counts it as lost where recording has failed or ended.
  func accepts(bytes: Int = 0, frame: FrameState? = nil) -> Bool {
    switch phase.load(ordering: .acquiring) {
    case Phase.active:
      guard let frame else { return true }
      if let refusal = frame.refusal {
        ledger.lose(refusal, bytes: bytes, frame: frame.index)
      } else if frame.isEnded.load(ordering: .relaxed) {
        misuse("frame \(frame.index) was logged to after its end", bytes: bytes, frame: frame.index)
      } else {
        return true
      }
    case Phase.failed: ledger.lose(.writeFailed, bytes: bytes, frame: frame?.index)
    case Phase.closed:
      misuse("the monitor was logged to after close()", bytes: bytes, frame: frame?.index)
    default: break
    }
    return false
  }

  func fail(_ words: String) {
    _ = phase.compareExchange(
      expected: Phase.active, desired: Phase.failed, ordering: .acquiringAndReleasing)
    summary.withLock { if $0.error == nil { $0.error = words } }
  }

  /// Ends recording; returns whether it had not ended yet.
  func close() -> Bool {
    guard phase.exchange(Phase.closed, ordering: .acquiringAndReleasing) != Phase.closed else {
      return false
    }
    ring?.close()
    return true
  }

  /// Completes the summary, once the writing thread has ended.
  func completeSummary() {
    let calls = frameCalls.load(ordering: .acquiring)
    let begun = (calls + samplingInterval - 1) / samplingInterval
    summary.withLock { summary in
      summary.lostFrameCount = begun - min(begun, summary.frameCount)
      summary.skippedFrameCount = calls - begun
      summary.losses = ledger.total
      summary.misuse = ledger.notes
    }
  }

  /// Whether the level or a check asks for tensors of a role.
  func takes(_ role: TensorRole) -> Bool {
    wantedRoles.load(ordering: .relaxed) & role.bit != 0
  }

  var appNanoseconds: UInt64 { appTime.load(ordering: .relaxed) }

  /// The frame that was begun last, where it is under way; nil outside of the frame of a span.
  var frameUnderWay: FrameUnderWay {
    switch current.load(ordering: .relaxed) {
    case 0: .none
    case Self.unsampled: .unsampled
    case let next: .frame(UInt32(truncatingIfNeeded: next - 1))
    }
  }

  enum FrameUnderWay {
    case none, unsampled
    case frame(UInt32)
  }

  func misuse(_ note: String, bytes: Int = 0, frame: UInt32? = nil) {
    ledger.lose(.misuse, bytes: bytes, frame: frame, note: note)
  }

  // MARK: Frames

  /// Begins a frame, or returns nil where sampling skips it.
  func beginFrame(_ name: String, _ label: String?) -> FrameState? {
    let call = frameCalls.wrappingAdd(1, ordering: .acquiringAndReleasing).oldValue
    guard call.isMultiple(of: samplingInterval) else {
      current.store(Self.unsampled, ordering: .relaxed)
      return nil
    }
    let time = clock.now
    guard let index = UInt32(exactly: call / samplingInterval), index < Event.noFrame else {
      misuse("more than \(UInt32.max) frames were begun")
      return nil
    }
    guard accepts() else {
      return FrameState(core: self, index: index, start: time, refusal: .writeFailed)
    }
    var event = Event(.beginFrame, at: time, frame: index)
    let name = Array(name.cut(toByteCount: NameTable.byteLimit).utf8)
    let label = label.map { Array($0.cut(toByteCount: NameTable.byteLimit).utf8) }
    event.values.0 = UInt64(name.count)
    event.values.1 = label == nil ? 0 : 1
    let refusal = append(event, RawSpan(), text: name + (label ?? []), .begin)
    let frame = FrameState(core: self, index: index, start: time, refusal: refusal)
    if refusal == nil { current.store(UInt64(index) + 1, ordering: .relaxed) }
    spend(since: time, frame)
    return frame
  }

  /// Ends a frame; one that was dropped without an end has no latency.
  func end(_ frame: FrameState, isDropped: Bool = false) {
    guard !frame.isEnded.exchange(true, ordering: .acquiringAndReleasing) else {
      if !isDropped { misuse("frame \(frame.index) was ended twice", frame: frame.index) }
      return
    }
    _ = current.compareExchange(
      expected: UInt64(frame.index) + 1, desired: 0, ordering: .relaxed)
    guard frame.refusal == nil else { return }
    guard phase.load(ordering: .acquiring) != Phase.closed else {
      return misuse("frame \(frame.index) was ended after close()", frame: frame.index)
    }
    if isDropped {
      misuse(
        "frame \(frame.index) was dropped without end(); it has no latency", frame: frame.index)
    }
    let time = clock.now
    var event = Event(.endFrame, at: time, frame: frame.index)
    event.values.0 = time &- frame.start
    event.values.1 = isDropped ? 0 : 1
    append(event, RawSpan(), .end)
    spend(since: time, nil)
  }

  // MARK: Events

  /// Counts the time since `start` as spent inside of the monitor.
  func spend(since start: UInt64, _ frame: FrameState?) {
    guard !clock.isManual else { return }
    let time = clock.now &- start
    appTime.wrappingAdd(time, ordering: .relaxed)
    if frameTimeLimit != .max { frame?.spent.wrappingAdd(time, ordering: .relaxed) }
  }

  /// Why nothing large is recorded any more.
  func exhaustedBudget(at time: UInt64, _ frame: FrameState?) -> LossLedger.Reason? {
    if time > deadline { return .timeBudget }
    if isOverByteBudget.load(ordering: .relaxed) { return .byteBudget }
    if let frame, frame.spent.load(ordering: .relaxed) > frameTimeLimit { return .frameTimeBudget }
    return nil
  }

  /// Hands an event to the writing thread.
  ///
  /// - Parameter isControl: Whether the event is waited for even where the policy is to drop.
  /// - Returns: Why it was counted as lost, or nil where it was not.
  @discardableResult
  func append(
    _ event: Event, _ payload: RawSpan, text: [UInt8] = [], _ booking: EventRing.Booking = .none,
    isControl: Bool = false
  ) -> LossLedger.Reason? {
    guard let ring else { return .writeFailed }
    let (byteCount, overflow) = payload.byteCount.addingReportingOverflow(text.count)
    do throws(EventRing.Refusal) {
      guard !overflow else { throw .tooLarge }
      let reservation: EventRing.Reservation
      do throws(EventRing.Refusal) {
        reservation = try ring.reserve(byteCount, booking)
      } catch {
        guard case .full = error, isControl || configuration.whenFull == .block else { throw error }
        reservation = try ring.reserveWaiting(byteCount, booking)
      }
      ring.publish(event, payload, text, at: reservation)
      return nil
    } catch {
      let (reason, note): (LossLedger.Reason, String?) =
        switch error {
        case .full: (.ringFull, nil)
        case .tooLarge:
          (
            .tooLarge,
            "\(byteCount) bytes in one call do not fit the ring of"
              + " \(configuration.ringByteCount); raise ringByteCount"
          )
        case .tooManyFrames: (.misuse, "too many frames are under way at once; end() each")
        case .closed: (.misuse, "the monitor was logged to after close()")
        }
      ledger.lose(reason, bytes: payload.byteCount, frame: event.frameIndex, note: note)
      return reason
    }
  }

  /// The number of a name, or nil where there are too many; the event is then lost.
  func number(of name: String, _ frame: UInt32?) -> UInt32? {
    if let number = names.number(of: name) { return number }
    misuse(
      "more than \(NameTable.limit) different names; put what varies into values, not into names",
      frame: frame)
    return nil
  }

  /// From now on tensors are copied for a check, whatever the level.
  func want(_ selector: TensorSelector) {
    streams.want(selector)
    for role in TensorRole.allCases where (selector.role ?? role) == role {
      _ = wantedRoles.bitwiseOr(role.bit, ordering: .relaxed)
    }
  }
}

/// A frame that was begun.
final class FrameState: Sendable {
  let core: MonitorCore
  let index: UInt32
  let start: UInt64
  /// Why it is not recorded, where it is not; all of its events are counted as lost.
  let refusal: LossLedger.Reason?
  let isEnded = Atomic<Bool>(false)
  /// Nanoseconds inside of the monitor's calls.
  let spent = Atomic<UInt64>(0)

  init(core: MonitorCore, index: UInt32, start: UInt64, refusal: LossLedger.Reason?) {
    self.core = core
    self.index = index
    self.start = start
    self.refusal = refusal
  }

  deinit {
    if !isEnded.load(ordering: .relaxed) { core.end(self, isDropped: true) }
  }
}

extension TensorRole {
  fileprivate var bit: UInt8 {
    switch self {
    case .input: 1
    case .layer: 2
    case .output: 4
    case .embedding: 8
    case .custom: 16
    }
  }
}
