/// How a trace is written.
public struct TraceWriterOptions: Hashable, Sendable {
  /// Whether each frame is brought into the file as it ends; else ``TraceWriter/flush()`` does that for all
  /// that ended before, which suits many short frames.
  public var flushesEveryFrame = true
  /// Whether a trace that could not be written to its end takes its name all the same, cut back to what is
  /// whole; ``TraceWriter/finish()`` still throws.
  public var keepsIncompleteFile = false

  /// Creates the options, by which each frame counts as it ends.
  public init() {}
}
