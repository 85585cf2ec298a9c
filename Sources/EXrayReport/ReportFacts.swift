import EXrayCore
import EXrayValidation

// What several renderers say alike, so that they never contradict each other.

extension ValidationReport {
  /// Layers whose values were compared.
  var comparedLayers: [TensorComparison] { layers.filter { $0.metrics != nil } }

  /// Layers beyond what is normal.
  var failingLayers: [TensorComparison] { layers.filter { $0.status == .fail } }

  /// The first layer in execution order that is beyond what is normal.
  var firstFailingLayer: TensorComparison? { layers.first { $0.status == .fail } }

  /// Layers of the candidate or the reference without a verdict, counted by reason in a fixed order.
  var layersWithoutVerdict: [(status: TensorComparison.Status, count: Int)] {
    let order: [TensorComparison.Status] = [
      .notMapped, .shapeAmbiguous, .noTargetValue, .excluded, .unknown,
    ]
    return order.compactMap { status in
      let count = layers.count { $0.status == status }
      return count == 0 ? nil : (status, count)
    }
  }

  /// The layers with the largest drift, failing ones first, then the larger nrmse, then execution order.
  func worstLayers(_ limit: Int) -> [TensorComparison] {
    let ranked = comparedLayers.sorted { first, second in
      let failures = (first.status == .fail, second.status == .fail)
      if failures.0 != failures.1 { return failures.0 }
      let drifts = (first.drift ?? -1, second.drift ?? -1)
      if drifts.0 != drifts.1 { return drifts.0 > drifts.1 }
      return first.index < second.index
    }
    return Array(ranked.prefix(limit))
  }

  /// What was compared, in one line.
  var comparedLine: String {
    var parts = [PlainText.count(frames, "frame")]
    if !inputs.isEmpty { parts.append(PlainText.count(inputs.count, "input")) }
    let compared = comparedLayers.count
    if layers.isEmpty {
      parts.append("no layers captured")
    } else {
      parts.append("\(compared) of \(PlainText.count(layers.count, "layer"))")
    }
    if !outputs.isEmpty { parts.append(PlainText.count(outputs.count, "output")) }
    return parts.joined(separator: " · ")
  }

  /// The layers in one line: how many are within what is normal, and why others have no verdict.
  var layersLine: String {
    guard !layers.isEmpty else { return "no layers captured" }
    var parts: [String] = []
    let passing = layers.count { $0.status == .pass }
    if passing > 0 { parts.append("\(passing) pass") }
    if let first = firstFailingLayer {
      let op = first.opType.isEmpty ? "" : " " + PlainText.shortened(first.opType, to: 30)
      parts.append("\(failingLayers.count) fail (first: \(first.index)\(op))")
    }
    for entry in layersWithoutVerdict { parts.append("\(entry.count) \(entry.status.words)") }
    return parts.joined(separator: ", ")
  }
}

extension Verdict {
  /// The verdict as a word in capitals.
  var word: String {
    switch self {
    case .pass: "PASS"
    case .fail: "FAIL"
    case .inconclusive: "INCONCLUSIVE"
    }
  }

  /// A sign that does not need colour.
  var sign: String {
    switch self {
    case .pass: "✓"
    case .fail: "✗"
    case .inconclusive: "?"
    }
  }
}

extension ValidationReport {
  /// What the gain of one finding was measured with.
  var gainHeading: String { allFixes == nil ? "Proven by replay" : "Replayed alone" }
}

extension TensorComparison {
  /// The root mean squared difference over the range, where it is finite.
  var drift: Double? {
    guard let value = metrics?.nrmse, value.isFinite else { return nil }
    return value
  }

  /// The tensor's name: the candidate's, else the reference's.
  var name: String {
    let name = candidate?.tensor ?? reference?.tensor ?? ""
    return name.isEmpty ? "(unnamed)" : name
  }

  /// The op's type: the candidate's, else the reference's; empty for inputs.
  var opType: String { candidate?.op?.type ?? reference?.op?.type ?? "" }

  /// The shape: the candidate's, else the reference's, both where they differ.
  var shapeText: String {
    switch (candidate?.shape, reference?.shape) {
    case (let first?, let second?) where first != second:
      "\(first.extents) | \(second.extents)"
    case (let first?, _): first.extents
    case (nil, let second?): second.extents
    case (nil, nil): NumberText.absent
    }
  }

  /// The element types: one where both are equal, else candidate | reference.
  var typeText: String {
    switch (candidate?.elementType, reference?.elementType) {
    case (let first?, let second?) where first != second: "\(first.rawValue) | \(second.rawValue)"
    case (let first?, _): first.rawValue
    case (nil, let second?): second.rawValue
    case (nil, nil): NumberText.absent
    }
  }
}

