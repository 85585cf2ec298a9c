public import EXrayCore

/// Compares two runs tensor by tensor, frame by frame, keeping sums and no values.
///
/// Feed it every frame's tensors with ``add(_:candidate:reference:frame:)`` in any order, then read the
/// collected ``evidence``. It does no input or output: values come from live sessions or from traces.
public struct RunComparison: Sendable {
  /// One tensor that a run offers.
  public struct Tensor: Sendable {
    /// Which part of the run the tensor belongs to.
    public enum Role: Sendable, Hashable {
      /// Given to the model.
      case input
      /// Made by an op inside the model.
      case layer
      /// The model's answer.
      case output
    }

    /// Which part of the run the tensor belongs to.
    public var role: Role
    /// The op that made it; nil for inputs.
    public var op: OpReference?
    /// Name, type, shape and quantization.
    public var description: TensorDescription

    /// Creates a tensor.
    public init(role: Role, op: OpReference?, description: TensorDescription) {
      self.role = role
      self.op = op
      self.description = description
    }
  }

  /// Two tensors to compare: positions in the lists that the comparison was created with.
  public struct Pair: Sendable {
    /// Position among the candidate's tensors.
    public let candidate: Int
    /// Position among the reference's tensors.
    public let reference: Int
    fileprivate let slot: Slot
  }

  /// Where a pair's sums are kept.
  fileprivate enum Slot: Sendable {
    case input(Int)
    case layer(Int)
    case output(Int)
  }

  /// The pairs that every frame should be fed with.
  public private(set) var pairs: [Pair] = []

  private let candidate: [Tensor]
  private let reference: [Tensor]
  private var inputs: [Entry] = []
  private var layers: [Entry] = []
  private var outputs: [Entry] = []
  private var agreements: [InputAgreement?] = []
  private var tally: AnswerTally?
  private var constancy: [OutputConstancy] = []
  private var frames = 0

  /// Creates a comparison of runs that offer these tensors.
  public init(candidate: [Tensor], reference: [Tensor]) {
    self.candidate = candidate
    self.reference = reference
    for role in [Tensor.Role.input, .output] {
      let first = candidate.indices.filter { candidate[$0].role == role }
      let second = reference.indices.filter { reference[$0].role == role }
      for index in 0..<max(first.count, second.count) {
        addEntry(
          role, candidate: index < first.count ? first[index] : nil,
          reference: index < second.count ? second[index] : nil)
      }
    }
    let first = Self.executionOrder(candidate)
    let second = Self.executionOrder(reference)
    let matching = TensorMatching(
      candidate: first.map { .init(op: candidate[$0].op, description: candidate[$0].description) },
      reference: second.map { .init(op: reference[$0].op, description: reference[$0].description) }
    )
    for pair in matching.pairs {
      addEntry(
        .layer, candidate: pair.candidate.map { first[$0] },
        reference: pair.reference.map { second[$0] })
    }
    if let output = outputs.first?.positions, let position = output.candidate,
      let other = output.reference,
      candidate[position].description.classCount == reference[other].description.classCount
    {
      tally = AnswerTally(output: candidate[position].description)
    }
  }

  /// Layers and the outputs that ops made, in execution order.
  private static func executionOrder(_ tensors: [Tensor]) -> [Int] {
    let hasLayers = tensors.contains { $0.role == .layer }
    return tensors.indices
      .filter { tensors[$0].role != .input && tensors[$0].op != nil && hasLayers }
      .sorted { (tensors[$0].op?.index ?? 0, $0) < (tensors[$1].op?.index ?? 0, $1) }
  }

  private mutating func addEntry(_ role: Tensor.Role, candidate first: Int?, reference second: Int?)
  {
    var entry = Entry(positions: .init(candidate: first, reference: second))
    if let first, let second {
      entry.accumulator = DifferenceAccumulator(
        candidate: candidate[first].description, reference: reference[second].description)
    }
    let slot: Slot
    switch role {
    case .input:
      slot = .input(inputs.count)
      inputs.append(entry)
      agreements.append(nil)
      if let first, let second, entry.accumulator != nil {
        agreements[inputs.count - 1] = InputAgreement(
          candidate: candidate[first].description, reference: reference[second].description)
      }
    case .layer:
      slot = .layer(layers.count)
      layers.append(entry)
    case .output:
      slot = .output(outputs.count)
      outputs.append(entry)
      constancy.append(OutputConstancy())
    }
    if let first, let second, entry.accumulator != nil {
      pairs.append(Pair(candidate: first, reference: second, slot: slot))
    }
  }

  /// Adds one pair of tensors of one frame.
  ///
  /// - Returns: The pair's nrmse in this frame, or nil where it has none.
  /// - Precondition: Both spans hold at least the bytes that their descriptions tell.
  @discardableResult
  public mutating func add(
    _ pair: Pair, candidate: RawSpan, reference: RawSpan, frame: String
  ) -> Double? {
    switch pair.slot {
    case .layer(let index):
      layers[index].watches.candidate.add(candidate)
      layers[index].watches.reference.add(reference)
      return layers[index].accumulator?.add(
        candidate: candidate, reference: reference, frame: frame)
    case .output(let index):
      constancy[index].add(candidate: candidate, reference: reference)
      outputs[index].watches.candidate.add(candidate)
      outputs[index].watches.reference.add(reference)
      return outputs[index].accumulator?.add(
        candidate: candidate, reference: reference, frame: frame)
    case .input(let index):
      inputs[index].watches.candidate.add(candidate)
      if let first = self.candidate[pair.candidate].description.realValues(in: candidate),
        let second = self.reference[pair.reference].description.realValues(in: reference)
      {
        agreements[index]?.add(candidate: first, reference: second)
      }
      return inputs[index].accumulator?.add(
        candidate: candidate, reference: reference, frame: frame)
    }
  }

