public import EXrayCore
public import EXrayMatching

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
    /// The tensor's index in its model; nil where there is no model.
    public var modelIndex: Int?

    /// Creates a tensor.
    public init(
      role: Role, op: OpReference?, description: TensorDescription, modelIndex: Int? = nil
    ) {
      self.role = role
      self.op = op
      self.description = description
      self.modelIndex = modelIndex
    }
  }

  /// Two tensors to compare: positions in the lists that the comparison was created with.
  public struct Pair: Sendable {
    /// Position among the candidate's tensors.
    public let candidate: Int
    /// Position among the reference's tensors.
    public let reference: Int
    /// How the candidate's axes are reordered before its values are compared; nil where they need not be.
    public let permutation: AxisPermutation?
    fileprivate let slot: Slot

    /// Whether its sums are a layer's; else those of an input or an output of the model.
    public var isLayer: Bool {
      if case .layer = slot { true } else { false }
    }
  }

  /// Where a pair's sums are kept.
  fileprivate enum Slot: Sendable {
    case input(Int)
    case layer(Int)
    case output(Int)
  }

  /// The pairs that every frame should be fed with: inputs, outputs, then layers.
  public private(set) var pairs: [Pair] = []

  private let candidate: [Tensor]
  private let reference: [Tensor]
  /// What could not be matched because it is alike.
  private var notes: [String] = []
  private var inputs: [Entry] = []
  private var layers: [Entry] = []
  private var outputs: [Entry] = []
  private var agreements: [InputAgreement?] = []
  private var tally: AnswerTally?
  private var constancy: [OutputConstancy] = []
  private var frames = 0
  /// The input that is looked at; its memory serves every frame.
  private var scratch: (candidate: [Float], reference: [Float]) = ([], [])

  /// Creates a comparison of runs that offer these tensors, matched by what their lists tell.
  ///
  /// - Parameters:
  ///   - candidateValues: A print of the values that a candidate's tensor, by position, has in one frame; asked for
  ///     only where names do not settle the matter.
  ///   - referenceValues: The same of the reference, for the same input.
  public init(
    candidate: [Tensor], reference: [Tensor], candidateValues: (Int) -> ValuePrint? = { _ in nil },
    referenceValues: (Int) -> ValuePrint? = { _ in nil }
  ) {
    let first = Self.executionOrder(candidate)
    let second = Self.executionOrder(reference)
    let matching = LayerMatching(
      candidate: first.map { .init(op: candidate[$0].op, description: candidate[$0].description) },
      reference: second.map { .init(op: reference[$0].op, description: reference[$0].description) },
      candidateValues: { candidateValues(first[$0]) },
      referenceValues: { referenceValues(second[$0]) })
    self.init(candidate, reference)
    addEnds([:])
    addLayers(
      first, second,
      Matched(matching, own: { first[$0] }, other: { second[$0] }))
  }

  /// Creates a comparison of runs of two models whose tensors have been matched.
  ///
  /// - Parameter matching: Of the models' tensors; those of the runs say which they are.
  public init(candidate: [Tensor], reference: [Tensor], matching: LayerMatching) {
    let first = Self.executionOrder(candidate)
    let second = Self.executionOrder(reference)
    let own = Self.places(candidate)
    let other = Self.places(reference)
    let matched = Matched(matching, own: { own[$0] }, other: { other[$0] })
    self.init(candidate, reference)
    addEnds(matched.pairs)
    addLayers(first, second, matched)
  }

  private init(_ candidate: [Tensor], _ reference: [Tensor]) {
    self.candidate = candidate
    self.reference = reference
  }

  /// Where each tensor of a model is; an output that is a layer too is found as what comes first.
  private static func places(_ tensors: [Tensor]) -> [Int: Int] {
    Dictionary(
      tensors.indices.compactMap { index in tensors[index].modelIndex.map { ($0, index) } },
      uniquingKeysWith: { first, _ in first })
  }

  /// A matching by positions among the tensors of both runs.
  private struct Matched {
    var pairs: [Int: LayerMatching.Pair] = [:]
    var groups: [(candidates: [Int], references: [Int])] = []

    init(_ matching: LayerMatching, own: (Int) -> Int?, other: (Int) -> Int?) {
      for pair in matching.pairs {
        guard let first = own(pair.candidate), let second = other(pair.reference) else { continue }
        var pair = pair
        (pair.candidate, pair.reference) = (first, second)
        pairs[first] = pair
      }
      groups = matching.ambiguous.map {
        ($0.candidates.compactMap(own), $0.references.compactMap(other))
      }
    }
  }

  /// Inputs and outputs: those that are matched, and the others by their order.
  private mutating func addEnds(_ matched: [Int: LayerMatching.Pair]) {
    for role in [Tensor.Role.input, .output] {
      let first = candidate.indices.filter { candidate[$0].role == role }
      var second = reference.indices.filter { reference[$0].role == role }
      let places = Set(second)
      var partners: [Int: Int] = [:]
      for index in first {
        if let pair = matched[index], places.contains(pair.reference), pair.confidence >= 0.9 {
          partners[index] = pair.reference
        }
      }
      let taken = Set(partners.values)
      second.removeAll { taken.contains($0) }
      var rest = second[...]
      for index in first {
        let partner = partners[index] ?? rest.popFirst()
        addEntry(role, candidate: index, reference: partner, matched[index])
      }
      for index in rest { addEntry(role, candidate: nil, reference: index, nil) }
    }
    if let output = outputs.first, let position = output.candidate,
      let other = output.reference,
      candidate[position].description.classCount == reference[other].description.classCount
    {
      tally = AnswerTally(output: candidate[position].description)
    }
  }

  /// Layers in the candidate's order, those of the reference alone before what follows them.
  private mutating func addLayers(_ first: [Int], _ second: [Int], _ matched: Matched) {
    let places = Dictionary(
      second.enumerated().map { ($1, $0) }, uniquingKeysWith: { first, _ in first })
    let partners = first.map { matched.pairs[$0].flatMap { places[$0.reference] } }
    var isTaken = [Bool](repeating: false, count: second.count)
    for case .some(let place) in partners { isTaken[place] = true }
    var next = 0
    for (index, partner) in zip(first, partners) {
      if let partner {
        while next < partner {
          if !isTaken[next] { addEntry(.layer, candidate: nil, reference: second[next], nil) }
          next += 1
        }
      }
      addEntry(
        .layer, candidate: index, reference: partner.map { second[$0] }, matched.pairs[index])
    }
    while next < second.count {
      if !isTaken[next] { addEntry(.layer, candidate: nil, reference: second[next], nil) }
      next += 1
    }
    notes = matched.groups.filter { !$0.candidates.isEmpty && !$0.references.isEmpty }
      .prefix(Self.noteLimit).map { group in
        "Cannot be told apart, and are not compared: \(words(group.candidates, candidate)) of the"
          + " candidate and \(words(group.references, reference)) of the reference."
      }
    if matched.groups.count > Self.noteLimit {
      notes.append("\(matched.groups.count - Self.noteLimit) more groups of layers are alike.")
    }
  }

  /// Groups of layers that are alike which are listed, and layers of one group.
  private static let noteLimit = 8

  private func words(_ places: [Int], _ tensors: [Tensor]) -> String {
    let named = places.prefix(Self.noteLimit).map { place in
      tensors[place].op.map { "op \($0.index) \($0.type)" } ?? tensors[place].description.name
    }
    let more = places.count - named.count
    return named.joined(separator: ", ") + (more > 0 ? " and \(more) more" : "")
  }

  /// Layers and the outputs that ops made, in execution order.
  private static func executionOrder(_ tensors: [Tensor]) -> [Int] {
    let hasLayers = tensors.contains { $0.role == .layer }
    return tensors.indices
      .filter { tensors[$0].role != .input && tensors[$0].op != nil && hasLayers }
      .sorted { (tensors[$0].op?.index ?? 0, $0) < (tensors[$1].op?.index ?? 0, $1) }
  }

  private mutating func addEntry(
    _ role: Tensor.Role, candidate first: Int?, reference second: Int?,
    _ match: LayerMatching.Pair?
  ) {
    var entry = Entry(candidate: first, reference: second)
    var permutation: AxisPermutation?
    if let first, let second {
      let shapes = (candidate[first].description.shape, reference[second].description.shape)
      entry.match = match.flatMap { $0.reference == second ? $0 : nil }
      if let known = entry.match?.permutation {
        // The session's extents are those of the run; the file may leave some open.
        permutation = AxisPermutation(extents: shapes.0.dimensions, order: known.order)
        if permutation?.reorderedExtents != shapes.1.dimensions {
          entry.match?.isArrangementKnown = false
        }
      } else if entry.match == nil {
        permutation = LayerMatching.permutation(from: shapes.0, to: shapes.1)
      }
      if entry.match?.isArrangementKnown ?? true {
        entry.accumulator = DifferenceAccumulator(
          candidate: candidate[first].description, reference: reference[second].description)
      }
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
      pairs.append(
        Pair(candidate: first, reference: second, permutation: permutation, slot: slot))
    }
  }

  /// Adds one pair of tensors of one frame.
  ///
  /// - Parameter candidate: The candidate's values, their axes reordered where the pair has a permutation.
  /// - Returns: The pair's nrmse in this frame, or nil where it has none.
  /// - Precondition: Both spans hold at least the bytes that their descriptions tell.
  @discardableResult
  public mutating func add(
    _ pair: Pair, candidate: RawSpan, reference: RawSpan, frame: String
  ) -> Double? {
    switch pair.slot {
    case .layer(let index):
      return layers[index].add(candidate, reference, frame)
    case .output(let index):
      constancy[index].add(candidate: candidate, reference: reference)
      return outputs[index].add(candidate, reference, frame)
    case .input(let index):
      inputs[index].watches.candidate.add(candidate)
      if self.candidate[pair.candidate].description.readRealValues(
        in: candidate, into: &scratch.candidate),
        self.reference[pair.reference].description.readRealValues(
          in: reference, into: &scratch.reference)
      {
        agreements[index]?.add(candidate: scratch.candidate, reference: scratch.reference)
      }
      return inputs[index].accumulator?.add(
        candidate: candidate, reference: reference, frame: frame)
    }
  }

  /// Where layers of one frame are added from several threads, each pair from one of them.
  @safe public struct LayerSums: @unchecked Sendable {
    // Each layer is changed through its own pair alone, and nothing else of the comparison is.
    fileprivate let layers: UnsafeMutableBufferPointer<Entry>

    /// Adds one pair of layers, as ``RunComparison/add(_:candidate:reference:frame:)`` does.
    public func add(_ pair: Pair, candidate: RawSpan, reference: RawSpan, frame: String) {
      guard case .layer(let index) = pair.slot else { return }
      _ = unsafe layers[index].add(candidate, reference, frame)
    }
  }

  /// Calls `body` with the sums of all layers, good for no longer than that.
  public mutating func withLayerSums<Result>(
    _ body: (LayerSums) throws -> Result
  ) rethrows -> Result {
    unsafe try layers.withUnsafeMutableBufferPointer { layers in
      unsafe try body(LayerSums(layers: layers))
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
      frames: frames, inputs: rows(inputs), layers: rows(layers, showsMatch: true),
      outputs: rows(outputs),
      inputAgreements: agreements, accuracy: tally?.accuracy, answers: tally?.answers,
      candidateOutputIsConstant: constancy.map { $0.isSuspicious },
      bothOutputsAreConstant: !constancy.isEmpty && constancy.allSatisfy(\.isUseless),
      inputsChange: inputs.contains { $0.watches.candidate.changes },
      staleLayers: staleLayers, notes: notes)
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

  private func rows(_ entries: [Entry], showsMatch: Bool = false) -> [TensorComparison] {
    entries.enumerated().map { index, entry in
      let first = entry.candidate.map { side(candidate[$0]) }
      let second = entry.reference.map { side(reference[$0]) }
      let metrics = entry.accumulator?.metrics
      let status: TensorComparison.Status
      switch (first, second) {
      case (.some(let first), .some(let second)):
        let isArranged = entry.match?.isArrangementKnown ?? true
        if !isArranged || first.shape.elementCount != second.shape.elementCount {
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
        worstFrame: entry.accumulator?.worstFrame,
        confidence: showsMatch ? entry.match?.confidence : nil,
        matchedBy: showsMatch ? entry.match?.reasons : nil)
    }
  }

  private func side(_ tensor: Tensor) -> TensorComparison.Side {
    TensorComparison.Side(
      tensor: tensor.description.name, op: tensor.op,
      elementType: tensor.description.elementType, shape: tensor.description.shape)
  }

  fileprivate struct Entry: Sendable {
    var candidate: Int?
    var reference: Int?
    var match: LayerMatching.Pair?
    var accumulator: DifferenceAccumulator?
    var watches = (candidate: DumpWatch(), reference: DumpWatch())

    mutating func add(_ first: RawSpan, _ second: RawSpan, _ frame: String) -> Double? {
      let nrmse = accumulator?.add(candidate: first, reference: second, frame: frame)
      // Last, when the values are in the processor's cache.
      watches.candidate.add(first)
      watches.reference.add(second)
      return nrmse
    }
  }
}
