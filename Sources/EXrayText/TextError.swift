/// A text, a vocabulary or a text recipe that cannot be used.
public struct TextError: Error, Sendable, Hashable, CustomStringConvertible {
  /// What kind of failure; more may be added.
  public struct Code: Sendable, Hashable, CustomStringConvertible {
    /// The code as reports spell it.
    public let description: String

    private init(_ description: String) { self.description = description }

    /// A recipe is not JSON, or a key has a value that it cannot have.
    public static var invalidRecipe: Self { .init("invalid-recipe") }
    /// A recipe has a key that this version does not know.
    public static var unknownKey: Self { .init("unknown-key") }
    /// A vocabulary has a line that gives no word one id of its own.
    public static var invalidVocabulary: Self { .init("invalid-vocabulary") }
    /// A text is not UTF-8.
    public static var notUnicode: Self { .init("not-unicode") }
    /// A text or a vocabulary takes too much memory.
    public static var tooLarge: Self { .init("too-large") }
    /// Texts or tokens that nothing can be found out from.
    public static var unsuitableText: Self { .init("unsuitable-text") }
  }

  /// What kind of failure.
  public var code: Code
  /// The file, where there is one.
  public var file: String?
  /// The line, counted from 1, where the failure is about one.
  public var line: Int?
  /// Bytes from the start of the file to where the failure was noticed, where that is known.
  public var offset: Int?
  /// The recipe's key, as `padding.side`, where the failure is about one.
  public var key: String?
  /// What happened and what to do, without the place.
  public var message: String

  /// Creates an error.
  public init(
    _ code: Code, file: String? = nil, line: Int? = nil, offset: Int? = nil, key: String? = nil,
    _ message: String
  ) {
    self.code = code
    self.file = file
    self.line = line
    self.offset = offset
    self.key = key
    self.message = message
  }

  /// The place and the message in one line.
  public var description: String {
    var place: [String] = []
    if let file { place.append(file) }
    if let line { place.append("line \(line)") }
    if let offset { place.append("byte \(offset)") }
    if let key, !key.isEmpty { place.append("\"\(key)\"") }
    return place.isEmpty ? message : place.joined(separator: ", ") + ": " + message
  }
}
