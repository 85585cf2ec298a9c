import EXrayCore
import EXrayModel
import EXrayPreprocess
import EXrayRuntime

/// The files of a capsule.
struct CapsuleContents {
  /// Everything but the digests of the files.
  private(set) var manifest: CapsuleManifest
  private let attempt: CapsuleAttempt

  init(
    _ attempt: CapsuleAttempt, op: Op, candidate: PipelineSpecification,
    reference: PipelineSpecification, finding: CapsuleManifest.Found?, tolerance: Double,
    tool: String
  ) {
    self.attempt = attempt
    func side(_ side: PipelineSpecification) -> CapsuleManifest.Side {
      .init(
        model: side.model.name, modelSHA256: side.model.sha256, runtime: side.runtime.name,
        runtimeVersion: side.runtime.version, kernels: side.options.kernels.rawValue,
        threads: side.options.threads)
    }
    func arrays(
      _ folder: String, _ tensors: [Int], _ graph: Subgraph
    ) -> [CapsuleManifest.StoredArray] {
      tensors.enumerated().map { number, tensor in
        .init(file: "\(folder)/\(number).npy", graph.tensors[tensor].description)
      }
    }
    manifest = CapsuleManifest(
      tool: tool, op: op.reference, tensor: attempt.own.name,
      ops: attempt.ops, finding: finding,
      difference: attempt.difference, tolerance: tolerance, frames: attempt.candidate.count,
      candidate: side(candidate), reference: side(reference), device: Machine.device,
      operatingSystem: Machine.operatingSystem,
      inputs: arrays("inputs", attempt.part.inputs, attempt.model),
      referenceInputs: attempt.sharesInputs
        ? nil
        : attempt.reference.map { arrays("reference_inputs", $0.inputs, attempt.trusted) },
      outputs: .init(
        candidate: .init(file: "outputs/candidate.npy", attempt.own),
        reference: .init(file: "outputs/reference.npy", attempt.other)), files: [:])
  }

  /// Every file, the manifest with their digests last.
  func files() throws -> (files: [(path: String, bytes: [UInt8])], manifest: CapsuleManifest) {
    var files: [(path: String, bytes: [UInt8])] = [("candidate.tflite", attempt.part.model.bytes)]
    if let reference = attempt.reference {
      files.append(("reference.tflite", reference.model.bytes))
    }
    for (number, array) in manifest.inputs.enumerated() {
      files.append((array.file, try encoded(array, attempt.inputs.map { $0[number] })))
    }
    for (number, array) in (manifest.referenceInputs ?? []).enumerated() {
      files.append((array.file, try encoded(array, attempt.referenceInputs.map { $0[number] })))
    }
    let outputs = manifest.outputs
    files.append((outputs.candidate.file, try encoded(outputs.candidate, attempt.candidate)))
    files.append((outputs.reference.file, try encoded(outputs.reference, attempt.wanted)))
    files.append(("repro.py", Array(CapsuleText.script.utf8)))
    let text = CapsuleText.readme(
      manifest, hasReference: attempt.reference != nil,
      takesInput: !Set(attempt.part.inputs).isDisjoint(with: attempt.model.inputs))
    files.append(("README.md", Array(text.utf8)))
    var manifest = manifest
    for file in files {
      let bytes = file.bytes
      manifest.files[file.path] = unsafe SHA256.hexadecimal(of: bytes.span.bytes)
    }
    files.append((CapsuleFolder.manifestName, Array(try manifest.json().utf8)))
    return (files, manifest)
  }

  private func encoded(
    _ array: CapsuleManifest.StoredArray, _ frames: [[UInt8]]
  ) throws(PreprocessError) -> [UInt8] {
    try NPYFile.encode(
      elementType: array.elementType, shape: Shape([frames.count] + array.shape),
      bytes: frames.flatMap(\.self))
  }
}
