import EXrayCore
public import EXrayLayers
import EXrayModel
import EXrayRuntime
import EXrayValidation

/// Takes two models apart and measures what each layer of the candidate does wrong by itself.
///
/// Every op is run on inputs of our choice: the reference's on what reached the candidate's, the candidate's on what
/// reached the reference's and with kernels that are trusted. Then the reference is replayed from every place on
/// with what the candidate made up to there.
public struct DissectJob {
  let candidate: PipelineSpecification
  let reference: PipelineSpecification
  private let inputs: InputList
  private let frameLimit: Int

  /// Creates a job.
  ///
  /// - Parameter frameLimit: How many frames are measured at most, from the first on.
  public init(
    candidate: PipelineSpecification, reference: PipelineSpecification, inputs: InputList,
    frameLimit: Int = 8
  ) {
    self.candidate = candidate
    self.reference = reference
    self.inputs = inputs
    self.frameLimit = frameLimit
  }

  /// Measures and diagnoses.
  ///
  /// - Parameter isComplete: Whether shares and kernels are measured also where no layer is under suspicion.
  public func run(
    isComplete: Bool = true, observer: (any ProgressObserver)?
  ) throws -> LayerDiagnosis {
    try measure(isComplete: isComplete, observer: observer).diagnosis
  }

  /// Measures and diagnoses, and keeps what a report shows of the layers.
  ///
  /// - Parameters:
  ///   - isComplete: Whether shares and kernels are measured also where no layer is under suspicion.
  ///   - predictsHalf: Whether it is also said what float16 will do to the candidate.
  public func measure(
    isComplete: Bool = true, predictsHalf: Bool = false, observer: (any ProgressObserver)?
  ) throws -> DissectOutcome {
    let recording = try LayerRecording(
      candidate: candidate, reference: reference, inputs: inputs, frameLimit: frameLimit,
      observer: observer)
    let layers = recording.pairs.compactMap { pair -> LayerEvidence? in
      guard let op = pair.candidateOp, let other = pair.referenceOp else { return nil }
      return LayerEvidence(
        op: op, tensor: pair.candidate,
        description: recording.description(candidate: pair.candidate), referenceOp: other,
        referenceTensor: pair.reference)
    }
    let decisions = recording.decisions(
      candidate: candidate.model.model, reference: reference.model.model)
    var dissection = Dissection(layers: layers)
    try replay(recording, into: &dissection, observer)
    let first = diagnosis(dissection)
    guard isComplete || !first.findings.isEmpty else {
      return DissectOutcome(first, layers: dissection.layers, decisions: decisions, recording)
    }
    let cut = try candidate.model.model.cut(at: Set(recording.pairs.map(\.candidate)))
    try runAlone(recording, cut, into: &dissection, observer)
    do {
      try checkKernels(recording, cut, into: &dissection, observer)
    } catch let error as RuntimeError {
      // Reference kernels are used by few and refuse or assert more than others do.
      dissection.notes.append("The kernels could not be checked against others: \(error.message)")
    }
    try share(recording, into: &dissection, observer)
    var found = diagnosis(dissection)
    if predictsHalf {
      found.add(HalfPrecision(candidate.model.model).findings(dissection.layers))
    }
    return DissectOutcome(found, layers: dissection.layers, decisions: decisions, recording)
  }

  private func diagnosis(_ dissection: Dissection) -> LayerDiagnosis {
    LayerDiagnosis(
      dissection, candidate: candidate.model.model, reference: reference.model.model)
  }

  // MARK: Replays

  /// The reference's ops on the candidate's inputs: own and inherited error.
  private func replay(
    _ recording: LayerRecording, into dissection: inout Dissection,
    _ observer: (any ProgressObserver)?
  ) throws {
    let model = reference.model.model
    var part = try PartSession(
      model.cut(at: Set(recording.pairs.map(\.reference))), of: model, runtime: reference.runtime,
      options: reference.options)
    for (number, frame) in recording.frames.enumerated() {
      try part.run { try recording.candidateValues(asReference: $0, in: frame) }
      for pair in recording.pairs where pair.candidateOp == nil {
        dissection.add(
          input: pair.candidate, recording.description(candidate: pair.candidate),
          .init(
            candidate: recording.reals(candidate: pair.candidate, in: frame),
            reference: recording.reals(reference: pair.reference, in: frame)))
      }
      for index in dissection.layers.indices {
        let layer = dissection.layers[index]
        guard let replayed = try part.values(of: layer.referenceTensor) else { continue }
        dissection.add(
          layer: index,
          .init(
            candidate: recording.reals(candidate: layer.tensor, in: frame),
            reference: recording.reals(reference: layer.referenceTensor, in: frame)),
          replayed: replayed)
      }
      observer?.progress("replay ops", done: number + 1, of: recording.frames.count)
    }
  }

