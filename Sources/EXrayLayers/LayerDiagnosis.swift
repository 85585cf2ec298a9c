public import EXrayCore
public import EXrayModel
public import EXrayValidation

/// Says from a dissection which layers go wrong by themselves, and by what mechanism.
public struct LayerDiagnosis: Sendable {
  /// Limits between what is normal and what is a fault; measured on healthy pairs and on planted faults.
  struct Limits {
    /// Own error over the error that rounding explains; healthy layers stay under 2.
    var excess = 3.0
    /// Own error over the size of the result; below this a layer is not looked at.
    var relative = 0.004
    /// Part of the final error from which a layer counts as a cause of it.
    var share = 0.05
  }

  /// A layer under suspicion.
  struct Suspect {
    var layer: LayerEvidence
    var op: Op
    var expected: ExpectedRounding.Errors
    var weights: WeightComparison?
    var referenceActivation: String?
    /// Real units per step of the op's first input; 0 for floating point.
    var inputStep: Double
    /// The constants that an elementwise op adds or multiplies with, of both models; nil where there are none.
    var operands: (candidate: [Float], reference: [Float])?
    /// For joined tensors, the channels of each.
    var groups: [Range<Int>]
    /// Whether all weights have one scale in a model that otherwise has a scale a channel.
    var isPerTensor: Bool

    /// The root mean squared own error; without what few clipped values cost, which calibration leaves out on purpose.
    var own: Double {
      let total = layer.own.total
      guard !isClipped else { return total.error }
      return (max(0, total.squaredError - total.clippedEnergy) / Double(max(1, total.count)))
        .squareRoot()
    }

    /// Whether more values are cut off, or further, than a healthy calibration does.
    var isClipped: Bool {
      let total = layer.own.total
      let clipped = total.belowRange + total.aboveRange
      guard clipped >= 2, let range = layer.own.range else { return false }
      let needed = max(0, total.highestWanted) - min(0, total.lowestWanted)
      if needed > 1.9 * (range.upperBound - range.lowerBound) { return true }
      return clipped >= 16 && Double(clipped) > 0.01 * Double(total.count)
    }

    /// One of several tensors that are joined, and that needs a small part of the range.
    struct Group {
      var channels: Range<Int>
      var needed: Double
      var held: Double
      var relative: Double
    }

    /// Of the tensors that are joined to this one the one that loses most.
    var smallGroup: Group? {
      guard let range = layer.own.range, groups.count > 1 else { return nil }
      let held = Double(range.upperBound) - Double(range.lowerBound)
      let found = groups.compactMap { channels -> Group? in
        let sum = layer.own.channels[channels].reduce(into: ResultSums.Channel()) { $0.merge($1) }
        guard sum.squaredWanted > 0 else { return nil }
        let needed = Double(max(0, sum.highestWanted)) - Double(min(0, sum.lowestWanted))
        return Group(
          channels: channels, needed: needed, held: held,
          relative: (sum.squaredError / sum.squaredWanted).squareRoot())
      }.filter { $0.held > 8 * $0.needed && $0.relative > 0.02 }
      return found.max { $0.relative < $1.relative }
    }
    /// Own error over what rounding explains.
    var excess: Double {
      own == 0 ? 0 : expected.attainable > 0 ? own / expected.attainable : .infinity
    }
    /// Own error over the size of the result.
    var relative: Double {
      layer.signal.rootMeanSquare > 0 ? own / layer.signal.rootMeanSquare : own > 0 ? .infinity : 0
    }
  }

  /// The faults, the one with the largest part in the final error first.
  public let findings: [Finding]
  /// What every layer came to, in the candidate's order.
  public let layers: [LayerSummary]
  /// What is normal and worth knowing, one a line.
  public let notes: [String]
  /// The part of the final output's error that the inputs alone make; nil where it is unknown.
  public let inputShare: Double?

  let limits = Limits()

  /// Diagnoses.
  public init(_ dissection: Dissection, candidate: Model, reference: Model) {
    let rounding = ExpectedRounding(candidate, moments: dissection.moments)
    let suspects = dissection.layers.map { layer in
      Self.suspect(layer, rounding, candidate: candidate, reference: reference)
    }
    let mismatches = Dictionary(
      candidate.primary.biasScaleMismatches().map { ($0.op.index, $0) },
      uniquingKeysWith: { first, _ in first })
    layers = suspects.map { LayerSummary($0) }
    inputShare = dissection.inputShare
    let limits = limits
    let flagged = suspects.filter { suspect in
      suspect.layer.own.notFinite > 0 || suspect.smallGroup != nil
        || suspect.excess > limits.excess && suspect.relative > limits.relative
        || suspect.isPerTensor && suspect.excess > 1.4 && suspect.relative > 0.01
    }
    let wrong = flagged.filter { !Self.isConsequence($0, of: flagged) }
      .sorted { Self.weight($0) > Self.weight($1) }
    var findings: [Finding] = []
    let worst = wrong.first.map(Self.weight) ?? 0
    let serious = wrong.filter { Self.weight($0) > 0.1 * worst }
    let named = serious.map { ($0, Mechanism($0, biasScale: mismatches[$0.op.index])) }
    if let calibration = Self.calibration(dissection, suspects, named) {
      self.findings = [calibration]
      notes = dissection.notes
      return
    }
    for cause in named.map(\.1.cause) where !findings.contains(where: { $0.cause == cause }) {
      let same = named.filter { $0.1.cause == cause }
      findings.append(Self.finding(same))
    }
    self.findings = findings
    notes =
      dissection.notes
      + (findings.isEmpty
        ? Self.notes(suspects, isSameModel: candidate.bytes == reference.bytes) : [])
  }

