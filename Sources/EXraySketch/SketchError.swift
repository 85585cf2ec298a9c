/// Bytes that are no sketch.
public struct SketchError: Error, Sendable, Hashable, CustomStringConvertible {
  /// What kind of failure; more may be added.
  public struct Code: Sendable, Hashable, CustomStringConvertible {
    /// The code as reports spell it.
    public let description: String

    private init(_ description: String) { self.description = description }

    /// There are not exactly ``TensorSketch/encodedByteCount`` bytes.
    public static var wrongByteCount: Self { .init("wrong-byte-count") }
    /// The bytes do not start as a sketch does.
    public static var notASketch: Self { .init("not-a-sketch") }
    /// The sketch has a version that this version does not read.
    public static var unsupportedVersion: Self { .init("unsupported-version") }
    /// A field contradicts the format or another field.
    public static var invalidField: Self { .init("invalid-field") }
  }

  /// What kind of failure.
  public var code: Code
  /// Where in the sketch, in bytes from its start.
  public var offset: Int
  /// What happened and what to do.
  public var message: String

  /// Creates an error.
  public init(_ code: Code, at offset: Int, _ message: String) {
    self.code = code
    self.offset = offset
    self.message = message
  }

  /// The byte offset and the message, on one line.
  public var description: String { "byte \(offset): \(message)" }
}
