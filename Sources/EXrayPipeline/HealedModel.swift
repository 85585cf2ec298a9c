import EXrayCore
import EXrayMatching
import EXrayModel
import EXrayPreprocess
import EXrayRuntime
import EXrayValidation

/// A candidate of which one op is computed as the reference computes it, on the candidate's own inputs.
///
/// The candidate runs up to the op, the reference's ops give its result, which is stored as the candidate stores it,
/// and the candidate goes on from there: what the model would do with this one op put right.
struct HealedModel: ~Copyable {
  private var opened: OpenedModel
  private var op: PartSession
  private var rest: PartSession?
  private let candidate: Subgraph
  private let reference: Subgraph
  /// The candidate's tensor beside each one of the reference.
  private let partners: [Int: Int]
  private let result: (candidate: Int, reference: Int)

  /// The parts before they are loaded.
  struct Plan {
    fileprivate let candidate: PipelineSpecification
    fileprivate let reference: PipelineSpecification
    fileprivate let partners: [Int: Int]
    fileprivate let result: (candidate: Int, reference: Int)
    fileprivate let op: ModelPart
    fileprivate let rest: ModelPart?

    /// Cuts both models; nil where the op has no counterpart, or cannot be computed apart.
    init?(
      healing index: Int, of candidate: PipelineSpecification,
      as reference: PipelineSpecification, matching: LayerMatching
    ) throws {
      let (model, trusted) = (candidate.model.model, reference.model.model)
      let pairs = matching.pairs.filter { $0.permutation == nil && $0.isArrangementKnown }
      guard model.primary.ops.indices.contains(index),
        let made = model.primary.ops[index].outputs.first,
        let pair = pairs.first(where: { $0.candidate == made })
      else { return nil }
      let partners = Dictionary(
        pairs.map { ($0.reference, $0.candidate) }, uniquingKeysWith: { first, _ in first })
      op = try trusted.part(making: [pair.reference], given: Set(pairs.map(\.reference)))
      guard !op.inputs.isEmpty, op.inputs.allSatisfy({ partners[$0] != nil }) else { return nil }
      if model.primary.outputs.contains(made) {
        rest = nil
      } else {
        guard let suffix = try model.suffix(from: index + 1) else { return nil }
        rest = suffix
      }
      self.candidate = candidate
      self.reference = reference
      self.partners = partners
      result = (pair.candidate, pair.reference)
    }
  }

  /// Loads the three parts.
  init(_ plan: Plan) throws {
    let opened = try OpenedModel(
      file: plan.candidate.model, runtime: plan.candidate.runtime, options: plan.candidate.options,
      capture: .layers)
    let op = try PartSession(
      plan.op, of: plan.reference.model.model, runtime: plan.reference.runtime,
      options: plan.reference.options)
    let rest = try Self.session(plan.rest, plan.candidate)
    self.opened = opened
    self.op = op
    self.rest = rest
    candidate = plan.candidate.model.model.primary
    reference = plan.reference.model.model.primary
    partners = plan.partners
    result = plan.result
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
      values[tensor.tensorIndex] = try opened.withValues(tensor, inputBytes: input) { span in
        unsafe span.withUnsafeBytes { unsafe [UInt8]($0) }
      }
    }
    let (partners, candidate, reference) = (partners, candidate, reference)
    try op.run { tensor in
      guard let partner = partners[tensor], let bytes = values[partner] else { return [] }
      return try Self.stored(
        bytes, candidate.tensors[partner].description, as: reference.tensors[tensor].description)
    }
    let healed = try Self.stored(
      try op.bytes(of: result.reference) ?? [], reference.tensors[result.reference].description,
      as: candidate.tensors[result.candidate].description)
    values[result.candidate] = healed
    guard let output = candidate.outputs.first else { return nil }
    let known = values
    try rest?.run { known[$0] ?? [] }
    if let output = try rest?.values(of: output) { return output }
    guard let bytes = values[output] else { return nil }
    return unsafe candidate.tensors[output].description.realValues(in: bytes.span.bytes)
  }

  private static func stored(
    _ bytes: [UInt8], _ from: TensorDescription, as to: TensorDescription
  ) throws -> [UInt8] {
    if from.elementType == to.elementType, from.quantization == to.quantization { return bytes }
    return try to.storedBytes(for: unsafe from.realValues(in: bytes.span.bytes) ?? [])
  }
}

// What putting one op right would gain: replays with the op computed as the reference computes it.
extension ValidateJob {
  /// Ops that are put right, at most.
  private static var healedLimit: Int { 3 }
  /// Causes whose fix is another range of the stored result: the result put right would be cut off the same way.
  private static let outOfReach: Set<Cause> = [
    .rangeTooNarrow, .rangeTooWide, .concatScale, .calibration,
  ]

  /// Measures over all frames what each op to blame costs.
  func proveLayerFixes(
    recipe: Recipe?, before: [FrameOutcome], judgement: inout Judge.Judgement,
    notes: inout [String], observer: (any ProgressObserver)?
  ) {
    let wanted = judgement.findings.indices.filter {
      let finding = judgement.findings[$0]
      return finding.where.stage == "layer" && finding.where.op != nil && finding.gain == nil
        && !Self.outOfReach.contains(finding.cause)
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
          let answers = try healedAnswers(
            op, matching, recipe: recipe, count: before.count, observer: observer),
          answers.count == before.count
        else { continue }
        let after = zip(before, answers).map { outcome, answer in
          var outcome = outcome
          outcome.candidate = answer
          return outcome
        }
        judgement.findings[index].gain = FrameMeasurement(after).flatMap { start.gain(of: $0) }
        judgement.findings[index].evidence.append(
          "replayed over \(before.count) frames with op \(op) computed as the reference computes it"
        )
      } catch {
        notes.append("Op \(op) could not be put right for a replay: \(error)")
      }
    }
  }

  private func healedAnswers(
    _ op: Int, _ matching: LayerMatching, recipe: Recipe?, count: Int,
    observer: (any ProgressObserver)?
  ) throws -> [Int?]? {
    guard
      let plan = try HealedModel.Plan(
        healing: op, of: candidate, as: reference, matching: matching)
    else { return nil }
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
      observer?.progress("put op \(op) right", done: answers.count, of: count)
    }
    return answers
  }
}
