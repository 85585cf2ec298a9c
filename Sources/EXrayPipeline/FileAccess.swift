import Foundation

/// Reads and writes whole files, with errors that name the file.
public enum FileAccess {
  /// Files larger than this are refused rather than read whole.
  static let largestFile = 2 << 30

  /// The bytes of a file.
  ///
  /// - Throws: ``PipelineError`` `.unreadable` with the system's words, also for folders and for files over 2 GiB.
  public static func bytes(_ path: String) throws(PipelineError) -> [UInt8] {
    var isFolder: ObjCBool = false
    guard unsafe FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) else {
      throw PipelineError(.unreadable, "\(path): no such file; check the path")
    }
    if isFolder.boolValue {
      throw PipelineError(.unreadable, "\(path): is a folder; name a file")
    }
    let attributes = try? FileManager.default.attributesOfItem(atPath: path)
    if let size = attributes?[.size] as? Int, size > largestFile {
      throw PipelineError(
        .unreadable, "\(path): \(size) bytes is more than the 2 GiB that are read at once")
    }
    guard
      attributes?[.type] as? FileAttributeType == .typeRegular
        || attributes?[.type] as? FileAttributeType == .typeSymbolicLink
    else { throw PipelineError(.unreadable, "\(path): is not a regular file; name a file") }
    do {
      return [UInt8](try Data(contentsOf: URL(filePath: path)))
    } catch {
      throw PipelineError(.unreadable, "\(path): cannot be read; check its permissions")
    }
  }

  /// Whether a file begins as an MCAP container does.
  public static func isTrace(_ path: String) throws(PipelineError) -> Bool {
    guard let handle = FileHandle(forReadingAtPath: path) else {
      throw PipelineError(.unreadable, "\(path): no such file, or not readable; check the path")
    }
    defer { try? handle.close() }
    return (try? handle.read(upToCount: 5)).map { $0.elementsEqual([0x89] + Array("MCAP".utf8)) }
      ?? false
  }

  /// Writes a file under a temporary name and renames it, so that no half-written file is ever seen.
  public static func write(_ text: String, to path: String) throws(PipelineError) {
    do {
      try Data(text.utf8).write(to: URL(filePath: path), options: .atomic)
    } catch {
      throw PipelineError(
        .unwritable, "\(path): cannot be written; check that the folder exists and has room")
    }
  }

  /// Creates a folder and those above it.
  public static func makeFolder(_ path: String) throws(PipelineError) {
    do {
      try FileManager.default.createDirectory(
        atPath: path, withIntermediateDirectories: true, attributes: nil)
    } catch {
      throw PipelineError(
        .unwritable, "\(path): the folder cannot be made; check the path and its permissions")
    }
  }
}
