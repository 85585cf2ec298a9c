package import EXrayValidation

/// What one frame's first output came to on both sides: all that valuing a fix needs.
package struct FrameOutcome: Sendable {
  /// The frame's name.
  package var name: String
  /// The right class in the model's numbering, if known.
  package var label: Int?
  /// The candidate's first answer; nil where the output is no vector of class scores.
  package var candidate: Int?
  /// The reference's first answer.
  package var reference: Int?
  /// Sums over the finite elements of the first output; nil where there are none.
  var products: Products?

  /// Σ candidate·reference, Σ candidate² and Σ reference².
  struct Products: Sendable {
    var both = 0.0
    var candidate = 0.0
    var reference = 0.0
  }

  /// Creates an outcome from the real values of the first output.
  package init(
    name: String, label: Int?, candidate: [Float]?, reference: [Float]?, areScores: Bool
  ) {
    self.name = name
    self.label = label
    guard let candidate, let reference else { return }
    if areScores {
      self.candidate = topClasses(candidate, 1).first
      self.reference = topClasses(reference, 1).first
    }
    var sums = Products()
    for (first, second) in zip(candidate, reference) where first.isFinite && second.isFinite {
      let (first, second) = (Double(first), Double(second))
      sums.both += first * second
      sums.candidate += first * first
      sums.reference += second * second
    }
    products = sums
  }
}

/// One measurement of a run, frame by frame, so that runs over the same frames can be compared in pairs.
///
/// The measurement is Σ both ÷ √(Σ candidate · Σ reference): the cosine of the angle between all outputs, and,
/// where every frame counts 1 and a right answer 1, the share of right answers.
package struct FrameMeasurement: Sendable {
  /// The measurement's name in reports.
  package let metric: String
  private let frames: [FrameOutcome.Products]

  /// Measures a run by the best that its frames allow: right answers, equal answers, or likeness of outputs.
  ///
  /// - Returns: Nil where no frame can be measured.
  package init?(_ outcomes: [FrameOutcome]) {
    if outcomes.contains(where: { $0.label != nil && $0.candidate != nil }) {
      metric = "accuracy.top1"
      frames = outcomes.filter { $0.label != nil }.map { Self.answer($0.candidate == $0.label) }
    } else if outcomes.contains(where: { $0.candidate != nil && $0.reference != nil }) {
      metric = "top1_agreement"
      frames = outcomes.map { Self.answer($0.candidate == $0.reference) }
    } else {
      metric = "cosine_similarity"
      frames = outcomes.compactMap(\.products)
    }
    guard !frames.isEmpty else { return nil }
  }

  private static func answer(_ isRight: Bool) -> FrameOutcome.Products {
    .init(both: isRight ? 1 : 0, candidate: 1, reference: 1)
  }

  /// Whether a frame is either right or wrong.
  private var isOfAnswers: Bool { metric != "cosine_similarity" }

  /// How many frames are measured.
  var count: Int { frames.count }

  /// The measurement over all frames.
  var value: Double { value(over: frames.indices) }

  /// The measurement over some frames, which may repeat.
  func value(over indices: some Sequence<Int>) -> Double {
    var sums = FrameOutcome.Products()
    for index in indices {
      sums.both += frames[index].both
      sums.candidate += frames[index].candidate
      sums.reference += frames[index].reference
    }
    // As the report's metrics: both zero are alike, one of them is not.
    if sums.candidate == 0 || sums.reference == 0 {
      return sums.candidate == sums.reference ? 1 : 0
    }
    return sums.both / (sums.candidate * sums.reference).squareRoot()
  }

  /// What another run over the same frames gains over this one.
  ///
  /// - Returns: Nil where the runs were not measured alike.
  package func gain(of other: FrameMeasurement) -> Finding.Gain? {
    guard other.metric == metric, other.count == count else { return nil }
    var gain = Finding.Gain(metric: metric, before: value, after: other.value, frames: count)
    if isOfAnswers {
      let changes = zip(frames, other.frames).map { $1.both - $0.both }
      gain.interval = PairedInterval.proportions(
        won: changes.count { $0 > 0 }, lost: changes.count { $0 < 0 }, pairs: count)
      gain.method = "agresti-min"
    } else if let interval = PairedInterval.bootstrap(
      frames: count, runs: 2, of: { other.value(over: $0) - self.value(over: $0) })
    {
      gain.interval = interval
      gain.method = "paired-bootstrap"
    }
    return gain
  }

  /// How much more all fixes gain together than the sum of what each gains alone, with its 95 % interval.
  ///
  /// - Parameters:
  ///   - singles: This run with one fix each.
  ///   - all: This run with all of them.
  package func interaction(
    of singles: [FrameMeasurement], all: FrameMeasurement
  ) -> (sum: Double, excess: Double, interval: [Double]?)? {
    guard (singles + [all]).allSatisfy({ $0.metric == metric && $0.count == count }) else {
      return nil
    }
    func excess(_ indices: [Int]) -> Double {
      let before = value(over: indices)
      let sum = singles.reduce(0) { $0 + $1.value(over: indices) - before }
      return all.value(over: indices) - before - sum
    }
    let sum = singles.reduce(0) { $0 + $1.value - value }
    return (
      sum, excess(Array(frames.indices)),
      PairedInterval.bootstrap(frames: count, runs: singles.count + 2, of: excess)
    )
  }
}
