/// How much of a text that may be hostile is read.
public struct JSONLimits: Sendable, Hashable {
  /// The most bytes of a text.
  public var byteCount: Int
  /// The most values inside one another, 256 at the very most: a number in a list is 2.
  public var depth: Int

  /// Creates limits; by default 16 MiB and 64 levels.
  public init(byteCount: Int = 16 << 20, depth: Int = 64) {
    self.byteCount = byteCount
    self.depth = depth
  }

  /// The most bytes of one number; a double needs 25.
  static let numberByteCount = 1024
  /// What any thread's stack has room for.
  static let greatestDepth = 256
}
