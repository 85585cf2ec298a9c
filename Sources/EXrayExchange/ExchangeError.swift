/// Something that cannot be read from, or written for, another program.
public struct ExchangeError: Error, Sendable, Hashable, CustomStringConvertible {
  /// What kind of failure; more may be added.
  public struct Code: Sendable, Hashable, CustomStringConvertible {
    /// The code as reports spell it.
    public let description: String

    private init(_ description: String) { self.description = description }

    /// A file or folder cannot be read.
    public static var unreadable: Self { .init("unreadable") }
    /// A file cannot be written.
    public static var unwritable: Self { .init("unwritable") }
    /// A folder holds no run, or several.
    public static var noRun: Self { .init("no-run") }
    /// Nothing in the trace is what was asked for.
    public static var nothingChosen: Self { .init("nothing-chosen") }
    /// A choice of tensors or frames is not one.
    public static var invalidArgument: Self { .init("invalid-argument") }
  }

  /// What kind of failure.
  public var code: Code
  /// The file or folder, as the caller named it.
  public var path: String
  /// What happened and what to do.
  public var message: String

  /// Creates an error.
  public init(_ code: Code, path: String, _ message: String) {
    self.code = code
    self.path = path
    self.message = message
  }

  /// The file and the message, on one line.
  public var description: String { "\(path): \(message)" }
}