  /// The candidate's ops alone: on their own inputs, and on clean ones.
  private func runAlone(
    _ recording: LayerRecording, _ cut: ModelPart, into dissection: inout Dissection,
    _ observer: (any ProgressObserver)?
  ) throws {
    var part = try PartSession(
      cut, of: candidate.model.model, runtime: candidate.runtime, options: candidate.options)
    for (number, frame) in recording.frames.enumerated() {
      try part.run { frame.candidate[$0] ?? [] }
      for index in dissection.layers.indices {
        let tensor = dissection.layers[index].tensor
        guard let values = try part.values(of: tensor) else { continue }
        let given = recording.reals(candidate: tensor, in: frame)
        dissection.layers[index].context.add(given, recording.inReferenceOrder(values, tensor))
      }
      try part.run { try recording.referenceValues(asCandidate: $0, in: frame) }
      for index in dissection.layers.indices {
        let layer = dissection.layers[index]
        guard let values = try part.values(of: layer.tensor) else { continue }
        dissection.layers[index].clean.add(
          recording.inReferenceOrder(values, layer.tensor),
          recording.reals(reference: layer.referenceTensor, in: frame))
      }
      observer?.progress("run ops alone", done: number + 1, of: recording.frames.count)
    }
  }

  /// The candidate's ops with kernels that are trusted.
  private func checkKernels(
    _ recording: LayerRecording, _ cut: ModelPart, into dissection: inout Dissection,
    _ observer: (any ProgressObserver)?
  ) throws {
    var options = candidate.options
    options.kernels = options.kernels == .reference ? .builtin : .reference
    var part = try PartSession(
      cut, of: candidate.model.model, runtime: candidate.runtime, options: options)
    for (number, frame) in recording.frames.enumerated() {
      try part.run { frame.candidate[$0] ?? [] }
      for index in dissection.layers.indices {
        let tensor = dissection.layers[index].tensor
        guard let values = try part.values(of: tensor) else { continue }
        let given = recording.reals(candidate: tensor, in: frame)
        dissection.layers[index].kernel.add(given, recording.inReferenceOrder(values, tensor))
      }
      observer?.progress("check kernels", done: number + 1, of: recording.frames.count)
    }
  }

  // MARK: Shares

  /// The reference from every place on, with what the candidate made up to there.
  private func share(
    _ recording: LayerRecording, into dissection: inout Dissection,
    _ observer: (any ProgressObserver)?
  ) throws {
    let model = reference.model.model
    let outputs = model.primary.outputs.filter { recording.hasPartner(reference: $0) }
    let end = model.primary.ops.count
    let cuts = model.primary.ops.indices.filter { op in
      guard let inputs = model.suffixInputs(from: op), !inputs.isEmpty else { return false }
      return inputs.allSatisfy { recording.hasPartner(reference: $0) }
    }
    var shares = ErrorShares(cutCount: cuts.count + 1)
    for (number, cut) in (cuts + [end]).enumerated() {
      var part = try suffix(from: cut)
      for frame in recording.frames {
        try part?.run { try recording.candidateValues(asReference: $0, in: frame) }
        let last = outputs.map { recording.candidateReals(besideReference: $0, in: frame) }
        var output: [Float] = []
        for (index, tensor) in outputs.enumerated() {
          output += try part?.values(of: tensor) ?? last[index]
        }
        shares.add(
          cut: number, output: output,
          first: outputs.flatMap { recording.reals(reference: $0, in: frame) },
          last: last.flatMap(\.self))
      }
      observer?.progress("share the error", done: number + 1, of: cuts.count + 1)
    }
    dissection.divide(shares, cuts: cuts + [end])
  }

  /// The reference from an op on; nil after the last one.
  private func suffix(from op: Int) throws -> PartSession? {
    let model = reference.model.model
    // Swift 6.3 never ends a session that comes out of a conditional expression.
    guard op < model.primary.ops.count, let part = try model.suffix(from: op) else { return nil }
    return try PartSession(
      part, of: model, runtime: reference.runtime, options: reference.options)
  }
}
