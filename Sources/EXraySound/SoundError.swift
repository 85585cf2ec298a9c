/// A sound file or a sound recipe that cannot be used.
public struct SoundError: Error, Sendable, Hashable, CustomStringConvertible {
  /// What kind of failure; more may be added.
  public struct Code: Sendable, Hashable, CustomStringConvertible {
    /// The code as reports spell it.
    public let description: String

    private init(_ description: String) { self.description = description }

    /// A file cannot be read from disk.
    public static var unreadable: Self { .init("unreadable") }
    /// A file is no WAV file, or holds an encoding that is not supported.
    public static var unsupportedFormat: Self { .init("unsupported-format") }
    /// A WAV file is damaged or cut off.
    public static var corruptSound: Self { .init("corrupt-sound") }
    /// A sound, or what a recipe would make of it, takes too much memory.
    public static var tooLarge: Self { .init("too-large") }
    /// A recipe is not JSON, or a key has a value that it cannot have.
    public static var invalidRecipe: Self { .init("invalid-recipe") }
    /// A recipe has a key that this version does not know.
    public static var unknownKey: Self { .init("unknown-key") }
    /// A sound does not fit the recipe.
    public static var unsuitableSound: Self { .init("unsuitable-sound") }
  }

  /// What kind of failure.
  public var code: Code
  /// The file, where there is one.
  public var file: String?
  /// Bytes from the start of the file to where the failure was noticed, where that is known.
  public var offset: Int?
  /// The recipe's key, as `mel.low`, where the failure is about one.
  public var key: String?
  /// What happened and what to do, without the place.
  public var message: String

  /// Creates an error.
  public init(
    _ code: Code, file: String? = nil, offset: Int? = nil, key: String? = nil, _ message: String
  ) {
    self.code = code
    self.file = file
    self.offset = offset
    self.key = key
    self.message = message
  }

  /// The place and the message in one line.
  public var description: String {
    var place: [String] = []
    if let file { place.append(file) }
    if let offset { place.append("byte \(offset)") }
    if let key, !key.isEmpty { place.append("\"\(key)\"") }
    return place.isEmpty ? message : place.joined(separator: ", ") + ": " + message
  }
}

/// The most sample values of a sound, and the most values that a recipe makes of it: 8 million, nine minutes at 16 kHz.
public let soundValueLimit = 1 << 23
