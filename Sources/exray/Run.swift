import ArgumentParser
import EXrayPipeline
import EXrayRuntime
import EXrayValidation
import Foundation

/// `exray run`: one pipeline over its inputs, into a trace.
struct Run: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Run a model over inputs and log what happens into a trace.",
    discussion: """
      EXAMPLES
        exray run model.tflite --recipe Examples/recipes/mobilenet-v2.json --input photos/ --output run.mcap
        exray run model.tflite --recipe r.json --input photos/ --labels labels.txt --capture none --json summary.json
        exray run model.tflite --input samples.npy --kernels reference --capture layers --output run.mcap
      """)

  @Argument(help: "The model, a .tflite file.")
  var model: String

  @OptionGroup var inputs: InputOptions
  @OptionGroup var pipeline: RunOptions

  func run() throws {
    try pipeline.run(model: model, inputs: inputs.input, labels: inputs.labels)
  }
}

/// `exray replay`: the same raw inputs through another pipeline.
struct Replay: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Run the raw inputs of a trace through another pipeline.",
    discussion: """
      EXAMPLES
        exray replay app.mcap --model trained.tflite --recipe trained.json --output reference.mcap
        exray replay app.mcap --model app.tflite --recipe app.json --kernels reference --output reference.mcap
      """)

  @Argument(help: "The trace whose raw inputs are used.")
  var trace: String

  @Option(help: "The model, a .tflite file.")
  var model: String

  @OptionGroup var labels: LabelOptions
  @OptionGroup var pipeline: RunOptions

  func run() throws {
    guard trace.hasSuffix(".mcap") else {
      throw ValidationError(
        "'\(trace)' is no trace; replay takes a .mcap file that exray run wrote.")
    }
    try pipeline.run(model: model, inputs: [trace], labels: labels)
  }
}

/// What `run` and `replay` share.
struct RunOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp("How pictures become inputs; not needed for arrays.", valueName: "json"))
  var recipe: String?

  @Option(help: "The kernels that compute.")
  var kernels = KernelMode.xnnpack

  @Option(help: "What is kept: none, io, or layers.")
  var capture = Capture.io

  @Flag(help: "Also log the time of each op; slows the run down.")
  var opTimes = false

  @Option(help: ArgumentHelp("Where the summary goes, as JSON.", valueName: "file"))
  var json: String?

  @Option(name: [.long, .short], help: ArgumentHelp("Where the trace goes.", valueName: "mcap"))
  var output: String?

  @OptionGroup var runtime: RuntimeOptions

  func validate() throws {
    guard output != nil || json != nil || capture == .none else {
      throw ValidationError("Say where the trace goes with --output, or use --capture none.")
    }
  }

  func run(model: String, inputs: [String], labels: LabelOptions) throws {
    let files = [output, json].compactMap { $0 }
    for path in files { try FileAccess.checkWritable(path) }
    Leftovers.watch(files: files)
    let file = try ModelFile(path: model)
    let recipe = try recipe.map { try RecipeFile(path: $0) }
    let job = RunJob(
      pipeline: PipelineSpecification(
        model: file, recipe: recipe?.recipe, recipeName: recipe?.name,
        recipeFile: self.recipe, runtime: try runtime.make(),
        options: SessionOptions(
          kernels: kernels, threads: runtime.threads, profilesOps: opTimes)),
      inputs: try InputList(paths: inputs), labels: try labels.specification(), capture: capture,
      output: output, tool: Tool.identity)
    let result = try job.run(observer: ProgressBar())
    if let json { try FileAccess.write(try result.json(), to: json) }
    print(summary(result))
  }

  private func summary(_ result: RunResult) -> String {
    var lines = ["\(result.model): \(result.frames) \(result.frames == 1 ? "frame" : "frames")"]
    if let accuracy = result.accuracy {
      lines.append(
        "top-1 \(percent(accuracy.top1))  top-5 \(percent(accuracy.top5))  of \(accuracy.labelledFrames) labelled"
      )
    }
    if let latency = result.latency {
      lines.append(
        "inference \(milliseconds(latency.medianNanoseconds)) median, \(milliseconds(latency.p90Nanoseconds)) p90"
      )
    }
    if let output { lines.append("trace: \(output)") }
    return lines.joined(separator: "\n")
  }

  private func percent(_ value: Double) -> String {
    "\((value * 1000).rounded() / 10) %"
  }

  private func milliseconds(_ nanoseconds: UInt64) -> String {
    "\((Double(nanoseconds) / 1e4).rounded() / 100) ms"
  }
}
