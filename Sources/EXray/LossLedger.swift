import Synchronization

/// Counts what the trace lacks, by reason.
final class LossLedger: Sendable {
  enum Reason: String, CaseIterable {
    case ringFull = "ring-full"
    case tooLarge = "too-large"
    case byteBudget = "byte-budget"
    case timeBudget = "time-budget"
    case frameTimeBudget = "frame-time-budget"
    case writeFailed = "write-failed"
    case misuse
  }

  /// The most texts about misuse that are kept.
  static let noteLimit = 16

  private struct State {
    var total: [Reason: GapSample] = [:]
    /// What no gap in the trace tells yet.
    var untold: [Reason: GapSample] = [:]
    var notes: [String] = []
  }

  private let state = Guarded(State())
  /// Whether there is something to take.
  let hasUntold = Atomic<Bool>(false)

  func lose(
    _ reason: Reason, events: UInt64 = 1, bytes: Int = 0, frame: UInt32?, note: String? = nil
  ) {
    guard events > 0 else { return }
    let loss = GapSample(
      reason: reason.rawValue, eventCount: events, byteCount: UInt64(clamping: bytes),
      firstFrame: frame, lastFrame: frame)
    state.withLock { state in
      state.total[reason, default: loss.empty].add(loss)
      state.untold[reason, default: loss.empty].add(loss)
      if let note, state.notes.count < Self.noteLimit, !state.notes.contains(note) {
        state.notes.append(note)
      }
    }
    hasUntold.store(true, ordering: .releasing)
  }

  /// Takes what was lost since the last call, in the order of the reasons.
  func takeUntold() -> [GapSample] {
    hasUntold.store(false, ordering: .releasing)
    return state.withLock { state in
      defer { state.untold.removeAll() }
      return Reason.allCases.compactMap { state.untold[$0] }
    }
  }

  /// Everything lost so far, in the order of the reasons.
  var total: [GapSample] {
    state.withLock { state in Reason.allCases.compactMap { state.total[$0] } }
  }

  /// What was done wrong, in words.
  var notes: [String] { state.withLock { $0.notes } }
}

extension GapSample {
  fileprivate var empty: GapSample { GapSample(reason: reason, eventCount: 0, byteCount: 0) }

  fileprivate mutating func add(_ other: GapSample) {
    eventCount += other.eventCount
    byteCount += other.byteCount
    if let first = other.firstFrame { firstFrame = min(firstFrame ?? first, first) }
    if let last = other.lastFrame { lastFrame = max(lastFrame ?? last, last) }
  }
}
