import EXrayCore
import EXrayModel
import EXrayPreprocess
import Foundation

/// A program that judges a part of a model, as `git bisect run` takes it.
///
/// It finds in its environment `EXRAY_MODEL` (a `.tflite` file that ends at the place in question), `EXRAY_INPUTS`
/// and `EXRAY_REFERENCE` (folders of `.npy` arrays `[frames, …]`, `0.npy` for the first input or output), and
/// `EXRAY_OP` (the last op, as index and type). Exit code 0 is good, 125 cannot be judged, 1 to 127 is bad, and
/// anything above ends the search.
public struct BisectCommand: Sendable {
  private let command: CheckCommand
  private let words: String

  /// Creates a judge.
  ///
  /// - Throws: ``PipelineError`` where there is no such program.
  public init(_ command: String, timeLimit: Duration) throws(PipelineError) {
    self.command = try CheckCommand(command, timeLimit: timeLimit)
    words = command
  }

  func judge(
    _ part: ModelPart, opCount: Int, op: OpReference,
    inputs: [(TensorDescription, [[UInt8]])], reference: [(TensorDescription, [[UInt8]])]
  ) throws -> Bisection.Step {
    let folder = try CheckLeftovers.makeFolder()
    defer { CheckLeftovers.remove(folder) }
    let model = folder.appending(path: "part.tflite")
    try Data(part.model.bytes).write(to: model)
    let names = ["inputs", "reference"].map { folder.appending(path: $0) }
    for (folder, tensors) in zip(names, [inputs, reference]) {
      try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
      try Self.write(tensors, to: folder)
    }
    let outcome = try command.outcome(
      input: "",
      environment: [
        "EXRAY_MODEL": model.path, "EXRAY_INPUTS": names[0].path,
        "EXRAY_REFERENCE": names[1].path, "EXRAY_OP": "\(op.index) \(op.type)",
      ])
    switch outcome {
    case .exited(code: 0, _, _):
      return .init(opCount: opCount, outcome: .good, detail: "exit code 0")
    case .exited(code: 125, _, let complaint):
      return .init(opCount: opCount, outcome: .skipped, detail: "exit code 125\(complaint)")
    case .exited(let code, _, let complaint) where code < 128:
      return .init(opCount: opCount, outcome: .bad, detail: "exit code \(code)\(complaint)")
    case .exited(let code, _, let complaint):
      throw stopped("exited with \(code)\(complaint)")
    case .died(let signal, let complaint): throw stopped("died of signal \(signal)\(complaint)")
    case .timedOut: throw stopped("did not end in time; raise --check-timeout")
    case .flooded: throw stopped("printed more than 1 MiB")
    }
  }

  private func stopped(_ what: String) -> PipelineError {
    PipelineError(
      .unreadable,
      "\(words): \(what), which ends the search; answer with 0, with 125 for what cannot be judged, or with 1 to 127"
    )
  }

  /// Writes each tensor as an array with the frames along the first axis.
  private static func write(
    _ tensors: [(TensorDescription, [[UInt8]])], to folder: URL
  ) throws {
    for (index, (description, frames)) in tensors.enumerated() {
      let bytes = try NPYFile.encode(
        elementType: description.elementType,
        shape: Shape([frames.count] + description.shape.dimensions),
        bytes: frames.flatMap(\.self))
      try Data(bytes).write(to: folder.appending(path: "\(index).npy"))
    }
  }
}
