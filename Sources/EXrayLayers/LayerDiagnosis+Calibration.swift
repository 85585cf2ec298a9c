import EXrayCore
import EXrayModel
import EXrayValidation

extension LayerDiagnosis {
  /// Ranges that do not fit the inputs: of the input itself, or in many places at once.
  static func calibration(
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
      facts.append("\(suspect.place): \(mechanism.evidence[0])")
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
