public import EXrayCore

/// Counts how often two classifiers answer alike, and right.
public struct AnswerTally: Sendable {
  /// Number of classes.
  public let classCount: Int
  private var frames = 0
  private var confusion: [Int: Int] = [:]
  private var labelled = 0
  private var right = (candidateTop1: 0, candidateTop5: 0, referenceTop1: 0, referenceTop5: 0)
  private var discordant = (candidateOnly: 0, referenceOnly: 0)
  private var margins = MarginTally()

  /// Creates a tally, or nil where `output` is no vector of class scores.
  public init?(output: TensorDescription) {
    guard let count = output.classCount else { return nil }
    classCount = count
  }

  /// Adds the answers of one frame.
  ///
  /// - Parameters:
  ///   - candidate: The candidate's scores, one a class.
  ///   - reference: The reference's scores, one a class.
  ///   - label: The right class in the model's own numbering, if known.
  public mutating func add(candidate: [Float], reference: [Float], label: Int?) {
    guard candidate.count == classCount, reference.count == classCount else { return }
    let candidateBest = topClasses(candidate, 5)
    let referenceBest = topClasses(reference, 5)
    frames += 1
    margins.add(candidate: candidate, reference: reference, candidateBest[0], referenceBest)
    confusion[referenceBest[0] * classCount + candidateBest[0], default: 0] += 1
    guard let label else { return }
    labelled += 1
    let candidateIsRight = candidateBest[0] == label
    let referenceIsRight = referenceBest[0] == label
    right.candidateTop1 += candidateIsRight ? 1 : 0
    right.referenceTop1 += referenceIsRight ? 1 : 0
    right.candidateTop5 += candidateBest.contains(label) ? 1 : 0
    right.referenceTop5 += referenceBest.contains(label) ? 1 : 0
    discordant.candidateOnly += candidateIsRight && !referenceIsRight ? 1 : 0
    discordant.referenceOnly += referenceIsRight && !candidateIsRight ? 1 : 0
  }

  /// How the first answers agree; nil without frames.
  public var answers: AnswerComparison? {
    guard frames > 0 else { return nil }
    let pairs = confusion.map { key, count in
      AnswerComparison.Pair(
        reference: key / classCount, candidate: key % classCount, count: count)
    }
    let agreed = pairs.filter { $0.reference == $0.candidate }.reduce(0) { $0 + $1.count }
    return AnswerComparison(
      top1Agreement: Double(agreed) / Double(frames), classCount: classCount,
      confusion: pairs.sorted { Self.order($0) < Self.order($1) },
      marginError: margins.error, knifeEdges: margins.knifeEdges)
  }

  /// Accuracy of both sides; nil without labels.
  public var accuracy: AccuracyComparison? {
    guard labelled > 0 else { return nil }
    return AccuracyComparison(
      labelledFrames: labelled,
      candidate: accuracy(top1: right.candidateTop1, top5: right.candidateTop5),
      reference: accuracy(top1: right.referenceTop1, top5: right.referenceTop5),
      pValue: mcNemarPValue(
        onlyFirst: discordant.candidateOnly, onlySecond: discordant.referenceOnly))
  }

  private func accuracy(top1: Int, top5: Int) -> Accuracy {
    Accuracy(
      top1: Double(top1) / Double(labelled), top5: Double(top5) / Double(labelled),
      top1Interval: wilsonInterval(successes: top1, trials: labelled))
  }

  private static func order(_ pair: AnswerComparison.Pair) -> (Int, Int, Int, Int) {
    (pair.reference == pair.candidate ? 1 : 0, -pair.count, pair.reference, pair.candidate)
  }
}

/// How far apart the reference's first two classes are, and how much of that the candidate's error moves.
private struct MarginTally: Sendable {
  private var squaredError = 0.0
  private var kept = 0
  /// By how much the reference prefers its answer to the candidate's, for frames that are answered differently.
  private var flips: [Float] = []

  mutating func add(
    candidate: [Float], reference: [Float], _ answer: Int, _ best: [Int]
  ) {
    guard best.count > 1 else { return }
    guard answer == best[0] else {
      let margin = reference[best[0]] - reference[answer]
      if margin.isFinite { flips.append(margin) }
      return
    }
    let moved =
      (candidate[best[0]] - candidate[best[1]]) - (reference[best[0]] - reference[best[1]])
    guard moved.isFinite else { return }
    squaredError += Double(moved) * Double(moved)
    kept += 1
  }

  /// Root mean square of what the margin moves by, over frames that are answered alike; nil without such frames.
  var error: Double? { kept == 0 ? nil : (squaredError / Double(kept)).squareRoot() }

  /// Changed answers that twice the usual error explains.
  var knifeEdges: Int {
    guard let error else { return 0 }
    return flips.count { Double($0) <= 2 * error }
  }
}

extension TensorDescription {
  /// Number of classes where the tensor is one vector of class scores for one frame, else nil.
  public var classCount: Int? {
    guard let last = shape.dimensions.last, last >= 2, shape.elementCount == last,
      elementType.isFloatingPoint || elementType.isInteger
    else { return nil }
    return last
  }
}

/// The classes with the highest scores, best first; among equal scores the lowest index wins.
///
/// Scores that are not a number rank last. Returns fewer than `count` classes where there are fewer.
public func topClasses(_ scores: [Float], _ count: Int) -> [Int] {
  var best: [Int] = []
  for index in scores.indices {
    let score = scores[index].isNaN ? -Float.infinity : scores[index]
    var position = best.count
    while position > 0 {
      let other = scores[best[position - 1]]
      guard score > (other.isNaN ? -Float.infinity : other) else { break }
      position -= 1
    }
    if position < count {
      best.insert(index, at: position)
      if best.count > count { best.removeLast() }
    }
  }
  return best
}
