import Foundation

/// The kinds of raw files whose preprocessing can be identified.
///
/// A new kind is a case here, with its words, and a type that does the work in a file of its own,
/// `Identify….swift`.
enum RawKind: CaseIterable {
  case picture
  case sound
  case text

  /// What does the work for this kind.
  func identifier(_ request: IdentifyRequest) throws -> any Identifier {
    switch self {
    case .picture: try IdentifyPictures(request)
    case .sound: try IdentifySounds(request)
    case .text: try IdentifyTexts(request)
    }
  }

  /// What follows the last dot of such files, in lower case.
  var fileExtensions: Set<String> {
    switch self {
    case .picture: ["jpg", "jpeg", "png"]
    case .sound: ["wav", "wave"]
    case .text: ["txt"]
    }
  }

  /// One of them, for messages.
  var noun: String {
    switch self {
    case .picture: "picture"
    case .sound: "sound"
    case .text: "sentence"
    }
  }

  /// The shapes of arrays that hold one input a raw file, for messages.
  var arrayShapes: String {
    switch self {
    case .picture: "[N, H, W, C] or [N, C, H, W]"
    case .sound: "[N, frames, features]"
    case .text: "[N, tokens]"
    }
  }

  /// The kind of some paths, by the files' names; what has no known name is a picture.
  ///
  /// - Throws: ``PipelineError`` `.unsuitableInput` where they are of several kinds.
  init(of paths: [String]) throws(PipelineError) {
    var first: (kind: RawKind, path: String)?
    for path in paths {
      let kind = Self.kind(of: path)
      if let first, first.kind != kind {
        let name = URL(filePath: first.path).lastPathComponent
        throw PipelineError(
          .unsuitableInput,
          "\(path): is a \(kind.noun), \(name) a \(first.kind.noun); give raw files of one kind")
      }
      first = first ?? (kind, path)
    }
    self = first?.kind ?? .picture
  }

  private static func kind(of path: String) -> RawKind {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: path)) ?? [path]
    // In a folder, the first kind that has files there counts: photos may lie beside a note.
    return allCases.first { kind in !kind.names(names).isEmpty } ?? .picture
  }

  /// The files of this kind among some paths; hidden ones are left out.
  private func names(_ paths: [String]) -> [String] {
    paths.filter {
      let url = URL(filePath: $0)
      return fileExtensions.contains(url.pathExtension.lowercased())
        && !url.lastPathComponent.hasPrefix(".")
    }
  }

  /// The files of this kind that paths name: files as they are given, folders in the order of their names.
  ///
  /// - Throws: ``PipelineError`` where a path is missing or a folder has none.
  func files(_ paths: [String]) throws(PipelineError) -> [String] {
    var files: [String] = []
    for path in paths {
      var isFolder: ObjCBool = false
      guard unsafe FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) else {
        throw PipelineError(.unreadable, "\(path): no such file or folder; check --raw")
      }
      guard isFolder.boolValue else {
        files.append(path)
        continue
      }
      let all = (try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []
      let names = names(all).sorted()
      guard !names.isEmpty else {
        throw PipelineError(.unsuitableInput, "\(path): no \(noun) in this folder; check --raw")
      }
      files += names.map { path.hasSuffix("/") ? path + $0 : "\(path)/\($0)" }
    }
    return files
  }
}
