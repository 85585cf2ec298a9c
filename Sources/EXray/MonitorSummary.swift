/// What a monitor recorded, lost and found.
public struct MonitorSummary: Sendable, Hashable, CustomStringConvertible {
  /// What one check came to.
  public struct CheckResult: Sendable, Hashable {
    /// The check's name.
    public var check: String
    /// Tensors that were checked.
    public var checkedCount: UInt64
    /// Of those, the ones that failed.
    public var failedCount: UInt64
    /// Of those, the ones that could not be judged.
    public var inconclusiveCount: UInt64
    /// The first failure in words, else the last reason why nothing could be judged.
    public var message: String?
  }

  /// The trace.
  public var path: String
  /// Complete frames in the trace.
  public var frameCount: UInt64 = 0
  /// Frames that were begun and are not in the trace.
  public var lostFrameCount: UInt64 = 0
  /// Frames that sampling skipped.
  public var skippedFrameCount: UInt64 = 0
  /// Events in the trace: each call that logs, describes or adds a check, each span, each end of a frame.
  public var eventCount: UInt64 = 0
  /// Bytes of the events' payloads in the trace.
  public var byteCount: UInt64 = 0
  /// What the trace lacks, by reason.
  public var losses: [GapSample] = []
  /// What was called wrongly, in words; the first few.
  public var misuse: [String] = []
  /// What the checks came to, in the order in which they were added.
  public var checks: [CheckResult] = []
  /// What it cost to record.
  public var overhead = OverheadSample()
  /// Why the trace could not be created or written to its end, in the operating system's words.
  public var error: String?

  /// Events that are not in the trace.
  public var lostEventCount: UInt64 { losses.reduce(0) { $0 + $1.eventCount } }

  /// The counts, losses and findings in a few lines.
  public var description: String {
    var lines = [
      "\(path): \(frameCount) frames, \(eventCount) events, \(byteCount) bytes"
    ]
    if lostFrameCount > 0 { lines.append("lost: \(lostFrameCount) frames") }
    if skippedFrameCount > 0 { lines.append("not sampled: \(skippedFrameCount) frames") }
    for loss in losses {
      let frames =
        switch (loss.firstFrame, loss.lastFrame) {
        case (let first?, let last?):
          first == last ? ", frame \(first)" : ", frames \(first)–\(last)"
        default: ""
        }
      lines.append(
        "lost, \(loss.reason): \(loss.eventCount) events, \(loss.byteCount) bytes\(frames)")
    }
    lines += misuse.map { "misuse: \($0)" }
    for check in checks {
      var line =
        "check \(check.check): \(check.failedCount) of \(check.checkedCount) tensors failed"
      if check.inconclusiveCount > 0 { line += ", \(check.inconclusiveCount) inconclusive" }
      lines.append(line + (check.message.map { "; \($0)" } ?? ""))
    }
    if let error { lines.append("error: \(error)") }
    return lines.joined(separator: "\n")
  }
}
