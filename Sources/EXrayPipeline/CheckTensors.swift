import EXrayCore
import EXrayValidation
import Foundation

/// Writes values of compared tensors to `.npy` files in a temporary folder, for checks that ask for them.
///
/// The folder goes when the object does.
final class CheckTensors {
  /// The files, complete when every frame has been added.
  private(set) var files: [CustomCheck.TensorFile] = []
  /// Tensors without a file, because there would be too many bytes or too many files.
  private(set) var omitted = 0

  private struct Target {
    var description: TensorDescription
    var path: String
    var elementCount: Int
  }

  /// The files of each pair, by the candidate's and the reference's position; nil for pairs without.
  private var targets: [[Int]: [Target]] = [:]
  private let folder: URL
  private var failure: String?

  /// All files together hold at most this many bytes.
  static let byteLimit = 2 << 30
  /// There are at most this many files.
  static let fileLimit = 1024

  /// Makes an empty file for each tensor.
  ///
  /// - Throws: ``PipelineError`` `.unwritable` where the temporary folder cannot be written.
  init(
    roles: Set<RunComparison.Tensor.Role>, of collector: EvidenceCollector
  ) throws(PipelineError) {
    do {
      folder = try CheckLeftovers.makeFolder()
    } catch {
      throw Self.unwritable(FileManager.default.temporaryDirectory, error.localizedDescription)
    }
    var left = Self.byteLimit
    do {
      for (number, pair) in collector.comparison.pairs.enumerated() {
        let sides = collector.tensors(of: pair)
        guard roles.contains(sides.candidate.role) else { continue }
        let count = sides.candidate.description.shape.elementCount ?? 0
        let size = (4 * count).multipliedReportingOverflow(by: 2 * collector.frameCount)
        guard !size.overflow, size.partialValue <= left, files.count + 2 <= Self.fileLimit else {
          omitted += 2
          continue
        }
        left -= size.partialValue
        for (side, tensor) in [("candidate", sides.candidate), ("reference", sides.reference)] {
          let path = folder.appending(path: "\(number)-\(side).npy").path
          let shape = [collector.frameCount] + tensor.description.shape.dimensions
          try Self.header(shape).write(to: URL(filePath: path))
          files.append(Self.entry(side, tensor, path))
          targets[[pair.candidate, pair.reference], default: []].append(
            Target(description: tensor.description, path: path, elementCount: count))
        }
      }
    } catch {
      throw Self.unwritable(folder, error.localizedDescription)
    }
  }

  deinit { CheckLeftovers.remove(folder) }

  private static func unwritable(_ folder: URL, _ words: String) -> PipelineError {
    PipelineError(
      .unwritable,
      "\(folder.path): values for a check cannot be written: \(words); set TMPDIR to a folder with room"
    )
  }

  /// Appends one frame's values of a pair.
  func add(_ pair: RunComparison.Pair, candidate: RawSpan, reference: RawSpan) {
    guard failure == nil, let targets = targets[[pair.candidate, pair.reference]],
      targets.count == 2
    else { return }
    append(targets[0], targets[0].description.realValues(in: candidate))
    append(targets[1], targets[1].description.realValues(in: reference))
  }

  /// Ends a frame.
  ///
  /// - Throws: ``PipelineError`` `.unwritable` where values could not be written.
  func endFrame() throws(PipelineError) {
    guard let failure else { return }
    throw Self.unwritable(folder, failure)
  }

  private func append(_ target: Target, _ values: [Float]?) {
    // Every frame has its place, also one whose values cannot be read.
    let values = values ?? [Float](repeating: .nan, count: target.elementCount)
    let data = unsafe values.withUnsafeBytes { unsafe Data($0) }
    do {
      let handle = try FileHandle(forWritingTo: URL(filePath: target.path))
      defer { try? handle.close() }
      try handle.seekToEnd()
      try handle.write(contentsOf: data)
    } catch {
      failure = error.localizedDescription
    }
  }

  private static func entry(
    _ side: String, _ tensor: RunComparison.Tensor, _ path: String
  ) -> CustomCheck.TensorFile {
    let role =
      switch tensor.role {
      case .input: "input"
      case .layer: "layer"
      case .output: "output"
      }
    return CustomCheck.TensorFile(
      side: side, role: role, name: tensor.description.name, op: tensor.op,
      elementType: tensor.description.elementType, shape: tensor.description.shape, path: path)
  }

  /// The header of a NumPy array of float32 (format 1.0), padded to a multiple of 64 bytes.
  private static func header(_ shape: [Int]) -> Data {
    let extents = shape.map { "\($0)," }.joined(separator: " ")
    var text = "{'descr': '<f4', 'fortran_order': False, 'shape': (\(extents)), }"
    text += String(repeating: " ", count: 63 - (10 + text.utf8.count) % 64) + "\n"
    let count = text.utf8.count
    return Data([0x93] + Array("NUMPY".utf8) + [1, 0, UInt8(count & 255), UInt8(count >> 8 & 255)])
      + Data(text.utf8)
  }
}
