import ArgumentParser
import EXrayCore
import EXrayPipeline
import EXrayRuntime
import EXrayValidation

/// `exray capsule`: a fault as a folder that others can run.
struct Capsule: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Pack the op that goes wrong, its inputs and both outputs, for whoever mends it.",
    discussion: """
      A capsule is a folder: the smallest part of the model that fails, what reaches it, what it gives and
      what it should give. It needs neither the app nor the whole model. Documentation/capsules.md says more.
      """,
    subcommands: [MakeCapsule.self, CheckCapsule.self])
}

/// `exray capsule make`.
struct MakeCapsule: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "make",
    abstract: "Make a capsule of the op that goes wrong.",
    discussion: """
      EXAMPLES
        exray capsule make int8.tflite --reference float.tflite --recipe recipe.json --input photos/ -o capsule/
        exray capsule make model.tflite --reference-kernels builtin --input samples.npy --op 4 -o capsule/

      EXIT CODES
        0  a capsule was made, or no op goes wrong     2  usage or unreadable input
        3  it cannot be said which op goes wrong, or no part of the model shows it
      """)

  @OptionGroup var models: ModelPairOptions

  @Option(help: "The kernels that compute the trusted model.")
  var referenceKernels = KernelMode.xnnpack

  @Option(
    help: ArgumentHelp(
      "The op to show, counted from 0; by default the first that exray dissect blames.",
      valueName: "n"))
  var op: Int?

  @Option(help: ArgumentHelp("How many inputs it holds, from the first on.", valueName: "n"))
  var frames = 4

  @Option(
    name: .shortAndLong,
    help: ArgumentHelp("The folder to make; it must not exist, or be empty.", valueName: "folder"))
  var output: String

  func validate() throws {
    guard (1...1000).contains(frames) else {
      throw ValidationError("--frames takes 1 to 1000, not \(frames).")
    }
  }

  func run() throws {
    Leftovers.watch(files: [])
    let sides = try models.read(referenceKernels: referenceKernels)
    let outcome = try CapsuleJob(
      candidate: sides.candidate, reference: sides.reference, inputs: sides.inputs,
      frameLimit: frames, op: op, tool: Tool.identity
    ).run(into: output, observer: ProgressBar())
    switch outcome {
    case .made(let manifest): print(text(manifest))
    case .nothing(let verdict, let reason):
      print(reason.onOneLine)
      if verdict != .pass { throw ExitCode(3) }
    }
  }

  private func text(_ manifest: CapsuleManifest) -> String {
    let place = "op \(manifest.op.index) \(manifest.op.type)"
    let size = manifest.difference.nrmse.map { "nrmse \(Words.short($0))" } ?? "not finite"
    var lines = [
      "\(place) differs by \(size) over \(manifest.frames == 1 ? "1 frame" : "\(manifest.frames) frames")"
    ]
    if let finding = manifest.finding { lines.append("  cause    \(finding.cause)") }
    if manifest.ops.count > 1 {
      lines.append(
        "  note     alone it is right; the capsule holds the \(manifest.ops.count) ops up to it, with which it fails"
      )
    }
    lines.append("  capsule  \(output)")
    return lines.map(\.onOneLine).joined(separator: "\n")
  }
}

/// `exray capsule check`.
struct CheckCapsule: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "check",
    abstract: "Run a capsule again: does it still fail?",
    discussion: """
      EXAMPLES
        exray capsule check capsule/
        exray capsule check capsule/ --kernels reference
        git bisect run sh -c 'make && exray capsule check capsule/ --library build/libLiteRt.so'

      EXIT CODES
        0  it no longer fails                1  it still fails
        2  usage or unreadable capsule       3  it cannot be said (git bisect wants 125 for that)
      """)

  @Argument(help: "A capsule's folder.")
  var folder: String

  @Option(help: "The kernels that compute; those of the capsule by default.")
  var kernels: KernelMode?

  @Option(help: ArgumentHelp("Write what was found as JSON.", valueName: "file"))
  var json: String?

  @OptionGroup var runtime: RuntimeOptions

  func run() throws {
    if let json {
      try FileAccess.checkWritable(json)
      Leftovers.watch(files: [json])
    }
    let check = try CapsuleCheck(folder: folder, kernels: kernels)
    let result = try check.run(runtime: try runtime.make())
    if let json { try FileAccess.write(try result.json(), to: json) }
    print(result.message.onOneLine)
    switch result.verdict {
    case .pass: return
    case .fail: throw ExitCode(1)
    case .inconclusive: throw ExitCode(3)
    }
  }
}
