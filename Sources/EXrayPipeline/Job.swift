import EXrayModel
public import EXrayPreprocess
public import EXrayRuntime
import EXrayTrace
import EXrayValidation

/// One pipeline: a model, how it runs, and how inputs get to it.
public struct PipelineSpecification: Sendable {
  /// The model.
  public var model: ModelFile
  /// How pictures become inputs; nil where inputs are tensors already.
  public var recipe: Recipe?
  /// The recipe's name in reports: its own, or its file's.
  public var recipeName: String?
  /// The file that the recipe was read from, for messages; nil where it comes from elsewhere.
  public var recipeFile: String?
  /// What runs the model.
  public var runtime: any InferenceRuntime
  /// How it runs.
  public var options: SessionOptions

  /// Creates a specification.
  public init(
    model: ModelFile, recipe: Recipe?, recipeName: String?, recipeFile: String? = nil,
    runtime: any InferenceRuntime, options: SessionOptions
  ) {
    self.model = model
    self.recipe = recipe
    self.recipeName = recipeName
    self.recipeFile = recipeFile
    self.runtime = runtime
    self.options = options
  }

  func description(capture: Capture, tool: String, startedNanoseconds: UInt64) -> RunDescription {
    RunDescription(
      model: model.name, modelSHA256: model.sha256, modelByteCount: model.model.bytes.count,
      runtime: runtime.name, runtimeVersion: runtime.version, kernels: options.kernels.rawValue,
      threads: options.threads, capture: capture.rawValue, device: Machine.device,
      operatingSystem: Machine.operatingSystem, recipe: recipe?.json(), tool: tool,
      startedNanoseconds: startedNanoseconds)
  }

  var summary: RunSummary {
    RunSummary(
      model: model.name, modelSHA256: model.sha256,
      runtime: "\(runtime.name) \(runtime.version)", kernels: options.kernels.rawValue,
      threads: options.threads, recipe: recipeName, device: Machine.device)
  }
}

/// The right answers, and how the model numbers them.
public struct LabelSpecification: Sendable {
  /// The right class of each input; nil without labels.
  public var labels: Labels?
  /// Added to a label to give the model's class: 1 for models with a background class first.
  public var offset: Int
  /// Names of the classes in the labels' numbering; empty where unknown.
  public var classNames: [String]

  /// Creates a specification.
  public init(labels: Labels? = nil, offset: Int = 0, classNames: [String] = []) {
    self.labels = labels
    self.offset = offset
    self.classNames = classNames
  }
}

/// Told how far a job is.
public protocol ProgressObserver: AnyObject {
  /// A stage goes from `done` of `total` frames.
  func progress(_ stage: String, done: Int, of total: Int)
}
