import Foundation

/// Reads and writes whole files, with errors that name the file.
public enum FileAccess {
  /// Files larger than this are refused rather than read whole.
  static let largestFile = 2 << 30

  /// The bytes of a file.
  ///
  /// - Throws: ``PipelineError`` `.unreadable` with the system's words, also for folders, devices and pipes, and for
  ///   files over 2 GiB.
  ///
  /// - Parameter limit: The most bytes that are read; nil for 2 GiB.
  public static func bytes(_ path: String, limit: Int? = nil) throws(PipelineError) -> [UInt8] {
    let (descriptor, size) = try openForReading(path)
    defer { close(descriptor) }
    guard size <= limit ?? largestFile else {
      let most = limit.map { "\($0) bytes" } ?? "2 GiB"
      throw PipelineError(
        .unreadable,
        "\(shown(path)): \(size) bytes is more than the \(most) that are read at once; give a smaller file"
      )
    }
    var failure: Int32 = 0
    let bytes = unsafe [UInt8](unsafeUninitializedCapacity: size) { target, count in
      while count < size, let start = target.baseAddress {
        let step = unsafe read(descriptor, start + count, size - count)
        if step < 0, errno == EINTR { continue }
        if step < 0 { failure = errno }
        if step <= 0 { break }
        count += step
      }
    }
    guard failure == 0 else {
      throw PipelineError(
        .unreadable, "\(shown(path)): cannot be read: \(words(failure)); check the disk")
    }
    return bytes
  }

  /// Whether a file begins as an MCAP container does.
  public static func isTrace(_ path: String) throws(PipelineError) -> Bool {
    let (descriptor, _) = try openForReading(path)
    defer { close(descriptor) }
    var start = [UInt8](repeating: 0, count: 5)
    let count = unsafe start.withUnsafeMutableBytes {
      unsafe read(descriptor, $0.baseAddress, $0.count)
    }
    return count == 5 && start == [0x89] + Array("MCAP".utf8)
  }

  private static func openForReading(
    _ path: String
  ) throws(PipelineError) -> (descriptor: Int32, size: Int) {
    // Without O_NONBLOCK, opening a pipe would wait for a writer.
    let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard descriptor >= 0 else {
      let number = errno
      throw PipelineError(
        .unreadable,
        number == ENOENT || number == ENOTDIR
          ? "\(shown(path)): no such file; check the path"
          : "\(shown(path)): cannot be opened: \(words(number)); check the path and its permissions"
      )
    }
    var status = stat()
    let isKnown = unsafe fstat(descriptor, &status) == 0
    let kind = status.st_mode & S_IFMT
    guard isKnown, kind == S_IFREG else {
      close(descriptor)
      throw PipelineError(
        .unreadable,
        "\(shown(path)): is \(kind == S_IFDIR ? "a folder" : "not a regular file"); name a file")
    }
    return (descriptor, Int(clamping: status.st_size))
  }

  // MARK: Writing

