/// A text that is not JSON, or not JSON that is read here.
public struct JSONError: Error, Sendable, Hashable, CustomStringConvertible {
  /// What kind of failure; more may be added.
  public struct Code: Sendable, Hashable, CustomStringConvertible {
    /// The code as reports spell it.
    public let description: String

    private init(_ description: String) { self.description = description }

    /// A byte that cannot stand where it does.
    public static var unexpectedByte: Self { .init("unexpected-byte") }
    /// The text ends within a value.
    public static var unexpectedEnd: Self { .init("unexpected-end") }
    /// A number that JSON does not allow, that no double holds, or that takes too many digits.
    public static var invalidNumber: Self { .init("invalid-number") }
    /// A string with an unknown escape, half a surrogate pair, a control character or bytes that are not UTF-8.
    public static var invalidString: Self { .init("invalid-string") }
    /// A key that its object has already.
    public static var duplicateKey: Self { .init("duplicate-key") }
    /// Values are nested deeper than the limit.
    public static var tooDeep: Self { .init("too-deep") }
    /// The text is longer than the limit.
    public static var tooLarge: Self { .init("too-large") }
  }

  /// What kind of failure.
  public var code: Code
  /// Bytes from the start of the text.
  public var offset: Int
  /// What there is, as a noun with its circumstances: "the key "a" twice".
  public var problem: String
  /// What to do.
  public var remedy: String

  /// Creates an error.
  public init(_ code: Code, at offset: Int, _ problem: String, remedy: String) {
    self.code = code
    self.offset = offset
    self.problem = problem
    self.remedy = remedy
  }

  /// What there is and what to do.
  public var message: String { "\(problem); \(remedy)" }

  /// The byte offset and the message, on one line.
  public var description: String { "byte \(offset): \(message)" }
}
