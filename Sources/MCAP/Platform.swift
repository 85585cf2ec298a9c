// Every call of the C library is in this file.
#if canImport(Darwin)
  import Darwin
#elseif canImport(Android)
  import Android
#elseif canImport(Musl)
  import Musl
#elseif canImport(Glibc)
  import Glibc
#endif

/// The bytes of a whole file, mapped, or a copy of bytes in memory.
///
/// Sendable because the bytes are never written and stay until `deinit`. A mapping follows the file: where
/// another process cuts the file short while it is open here, the operating system ends this one (SIGBUS), so
/// files under way are to be replaced by renaming, as ``Writer`` does.
@safe
struct ByteSource: ~Copyable, @unchecked Sendable {
  private let start: UnsafeMutableRawPointer?
  private let isMapped: Bool
  let byteCount: Int

  /// Maps a regular file for reading.
  init(path: String) throws(MCAPError) {
    let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else {
      throw .system("cannot open", path, "check that the file exists and may be read")
    }
    defer { close(descriptor) }
    var status = stat()
    guard unsafe fstat(descriptor, &status) == 0 else {
      throw .system("cannot examine", path, "check that the file may be read")
    }
    guard status.st_mode & S_IFMT == S_IFREG else {
      throw MCAPError(
        .fileSystem, path: path,
        status.st_mode & S_IFMT == S_IFDIR
          ? "is a folder; name a file"
          : "not a regular file; copy what it delivers to a file and read that"
      )
    }
    guard let count = Int(exactly: status.st_size), count > 0 else {
      unsafe start = nil
      byteCount = 0
      isMapped = false
      return
    }
    let mapping = unsafe mmap(nil, count, PROT_READ, MAP_SHARED, descriptor, 0)
    guard let mapping = unsafe mapping, unsafe mapping != MAP_FAILED else {
      throw .system("cannot map \(count) bytes of", path, "free memory or address space")
    }
    unsafe start = mapping
    byteCount = count
    isMapped = true
  }

  /// Copies bytes.
  init(copying bytes: RawSpan) {
    byteCount = bytes.byteCount
    isMapped = false
    if bytes.byteCount == 0 {
      unsafe start = nil
    } else {
      let copy = UnsafeMutableRawPointer.allocate(byteCount: bytes.byteCount, alignment: 16)
      unsafe bytes.withUnsafeBytes { source in
        if let base = source.baseAddress {
          unsafe copy.copyMemory(from: base, byteCount: source.count)
        }
      }
      unsafe start = copy
    }
  }

  deinit {
    guard let start = unsafe start else { return }
    if isMapped {
      unsafe munmap(start, byteCount)
    } else {
      unsafe start.deallocate()
    }
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
      let buffer = unsafe UnsafeRawBufferPointer(start: start, count: byteCount)
      return unsafe _overrideLifetime(buffer.bytes, borrowing: self)
    }
  }
}

/// A file being written under a temporary name, which takes its own name when it is committed.
///
/// Dropped without ``commit()``, the temporary file is removed. A path that names a device or a pipe is
/// written straight.
struct OutputFile: ~Copyable {
  let path: String
  /// Bytes written so far: the offset of the next one.
  private(set) var byteCount: UInt64 = 0
  /// The checksum of all bytes so far, where one is kept.
  var checksum: CRC32?
  private var descriptor: CInt
  private let temporaryPath: String?
  private var isCommitted = false
  /// Bytes that the operating system has been asked to bring to the disk.
  private var handedOver: UInt64 = 0

  /// Bytes that are brought to the disk in one go.
  private static let window: UInt64 = 16 << 20
  /// Windows after which the bytes are on the disk, as a rule, and their memory can serve the next ones.
  private static let lag: UInt64 = 2

  init(path: String) throws(MCAPError) {
    let opened = try Self.create(path)
    self.path = path
    descriptor = opened.descriptor
    temporaryPath = opened.temporaryPath
  }

