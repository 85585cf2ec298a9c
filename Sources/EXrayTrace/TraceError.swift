public import MCAP

/// A trace that cannot be read or written.
public struct TraceError: Error, Sendable, Hashable, CustomStringConvertible {
  /// What kind of failure; more may be added.
  public struct Code: Sendable, Hashable, CustomStringConvertible {
    /// The code as reports spell it.
    public let description: String

    private init(_ description: String) { self.description = description }

    /// The container could not be read or written; ``TraceError/underlying`` says why.
    public static var container: Self { .init("container") }
    /// The file is MCAP, but not a trace that this version reads.
    public static var notATrace: Self { .init("not-a-trace") }
    /// The run description is absent, repeated or wrong.
    public static var invalidRun: Self { .init("invalid-run") }
    /// A channel's description is wrong or repeats another's.
    public static var invalidChannel: Self { .init("invalid-channel") }
    /// A message contradicts its channel's description or another message.
    public static var invalidMessage: Self { .init("invalid-message") }
    /// A caller passed a stream, a frame or a byte count that the trace does not have.
    public static var invalidArgument: Self { .init("invalid-argument") }
  }

  /// What kind of failure.
  public var code: Code
  /// The file, as the caller named it.
  public var path: String
  /// Where in the file, in bytes from its start; nil where no place is at fault.
  public var offset: UInt64?
  /// What happened and what to do.
  public var message: String
  /// The container's error, where one is the cause.
  public var underlying: MCAPError?

  /// Creates an error.
  public init(_ code: Code, path: String, at offset: UInt64? = nil, _ message: String) {
    self.code = code
    self.path = path
    self.offset = offset
    self.message = message
  }

  init(_ error: MCAPError, path: String) {
    self.init(.container, path: error.path ?? path, at: error.offset, error.message)
    underlying = error
  }

  /// The file, the byte offset and the message, on one line.
  public var description: String {
    "\(path): " + (offset.map { "byte \($0): " } ?? "") + message
  }
}
