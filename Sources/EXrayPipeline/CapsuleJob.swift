import EXrayCore
import EXrayLayers
import EXrayMatching
import EXrayModel
import EXrayPreprocess
import EXrayRuntime
public import EXrayValidation

/// Makes a capsule: the smallest part of a model that goes wrong, with its inputs and both outputs.
///
/// The op is cut out and run on the inputs that it had in the candidate. Where it is right alone, the part grows
/// backwards, to twice as many ops each time, until it goes wrong as it does in the whole.
public struct CapsuleJob {
  /// What came of it.
  public enum Outcome: Sendable {
    /// The capsule was written.
    case made(CapsuleManifest)
    /// There is nothing to show, and why.
    case nothing(Verdict, String)
  }

  private let candidate: PipelineSpecification
  private let reference: PipelineSpecification
  private let inputs: InputList
  private let frameLimit: Int
  private let op: Int?
  private let tool: String
  /// For each tensor of the candidate that has one, its partner in the reference.
  private let partners: [Int: Int]
  private let isSameModel: Bool

  /// Bytes of arrays that a capsule holds at most; fewer frames are taken where they are large.
  private static let byteLimit = 256 << 20
  /// The part of the whole's difference that a part must show.
  private static let share = 0.5
  /// What counts as fixed where the fault is values that are not finite.
  private static let finiteTolerance = 1e-3

  /// Creates a job.
  ///
  /// - Parameters:
  ///   - frameLimit: How many frames the capsule holds at most, from the first on.
  ///   - op: The op, as the candidate counts; nil for the first that taking the models apart blames.
  ///   - tool: Name and version of the program.
  public init(
    candidate: PipelineSpecification, reference: PipelineSpecification, inputs: InputList,
    frameLimit: Int, op: Int?, tool: String
  ) {
    self.candidate = candidate
    self.reference = reference
    self.inputs = inputs
    self.frameLimit = frameLimit
    self.op = op
    self.tool = tool
    let (model, trusted) = (candidate.model.model, reference.model.model)
    isSameModel = candidate.model.sha256 == reference.model.sha256
    partners =
      isSameModel
      ? Dictionary(uniqueKeysWithValues: model.primary.tensors.indices.map { ($0, $0) })
      : Dictionary(
        LayerMatching(candidate: model, reference: trusted).pairs
          .filter { $0.permutation == nil && $0.isArrangementKnown }
          .map { ($0.candidate, $0.reference) }, uniquingKeysWith: { first, _ in first })
  }

  /// Makes the capsule.
  ///
  /// - Parameter path: A folder that does not exist or is empty.
  /// - Throws: What reading the inputs or the models, running them or writing throws.
  public func run(into path: String, observer: (any ProgressObserver)?) throws -> Outcome {
    let folder = try CapsuleFolder(path)
    var finding: CapsuleManifest.Found?
    var blamed = op
    if op == nil {
      let diagnosis = try DissectJob(
        candidate: candidate, reference: reference, inputs: inputs, frameLimit: frameLimit
      ).run(isComplete: false, observer: observer)
      guard !diagnosis.layers.isEmpty else {
        return .nothing(.inconclusive, "No layer could be compared, so that no op can be blamed.")
      }
      guard let first = diagnosis.findings.first else {
        return .nothing(.pass, "Every op does what it should; --op names one to show all the same.")
      }
      let found = diagnosis.findings.first { $0.where.op != nil } ?? first
      blamed = found.where.op
      finding = .init(
        cause: found.cause.identifier, title: found.title, evidence: found.evidence)
    }
    let ops = candidate.model.model.primary.ops
    guard let blamed else {
      throw PipelineError(
        .unsuitableInput, "\(finding?.title ?? "") is no fault of one op; name one with --op")
    }
    guard ops.indices.contains(blamed) else {
      throw PipelineError(
        .unsuitableInput,
        "\(candidate.model.path): has no op \(blamed), it has \(ops.count); count from 0")
    }
    switch try smallest(ops[blamed], observer) {
    case .nothing(let verdict, let why): return .nothing(verdict, why)
    case .found(let attempt):
      let contents = CapsuleContents(
        attempt, op: ops[blamed], candidate: candidate, reference: reference, finding: finding,
        tolerance: attempt.difference.nrmse.map { Self.share * $0 }.flatMap { $0 > 0 ? $0 : nil }
          ?? Self.finiteTolerance, tool: tool)
      return .made(try folder.write(contents))
    }
  }

  // MARK: Parts

  private enum Search {
    case found(CapsuleAttempt)
    case nothing(Verdict, String)
  }

  /// The part with the fewest ops that goes wrong as the whole does.
  private func smallest(_ op: Op, _ observer: (any ProgressObserver)?) throws -> Search {
    let place = "op \(op.index) \(op.type)"
    let model = candidate.model.model
    guard
      let target = op.outputs.first(where: {
        $0 >= 0 && partners[$0] != nil && model.primary.tensors[$0].constantBytes == nil
          && model.primary.tensors[$0].description.byteCount != nil
      })
    else {
      return .nothing(.inconclusive, "What \(place) makes has no counterpart in the reference.")
    }
    let frames = try prepared()
    guard !frames.isEmpty else { return .nothing(.inconclusive, "There are no inputs.") }
    let cone = model.primary.cone(of: target)
    var count = 1
    var isRight = true
    while true {
      let last = Set(cone.suffix(count))
      if let attempt = try attempt(last, target, frames) {
        if attempt.whole.isNothing {
          return .nothing(
            .pass, "\(place) gives what the reference gives; there is nothing to show.")
        }
        if attempt.shows(Self.share) { return .found(attempt) }
        isRight = false
      }
      guard count < cone.count else { break }
      observer?.progress("grow the part", done: count, of: cone.count)
      count = min(2 * count, cone.count)
    }
    return .nothing(
      .inconclusive,
      isRight
        ? "The reference has no ops for what \(place) makes of its inputs."
        : "\(place) goes wrong only inside the whole model; no part of it shows the fault.")
  }

