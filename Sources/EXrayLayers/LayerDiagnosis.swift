import EXrayCore
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
    /// The same of a layer whose weights have one scale where others have one a channel.
    var perTensor = (excess: 1.4, relative: 0.01)
    /// The same of a layer whose values need less than this part of its range.
    var wide = (excess: 2.2, relative: 0.01, part: 1.0 / 6)
  }

  /// The faults, the one with the largest part in the final error first.
  public private(set) var findings: [Finding]
  /// What every layer came to, in the candidate's order.
  public let layers: [LayerSummary]
  /// What is normal and worth knowing, one a line.
  public let notes: [String]
  /// The part of the final output's error that the inputs alone make; nil where it is unknown.
  public let inputShare: Double?

  /// Adds faults that were found another way.
  public mutating func add(_ others: [Finding]) { findings += others }

  /// Diagnoses.
  public init(_ dissection: Dissection, candidate: Model, reference: Model) {
    let rounding = ExpectedRounding(candidate, moments: dissection.moments)
    let suspects = dissection.layers.map { layer in
      Suspect(layer, rounding, candidate: candidate, reference: reference)
    }
    let mismatches = Dictionary(
      candidate.primary.biasScaleMismatches().map { ($0.op.index, $0) },
      uniquingKeysWith: { first, _ in first })
    layers = suspects.map { LayerSummary($0) }
    inputShare = dissection.inputShare
    let limits = Limits()
    let flagged = suspects.filter { suspect in
      suspect.layer.own.notFinite > 0 || suspect.smallGroup != nil
        || suspect.excess > limits.excess && suspect.relative > limits.relative
          && !suspect.isOffByOne
        || suspect.excess > limits.wide.excess && suspect.relative > limits.wide.relative
          && suspect.extents.map { $0.needed < limits.wide.part * $0.held } ?? false
        || suspect.isPerTensor && suspect.excess > limits.perTensor.excess
          && suspect.relative > limits.perTensor.relative
    }
    let wrong = flagged.filter { !Self.isConsequence($0, of: flagged) }
      .sorted { $0.weight > $1.weight }
    var findings: [Finding] = []
    let worst = wrong.first?.weight ?? 0
    let serious = wrong.filter { $0.weight > 0.1 * worst }
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
    let normal = suspects.filter { $0.own > 0 && $0.excess <= Limits().excess }
    if isSameModel {
      guard let first = normal.first, first.layer.step > 0 else { return [] }
      let largest = normal.map {
        ($0.layer.own.total.largestError.squareRoot() / $0.layer.step, $0)
      }
      .max { $0.0 < $1.0 }
      let size = Words.short(first.own / first.layer.step)
      return [
        "\(first.place) is the first op that rounds otherwise under other kernels: \(size) steps (root mean square), "
          + (largest.map { "at most \(Words.short($0.0)) anywhere (\($0.1.place))" } ?? "")
          + ". That is rounding, not a bug."
      ]
    }
    guard suspects.count > 1, normal.count == suspects.count(where: { $0.own > 0 }),
      let worst = normal.max(by: { $0.excess < $1.excess })
    else { return [] }
    return [
      "Every op stays within \(Words.short(worst.excess)) times of what rounding explains (\(worst.place)); what the outputs differ by is accumulated rounding."
    ]
  }

  /// The finding of one mechanism: at the first op of those that matter, with the others as evidence.
  private static func finding(_ same: [(suspect: Suspect, mechanism: Mechanism)]) -> Finding {
    let most = same[0].suspect.weight
    let first =
      same.filter { $0.suspect.weight > 0.3 * most }
      .min { $0.suspect.op.index < $1.suspect.op.index } ?? same[0]
    var finding = first.mechanism.finding(for: first.suspect)
    for other in same where other.suspect.op.index != first.suspect.op.index {
      let facts = ["also \(other.suspect.place)"] + other.mechanism.evidence.prefix(1)
      finding.evidence.append(facts.joined(separator: ": "))
    }
    return finding
  }

  /// Whether an op is right on clean inputs and wrong only on what a faulty op before it made.
  private static func isConsequence(_ suspect: Suspect, of others: [Suspect]) -> Bool {
    let layer = suspect.layer
    guard layer.clean.count > 0, layer.clean.rootMeanSquare < 0.3 * suspect.own else {
      return false
    }
    return others.contains { $0.op.index < suspect.op.index }
  }
}
