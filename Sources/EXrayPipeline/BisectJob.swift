import EXrayCore
import EXrayMatching
import EXrayModel
import EXrayPreprocess
import EXrayRuntime
import EXrayValidation

/// Finds the first op from which on a model goes wrong, from outputs alone.
///
/// The model is cut off after an op, and what it hands on there is its output: any runtime can run that, also one
/// that shows no layers, and a model that kills its runtime is narrowed the same way. Halving takes ⌈log₂ *n*⌉ runs.
public struct BisectJob {
  private let candidate: PipelineSpecification
  private let reference: PipelineSpecification
  private let inputs: InputList
  private let frameLimit: Int
  private let tolerance: Double
  private let command: BisectCommand?
  private let pairs: [Int: Int]

  /// Creates a job.
  ///
  /// - Parameters:
  ///   - frameLimit: How many frames each run takes at most, from the first on.
  ///   - tolerance: The largest nrmse that is good; nil for what is normal for these two models.
  ///   - command: A program that judges in place of the tolerance, as `git bisect run` takes it.
  public init(
    candidate: PipelineSpecification, reference: PipelineSpecification, inputs: InputList,
    frameLimit: Int, tolerance: Double?, command: BisectCommand? = nil
  ) {
    self.candidate = candidate
    self.reference = reference
    self.inputs = inputs
    self.frameLimit = frameLimit
    self.tolerance = tolerance ?? Self.normal(candidate, reference)
    self.command = command
    let matching = LayerMatching(
      candidate: candidate.model.model, reference: reference.model.model)
    pairs = Dictionary(
      matching.pairs.filter { $0.permutation == nil && $0.isArrangementKnown }
        .map { ($0.candidate, $0.reference) }, uniquingKeysWith: { first, _ in first })
  }

  /// What healthy models differ by: of one kind of numbers under other kernels, or a quantized one beside its float
  /// model.
  private static func normal(
    _ candidate: PipelineSpecification, _ reference: PipelineSpecification
  ) -> Double {
    switch (candidate.model.isQuantized, reference.model.isQuantized) {
    case (false, false): Judge.Thresholds().floatKernel
    case (true, true): 0.05
    case (true, false), (false, true): 0.2
    }
  }

  /// Searches.
  ///
  /// - Throws: What reading the inputs or the models throws. A crash of the candidate is a result, not an error.
  public func run(observer: (any ProgressObserver)?) throws -> Bisection {
    let model = candidate.model.model
    let places = model.primary.ops.filter { op in
      model.liveTensors(at: op.index + 1).contains { op.outputs.contains($0) }
    }
    let frames = try prepared()
    var search = BisectSearch(count: places.count)
    var result = Bisection(
      verdict: .inconclusive, model: candidate.model.name, opCount: places.count, culprits: [],
      steps: [])
    guard let last = places.last, !frames.isEmpty else {
      result.notes.append("No op of this model depends on its inputs.")
      return result
    }
    let whole = try step(places.count, after: last, frames)
    result.steps.append(whole)
    guard whole.outcome == .bad else {
      result.verdict = whole.outcome == .good ? .pass : .inconclusive
      if command == nil, whole.outcome == .good {
        result.notes.append(
          "Up to nrmse \(Words.short(tolerance)) counts as good; --tolerance sets another limit.")
      }
      return result
    }
    while let place = search.next {
      let step = try step(place, after: places[place - 1], frames)
      search.judge(place, step.outcome)
      result.steps.append(step)
      let left = search.bad - search.good - 1
      observer?.progress("bisect", done: places.count - left, of: places.count)
    }
    result.culprits = places[search.good..<search.bad].map(\.reference)
    result.verdict = .fail
    if result.culprits.count > 1 {
      result.notes.append(
        "Runs in between could not be judged, so it is one of \(result.culprits.count) ops.")
    }
    return result
  }

  // MARK: Steps

  /// The input of one frame, for each side.
  private struct Frame {
    var candidate: [UInt8]
    var reference: [UInt8]
  }

  private func prepared() throws -> [Frame] {
    func pipeline(_ side: PipelineSpecification) throws -> InputPipeline {
      let opened = try OpenedModel(
        file: side.model, runtime: reference.runtime, options: reference.options, capture: .io)
      return try InputPipeline(
        recipe: side.recipe, input: opened.onlyInput(), modelName: side.model.name,
        recipeFile: side.recipeFile)
    }
    let feed = try FrameFeed(
      inputs: inputs, pipelines: [pipeline(candidate), pipeline(reference)], labels: nil)
    defer { feed.cancel() }
    var frames: [Frame] = []
    while frames.count < frameLimit, let frame = try feed.next() {
      frames.append(Frame(candidate: frame.sides[0].bytes, reference: frame.sides[1].bytes))
    }
    return frames
  }