  private static func create(
    _ path: String
  ) throws(MCAPError) -> (descriptor: CInt, temporaryPath: String?) {
    var status = stat()
    let exists = unsafe stat(path, &status) == 0
    let kind = status.st_mode & S_IFMT
    if exists, kind == S_IFDIR {
      throw MCAPError(.fileSystem, path: path, "is a folder; give the name of a file")
    }
    var name: String?
    var descriptor: CInt = -1
    if exists, kind == S_IFCHR || kind == S_IFIFO {
      descriptor = unsafe open(path, O_WRONLY | O_CLOEXEC)
    } else {
      // A name that is as long as names may be has no room for more.
      let last = path.split(separator: "/", omittingEmptySubsequences: false).last ?? ""
      let stem = last.utf8.count > 200 ? path.dropLast(last.count) + "exray" : path[...]
      for attempt in 0..<1000 {
        let temporary = "\(stem).\(getpid())-\(attempt).partial"
        name = temporary
        descriptor = unsafe open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o666)
        if descriptor >= 0 || errno != EEXIST { break }
      }
    }
    guard descriptor >= 0 else {
      throw .system("cannot create", path, "check that the folder exists and may be written")
    }
    return (descriptor, name)
  }

  deinit {
    if descriptor >= 0 { close(descriptor) }
    if !isCommitted, let temporaryPath { unsafe unlink(temporaryPath) }
  }

  /// Appends bytes.
  mutating func write(_ bytes: RawSpan) throws(MCAPError) {
    checksum?.update(bytes)
    var done = 0
    let total = bytes.byteCount
    while done < total {
      let count = unsafe bytes.withUnsafeBytes { buffer -> Int in
        guard let base = buffer.baseAddress else { return 0 }
        #if canImport(Darwin)
          return unsafe Darwin.write(descriptor, base + done, min(total - done, 1 << 30))
        #elseif canImport(Android)
          return unsafe Android.write(descriptor, base + done, min(total - done, 1 << 30))
        #elseif canImport(Musl)
          return unsafe Musl.write(descriptor, base + done, min(total - done, 1 << 30))
        #else
          return unsafe Glibc.write(descriptor, base + done, min(total - done, 1 << 30))
        #endif
      }
      if count < 0 {
        if errno == EINTR { continue }
        var error = MCAPError.system(
          "cannot write \(total - done) bytes to", path, "free space on the disk and write again")
        error.offset = byteCount
        throw error
      }
      done += count
      byteCount += UInt64(count)
      while byteCount - handedOver >= Self.window { handOverWindow() }
    }
  }

  /// Starts bringing the next window to the disk and lets the memory of an earlier one go.
  ///
  /// A long trace would otherwise fill all free memory before the system starts to write it, and memory that
  /// was never used before is several times slower than memory used again. Never waits for the disk; what a
  /// file system makes of the advice is its own affair.
  private mutating func handOverWindow() {
    #if !canImport(Darwin)
      // For bytes that are not on the disk yet, this advice starts writing them; the others it lets go.
      if temporaryPath != nil {
        let length = off_t(Self.window)
        _ = posix_fadvise(descriptor, off_t(handedOver), length, POSIX_FADV_DONTNEED)
        let distance = Self.lag * Self.window
        if handedOver >= distance {
          _ = posix_fadvise(
            descriptor, off_t(handedOver - distance), length, POSIX_FADV_DONTNEED)
        }
      }
    #endif
    handedOver += Self.window
  }

  /// Closes the file and gives it its own name, replacing a file of that name.
  mutating func commit() throws(MCAPError) {
    let closed = close(descriptor)
    descriptor = -1
    guard closed == 0 else {
      throw .system("cannot finish", path, "free space on the disk and write again")
    }
    if let temporaryPath {
      guard unsafe rename(temporaryPath, path) == 0 else {
        throw .system(
          "cannot rename \(temporaryPath) to", path, "check that the folder may be written")
      }
    }
    isCommitted = true
  }
}

extension MCAPError {
  /// The operating system's own words for its last failure.
  fileprivate static func system(_ action: String, _ path: String, _ advice: String) -> MCAPError {
    let number = errno
    let words = unsafe strerror(number).map { unsafe String(cString: $0) } ?? "error \(number)"
    return MCAPError(
      .fileSystem, path: path, "\(action) this file: \(words) (errno \(number)); \(advice)")
  }
}
