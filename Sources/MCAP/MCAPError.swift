/// A file that cannot be read or written as MCAP.
public struct MCAPError: Error, Sendable, Hashable, CustomStringConvertible {
  /// What kind of failure; more may be added.
  public struct Code: Sendable, Hashable, CustomStringConvertible {
    /// The code as reports spell it.
    public let description: String

    private init(_ description: String) { self.description = description }

    /// The file does not begin as MCAP files do.
    public static var notMCAP: Self { .init("not-mcap") }
    /// The file ends inside a record.
    public static var truncated: Self { .init("truncated") }
    /// A record's fields contradict its length, the specification or another record.
    public static var malformedRecord: Self { .init("malformed-record") }
    /// Bytes do not have the checksum that the file states.
    public static var checksumMismatch: Self { .init("checksum-mismatch") }
    /// An index entry points at something else than it says.
    public static var invalidIndex: Self { .init("invalid-index") }
    /// A chunk is compressed in a way that this library does not read.
    public static var unsupportedCompression: Self { .init("unsupported-compression") }
    /// The operating system refused to open, map, write or rename a file.
    public static var fileSystem: Self { .init("file-system") }
    /// A caller passed an unknown channel, a message position out of range or an oversized value.
    public static var invalidArgument: Self { .init("invalid-argument") }
  }

  /// What kind of failure.
  public var code: Code
  /// The file, as the caller named it; nil until the reader or writer that knows it passes the error on.
  public var path: String?
  /// Where in the file, in bytes from its start; nil where no place is at fault.
  public var offset: UInt64?
  /// What happened and what to do.
  public var message: String

  /// Creates an error.
  public init(_ code: Code, path: String? = nil, at offset: UInt64? = nil, _ message: String) {
    self.code = code
    self.path = path
    self.offset = offset
    self.message = message
  }

  init(_ code: Code, at offset: Int, _ message: String) {
    self.init(code, at: UInt64(clamping: offset), message)
  }

  /// The file, the byte offset and the message, on one line.
  public var description: String {
    let file = path.map { "\($0): " } ?? ""
    let place = offset.map { "byte \($0): " } ?? ""
    return file + place + message
  }

  /// The same error with the file's name filled in.
  func inFile(_ path: String) -> MCAPError {
    var copy = self
    copy.path = copy.path ?? path
    return copy
  }
}
