import EXrayCore
import EXrayRuntime
import EXrayTrace
import EXrayValidation
import Foundation

/// Runs one pipeline over its inputs and logs what happens.
public struct RunJob {
  private let pipeline: PipelineSpecification
  private let inputs: InputList
  private let labels: LabelSpecification
  private let capture: Capture
  private let output: String?
  private let tool: String

  /// Creates a job.
  ///
  /// - Parameters:
  ///   - output: Where the trace goes; nil for none.
  ///   - tool: Name and version of the program, for the trace.
  public init(
    pipeline: PipelineSpecification, inputs: InputList, labels: LabelSpecification,
    capture: Capture, output: String?, tool: String
  ) {
    self.pipeline = pipeline
    self.inputs = inputs
    self.labels = labels
    self.capture = capture
    self.output = output
    self.tool = tool
  }

  /// Runs every frame.
  ///
  /// - Throws: What reading, running or writing throws; then no trace is left behind.
  public func run(observer: (any ProgressObserver)?) throws -> RunResult {
    let early = EarlyFeed(
      inputs: inputs, sides: [(pipeline.recipe, pipeline.model)], labels: labels.labels)
    defer { early.cancel() }
    var opened = try OpenedModel(
      file: pipeline.model, runtime: pipeline.runtime, options: pipeline.options, capture: capture)
    let input = try InputPipeline(
      recipe: pipeline.recipe, input: opened.onlyInput(), modelName: pipeline.model.name,
      recipeFile: pipeline.recipeFile)
    let feed = try early.confirmed([input])
    defer { feed.cancel() }
    var recorder = try output.map { path in
      try TraceRecorder(
        path: path, pipeline: pipeline, tensors: opened.tensors, capture: capture, tool: tool)
    }
    var result = RunResult(model: pipeline.model.name, labelOffset: labels.offset)
    while let frame = try feed.next() {
      let start = DispatchTime.now().uptimeNanoseconds
      let side = frame.sides[0]
      let report = try opened.withSession { (session) throws(RuntimeError) in
        try unsafe session.write(side.bytes.span.bytes, toInput: 0)
        return try session.run()
      }
      let scores = try opened.scores()
      try recorder?.record(frame, side: 0, opened: opened, report: report, start: start)
      result.add(
        frame.name, scores: scores, label: frame.label.map { $0 + labels.offset }, report: report)
      observer?.progress("run", done: result.frames, of: feed.count)
    }
    if let recorder { try recorder.finish() }
    result.complete()
    return result
  }
}