  /// Writes a file under a temporary name and renames it, so that no half-written file is ever seen.
  ///
  /// Devices and pipes are written straight.
  public static func write(_ text: String, to path: String) throws(PipelineError) {
    var status = stat()
    let exists = unsafe stat(path, &status) == 0
    let kind = status.st_mode & S_IFMT
    if exists, kind == S_IFDIR { throw folderInPlaceOfFile(path) }
    guard !exists || kind == S_IFREG else {
      let descriptor = unsafe open(path, O_WRONLY | O_CLOEXEC)
      guard descriptor >= 0 else { throw unwritable(path, errno) }
      try write(text, descriptor, path)
      return
    }
    let temporary = temporaryPath(path)
    let descriptor = unsafe open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o666)
    guard descriptor >= 0 else { throw unwritable(path, errno) }
    do throws(PipelineError) {
      try write(text, descriptor, path)
      guard unsafe rename(temporary, path) == 0 else { throw unwritable(path, errno) }
    } catch {
      unsafe unlink(temporary)
      throw error
    }
  }

  /// Writes all of a text and closes the file.
  private static func write(
    _ text: String, _ descriptor: Int32, _ path: String
  ) throws(PipelineError) {
    var rest = Array(text.utf8)[...]
    var failure: Int32 = 0
    while !rest.isEmpty, failure == 0 {
      let step = unsafe rest.withUnsafeBytes {
        unsafe Foundation.write(descriptor, $0.baseAddress, $0.count)
      }
      if step < 0 {
        if errno != EINTR { failure = errno }
      } else {
        rest = rest.dropFirst(step)
      }
    }
    if close(descriptor) != 0, failure == 0 { failure = errno }
    if failure != 0 { throw unwritable(path, failure) }
  }

  /// A name beside `path` that no other process uses; short enough where the file's own name is long.
  private static func temporaryPath(_ path: String) -> String {
    let name = path.split(separator: "/", omittingEmptySubsequences: false).last ?? ""
    let stem = name.utf8.count > 200 ? String(path.dropLast(name.count)) + "exray" : path
    return "\(stem).\(getpid())-json.partial"
  }

  /// Refuses a path that could not be written later, before the work is done.
  public static func checkWritable(_ path: String) throws(PipelineError) {
    var status = stat()
    if unsafe stat(path, &status) == 0 {
      switch status.st_mode & S_IFMT {
      case S_IFDIR: throw folderInPlaceOfFile(path)
      case S_IFREG: break
      default: return
      }
    }
    let folder = URL(filePath: path).deletingLastPathComponent().path
    guard unsafe access(folder, W_OK | X_OK) == 0 else { throw unwritable(path, errno) }
  }

  private static func folderInPlaceOfFile(_ path: String) -> PipelineError {
    PipelineError(.unwritable, "\(shown(path)): is a folder; give the name of a file")
  }

  private static func unwritable(_ path: String, _ number: Int32) -> PipelineError {
    let advice =
      switch number {
      case ENOENT, ENOTDIR: "make its folder first, or write elsewhere"
      case ENOSPC, EDQUOT: "free space on the disk, or write elsewhere"
      default: "check the path and its permissions, or write elsewhere"
      }
    return PipelineError(
      .unwritable, "\(shown(path)): cannot be written: \(words(number)); \(advice)")
  }

  // MARK: Folders

  /// Creates a folder and those above it.
  ///
  /// - Returns: The folders that were created, the innermost first, for ``removeEmpty(_:)``.
  @discardableResult
  public static func makeFolder(_ path: String) throws(PipelineError) -> [String] {
    var missing: [String] = []
    var folder = URL(filePath: path)
    var status = stat()
    while unsafe stat(folder.path, &status) != 0, errno == ENOENT, folder.path != "/" {
      missing.append(folder.path)
      folder.deleteLastPathComponent()
    }
    for folder in missing.reversed() where unsafe mkdir(folder, 0o777) != 0 && errno != EEXIST {
      let number = errno
      removeEmpty(missing)
      throw PipelineError(
        .unwritable,
        "\(shown(path)): the folder cannot be made: \(words(number)); check the path and its permissions"
      )
    }
    guard unsafe stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFDIR else {
      throw PipelineError(.unwritable, "\(shown(path)): is not a folder; name another one")
    }
    guard unsafe access(path, W_OK | X_OK) == 0 else { throw unwritable(path, errno) }
    return missing
  }

  /// Removes folders that were made for files that were then not written; those in use stay.
  public static func removeEmpty(_ folders: [String]) {
    for folder in folders { unsafe rmdir(folder) }
  }

  // MARK: Words

  /// A path as messages show it.
  private static func shown(_ path: String) -> String { path.isEmpty ? "''" : path }

  private static func words(_ number: Int32) -> String {
    unsafe strerror(number).map { unsafe String(cString: $0) } ?? "error \(number)"
  }
}
