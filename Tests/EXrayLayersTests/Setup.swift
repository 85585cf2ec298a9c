import EXrayCore
import EXrayLiteRT
import EXrayModel
import EXrayPipeline
import EXrayRuntime
import EXrayTestKit
import Foundation

/// Real models, pictures and the real runtime, in this process.
enum Setup {
  static let isReady =
    SharedData.isAvailable && FileManager.default.fileExists(atPath: library)
    || Requirements.areStrict

  private static let library = Requirements.dependencies
    .appending(path: "litert/\(LiteRT.search.fileName)").path

  static func runtime() throws -> LiteRT { try LiteRT(library: library, checksModels: false) }

  static func specification(
    _ model: ModelFile, kernels: KernelMode = .builtin
  ) throws -> PipelineSpecification {
    PipelineSpecification(
      model: model, recipe: nil, recipeName: nil, runtime: try runtime(),
      options: SessionOptions(kernels: kernels))
  }

  static func model(_ name: String) throws -> ModelFile {
    try ModelFile(path: SharedData.path("models/\(name).tflite"))
  }

  /// Seeded inputs as a `.npy` array that a job reads.
  static func inputs(
    for model: ModelFile, count: Int, range: ClosedRange<Float>, folder: URL
  ) throws -> InputList {
    let description = model.model.primary.tensors[model.model.primary.inputs[0]].description
    let shape = [count] + description.shape.dimensions.dropFirst()
    var generator = SplitMix64(seed: 3)
    let elements = shape.reduce(1, *)
    var header =
      "{'descr': '<f4', 'fortran_order': False, 'shape': (\(shape.map(String.init).joined(separator: ", "))), }"
    while (header.utf8.count + 11) % 64 != 0 { header += " " }
    header += "\n"
    var data = Data([0x93] + Array("NUMPY".utf8) + [1, 0])
    data.append(contentsOf: [UInt8(header.utf8.count & 255), UInt8(header.utf8.count >> 8)])
    data.append(contentsOf: Array(header.utf8))
    for _ in 0..<elements {
      let bits = Float.random(in: range, using: &generator).bitPattern
      data.append(contentsOf: [0, 8, 16, 24].map { UInt8(truncatingIfNeeded: bits >> $0) })
    }
    let file = folder.appending(path: "inputs.npy")
    try data.write(to: file)
    return try InputList(paths: [file.path])
  }
}
