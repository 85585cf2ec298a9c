import EXraySystem

/// A text file in memory that the operating system takes back when it needs it.
///
/// The file must not be cut short while it is read; the operating system would end the process.
struct MappedText: ~Copyable {
  private let map: MemoryMap
  private let byteCount: Int

  /// Opens a file.
  init(path: String) throws(ExchangeError) {
    do throws(SystemError) {
      try self.init(OpenFile(reading: path))
    } catch {
      throw ExchangeError(
        .unreadable, path: path, "cannot be read: \(error); check the path and its permissions")
    }
  }

  private init(_ file: borrowing OpenFile) throws(SystemError) {
    let byteCount = Int(try file.byteCount)
    map = byteCount == 0 ? try MemoryMap(reserving: 1) : try file.map(byteCount: byteCount)
    self.byteCount = byteCount
  }

  /// Calls `body` with the file's bytes.
  func withText<Result, Failure: Error>(
    _ body: (Span<UInt8>) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    let bytes = map.bytes.extracting(0..<byteCount)
    return try body(Span<UInt8>(_bytes: bytes))
  }
}
