import EXrayCore
import EXrayJSON
import EXrayPreprocess
import Foundation

/// A capsule that somebody sent: every file is held against its digest before anything is made of it.
struct CapsuleReader {
  /// The most bytes that a capsule may have in all.
  private static let byteLimit = 1 << 30
  private static let manifestLimit = 1 << 20

  let manifest: CapsuleManifest
  private let folder: String
  private var contents: [String: [UInt8]] = [:]

  init(_ folder: String) throws {
    self.folder = folder
    let place = "\(folder)/\(CapsuleFolder.manifestName)"
    let bytes = try FileAccess.bytes(place, limit: Self.manifestLimit)
    do {
      _ = try JSONTree(parsing: bytes)
      manifest = try JSONDecoder().decode(CapsuleManifest.self, from: Data(bytes))
    } catch let error as JSONError {
      throw PipelineError(.unreadable, "\(place): \(error)")
    } catch let error as DecodingError {
      throw PipelineError(.unreadable, "\(place): \(error.place); make the capsule again")
    }
    try checkManifest()
    let arrays = manifest.inputs + [manifest.outputs.reference]
    let needed = Set(arrays.map(\.file) + ["candidate.tflite"])
    for name in needed.sorted() where manifest.files[name] == nil {
      throw unreadable("has no digest of \(Self.shown(name)); make the capsule again")
    }
    var left = Self.byteLimit
    for (name, digest) in manifest.files.sorted(by: { $0.key < $1.key }) {
      guard Self.isKnown(name) else {
        throw unreadable("names \(Self.shown(name)), which no capsule has; make the capsule again")
      }
      let bytes = try FileAccess.bytes(path(name), limit: left)
      left -= bytes.count
      guard unsafe SHA256.hexadecimal(of: bytes.span.bytes) == digest else {
        throw PipelineError(
          .unreadable,
          "\(path(name)): is not the file that capsule.json describes (SHA-256); get the capsule again"
        )
      }
      if needed.contains(name) { contents[name] = bytes }
    }
  }

  func path(_ name: String) -> String { "\(folder)/\(name)" }

  func bytes(_ name: String) -> [UInt8] { contents[name] ?? [] }

  func unreadable(_ what: String) -> PipelineError {
    PipelineError(.unreadable, "\(path(CapsuleFolder.manifestName)): \(what)")
  }

  /// The packed values of an array, by frame.
  func frames(_ array: CapsuleManifest.StoredArray) throws -> [[UInt8]] {
    let file = try NPYFile(bytes: bytes(array.file), file: path(array.file))
    guard file.elementType == array.elementType,
      file.shape.dimensions == [manifest.frames] + array.shape
    else {
      throw PipelineError(
        .unreadable,
        "\(path(array.file)): holds \(file.elementType.rawValue) \(file.shape) instead of \(array.elementType.rawValue) \(Shape([manifest.frames] + array.shape)); make the capsule again"
      )
    }
    return try (0..<manifest.frames).map { try file.sampleBytes($0) }
  }

  private func checkManifest() throws {
    guard manifest.schemaVersion == CapsuleManifest.newestSchema else {
      throw unreadable("has schema \(manifest.schemaVersion), this version reads 1; update exray")
    }
    guard (1...1000).contains(manifest.frames), (1...256).contains(manifest.candidate.threads),
      manifest.inputs.count <= 1000, manifest.files.count <= 4000,
      manifest.tolerance.isFinite, manifest.tolerance >= 0
    else {
      throw unreadable("has numbers that no capsule has; make the capsule again")
    }
    for array in manifest.inputs + [manifest.outputs.reference] {
      guard array.shape.allSatisfy({ $0 > 0 }),
        Shape([manifest.frames] + array.shape).byteCount(of: array.elementType) != nil,
        array.scale.map({ $0.isFinite && $0 > 0 }) ?? true
      else {
        throw unreadable("describes an array that cannot be; make the capsule again")
      }
    }
  }

  /// Whether a capsule may have a file of this path.
  private static func isKnown(_ name: String) -> Bool {
    let fixed = [
      "candidate.tflite", "reference.tflite", "README.md", "repro.py", "outputs/candidate.npy",
      "outputs/reference.npy",
    ]
    if fixed.contains(name) { return true }
    return name.wholeMatch(of: /(?:reference_)?inputs\/[0-9]{1,4}\.npy/) != nil
  }

  private static func shown(_ name: String) -> String { "'\(name.prefix(60))'" }
}
