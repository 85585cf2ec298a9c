import EXrayTrace

/// One pass over the tensors of two traces, frame by frame.
///
/// A frame's pairs are grouped by the megabyte: who takes a group on one thread verifies the checksum of bytes and
/// compares them while the processor's cache still holds them.
struct TracePass: Sendable {
  /// A frame of both traces.
  struct Frame {
    var candidate: Int
    var reference: Int
  }

  /// A tensor of both traces, by the positions of their streams.
  struct Pair {
    var candidate: Int
    var reference: Int
    /// Bytes that both take in a frame.
    var byteCount: Int
  }

  private let candidate: TraceReader
  private let reference: TraceReader
  private let frames: [Frame]
  private let pairs: [Pair]

  /// Bytes from which on a group is complete.
  private static let groupByteCount = 1 << 20
  /// Frames whose memory is let go at once: each time, all processors must hear of it.
  private static let forgottenFrames = 8

  /// Finds where the tensors are.
  init(
    candidate: TraceReader, reference: TraceReader, frames: [Frame], pairs: [Pair]
  ) throws(TraceError) {
    try candidate.prepare(pairs.map(\.candidate))
    try reference.prepare(pairs.map(\.reference))
    (self.candidate, self.reference, self.frames, self.pairs) =
      (candidate, reference, frames, pairs)
  }

  /// Groups of some of the pairs, all of about the same size.
  func groups(of positions: Range<Int>) -> [Range<Int>] {
    var groups: [Range<Int>] = []
    var (start, byteCount) = (positions.lowerBound, 0)
    for position in positions {
      byteCount += pairs[position].byteCount
      if byteCount >= Self.groupByteCount || position == positions.upperBound - 1 {
        groups.append(start..<(position + 1))
        (start, byteCount) = (position + 1, 0)
      }
    }
    return groups
  }

  /// Calls `body` with the values of a pair, where both traces have them.
  func withPair(_ position: Int, frame: Frame, _ body: (RawSpan, RawSpan) -> Void) throws {
    let pair = pairs[position]
    _ = try candidate.withTensor(pair.candidate, frame: frame.candidate) { first in
      try reference.withTensor(pair.reference, frame: frame.reference) { body(first, $0) }
    }
  }

  /// Lets the memory of compared frames go, some at a time.
  ///
  /// - Parameter done: How many have been compared.
  func endFrame(_ done: Int) throws {
    guard done.isMultiple(of: Self.forgottenFrames) else { return }
    for frame in frames[(done - Self.forgottenFrames)..<done] {
      try candidate.forget(pairs.map(\.candidate), frame: frame.candidate)
      try reference.forget(pairs.map(\.reference), frame: frame.reference)
    }
  }
}