  /// Runs some ops of the candidate and what the reference has for them.
  ///
  /// - Returns: nil where the reference needs values that the candidate does not have.
  private func attempt(
    _ ops: Set<Int>, _ target: Int, _ frames: [[UInt8]]
  ) throws -> CapsuleAttempt? {
    let (model, trusted) = (candidate.model.model, reference.model.model)
    let members = model.primary.ops.filter { ops.contains($0.index) }
    let inside = Set(members.flatMap(\.outputs))
    let part = try model.part(
      making: [target], given: Set(members.flatMap(\.inputs).filter { $0 >= 0 }).subtracting(inside)
    ).compacted()
    guard let partner = partners[target], !part.inputs.isEmpty else { return nil }
    var other: ModelPart?
    var sources: [Int: Int] = [:]
    if !isSameModel {
      for (own, other) in partners.sorted(by: { $0.key < $1.key })
      where !inside.contains(own) && sources[other] == nil {
        sources[other] = own
      }
      let trustedPart = try trusted.part(making: [partner], given: Set(sources.keys)).compacted()
      guard !trustedPart.inputs.isEmpty,
        trustedPart.inputs.allSatisfy({ sources[$0] != nil })
      else { return nil }
      other = trustedPart
    }
    let needed = Set(part.inputs + (other?.inputs.compactMap { sources[$0] } ?? []) + [target])
    let captured = try capture(needed, frames)
    var attempt = CapsuleAttempt(
      part: part, ops: members.map(\.reference), reference: other, model: model.primary,
      trusted: trusted.primary, target: target, partner: partner)
    attempt.inputs = captured.map { frame in part.inputs.map { frame[$0] ?? [] } }
    attempt.referenceInputs = try captured.map { frame in
      try other?.inputs.map { tensor in
        let own = sources[tensor] ?? tensor
        return try model.primary.tensors[own].description.stored(
          frame[own] ?? [], as: trusted.primary.tensors[tensor].description)
      } ?? []
    }
    attempt.candidate = try outputs(
      part, candidate, of: target, attempt.inputs)
    attempt.wanted =
      try other.map { try outputs($0, reference, of: partner, attempt.referenceInputs) }
      ?? outputs(part, reference, of: target, attempt.inputs)
    guard attempt.compare(captured: captured.map { $0[target] ?? [] }) else { return nil }
    return attempt
  }

  private func outputs(
    _ part: ModelPart, _ side: PipelineSpecification, of tensor: Int, _ inputs: [[[UInt8]]]
  ) throws -> [[UInt8]] {
    var session = try PartSession(
      part, of: side.model.model, runtime: side.runtime, options: side.options)
    return try inputs.map { frame in
      let values = Dictionary(zip(part.inputs, frame), uniquingKeysWith: { first, _ in first })
      try session.run { values[$0] ?? [] }
      return try session.bytes(of: tensor) ?? []
    }
  }

  // MARK: Values

  /// What the candidate takes, by frame.
  private func prepared() throws -> [[UInt8]] {
    let opened = try OpenedModel(
      file: candidate.model, runtime: candidate.runtime, options: candidate.options, capture: .io)
    let pipeline = try InputPipeline(
      recipe: candidate.recipe, input: opened.onlyInput(), modelName: candidate.model.name,
      recipeFile: candidate.recipeFile)
    let feed = try FrameFeed(inputs: inputs, pipelines: [pipeline], labels: nil)
    defer { feed.cancel() }
    var frames: [[UInt8]] = []
    while frames.count < frameLimit, let frame = try feed.next() {
      frames.append(frame.sides[0].bytes)
      guard frames.count * frames[0].count < Self.byteLimit else { break }
    }
    return frames
  }

  /// What some tensors hold in the whole candidate, by frame.
  private func capture(_ tensors: Set<Int>, _ frames: [[UInt8]]) throws -> [[Int: [UInt8]]] {
    var opened = try OpenedModel(
      file: candidate.model, runtime: candidate.runtime, options: candidate.options,
      capture: .layers)
    var captured: [[Int: [UInt8]]] = []
    var byteCount = 0
    for input in frames {
      try unsafe opened.session.write(input.span.bytes, toInput: 0)
      try opened.session.run()
      var frame: [Int: [UInt8]] = [:]
      for tensor in tensors {
        frame[tensor] = try opened.bytes(of: tensor, input: input)
      }
      byteCount += frame.values.reduce(0) { $0 + $1.count }
      captured.append(frame)
      // Arrays are kept for both sides, the reference's in up to four times the bytes.
      guard 4 * byteCount * (captured.count + 1) / captured.count < Self.byteLimit else { break }
    }
    return captured
  }
}

extension Subgraph {
  /// The ops that a tensor is made by, in the order of execution, without those that depend on constants alone.
  fileprivate func cone(of tensor: Int) -> [Int] {
    var needed: Set<Int> = [tensor]
    var depending = Set(inputs)
    for op in ops where op.inputs.contains(where: { depending.contains($0) }) {
      depending.formUnion(op.outputs)
    }
    var indices: [Int] = []
    for op in ops.reversed()
    where op.outputs.contains(where: { needed.contains($0) && depending.contains($0) }) {
      indices.append(op.index)
      needed.formUnion(op.inputs)
    }
    return indices.reversed()
  }
}
