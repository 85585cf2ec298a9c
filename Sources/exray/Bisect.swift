import ArgumentParser
import EXrayCore
import EXrayPipeline
import EXrayRuntime
import EXrayValidation
import Foundation

/// `exray bisect`: the first op from which on a model goes wrong, without captured layers.
struct Bisect: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Find the first op from which on a model goes wrong, from outputs alone.",
    discussion: """
      The model is cut off after an op and run; halving finds the op in log2(n) runs. Nothing is captured, so
      this works where a runtime shows no layers, where capturing hides the fault, and where it crashes.

      With --check, a program of yours judges each part, as with git bisect run: on a device, in another
      runtime. It finds EXRAY_MODEL, EXRAY_INPUTS, EXRAY_REFERENCE and EXRAY_OP in its environment and exits
      with 0 for good, 125 for cannot tell, 1 to 127 for bad.

      EXAMPLES
        exray bisect model.tflite --reference-kernels reference --input samples.npy
        exray bisect int8.tflite --reference float.tflite --recipe recipe.json --input photos/
        exray bisect model.tflite --input samples.npy --check ./run_on_phone.sh

      EXIT CODES
        0  the whole model does what it should     1  an op was found
        2  usage or unreadable input     3  it cannot be said
      """)

  @OptionGroup var models: ModelPairOptions

  @Option(help: "The kernels that compute the trusted model.")
  var referenceKernels = KernelMode.builtin

  @Option(help: ArgumentHelp("How many inputs each run takes, from the first on.", valueName: "n"))
  var frames = 4

  @Option(
    help: ArgumentHelp(
      "The largest nrmse that is good; by default 0.001 for float models, 0.05 for quantized ones, 0.2 for one beside the other.",
      valueName: "nrmse"))
  var tolerance: Double?

  @Option(
    help: ArgumentHelp("A program that judges each part in place of exray.", valueName: "command"))
  var check: String?

  @Option(help: ArgumentHelp("Seconds after which the program is ended.", valueName: "s"))
  var checkTimeout = 600

  @Option(help: ArgumentHelp("Write what was found as JSON.", valueName: "file"))
  var json: String?

  func validate() throws {
    guard (1...1000).contains(frames) else {
      throw ValidationError("--frames takes 1 to 1000, not \(frames).")
    }
    guard tolerance.map({ $0 >= 0 && $0.isFinite }) ?? true else {
      throw ValidationError("--tolerance takes a number from 0 on.")
    }
    guard (1...86_400).contains(checkTimeout) else {
      throw ValidationError("--check-timeout takes 1 to 86400 seconds, not \(checkTimeout).")
    }
  }

  func run() throws {
    if let json {
      try FileAccess.checkWritable(json)
      Leftovers.watch(files: [json])
    }
    let sides = try models.read(referenceKernels: referenceKernels)
    let result = try BisectJob(
      candidate: sides.candidate, reference: sides.reference, inputs: sides.inputs,
      frameLimit: frames, tolerance: tolerance,
      command: try check.map {
        try BisectCommand($0, timeLimit: .seconds(checkTimeout))
      }
    ).run(observer: ProgressBar())
    if let json { try FileAccess.write(try result.json(), to: json) }
    print(Self.text(result))
    switch result.verdict {
    case .pass: return
    case .fail: throw ExitCode(1)
    case .inconclusive: throw ExitCode(3)
    }
  }

  private static func text(_ result: Bisection) -> String {
    var lines = result.steps.map { step in
      "  first \(step.opCount) of \(result.opCount) ops  \(step.outcome.rawValue)  \(step.detail)"
    }
    lines.append("")
    let runs = "\(result.searchRuns) \(result.searchRuns == 1 ? "run" : "runs")"
    switch result.verdict {
    case .pass: lines.append("✓ The whole model does what it should.")
    case .inconclusive: lines.append("? It cannot be said where the model goes wrong.")
    case .fail:
      let ops = result.culprits.map { "op \($0.index) \($0.type)" }
      lines.append(
        ops.count == 1
          ? "✗ \(ops[0]) is the first that goes wrong (\(runs) after the one of the whole model)"
          : "✗ one of \(ops.joined(separator: ", ")) is the first that goes wrong (\(runs))")
    }
    lines += result.notes.map { "  \($0)" }
    return lines.map(\.onOneLine).joined(separator: "\n")
  }
}