  /// Says where the same model rounds otherwise under other kernels, and how far rounding alone goes.
  private static func notes(_ suspects: [Suspect], isSameModel: Bool) -> [String] {
    let normal = suspects.filter { $0.own > 0 && $0.excess <= 3 }
    if isSameModel {
      guard let first = normal.first, first.layer.step > 0 else { return [] }
      let largest = normal.map {
        ($0.layer.own.total.largestError.squareRoot() / $0.layer.step, $0)
      }
      .max { $0.0 < $1.0 }
      let size = Words.short(first.own / first.layer.step)
      return [
        "\(place(first)) is the first op that rounds otherwise under other kernels: \(size) steps (root mean square), "
          + (largest.map { "at most \(Words.short($0.0)) anywhere (\(place($0.1)))" } ?? "")
          + ". That is rounding, not a bug."
      ]
    }
    guard suspects.count > 1, normal.count == suspects.count(where: { $0.own > 0 }),
      let worst = normal.max(by: { $0.excess < $1.excess })
    else { return [] }
    return [
      "Every op stays within \(Words.short(worst.excess)) times of what rounding explains (\(place(worst))); what the outputs differ by is accumulated rounding."
    ]
  }

  /// The finding of one mechanism: at the first op of those that matter, with the others as evidence.
  private static func finding(_ same: [(suspect: Suspect, mechanism: Mechanism)]) -> Finding {
    let most = weight(same[0].suspect)
    let first =
      same.filter { weight($0.suspect) > 0.3 * most }
      .min { $0.suspect.op.index < $1.suspect.op.index } ?? same[0]
    var finding = first.mechanism.finding(for: first.suspect)
    for other in same where other.suspect.op.index != first.suspect.op.index {
      let facts = ["also \(place(other.suspect))"] + other.mechanism.evidence.prefix(1)
      finding.evidence.append(facts.joined(separator: ": "))
    }
    return finding
  }

  static func place(_ suspect: Suspect) -> String {
    "op \(suspect.layer.op.index) \(suspect.layer.op.type)"
  }

  /// Whether an op is right on clean inputs and wrong only on what a faulty op before it made.
  private static func isConsequence(_ suspect: Suspect, of others: [Suspect]) -> Bool {
    let layer = suspect.layer
    guard layer.clean.count > 0, layer.clean.rootMeanSquare < 0.3 * suspect.own else {
      return false
    }
    return others.contains { $0.op.index < suspect.op.index }
  }

  /// How much a layer matters: its part in the final error, or its own error where that is unknown.
  private static func weight(_ suspect: Suspect) -> Double {
    if suspect.layer.own.notFinite > 0 { return .infinity }
    let own = max(suspect.relative, suspect.smallGroup?.relative ?? 0)
    return max(abs(suspect.layer.share ?? 0), min(0.1, own))
  }

  private static func suspect(
    _ layer: LayerEvidence, _ rounding: ExpectedRounding, candidate: Model, reference: Model
  ) -> Suspect {
    let op = candidate.primary.ops[layer.op.index]
    let other = weightedOp(behind: layer.referenceTensor, like: op, in: reference)
    let otherWeights = other.flatMap { OpWeights($0, of: reference) }
    let comparison = OpWeights(op, of: candidate).flatMap { own in
      otherWeights.flatMap { WeightComparison(candidate: own, reference: $0) }
    }
    let maker = reference.primary.ops[layer.referenceOp.index]
    let tensors = candidate.primary.tensors
    let inputs = op.inputs.filter { $0 >= 0 }.map { tensors[$0].description }
    return Suspect(
      layer: layer, op: op,
      expected: rounding.errors(of: layer, reference: otherWeights), weights: comparison,
      referenceActivation: activation(of: maker), inputStep: Double(inputs.first?.step ?? 0),
      operands: operands(op, of: candidate).flatMap { own in
        operands(maker, of: reference).map { (own, $0) }
      },
      groups: op.type == "CONCATENATION" ? groups(inputs, of: layer.description) : [],
      isPerTensor: Set(comparison?.candidate.scales ?? []).count == 1
        && (comparison?.channels.count ?? 0) > 1 && candidate.hasPerChannelWeights)
  }

  /// The constant that an elementwise op adds or multiplies with.
  private static func operands(_ op: Op, of model: Model) -> [Float]? {
    guard ["ADD", "SUB", "MUL", "DIV"].contains(op.type) else { return nil }
    return op.inputs.lazy.filter { $0 >= 0 }.compactMap { model.constantValues(of: $0) }.first
  }

