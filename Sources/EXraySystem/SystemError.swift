import CSystem

/// A refusal of the operating system.
package struct SystemError: Error, Sendable, Hashable, CustomStringConvertible {
  /// The `errno`.
  package var number: Int32

  /// Creates an error.
  package init(number: Int32) { self.number = number }

  /// The system's own words with the number, as `No space left on device (errno 28)`.
  package var description: String {
    var text = [CChar](repeating: 0, count: 160)
    unsafe csystem_error_text(number, &text, text.count)
    return "\(string(text)) (errno \(number))"
  }

  /// Passes a count on, or throws the negated errno that a call of ``CSystem`` returned.
  static func check<Count: SignedInteger>(_ result: Count) throws(SystemError) -> Count {
    guard result >= 0 else { throw SystemError(number: Int32(truncatingIfNeeded: -result)) }
    return result
  }
}

/// Text up to its terminating zero.
func string(_ characters: [CChar]) -> String {
  String(
    decoding: characters.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
}
