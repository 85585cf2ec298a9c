import EXraySystem

/// What the process takes of the machine, from samples at most every 20 ms.
///
/// Processor time between two samples, and up to 20 ms after the last, is taken to go evenly.
struct UsageTrack {
  static let interval: UInt64 = 20_000_000

  private(set) var latest: ProcessUsage?
  private var latestTime: UInt64 = 0
  private var previous: (processor: UInt64, time: UInt64)?

  /// Takes a sample where one is due.
  mutating func sample(at time: UInt64) {
    guard latest == nil || time >= latestTime + Self.interval else { return }
    if let latest { previous = (latest.processorNanoseconds, latestTime) }
    latest = .current
    latestTime = time
  }

  /// The processor time that the process had taken at a time, as far as the samples tell.
  func processorNanoseconds(at time: UInt64) -> UInt64? {
    guard let latest, let previous, latestTime > previous.time else { return nil }
    let rate =
      max(0, Double(latest.processorNanoseconds) - Double(previous.processor))
      / Double(latestTime - previous.time)
    let time = min(max(time, previous.time), latestTime + Self.interval)
    return previous.processor + UInt64(rate * Double(time - previous.time))
  }

  /// The processor time that the process took between two times, as far as the samples tell.
  ///
  /// - Parameter known: What was known of the begin as it was, for a begin before the last two samples.
  func processorNanoseconds(from begin: UInt64, known: UInt64?, to end: UInt64) -> UInt64? {
    guard let previous, let atEnd = processorNanoseconds(at: end),
      let atBegin = begin < previous.time ? known : processorNanoseconds(at: begin)
    else { return nil }
    return atEnd - min(atBegin, atEnd)
  }
}