  /// The channels of each joined tensor; none where they are joined along another dimension.
  private static func groups(
    _ inputs: [TensorDescription], of result: TensorDescription
  ) -> [Range<Int>] {
    let counts = inputs.map(\.channelCount)
    guard counts.reduce(0, +) == result.channelCount else { return [] }
    var start = 0
    return counts.map { count in
      defer { start += count }
      return start..<start + count
    }
  }

  /// The activation that an op ends with: fused into it, or the op itself.
  static func activation(of op: Op) -> String? {
    ["RELU", "RELU6", "RELU_N1_TO_1"].contains(op.type) ? op.type : op.fusedActivation
  }

  /// The op of a type that makes a tensor, or that an op of one input makes it from.
  private static func weightedOp(behind tensor: Int, like op: Op, in model: Model) -> Op? {
    var tensor = tensor
    for _ in 0..<4 {
      guard let maker = model.primary.ops.first(where: { $0.outputs.contains(tensor) }) else {
        return nil
      }
      if maker.type == op.type { return maker }
      guard let source = maker.inputs.first, source >= 0 else { return nil }
      tensor = source
    }
    return nil
  }

  /// Ranges that do not fit the inputs: of the input itself, or in many places at once.
  private static func calibration(
    _ dissection: Dissection, _ suspects: [Suspect],
    _ named: [(suspect: Suspect, mechanism: Mechanism)]
  ) -> Finding? {
    let quantized = suspects.count { $0.layer.own.range != nil }
    let misfits = named.filter { $0.mechanism.cause.isRange }
    let input = inputMisfit(dissection)
    let isEverywhere = misfits.count >= 3 && 4 * misfits.count >= quantized
    guard input != nil || isEverywhere else { return nil }
    var facts = [input].compactMap { $0 }
    for (suspect, mechanism) in misfits.prefix(6) {
      facts.append("\(place(suspect)): \(mechanism.evidence[0])")
    }
    if let share = dissection.inputShare, input != nil {
      facts.append("\(Words.percent(share)) of the final output's error come from the input alone")
    }
    return Finding(
      cause: .calibration,
      title: input != nil
        ? "The ranges of the input and of the layers were calibrated on other inputs"
        : "The ranges of \(misfits.count) layers were calibrated on other inputs",
      where: .init(
        stage: input != nil ? "input" : "layer",
        op: input != nil ? nil : misfits.first?.suspect.op.index),
      confidence: 0.9, evidence: facts,
      fix: "Calibrate again with inputs that are prepared as the app prepares them.")
  }

  /// How the input's range does not fit its values, in words.
  private static func inputMisfit(_ dissection: Dissection) -> String? {
    guard let range = dissection.inputRange else { return nil }
    let values = dissection.inputValues
    let beyond = Double(values.beyondRange) / Double(max(1, values.count))
    let held =
      "the input holds \(Words.short(Double(range.lowerBound))) to \(Words.short(Double(range.upperBound)))"
    let given =
      "its values go from \(Words.short(Double(values.lowest))) to \(Words.short(Double(values.highest)))"
    if beyond > 0.02 { return "\(held), \(given): \(Words.percent(beyond)) are cut off" }
    let needed = max(0, values.highest) - min(0, values.lowest)
    guard needed > 0, range.upperBound - range.lowerBound > 4 * needed else { return nil }
    let steps = 255 * needed / (range.upperBound - range.lowerBound)
    return "\(held), \(given): \(Words.short(Double(steps))) of 255 steps are used"
  }
}

extension Cause {
  /// Whether the cause is a range of a result.
  fileprivate var isRange: Bool { self == .rangeTooNarrow || self == .rangeTooWide }
}

extension Model {
  /// Whether some op's weights have a scale a channel.
  fileprivate var hasPerChannelWeights: Bool {
    primary.tensors.contains {
      $0.constantBytes != nil && $0.description.elementType == .int8
        && Set($0.description.quantization?.scales ?? []).count > 1
    }
  }
}

/// What one layer came to.
public struct LayerSummary: Sendable, Hashable {
  /// The candidate's op.
  public var op: OpReference
  /// Name of the tensor that it makes.
  public var tensor: String
  /// Own and inherited error.
  public var errors: LayerErrors
  /// The root mean squared own error, in real units.
  public var rootMeanSquare: Double
  /// The largest own error of a single value, in quantization steps; nil for floating point.
  public var largestInSteps: Double?

  init(_ suspect: LayerDiagnosis.Suspect) {
    let layer = suspect.layer
    let signal = max(layer.signal.rootMeanSquare, .leastNormalMagnitude)
    op = layer.op
    tensor = layer.description.name
    rootMeanSquare = suspect.own
    errors = LayerErrors(
      own: suspect.own / signal, inherited: layer.inherited.rootMeanSquare / signal,
      share: layer.share, ownInSteps: layer.step > 0 ? suspect.own / layer.step : nil,
      excess: suspect.excess)
    largestInSteps =
      layer.step > 0 ? layer.own.total.largestError.squareRoot() / layer.step : nil
  }
}
