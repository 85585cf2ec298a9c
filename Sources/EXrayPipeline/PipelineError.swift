/// A failure to read what a job needs, with the place and what to do.
public struct PipelineError: Error, Sendable, Hashable, CustomStringConvertible {
  /// What kind of failure; more may be added.
  public struct Code: Sendable, Hashable {
    private let name: String
    private init(_ name: String) { self.name = name }

    /// A file or folder is missing or cannot be read.
    public static let unreadable = Code("unreadable")
    /// A labels file is malformed.
    public static let malformedLabels = Code("malformed-labels")
    /// An input does not suit the model, or a recipe is needed.
    public static let unsuitableInput = Code("unsuitable-input")
    /// An output file or folder cannot be written.
    public static let unwritable = Code("unwritable")
  }

  /// What kind of failure.
  public var code: Code
  /// What happened, where, and what to do.
  public var message: String

  /// Creates an error.
  public init(_ code: Code, _ message: String) {
    self.code = code
    self.message = message
  }

  /// The message.
  public var description: String { message }
}
