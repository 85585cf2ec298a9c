import EXraySystem
import Synchronization

/// The time of a monitor's events, in nanoseconds since 1970; it never goes back.
struct MonitorClock: ~Copyable, Sendable {
  let isManual: Bool
  private let start: UInt64
  private let origin: UInt64
  private let advanced = Atomic<UInt64>(0)

  init(_ clock: MonitorConfiguration.Clock) {
    switch clock {
    case .system:
      isManual = false
      start = SystemClock.wallNanoseconds
      origin = SystemClock.monotonicNanoseconds
    case .manual(let startNanoseconds):
      isManual = true
      start = startNanoseconds
      origin = 0
    }
  }

  var now: UInt64 {
    start
      &+ (isManual
        ? advanced.load(ordering: .relaxed) : SystemClock.monotonicNanoseconds &- origin)
  }

  /// Moves a manual clock on; does nothing to the system's.
  func advance(nanoseconds: UInt64) {
    if isManual { advanced.wrappingAdd(nanoseconds, ordering: .relaxed) }
  }
}

extension Duration {
  /// The duration in whole nanoseconds; kept within 0 and the largest number.
  var clampedNanoseconds: UInt64 {
    let (seconds, attoseconds) = components
    guard seconds >= 0, attoseconds >= 0 else { return 0 }
    let (whole, overflow) = UInt64(seconds).multipliedReportingOverflow(by: 1_000_000_000)
    let (sum, carry) = whole.addingReportingOverflow(UInt64(attoseconds / 1_000_000_000))
    return overflow || carry ? .max : sum
  }
}
