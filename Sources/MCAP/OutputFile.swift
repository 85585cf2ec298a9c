import EXraySystem

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
  private var file: OpenFile
  private let temporaryPath: String?
  private var isCommitted = false
  /// Bytes that the operating system has been asked to bring to the disk.
  private var handedOver: UInt64 = 0

  /// Bytes that are brought to the disk in one go.
  private static let window: UInt64 = 16 << 20
  /// Windows after which the bytes are on the disk, as a rule, and their memory can serve the next ones.
  private static let lag: UInt64 = 2
  /// `EEXIST`, which all POSIX systems number alike.
  private static let exists: Int32 = 17

  init(path: String) throws(MCAPError) {
    guard path.utf8.contains(where: { $0 != 0x2F }), !path.utf8.contains(0) else {
      throw MCAPError(.invalidArgument, path: path, "is no name of a file; give one")
    }
    // What cannot be examined cannot be created either, which then says why.
    let kind = (try? FileKind.at(path)) ?? .absent
    guard kind != .folder else {
      throw MCAPError(.fileSystem, path: path, "is a folder; give the name of a file")
    }
    var name: String?
    do {
      file = try kind == .stream ? OpenFile(writing: path) : Self.create(besides: path, &name)
    } catch {
      throw .system(
        "cannot create", path, error, "check that the folder exists and may be written")
    }
    temporaryPath = name
    self.path = path
  }

  private static func create(
    besides path: String, _ name: inout String?
  ) throws(SystemError) -> OpenFile {
    var attempt = 0
    while true {
      let temporary = temporaryName(of: path, attempt)
      name = temporary
      do {
        return try OpenFile(creating: temporary)
      } catch {
        attempt += 1
        guard error.number == Self.exists, attempt < 1000 else { throw error }
      }
    }
  }

  private static func temporaryName(of path: String, _ attempt: Int) -> String {
    // A name that is as long as names may be has no room for more.
    let last = path.split(separator: "/", omittingEmptySubsequences: false).last ?? ""
    let stem = last.utf8.count > 200 ? path.dropLast(last.count) + "exray" : path[...]
    return "\(stem).\(ProcessUsage.processID)-\(attempt).partial"
  }

  deinit {
    if !isCommitted, let temporaryPath { try? OpenFile.remove(temporaryPath) }
  }

  /// Appends bytes.
  mutating func write(_ bytes: RawSpan) throws(MCAPError) {
    checksum?.update(bytes)
    var done = 0
    let total = bytes.byteCount
    while done < total {
      do {
        done += try file.write(bytes.extracting(done..<total))
      } catch {
        var failure = MCAPError.system(
          "cannot write \(total - done) bytes to", path, error,
          "free space on the disk and write again")
        byteCount += UInt64(done)
        failure.offset = byteCount
        throw failure
      }
    }
    byteCount += UInt64(total)
    while byteCount - handedOver >= Self.window { handOverWindow() }
  }

  /// Starts bringing the next window to the disk and lets the memory of an earlier one go.
  ///
  /// A long trace would otherwise fill all free memory before the system starts to write it, and memory that
  /// was never used before is several times slower than memory used again. Never waits for the disk; what a
  /// file system makes of the advice is its own affair.
  private mutating func handOverWindow() {
    // For bytes that are not on the disk yet, this advice starts writing them; the others it lets go.
    if temporaryPath != nil {
      let length = Int64(Self.window)
      file.handOver(offset: Int64(handedOver), byteCount: length)
      let distance = Self.lag * Self.window
      if handedOver >= distance {
        file.handOver(offset: Int64(handedOver - distance), byteCount: length)
      }
    }
    handedOver += Self.window
  }

  /// Cuts the file to its first bytes and goes on writing there.
  ///
  /// - Returns: Whether that was possible; what a device or a pipe took is gone.
  mutating func cut(to count: UInt64, checksum: CRC32?) -> Bool {
    guard temporaryPath != nil, let length = Int64(exactly: count),
      (try? file.truncate(to: length)) != nil
    else { return false }
    byteCount = count
    handedOver = min(handedOver, count)
    self.checksum = checksum
    return true
  }

  /// Closes the file and gives it its own name, replacing a file of that name.
  mutating func commit() throws(MCAPError) {
    do {
      try file.close()
    } catch {
      throw .system("cannot finish", path, error, "free space on the disk and write again")
    }
    if let temporaryPath {
      do {
        try OpenFile.rename(temporaryPath, to: path)
      } catch {
        throw .system(
          "cannot rename \(temporaryPath) to", path, error, "check that the folder may be written")
      }
    }
    isCommitted = true
  }

  /// Gives the file its own name whatever is in it; where that cannot be, leaves it under its temporary one.
  mutating func commitAsIs() {
    try? file.close()
    if let temporaryPath { try? OpenFile.rename(temporaryPath, to: path) }
    isCommitted = true
  }
}

extension MCAPError {
  /// The operating system's own words; an error of this module passes through.
  static func system(
    _ action: String, _ path: String, _ error: any Error, _ advice: String
  ) -> MCAPError {
    (error as? MCAPError)
      ?? MCAPError(.fileSystem, path: path, "\(action) this file: \(error); \(advice)")
  }
}
