public import ArgumentParser
import EXrayLiteRT
public import EXrayPipeline
import EXrayPreprocess
public import EXrayRuntime
import Foundation

extension KernelMode: ExpressibleByArgument {}
extension Capture: ExpressibleByArgument {}

/// Which runtimes there are.
enum RuntimeName: String, ExpressibleByArgument, CaseIterable {
  case litert
}

/// How models are run.
struct RuntimeOptions: ParsableArguments {
  @Option(help: "The inference runtime.")
  var runtime = RuntimeName.litert

  @Option(help: "Threads that the runtime may use.")
  var threads = 1

  @Flag(help: "Run models in this process: faster, but a crash of the runtime ends the tool.")
  var inProcess = false

  @Option(
    help: ArgumentHelp("Seconds after which a model that does not answer is ended.", valueName: "s")
  )
  var timeLimit = 120

  @Option(
    help: ArgumentHelp(
      "The runtime's shared library, where it is not found by itself.", valueName: "path")
  )
  var library: String?

  func validate() throws {
    guard (1...256).contains(threads) else {
      throw ValidationError("--threads takes 1 to 256, not \(threads).")
    }
    guard (1...86_400).contains(timeLimit) else {
      throw ValidationError("--time-limit takes 1 to 86400 seconds, not \(timeLimit).")
    }
  }

  /// The runtime, in a child process unless asked otherwise.
  func make() throws -> any InferenceRuntime {
    if inProcess { return try LiteRT(library: library) }
    return try LiteRT.hosted(
      library: library, executable: try Executable.path(), timeLimit: .seconds(timeLimit))
  }
}

/// A model, the one that it is measured against, and the inputs of both.
struct ModelPairOptions: ParsableArguments {
  @Argument(help: "The model under suspicion, a .tflite file.")
  var model: String

  @Option(
    help: ArgumentHelp("The model that is trusted; the same one by default.", valueName: "tflite"))
  var reference: String?

  @Option(
    help: ArgumentHelp("How pictures become inputs; not needed for arrays.", valueName: "json"))
  var recipe: String?

  @Option(help: "The kernels that compute the model under suspicion.")
  var kernels = KernelMode.xnnpack

  @Option(
    parsing: .upToNextOption,
    help: ArgumentHelp(
      "Pictures (JPEG, PNG), a folder of them, a trace, or .npy arrays [N, …].", valueName: "path"))
  var input: [String]

  @OptionGroup var runtime: RuntimeOptions

  /// Reads both models and the recipe, and finds the runtime and the inputs.
  func read(
    referenceKernels: KernelMode
  ) throws -> (
    candidate: PipelineSpecification, reference: PipelineSpecification, inputs: InputList
  ) {
    let candidate = try ModelFile(path: model)
    let trusted = try reference.map { try ModelFile(path: $0) } ?? candidate
    let file = try recipe.map { try RecipeFile(path: $0) }
    let engine = try runtime.make()
    func side(_ model: ModelFile, _ kernels: KernelMode) -> PipelineSpecification {
      PipelineSpecification(
        model: model, recipe: file?.recipe, recipeName: file?.name, recipeFile: recipe,
        runtime: engine, options: SessionOptions(kernels: kernels, threads: runtime.threads))
    }
    return (
      side(candidate, kernels), side(trusted, referenceKernels), try InputList(paths: input)
    )
  }
}

/// Where frames come from, and what is right about them.
struct InputOptions: ParsableArguments {
  @Option(
    parsing: .upToNextOption,
    help: ArgumentHelp(
      "Pictures (JPEG, PNG), a folder of them, a trace, or .npy arrays [N, …].", valueName: "path"))
  var input: [String]

  @OptionGroup var labels: LabelOptions
}

/// The right answers.
struct LabelOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "A file with a line per input: file name, class number, anything more.", valueName: "file"))
  var labels: String?

  @Option(
    help: ArgumentHelp(
      "Added to a label to give the model's class; 1 for models with a background class.",
      valueName: "n"))
  var labelOffset = 0

  @Option(
    help: ArgumentHelp("A file with the name of a class a line, for reports.", valueName: "file"))
  var classNames: String?

  func validate() throws {
    guard (-1_000_000...1_000_000).contains(labelOffset) else {
      throw ValidationError("--label-offset takes -1000000 to 1000000, not \(labelOffset).")
    }
  }

  func specification() throws -> LabelSpecification {
    LabelSpecification(
      labels: try labels.map { try Labels(path: $0) }, offset: labelOffset,
      classNames: try classNames.map(Self.lines) ?? [])
  }

  private static func lines(_ path: String) throws -> [String] {
    String(decoding: try FileAccess.bytes(path), as: UTF8.self)
      .split(omittingEmptySubsequences: false, whereSeparator: \.isNewline).map(String.init)
  }
}

/// A recipe read from a file.
struct RecipeFile {
  let recipe: Recipe
  /// The recipe's own name, else the file's.
  let name: String

  init(path: String) throws {
    recipe = try Recipe(
      json: FileAccess.bytes(path, limit: Recipe.byteLimit), file: path)
    name = recipe.name ?? URL(filePath: path).deletingPathExtension().lastPathComponent
  }
}

/// The running program.
enum Executable {
  /// Path of the executable file, for starting child processes.
  static func path() throws(RuntimeError) -> String {
    guard let path = ProcessFiles.executable else {
      throw RuntimeError(
        .environment, "the system does not tell where this program is; use --in-process")
    }
    return path
  }
}