extension Shape {
  /// The extents as `1×224×224×3`, `scalar` without any.
  var extents: String {
    guard !dimensions.isEmpty else { return "scalar" }
    let shown = dimensions.prefix(12).map(\.description).joined(separator: "×")
    return dimensions.count > 12 ? shown + "×…" : shown
  }
}

extension TensorComparison.Status {
  /// The status in words (`not mapped`).
  var words: String {
    switch self {
    case .pass: "pass"
    case .fail: "fail"
    case .unknown: "unknown"
    case .notMapped: "not mapped"
    case .shapeAmbiguous: "shape ambiguous"
    case .excluded: "excluded"
    case .noTargetValue: "no target value"
    }
  }
}

extension Finding {
  /// Where the fault sits, in words (`layer 12, conv1/Relu6`).
  func placeWords(nameLimit: Int) -> String {
    var text = PlainText.shortened(`where`.stage, to: 40)
    if let op = `where`.op { text += " \(op)" }
    if let tensor = `where`.tensor { text += ", " + PlainText.shortened(tensor, to: nameLimit) }
    return text
  }
}

extension Finding.Gain {
  /// The measurement in words.
  var metricWords: String {
    switch metric {
    case "accuracy.top1": "top-1"
    case "accuracy.top5": "top-5"
    case "top1_agreement": "same answer"
    case "cosine_similarity": "cosine similarity"
    default: PlainText.shortened(metric, to: 40)
    }
  }

  /// The gain in one line (`top-1 0.72 → 0.79 on 100 frames`).
  var words: String {
    let (first, second) = texts
    return "\(metricWords) \(first) → \(second) on \(PlainText.count(frames, "frame"))"
  }

  /// The gain itself and how sure it is (`+0.17, 95 % interval +0.08 to +0.26, Agresti–Min`); nil without an
  /// interval.
  var intervalWords: String? {
    guard let bounds else { return nil }
    let digits = after == before ? 2 : max(2, texts.after.count - 2)
    let method =
      switch self.method {
      case "agresti-min": ", Agresti–Min"
      case "paired-bootstrap": ", paired bootstrap"
      case let other?: ", " + PlainText.shortened(other, to: 40)
      case nil: ""
      }
    return "\(NumberText.signed(after - before, min(digits, 4))), 95\u{a0}% interval "
      + "\(NumberText.signed(bounds.lower, min(digits, 4))) to "
      + "\(NumberText.signed(bounds.upper, min(digits, 4)))\(method)"
  }

  /// Both bounds of the interval, where there are two finite ones in order.
  var bounds: (lower: Double, upper: Double)? {
    guard let interval, interval.count == 2, interval.allSatisfy(\.isFinite),
      interval[0] <= interval[1]
    else { return nil }
    return (interval[0], interval[1])
  }

  /// Both values, with as many decimals as it takes to tell them apart, at most four.
  var texts: (before: String, after: String) {
    for digits in 2...4 {
      let pair = (NumberText.fixed(before, digits), NumberText.fixed(after, digits))
      if pair.0 != pair.1 || before == after { return pair }
    }
    return (NumberText.significant(before, 4), NumberText.significant(after, 4))
  }
}

extension Accuracy {
  /// Both bounds of the interval, where there are two finite ones in order.
  var interval: (lower: Double, upper: Double)? {
    guard top1Interval.count == 2, top1Interval[0].isFinite, top1Interval[1].isFinite,
      top1Interval[0] <= top1Interval[1]
    else { return nil }
    return (top1Interval[0], top1Interval[1])
  }
}

extension AccuracyComparison {
  /// The difference of top-1 accuracy, candidate minus reference.
  var difference: Double { candidate.top1 - reference.top1 }

  /// What the paired test says, in words.
  var significanceWords: String {
    guard pValue.isFinite else { return "not tested" }
    let value = pValue < 0.001 ? "p < 0.001" : "p = " + NumberText.fixed(pValue, 3)
    return pValue < 0.05 ? value : value + ", may be chance"
  }
}

extension RunSummary {
  /// Runtime, kernels and threads in one line.
  var engineWords: String {
    var parts: [String] = []
    if !runtime.isEmpty { parts.append(PlainText.shortened(runtime, to: 40)) }
    if !kernels.isEmpty { parts.append(PlainText.shortened(kernels, to: 24)) }
    if !parts.isEmpty { parts.append(PlainText.count(threads, "thread")) }
    return parts.joined(separator: ", ")
  }
}
