import EXrayCore
import EXrayMatching
import EXrayModel
import EXrayPreprocess
import EXrayRuntime
import EXrayValidation

/// A candidate of which a few ops are computed as the reference computes them, on the candidate's own inputs.
///
/// The candidate runs up to them, the reference's ops give their results, which are stored as the candidate stores
/// them, and the candidate goes on from there: what the model would do with these ops put right.
struct HealedModel: ~Copyable {
  private var opened: OpenedModel
  private var ops: PartSession
  private var rest: PartSession?
  private let candidate: Subgraph
  private let reference: Subgraph
  /// The candidate's tensor beside each one of the reference.
  private let partners: [Int: Int]
  private let results: [LayerMatching.Pair]

  /// The parts before they are loaded.
  struct Plan {
    fileprivate let candidate: PipelineSpecification
    fileprivate let reference: PipelineSpecification
    fileprivate let partners: [Int: Int]
    fileprivate let results: [LayerMatching.Pair]
    fileprivate let part: ModelPart
    fileprivate let rest: ModelPart?
    /// The candidate's ops that are put right.
    let ops: ClosedRange<Int>

    /// Ops that are put right beyond those that have to be, to come to where results have a counterpart.
    private static let slack = 8

    /// Cuts both models; nil where the op has no counterpart, or cannot be computed apart.
    ///
    /// - Parameter readers: Whether the ops that read the result are put right too, so that it need not be stored
    ///   as the candidate stores it.
    init?(
      healing op: Int, readers: Bool, of candidate: PipelineSpecification,
      as reference: PipelineSpecification, matching: LayerMatching
    ) throws {
      let (model, trusted) = (candidate.model.model, reference.model.model)
      let pairs = matching.pairs.filter { $0.permutation == nil && $0.isArrangementKnown }
      let graph = model.primary
      guard graph.ops.indices.contains(op) else { return nil }
      let first = readers ? graph.lastReader(of: op) : op
      let limit = readers ? min(first + Self.slack, graph.ops.count - 1) : first
      var found: (last: Int, results: [LayerMatching.Pair])?
      for last in first...limit where found == nil {
        found = Self.results(of: op...last, model, pairs).map { (last, $0) }
      }
      guard let (last, results) = found else { return nil }
      let healed = Set(graph.ops[op...last].flatMap(\.outputs))
      let given = pairs.filter { !healed.contains($0.candidate) }
      let partners = Dictionary(
        given.map { ($0.reference, $0.candidate) }, uniquingKeysWith: { first, _ in first })
      part = try trusted.part(making: results.map(\.reference), given: Set(given.map(\.reference)))
      guard !part.inputs.isEmpty, part.inputs.allSatisfy({ partners[$0] != nil }) else {
        return nil
      }
      rest = last + 1 < graph.ops.count ? try model.suffix(from: last + 1) : nil
      self.candidate = candidate
      self.reference = reference
      self.partners = partners
      self.results = results
      ops = op...last
    }

    /// What some ops hand on, and the reference's tensors beside that; nil where one has none.
    private static func results(
      of ops: ClosedRange<Int>, _ model: Model, _ pairs: [LayerMatching.Pair]
    ) -> [LayerMatching.Pair]? {
      let graph = model.primary
      let made = Set(graph.ops[ops].flatMap(\.outputs))
      guard let read = model.suffixInputs(from: ops.upperBound + 1) else { return nil }
      let handedOn = made.intersection(read).union(made.intersection(graph.outputs)).sorted()
      let results = handedOn.compactMap { tensor in pairs.first { $0.candidate == tensor } }
      return results.count == handedOn.count && !results.isEmpty ? results : nil
    }
  }

  /// Loads the three parts.
  init(_ plan: Plan) throws {
    let opened = try OpenedModel(
      file: plan.candidate.model, runtime: plan.candidate.runtime, options: plan.candidate.options,
      capture: .layers)
    let ops = try PartSession(
      plan.part, of: plan.reference.model.model, runtime: plan.reference.runtime,
      options: plan.reference.options)
    let rest = try Self.session(plan.rest, plan.candidate)
    self.opened = opened
    self.ops = ops
    self.rest = rest
    candidate = plan.candidate.model.model.primary
    reference = plan.reference.model.model.primary
    partners = plan.partners
    results = plan.results
  }

  private static func session(
    _ part: ModelPart?, _ side: PipelineSpecification
  ) throws -> PartSession? {
    guard let part else { return nil }
    return try PartSession(part, of: side.model.model, runtime: side.runtime, options: side.options)
  }

  /// The tensor that the model takes.
  func input() throws -> TensorDescription { try opened.onlyInput() }

