import ArgumentParser
import EXrayPipeline
import EXrayRuntime
import EXrayValidation

/// `exray validate`: run, replay, compare and explain in one go.
struct Validate: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Run a candidate and a reference over the same inputs and say why they differ.",
    discussion: """
      The reference's model and recipe are the candidate's where they are left out.

      EXAMPLES
        exray validate --candidate-model int8.tflite --candidate-recipe app.json \\
            --reference-model float.tflite --reference-recipe trained.json \\
            --input photos/ --labels labels.txt --report report/
        exray validate --candidate-model m.tflite --candidate-recipe app.json \\
            --reference-recipe trained.json --input photos/ --fail-on preprocess
        exray validate --candidate-model m.tflite --reference-kernels reference --input samples.npy
      """)

  @Option(help: ArgumentHelp("The model under suspicion.", valueName: "tflite"))
  var candidateModel: String

  @Option(help: ArgumentHelp("How the app prepares pictures.", valueName: "json"))
  var candidateRecipe: String?

  @Option(help: "The kernels that compute the candidate.")
  var candidateKernels = KernelMode.xnnpack

  @Option(help: ArgumentHelp("The model that is trusted.", valueName: "tflite"))
  var referenceModel: String?

  @Option(help: ArgumentHelp("How pictures were prepared in training.", valueName: "json"))
  var referenceRecipe: String?

  @Option(help: "The kernels that compute the reference.")
  var referenceKernels = KernelMode.xnnpack

  @OptionGroup var inputs: InputOptions

  @Option(help: "What is compared: io, or layers.")
  var capture = Capture.layers

  @Option(
    help: ArgumentHelp(
      "A folder for report.html, report.json, junit.xml and report.md.", valueName: "folder"))
  var report: String?

  @Flag(help: "Keep both traces, every layer of every frame, in the report folder.")
  var keepTraces = false

  @Option(
    help: ArgumentHelp("What healthy runs came to, from exray baseline make.", valueName: "json"))
  var baseline: String?

  @OptionGroup var overlays: OverlayOptions
  @OptionGroup var checks: CheckOptions
  @OptionGroup var gate: GateOptions
  @OptionGroup var runtime: RuntimeOptions

  func validate() throws {
    guard !keepTraces || report != nil else {
      throw ValidationError("--keep-traces needs --report to say where.")
    }
    guard capture != .none else {
      throw ValidationError("--capture none leaves nothing to compare; use io or layers.")
    }
  }

  func run() throws {
    let candidate = try ModelFile(path: candidateModel)
    let reference = try referenceModel.map { try ModelFile(path: $0) } ?? candidate
    let candidateFile = try candidateRecipe.map { try RecipeFile(path: $0) }
    let referenceFile = try referenceRecipe.map { try RecipeFile(path: $0) } ?? candidateFile
    let healthy = try baseline.map { try Baseline(path: $0) }
    let ownChecks = try checks.make()
    let engine = try runtime.make()
    let inputList = try InputList(paths: inputs.input)
    var output = report.map(ReportOutput.folder) ?? ReportOutput()
    (output.overlays, output.model) = (overlays, candidateModel)
    if let report { Leftovers.watch(files: [], folders: try FileAccess.makeFolder(report)) }
    try output.check()
    let job = ValidateJob(
      candidate: PipelineSpecification(
        model: candidate, recipe: (candidateFile ?? referenceFile)?.recipe,
        recipeName: (candidateFile ?? referenceFile)?.name,
        recipeFile: candidateRecipe ?? referenceRecipe, runtime: engine,
        options: SessionOptions(kernels: candidateKernels, threads: runtime.threads)),
      reference: PipelineSpecification(
        model: reference, recipe: referenceFile?.recipe, recipeName: referenceFile?.name,
        recipeFile: referenceRecipe ?? candidateRecipe,
        runtime: engine,
        options: SessionOptions(kernels: referenceKernels, threads: runtime.threads)),
      inputs: inputList, labels: try inputs.labels.specification(), capture: capture,
      traceFolder: keepTraces ? report : nil, tool: Tool.identity, checks: ownChecks,
      baseline: healthy)
    let (result, pictures) = try job.run(observer: ProgressBar())
    try output.write(result, pictures)
    try gate.exit(for: result)
  }
}
