import EXrayCore
import Foundation

/// The folder of a capsule that is to be written: whole or not at all.
struct CapsuleFolder {
  static let manifestName = "capsule.json"

  private let path: String

  /// Refuses a folder that could not be written later, before the work is done.
  init(_ path: String) throws(PipelineError) {
    var name = path
    while name.count > 1, name.hasSuffix("/") { name.removeLast() }
    guard !name.isEmpty, name != "/" else {
      throw PipelineError(.unwritable, "'\(path)': is no name for a capsule; name a new folder")
    }
    self.path = name
    var status = stat()
    if unsafe stat(name, &status) == 0 {
      guard status.st_mode & S_IFMT == S_IFDIR else {
        throw PipelineError(.unwritable, "\(path): is a file; name a new folder")
      }
      guard (try? FileManager.default.contentsOfDirectory(atPath: name).isEmpty) ?? false else {
        throw PipelineError(
          .unwritable, "\(path): is not empty, and nothing is written over; name a new folder")
      }
    }
    let parent = URL(filePath: name).deletingLastPathComponent().path
    guard unsafe access(parent, W_OK | X_OK) == 0 else {
      throw PipelineError(
        .unwritable,
        "\(path): cannot be made in \(parent); make that folder first, or write elsewhere")
    }
  }

  /// Writes all files beside the folder and renames what they are in.
  func write(_ contents: CapsuleContents) throws -> CapsuleManifest {
    let (files, manifest) = try contents.files()
    let temporary = URL(filePath: "\(path).\(getpid())-capsule.partial")
    do {
      try CheckLeftovers.makeFolder(temporary)
      for file in files {
        let place = temporary.appending(path: file.path)
        try FileManager.default.createDirectory(
          at: place.deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data(file.bytes).write(to: place)
      }
    } catch {
      CheckLeftovers.remove(temporary)
      throw PipelineError(
        .unwritable,
        "\(path): cannot be written: \(error.localizedDescription); free space, or write elsewhere")
    }
    guard unsafe rename(temporary.path, path) == 0 else {
      let reason = unsafe String(cString: strerror(errno))
      CheckLeftovers.remove(temporary)
      throw PipelineError(
        .unwritable, "\(path): cannot be made: \(reason); name a new folder")
    }
    CheckLeftovers.forget(temporary)
    return manifest
  }
}