  /// The real values of the first output for one input.
  mutating func output(for input: [UInt8]) throws -> [Float]? {
    try unsafe opened.session.write(input.span.bytes, toInput: 0)
    try opened.session.run()
    var values: [Int: [UInt8]] = [:]
    for tensor in opened.tensors {
      values[tensor.tensorIndex] = try opened.bytes(of: tensor.tensorIndex, input: input)
    }
    let (partners, candidate, reference) = (partners, candidate, reference)
    try ops.run { tensor in
      guard let partner = partners[tensor], let bytes = values[partner] else { return [] }
      return try reference.tensors[tensor].description.stored(
        bytes, of: candidate.tensors[partner].description)
    }
    for result in results {
      values[result.candidate] = try candidate.tensors[result.candidate].description.stored(
        try ops.bytes(of: result.reference) ?? [],
        of: reference.tensors[result.reference].description)
    }
    guard let output = candidate.outputs.first else { return nil }
    let known = values
    try rest?.run { known[$0] ?? [] }
    if let output = try rest?.values(of: output) { return output }
    guard let bytes = values[output] else { return nil }
    return unsafe candidate.tensors[output].description.realValues(in: bytes.span.bytes)
  }
}

extension Subgraph {
  /// The last op that reads what an op makes; the op itself where none does.
  fileprivate func lastReader(of op: Int) -> Int {
    let made = Set(ops[op].outputs)
    return ops.lastIndex { !made.isDisjoint(with: $0.inputs) } ?? op
  }
}

// What putting one op right would gain: replays with the op computed as the reference computes it.
extension ValidateJob {
  /// Ops that are put right, at most.
  private static var healedLimit: Int { 3 }
  /// Causes whose fix is another range of the stored result: put right, it would be cut off the same way, so that it
  /// is not stored but read by ops that are put right too.
  private static let ranges: Set<Cause> = [.rangeTooNarrow, .rangeTooWide, .concatScale]

  /// Measures over all frames what each op to blame costs.
  func proveLayerFixes(
    recipe: Recipe?, before: [FrameOutcome], judgement: inout Judge.Judgement,
    notes: inout [String], observer: (any ProgressObserver)?
  ) {
    let wanted = judgement.findings.indices.filter {
      let finding = judgement.findings[$0]
      return finding.where.stage == "layer" && finding.where.op != nil && finding.gain == nil
        && finding.cause != .calibration
    }.prefix(Self.healedLimit)
    guard !wanted.isEmpty, let start = FrameMeasurement(before),
      before.allSatisfy({ $0.candidate != nil && $0.reference != nil })
    else { return }
    let matching = LayerMatching(
      candidate: candidate.model.model, reference: reference.model.model)
    for index in wanted {
      guard let op = judgement.findings[index].where.op else { continue }
      do {
        guard
          let plan = try HealedModel.Plan(
            healing: op, readers: Self.ranges.contains(judgement.findings[index].cause),
            of: candidate, as: reference, matching: matching)
        else { continue }
        let answers = try healedAnswers(
          plan, recipe: recipe, count: before.count, observer: observer)
        guard answers.count == before.count else { continue }
        let after = zip(before, answers).map { outcome, answer in
          var outcome = outcome
          outcome.candidate = answer
          return outcome
        }
        judgement.findings[index].gain = FrameMeasurement(after).flatMap { start.gain(of: $0) }
        judgement.findings[index].evidence.append(
          "replayed over \(before.count) frames with \(Self.words(plan.ops)) computed as the reference computes \(plan.ops.count == 1 ? "it" : "them")"
        )
      } catch {
        notes.append("Op \(op) could not be put right for a replay: \(error)")
      }
    }
  }

  private static func words(_ ops: ClosedRange<Int>) -> String {
    ops.count == 1 ? "op \(ops.lowerBound)" : "ops \(ops.lowerBound) to \(ops.upperBound)"
  }

  private func healedAnswers(
    _ plan: HealedModel.Plan, recipe: Recipe?, count: Int, observer: (any ProgressObserver)?
  ) throws -> [Int?] {
    var model = try HealedModel(plan)
    let pipeline = try InputPipeline(
      recipe: recipe, input: model.input(), modelName: candidate.model.name,
      recipeFile: candidate.recipeFile)
    let feed = try FrameFeed(inputs: inputs, pipelines: [pipeline], labels: labels.labels)
    defer { feed.cancel() }
    var answers: [Int?] = []
    while let frame = try feed.next() {
      answers.append(
        try model.output(for: frame.sides[0].bytes).flatMap { topClasses($0, 1).first })
      observer?.progress("put \(Self.words(plan.ops)) right", done: answers.count, of: count)
    }
    return answers
  }
}
