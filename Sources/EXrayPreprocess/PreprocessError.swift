/// A picture, a recipe or an array that cannot be used.
public struct PreprocessError: Error, Sendable, Hashable, CustomStringConvertible {
  /// What kind of failure; more may be added.
  public struct Code: Sendable, Hashable, CustomStringConvertible {
    /// The code as reports spell it.
    public let description: String

    private init(_ description: String) { self.description = description }

    /// A file cannot be read from disk.
    public static var unreadable: Self { .init("unreadable") }
    /// A picture is neither JPEG nor PNG.
    public static var unsupportedFormat: Self { .init("unsupported-format") }
    /// A picture is damaged or cut off.
    public static var corruptPicture: Self { .init("corrupt-picture") }
    /// A picture, or what a recipe would make of it, has too many pixels.
    public static var tooLarge: Self { .init("too-large") }
    /// A recipe is not JSON, or a key has a value that it cannot have.
    public static var invalidRecipe: Self { .init("invalid-recipe") }
    /// A recipe has a key that this version does not know.
    public static var unknownKey: Self { .init("unknown-key") }
    /// A recipe does not fit the model's input.
    public static var unsuitableRecipe: Self { .init("unsuitable-recipe") }
    /// A picture does not fit the recipe.
    public static var unsuitablePicture: Self { .init("unsuitable-picture") }
    /// Values cannot be stored in a tensor of this type or size.
    public static var unsuitableTensor: Self { .init("unsuitable-tensor") }
    /// A NumPy array file is damaged, cut off or of a kind that is not supported.
    public static var invalidArray: Self { .init("invalid-array") }
  }

  /// What kind of failure.
  public var code: Code
  /// The file or the frame, where there is one.
  public var file: String?
  /// Bytes from the start of the file to where the failure was noticed, where that is known.
  public var offset: Int?
  /// The recipe's key, as `crop.fraction`, where the failure is about one.
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

/// The most pixels of a picture, and of anything a recipe makes of it: 100 million.
///
/// A few hundred bytes of PNG can claim a picture of many gigabytes; the claim is checked before
/// memory is taken.
public let pixelLimit = 100_000_000

/// Whether a picture of this size is within ``pixelLimit``.
func isWithinPixelLimit(width: Int, height: Int) -> Bool {
  let (area, overflow) = width.multipliedReportingOverflow(by: height)
  return width > 0 && height > 0 && !overflow && area <= pixelLimit
}
