import EXraySystem

/// The bytes of a whole file, mapped, or a copy of bytes in memory.
///
/// A mapping follows the file: where another process cuts the file short while it is open here, the operating
/// system ends this one (SIGBUS), so files under way are to be replaced by renaming, as ``Writer`` does.
struct ByteSource: ~Copyable, Sendable {
  private let map: MemoryMap
  private let isFile: Bool
  let byteCount: Int

  /// Maps a regular file for reading.
  ///
  /// - Parameter expectsAll: Whether all of it will be read, so that its bytes had better come in by large pieces.
  init(path: String, expectsAll: Bool) throws(MCAPError) {
    let file = try Self.open(path)
    let count = try Self.byteCount(of: file, path)
    let mapped = try Self.map("map", path) { () throws(SystemError) in
      count > 0 ? try file.map(byteCount: count) : try MemoryMap(reserving: 1)
    }
    if expectsAll { mapped.expectAll() }
    map = mapped
    isFile = count > 0
    byteCount = count
  }

  private static func byteCount(
    of file: borrowing OpenFile, _ path: String
  ) throws(MCAPError) -> Int {
    do {
      return Int(clamping: try file.byteCount)
    } catch {
      throw .system("cannot examine", path, error, "check that the file may be read")
    }
  }

  private static func map(
    _ action: String, _ path: String, _ body: () throws(SystemError) -> MemoryMap
  ) throws(MCAPError) -> MemoryMap {
    do {
      return try body()
    } catch {
      throw .system("cannot \(action)", path, error, "free memory or address space")
    }
  }

  private static func open(_ path: String) throws(MCAPError) -> OpenFile {
    do {
      switch try FileKind.at(path) {
      case .folder: throw MCAPError(.fileSystem, path: path, "is a folder; name a file")
      case .stream, .other:
        throw MCAPError(
          .fileSystem, path: path,
          "not a regular file; copy what it delivers to a file and read that")
      case .absent, .file: return try OpenFile(reading: path)
      }
    } catch {
      throw .system("cannot open", path, error, "check that the file exists and may be read")
    }
  }

  /// Copies bytes.
  init(copying bytes: RawSpan, name: String) throws(MCAPError) {
    let copy = try Self.map("copy", name) { () throws(SystemError) in
      try MemoryMap(reserving: bytes.byteCount)
    }
    unsafe bytes.withUnsafeBytes { unsafe copy.pointer.copyMemory(from: $0) }
    map = copy
    isFile = false
    byteCount = bytes.byteCount
  }

  /// Calls `body` with all bytes; for owners whose own lifetime the compiler does not follow.
  func withBytes<Result, Failure: Error>(
    _ body: (RawSpan) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    try body(bytes)
  }

  /// All bytes, valid as long as this value.
  var bytes: RawSpan {
    @_lifetime(borrow self)
    get {
      map.bytes.extracting(first: byteCount)
    }
  }

  /// Lets the memory of mapped bytes go that are not needed soon; they stay readable.
  func forget(_ range: Range<Int>) {
    // Memory that is no file's would lose its bytes.
    if isFile { map.forget(range) }
  }

  /// Lets memory go behind a pass over the file, in steps that are worth the call.
  func forget(_ start: inout Int, upTo end: Int) {
    guard end - start >= 1 << 20 else { return }
    forget(start..<end)
    start = end
  }
}
