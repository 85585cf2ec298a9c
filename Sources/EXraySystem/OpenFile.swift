import CSystem

/// What a path names.
package enum FileKind: Int32, Sendable {
  case absent, file, folder
  /// A device or a pipe.
  case stream
  case other

  /// The kind of what is at a path.
  package static func at(_ path: String) throws(SystemError) -> FileKind {
    FileKind(rawValue: try SystemError.check(unsafe csystem_kind(path))) ?? .other
  }
}

/// An open file, closed when it is dropped.
package struct OpenFile: ~Copyable {
  private var descriptor: Int32

  /// Opens a file for reading.
  package init(reading path: String) throws(SystemError) {
    descriptor = try SystemError.check(unsafe csystem_open_read(path))
  }

  /// Opens a device or a pipe for writing.
  package init(writing path: String) throws(SystemError) {
    descriptor = try SystemError.check(unsafe csystem_open_write(path))
  }

  /// Creates a file that does not exist yet.
  package init(creating path: String) throws(SystemError) {
    descriptor = try SystemError.check(unsafe csystem_create(path))
  }

  deinit { if descriptor >= 0 { _ = csystem_close(descriptor) } }

  /// Bytes of a regular file; throws `EISDIR` for a folder and `EINVAL` for anything else.
  package var byteCount: Int64 {
    get throws(SystemError) { try SystemError.check(csystem_file_size(descriptor)) }
  }

  /// Writes a part of the bytes, at least one; returns how many.
  package func write(_ bytes: RawSpan) throws(SystemError) -> Int {
    let count = unsafe bytes.withUnsafeBytes { buffer in
      unsafe csystem_write(descriptor, buffer.baseAddress, buffer.count)
    }
    return Int(try SystemError.check(count))
  }

  /// Cuts the file to its first bytes and goes on writing there.
  package func truncate(to byteCount: Int64) throws(SystemError) {
    _ = try SystemError.check(csystem_truncate(descriptor, byteCount))
  }

  /// Starts bringing bytes to the disk, or lets the memory go of those that are there; advice only.
  package func handOver(offset: Int64, byteCount: Int64) {
    csystem_hand_over(descriptor, offset, byteCount)
  }

  /// Closes the file; some systems report only now that bytes could not be written.
  package mutating func close() throws(SystemError) {
    let result = csystem_close(descriptor)
    descriptor = -1
    _ = try SystemError.check(result)
  }

  /// Renames a file, replacing one of the new name.
  package static func rename(_ from: String, to: String) throws(SystemError) {
    _ = try SystemError.check(unsafe csystem_rename(from, to))
  }

  /// Removes a file.
  package static func remove(_ path: String) throws(SystemError) {
    _ = try SystemError.check(unsafe csystem_remove(path))
  }

  /// Maps the first bytes for reading.
  package func map(byteCount: Int) throws(SystemError) -> MemoryMap {
    var error: Int32 = 0
    guard let start = unsafe csystem_map(descriptor, byteCount, &error) else {
      throw SystemError(number: error)
    }
    return unsafe MemoryMap(
      bytes: UnsafeMutableRawBufferPointer(
        start: UnsafeMutableRawPointer(mutating: start), count: byteCount))
  }
}

/// Memory that the operating system gave in whole pages, returned when it is dropped.
///
/// Sendable because a mapped file is only read, and writable memory is handed out as a pointer whose user
/// answers for it.
@safe
package struct MemoryMap: ~Copyable, @unchecked Sendable {
  private let buffer: UnsafeMutableRawBufferPointer

  fileprivate init(bytes: UnsafeMutableRawBufferPointer) { unsafe buffer = bytes }

  /// Reserves zeroed memory of this process alone, which takes room only where it is touched.
  package init(reserving byteCount: Int) throws(SystemError) {
    var error: Int32 = 0
    guard let start = unsafe csystem_reserve(max(1, byteCount), &error) else {
      throw SystemError(number: error)
    }
    unsafe buffer = UnsafeMutableRawBufferPointer(start: start, count: max(1, byteCount))
  }

  deinit {
    if let start = unsafe buffer.baseAddress { unsafe csystem_unmap(start, buffer.count) }
  }

  /// The memory; not to be written where it is a mapped file, nor used after this value is gone.
  package var pointer: UnsafeMutableRawBufferPointer { unsafe buffer }

  /// The bytes, valid as long as this value.
  package var bytes: RawSpan {
    @_lifetime(borrow self)
    get {
      let span = unsafe RawSpan(_unsafeBytes: UnsafeRawBufferPointer(buffer))
      return unsafe _overrideLifetime(span, borrowing: self)
    }
  }

  /// Tells that all of a mapped file will be read, so that its bytes come in by larger pieces.
  package func expectAll() {
    if let start = unsafe buffer.baseAddress { unsafe csystem_expect_all(start, buffer.count) }
  }

  /// Tells that a part will not be needed soon; of a mapped file the memory is let go, its bytes stay readable.
  package func forget(_ range: Range<Int>) {
    guard range.lowerBound >= 0, range.upperBound <= (unsafe buffer.count),
      let start = unsafe buffer.baseAddress
    else { return }
    unsafe csystem_forget(start + range.lowerBound, range.count)
  }
}
