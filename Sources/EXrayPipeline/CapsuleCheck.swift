public import EXrayCore
import EXrayJSON
import EXrayModel
import EXrayPreprocess
public import EXrayRuntime
public import EXrayValidation
import Foundation

/// Runs a capsule again: whether what it shows still happens.
public struct CapsuleCheck {
  /// What came of it: the JSON of `exray capsule check --json`.
  public struct Result: Encodable, Sendable {
    /// Version of the JSON schema.
    public var schemaVersion = 1
    /// `fail`: it still fails; `pass`: it no longer does; `inconclusive`: the runtime refused.
    public var verdict: Verdict
    /// The op, as the whole model counted it.
    public var op: OpReference
    /// The conclusion in one line.
    public var message: String
    /// How far the output is from the reference; absent where nothing ran.
    public var difference: CapsuleManifest.Difference?
    /// The largest nrmse that counts as fixed.
    public var tolerance: Double
    /// The kernels that computed.
    public var kernels: String
    /// The runtime and its version.
    public var runtime: String

    /// The result as JSON, the same text for the same result.
    public func json() throws -> String {
      let encoder = JSONEncoder()
      encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
      return String(decoding: try encoder.encode(self), as: UTF8.self) + "\n"
    }
  }

  private let manifest: CapsuleManifest
  private let model: Model
  /// Packed values by input, then by frame, as the model takes them.
  private let inputs: [[[UInt8]]]
  private let wanted: [[UInt8]]
  private let kernels: KernelMode

  /// Reads a capsule and checks it against its digests.
  ///
  /// - Parameter kernels: The kernels that compute; nil for those that the capsule names.
  /// - Throws: ``PipelineError`` `.unreadable` for what is missing, changed or does not fit together.
  public init(folder: String, kernels: KernelMode?) throws {
    let reader = try CapsuleReader(folder)
    manifest = reader.manifest
    guard let mode = kernels ?? KernelMode(rawValue: manifest.candidate.kernels) else {
      throw reader.unreadable("names no known kernels; give --kernels")
    }
    self.kernels = mode
    let file = reader.path("candidate.tflite")
    do {
      model = try Model(reader.bytes("candidate.tflite"))
    } catch {
      throw PipelineError(.unreadable, "\(file): \(error)")
    }
    let graph = model.primary
    guard graph.inputs.count == manifest.inputs.count, graph.outputs.count == 1 else {
      throw PipelineError(
        .unreadable,
        "\(file): has \(graph.inputs.count) inputs and \(graph.outputs.count) outputs for \(manifest.inputs.count) arrays and 1; make the capsule again"
      )
    }
    var inputs: [[[UInt8]]] = []
    for (tensor, array) in zip(graph.inputs, manifest.inputs) {
      let description = graph.tensors[tensor].description
      guard description.shape.dimensions == array.shape else {
        throw PipelineError(
          .unreadable,
          "\(file): takes \(description.shape) where \(array.file) has \(Shape(array.shape)); make the capsule again"
        )
      }
      inputs.append(
        try reader.frames(array).map {
          try array.description.stored($0, as: description)
        })
    }
    self.inputs = inputs
    let output = graph.tensors[graph.outputs[0]].description
    let reference = manifest.outputs.reference
    guard let count = output.shape.elementCount,
      count == Shape(reference.shape).elementCount, output.byteCount != nil
    else {
      throw PipelineError(
        .unreadable,
        "\(file): gives \(output.shape) where the reference has \(Shape(reference.shape)); make the capsule again"
      )
    }
    wanted = try reader.frames(reference)
  }

  /// Runs it.
  ///
  /// - Throws: ``RuntimeError`` where there is no runtime, or where it dies, which is no cure.
  public func run(
    runtime: any InferenceRuntime
  ) throws -> Result {
    var result = Result(
      verdict: .inconclusive, op: manifest.op, message: "", tolerance: manifest.tolerance,
      kernels: kernels.rawValue, runtime: "\(runtime.name) \(runtime.version)")
    let place = "op \(manifest.op.index) \(manifest.op.type)"
    let found: [[UInt8]]
    do {
      found = try outputs(runtime)
    } catch let error as RuntimeError
      where ![.libraryUnavailable, .crashed, .timedOut].contains(error.code)
    {
      result.message = "\(place) cannot be run: \(error.message)"
      return result
    }
    let output = model.primary.tensors[model.primary.outputs[0]].description
    guard
      let difference = DifferenceAccumulator.difference(
        found, output, wanted, manifest.outputs.reference.description)
    else {
      result.message = "\(place) gives values that cannot be compared"
      return result
    }
    let isRight = difference.passes(manifest.tolerance)
    let size =
      difference.isNotFinite
      ? "\(difference.candidateNotFinite) values are not finite"
      : "nrmse \(Words.short(difference.nrmse ?? 0)), up to \(Words.short(manifest.tolerance)) is right"
    result.difference = difference
    result.verdict = isRight ? .pass : .fail
    result.message =
      "\(place) with \(kernels.rawValue) kernels \(isRight ? "no longer fails" : "still fails"): \(size)"
    return result
  }

  private func outputs(_ runtime: any InferenceRuntime) throws -> [[UInt8]] {
    var session = try unsafe runtime.openSession(
      model: model.bytes.span.bytes,
      options: SessionOptions(kernels: kernels, threads: manifest.candidate.threads))
    let positions = model.primary.inputs.map { tensor in
      session.inputs.firstIndex { $0.tensorIndex == tensor } ?? 0
    }
    return try (0..<manifest.frames).map { frame in
      for (number, position) in positions.enumerated() {
        let bytes = inputs[number][frame]
        try unsafe session.write(bytes.span.bytes, toInput: position)
      }
      try session.run()
      return try session.withOutput(0) { values in
        unsafe values.withUnsafeBytes { unsafe [UInt8]($0) }
      }
    }
  }
}
