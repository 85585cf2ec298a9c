import EXrayCore
import EXrayTrace

/// Which tensors and frames of a trace are meant.
public struct TraceSelection: Sendable, Hashable {
  /// Patterns of tensors; none means all.
  ///
  /// A pattern is a role (`input`, `layer`, `output`, `embedding`, `custom`, also in the plural), or a name or a
  /// topic in which `*` stands for any text and `?` for one character.
  public var tensors: [String]
  /// Indices of frames, as the trace counts them; nil means all.
  public var frames: [ClosedRange<Int>]?

  /// Creates a selection.
  public init(tensors: [String] = [], frames: [ClosedRange<Int>]? = nil) {
    self.tensors = tensors
    self.frames = frames
  }

  /// Reads `0-9,12,20-`.
  ///
  /// - Throws: ``ExchangeError`` `.invalidArgument`.
  public static func frames(parsing text: String) throws(ExchangeError) -> [ClosedRange<Int>] {
    var ranges: [ClosedRange<Int>] = []
    for part in text.split(separator: ",", omittingEmptySubsequences: false) {
      let ends = part.split(separator: "-", omittingEmptySubsequences: false)
      let first = ends.first.flatMap { Int($0) }
      let last = ends.count == 1 ? first : ends[1].isEmpty ? Int.max : Int(ends[1])
      guard let first, let last, ends.count <= 2, first >= 0, first <= last else {
        throw ExchangeError(
          .invalidArgument, path: "--frames \(text)",
          "'\(part)' is no range of frames; write 0-9 or 3 or 0-9,12")
      }
      ranges.append(first...last)
    }
    return ranges
  }

  /// The positions of the frames meant in ``TraceReader/frames``.
  func framePositions(_ trace: TraceReader) -> [Int] {
    trace.frames.indices.filter { position in
      frames?.contains { $0.contains(trace.frames[position].index) } ?? true
    }
  }

  /// The positions of the tensors meant in ``TraceReader/tensors``.
  ///
  /// - Throws: ``ExchangeError`` where a pattern fits none.
  func tensorPositions(_ trace: TraceReader) throws(ExchangeError) -> [Int] {
    guard !tensors.isEmpty else { return Array(trace.tensors.indices) }
    var isChosen = [Bool](repeating: false, count: trace.tensors.count)
    for pattern in tensors {
      var fits = false
      for (position, stream) in trace.tensors.enumerated() where Self.matches(pattern, stream) {
        isChosen[position] = true
        fits = true
      }
      guard fits else {
        let names = trace.tensors.prefix(3).map { "\($0.topic) \($0.description.name)" }
        throw ExchangeError(
          .nothingChosen, path: trace.path,
          "no tensor fits '\(pattern)'; give a role (input, layer, output, embedding, custom), or a name"
            + " or topic with * and ?; there are \(names.isEmpty ? "none" : names.joined(separator: ", "))"
            + (trace.tensors.count > 3 ? " and \(trace.tensors.count - 3) more" : ""))
      }
    }
    return isChosen.indices.filter { isChosen[$0] }
  }

  private static func matches(_ pattern: String, _ stream: TensorStream) -> Bool {
    if pattern == stream.role.rawValue || pattern == stream.role.rawValue + "s" { return true }
    return matches(Array(pattern.unicodeScalars), Array(stream.description.name.unicodeScalars))
      || matches(Array(pattern.unicodeScalars), Array(stream.topic.unicodeScalars))
  }

  /// Whether a pattern with `*` and `?` fits a text.
  ///
  /// - Complexity: O(*n*·*m*).
  private static func matches(_ pattern: [Unicode.Scalar], _ text: [Unicode.Scalar]) -> Bool {
    var (next, position) = (0, 0)
    var star: (next: Int, position: Int)?
    while position < text.count {
      if next < pattern.count, pattern[next] == "*" {
        next += 1
        star = (next, position)
      } else if next < pattern.count, pattern[next] == "?" || pattern[next] == text[position] {
        (next, position) = (next + 1, position + 1)
      } else if let last = star {
        star = (last.next, last.position + 1)
        (next, position) = (last.next, last.position + 1)
      } else {
        return false
      }
    }
    return pattern[next...].allSatisfy { $0 == "*" }
  }
}
