import EXrayCore
import EXrayPreprocess
import Foundation

/// The arrays that hold one model input a raw file.
struct ModelInputs {
  /// What messages call them.
  let name: String
  let elementType: ElementType
  /// The shape of one input, with a batch of 1.
  let shape: Shape
  private let files: [NPYFile]
  private let isOneAFile: Bool

  /// Reads arrays.
  ///
  /// - Parameters:
  ///   - paths: `.npy` files: one with an input a raw file, or one a raw file.
  ///   - count: Raw files.
  ///   - kind: Their kind.
  init(paths: [String], count: Int, kind: RawKind) throws {
    files = try paths.map { try NPYFile(bytes: FileAccess.bytes($0), file: $0) }
    guard let first = files.first else {
      throw PipelineError(.unsuitableInput, "no model inputs; name .npy files with --model-input")
    }
    name = first.file
    elementType = first.elementType
    for file in files {
      guard file.shape == first.shape, file.elementType == first.elementType else {
        throw PipelineError(
          .unsuitableInput,
          "\(file.file): holds \(file.elementType.rawValue) \(file.shape), \(first.file) \(first.elementType.rawValue) \(first.shape); give arrays of one kind"
        )
      }
    }
    var extents = first.shape.dimensions
    // Pictures have three extents, so that a fourth one is the batch; others are told by the count.
    let (isBatched, isFit) =
      kind == .picture
      ? (extents.count == 4, extents.count == 3 || extents.count == 4)
      : (
        !extents.isEmpty && (files.count == 1 && count > 1 || extents[0] == 1), !extents.isEmpty
      )
    guard !first.bytes.isEmpty, isFit else {
      throw PipelineError(
        .unsuitableInput,
        "\(first.file): an array of shape \(first.shape) holds no \(kind.noun)s; save \(kind.arrayShapes)"
      )
    }
    let batch = isBatched ? extents.removeFirst() : 1
    isOneAFile = files.count == count && batch == 1
    guard isOneAFile || files.count == 1 && batch == count else {
      throw PipelineError(
        .unsuitableInput,
        "\(first.file): \(files.count * batch) model inputs for \(count) \(kind.noun)s; give one array a \(kind.noun), or one with a sample a \(kind.noun)"
      )
    }
    shape = Shape([1] + extents)
  }

  /// The bytes of one input.
  func sampleBytes(_ index: Int) throws -> [UInt8] {
    isOneAFile ? files[index].bytes : try files[0].sampleBytes(index)
  }
}
