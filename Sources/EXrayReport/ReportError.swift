/// Why a report could not be written or read.
public struct ReportError: Error, Hashable, Sendable, CustomStringConvertible {
  /// The kind of failure, an open set.
  public struct Code: Hashable, Sendable, CustomStringConvertible {
    /// The code's stable name.
    public let description: String

    /// Creates a code.
    public init(_ description: String) { self.description = description }

    /// The text is not JSON.
    public static let malformedJSON = Code("malformed-json")
    /// The JSON is no report: a key is missing or has another type.
    public static let notAReport = Code("not-a-report")
    /// The report follows a schema that this version does not know.
    public static let unsupportedVersion = Code("unsupported-version")
    /// A value of the report has no JSON form.
    public static let notEncodable = Code("not-encodable")
  }

  /// The kind of failure.
  public var code: Code
  /// What happened, with names and numbers, and what to do.
  public var message: String
  /// The JSON path where it happened (`layers[3].metrics.mse`), empty for the whole text.
  public var path: String

  /// Creates an error.
  public init(_ code: Code, at path: String = "", _ message: String) {
    self.code = code
    self.message = message
    self.path = path
  }

  /// The message with its place.
  public var description: String { path.isEmpty ? message : "\(path): \(message)" }
}