  /// Ends a frame, with the scores of the first output as real numbers where both sides have them.
  ///
  /// - Parameter label: The right class in the model's own numbering, if known.
  public mutating func endFrame(candidateScores: [Float]?, referenceScores: [Float]?, label: Int?) {
    frames += 1
    if let candidateScores, let referenceScores {
      tally?.add(candidate: candidateScores, reference: referenceScores, label: label)
    }
  }

  /// Whether the first output is a vector of class scores on both sides.
  public var comparesAnswers: Bool { tally != nil }

  /// What has been collected so far.
  public var evidence: ComparisonEvidence {
    ComparisonEvidence(
      frames: frames, inputs: rows(inputs), layers: rows(layers), outputs: rows(outputs),
      inputAgreements: agreements, accuracy: tally?.accuracy, answers: tally?.answers,
      candidateOutputIsConstant: constancy.map { $0.isSuspicious },
      bothOutputsAreConstant: !constancy.isEmpty && constancy.allSatisfy(\.isUseless),
      inputsChange: inputs.contains { $0.watches.candidate.changes },
      staleLayers: staleLayers)
  }

  private var staleLayers: [StaleLayer] {
    StaleLayer.found(
      among: layers.enumerated().compactMap { index, entry in
        entry.accumulator?.metrics?.relativeDrift.map {
          .init(
            index: index, drift: $0, candidate: entry.watches.candidate,
            reference: entry.watches.reference)
        }
      })
  }

  private func rows(_ entries: [Entry]) -> [TensorComparison] {
    entries.enumerated().map { index, entry in
      let first = entry.positions.candidate.map { side(candidate[$0]) }
      let second = entry.positions.reference.map { side(reference[$0]) }
      let metrics = entry.accumulator?.metrics
      let status: TensorComparison.Status
      switch (first, second) {
      case (.some(let first), .some(let second)):
        if first.shape.elementCount != second.shape.elementCount {
          status = .shapeAmbiguous
        } else if entry.accumulator == nil {
          status = .excluded
        } else if let metrics {
          status = metrics.count == 0 ? .unknown : .pass
        } else {
          status = .noTargetValue
        }
      default: status = .notMapped
      }
      return TensorComparison(
        index: index, status: status, candidate: first, reference: second, metrics: metrics,
        worstFrame: entry.accumulator?.worstFrame)
    }
  }

  private func side(_ tensor: Tensor) -> TensorComparison.Side {
    TensorComparison.Side(
      tensor: tensor.description.name, op: tensor.op,
      elementType: tensor.description.elementType, shape: tensor.description.shape)
  }

  private struct Entry: Sendable {
    var positions: TensorMatching.Pair
    var accumulator: DifferenceAccumulator?
    var watches = (candidate: DumpWatch(), reference: DumpWatch())
  }
}

/// Everything that judging a comparison needs.
public struct ComparisonEvidence: Sendable {
  /// Frames compared.
  public var frames: Int
  /// Model inputs.
  public var inputs: [TensorComparison]
  /// Layers in the candidate's execution order.
  public var layers: [TensorComparison]
  /// Model outputs.
  public var outputs: [TensorComparison]
  /// Whether the inputs carry the same real values; nil where they cannot be compared.
  public var inputAgreements: [InputAgreement?]
  /// Accuracy of both sides.
  public var accuracy: AccuracyComparison?
  /// Agreement of the answers.
  public var answers: AnswerComparison?
  /// For each output: the candidate's never changes although the reference's does.
  public var candidateOutputIsConstant: [Bool]
  /// Every output of both sides is the same for all frames.
  public var bothOutputsAreConstant = false
  /// Some input changed from one frame to the next.
  public var inputsChange = true
  /// Layers that hold values which are not theirs.
  public var staleLayers: [StaleLayer] = []
}

/// Whether an output ever changes from frame to frame, on each side.
private struct OutputConstancy: Sendable {
  private var first: (candidate: String, reference: String)?
  private var changed = (candidate: false, reference: false)

  mutating func add(candidate: RawSpan, reference: RawSpan) {
    if changed.candidate && changed.reference { return }
    let digests = (
      candidate: SHA256.hexadecimal(of: candidate), reference: SHA256.hexadecimal(of: reference)
    )
    guard let first else {
      first = digests
      return
    }
    changed.candidate = changed.candidate || digests.candidate != first.candidate
    changed.reference = changed.reference || digests.reference != first.reference
  }

  var isSuspicious: Bool { changed.reference && !changed.candidate }

  var isUseless: Bool { first != nil && !changed.reference && !changed.candidate }
}