  /// Judges the ops up to one of them.
  private func step(_ opCount: Int, after op: Op, _ frames: [Frame]) throws -> Bisection.Step {
    let model = candidate.model.model
    let live = model.liveTensors(at: op.index + 1).filter { pairs[$0] != nil }
    guard !live.isEmpty else {
      return .init(
        opCount: opCount, outcome: .skipped, detail: "nothing here has a partner in the reference")
    }
    let part = try model.part(making: live)
    let trusted = try reference.model.model.part(making: live.compactMap { pairs[$0] })
    let wanted: [[[UInt8]]]
    do {
      wanted = try outputs(
        of: trusted, reference, live.compactMap { pairs[$0] }, frames.map(\.reference))
    } catch let error as RuntimeError where error.code != .libraryUnavailable {
      return .init(
        opCount: opCount, outcome: .skipped,
        detail: "the reference cannot run this part: \(error.message)")
    }
    if let command {
      return try command.judge(
        part, opCount: opCount, op: op.reference, inputs: inputFiles(frames),
        reference: zip(live, wanted.transposed()).map { tensor, values in
          (reference.model.model.primary.tensors[pairs[tensor] ?? 0].description, values)
        })
    }
    do {
      let found = try outputs(of: part, candidate, live, frames.map(\.candidate))
      return compare(found, wanted, live, opCount: opCount)
    } catch let error as RuntimeError where error.code == .crashed || error.code == .timedOut {
      return .init(opCount: opCount, outcome: .bad, detail: error.message)
    } catch let error as RuntimeError where error.code != .libraryUnavailable {
      return .init(opCount: opCount, outcome: .skipped, detail: error.message)
    }
  }

  /// The packed values of some tensors, by frame.
  private func outputs(
    of part: ModelPart, _ side: PipelineSpecification, _ tensors: [Int], _ inputs: [[UInt8]]
  ) throws -> [[[UInt8]]] {
    var session = try PartSession(
      part, of: side.model.model, runtime: side.runtime, options: side.options)
    return try inputs.map { input in
      try session.run { _ in input }
      return try tensors.map { try session.bytes(of: $0) ?? [] }
    }
  }

  private func compare(
    _ found: [[[UInt8]]], _ wanted: [[[UInt8]]], _ live: [Int], opCount: Int
  ) -> Bisection.Step {
    var worst: (drift: Double, name: String)?
    for (position, tensor) in live.enumerated() {
      let own = candidate.model.model.primary.tensors[tensor].description
      let other = reference.model.model.primary.tensors[pairs[tensor] ?? 0].description
      guard var sums = DifferenceAccumulator(candidate: own, reference: other) else { continue }
      for (first, second) in zip(found, wanted)
      where first[position].count == own.byteCount && second[position].count == other.byteCount {
        let (first, second) = (first[position], second[position])
        unsafe sums.add(candidate: first.span.bytes, reference: second.span.bytes, frame: "")
      }
      guard let metrics = sums.metrics else { continue }
      guard metrics.candidateNotFinite <= metrics.referenceNotFinite else {
        return .init(
          opCount: opCount, outcome: .bad,
          detail: "\(own.name) holds values that are not finite")
      }
      let drift = metrics.relativeDrift ?? 0
      if worst.map({ drift > $0.drift }) ?? true { worst = (drift, own.name) }
    }
    guard let worst else {
      return .init(opCount: opCount, outcome: .skipped, detail: "nothing here can be compared")
    }
    return .init(
      opCount: opCount, outcome: worst.drift > tolerance ? .bad : .good, nrmse: worst.drift,
      detail:
        "nrmse \(Words.short(worst.drift)) at \(worst.name.suffix(60))")
  }

  private func inputFiles(_ frames: [Frame]) -> [(TensorDescription, [[UInt8]])] {
    let graph = candidate.model.model.primary
    guard let input = graph.inputs.first else { return [] }
    return [(graph.tensors[input].description, frames.map(\.candidate))]
  }
}

extension [[[UInt8]]] {
  /// By position what was by frame.
  fileprivate func transposed() -> [[[UInt8]]] {
    (first ?? []).indices.map { position in map { $0[position] } }
  }
}

extension ModelFile {
  /// Whether values between ops are integers.
  fileprivate var isQuantized: Bool {
    model.primary.tensors.contains {
      $0.constantBytes == nil && $0.description.elementType.isInteger
        && $0.description.quantization != nil
    }
  }
}
