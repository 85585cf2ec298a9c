/// The search of one detective: rounds of departures over the most telling clip, then all clips.
struct SoundSearch {
  struct Hypothesis {
    var recipe: SoundRecipe
    /// What is left, as a part of the features' deviation.
    var residual: Double
    /// What a straight line through the same features leaves; steers the search.
    var fitted: Double
    /// Departures; a fitted line counts as two, one line a feature as three.
    var cost: Int
  }

  private let intended: SoundRecipe
  private let samples: [SoundDetective.Sample]
  private let frameCount: Int
  private let featureCount: Int
  private let storage: SoundDetective.Storage?
  /// A quantisation step, or 0.
  private var step: Double { storage?.scale ?? 0 }
  private var computer = FeatureComputer()
  private var triedRecipes: [SoundRecipe: [Hypothesis]] = [:]
  /// Which clips the rounds use.
  private var clips: [Int] = []
  private var deviation = 0.0

  init(
    intended: SoundRecipe, samples: [SoundDetective.Sample], frameCount: Int, featureCount: Int,
    storage: SoundDetective.Storage?
  ) {
    self.intended = intended
    self.samples = samples
    self.frameCount = frameCount
    self.featureCount = featureCount
    self.storage = storage
  }

  /// Values that a search computes with at most; a second of sound takes a tenth of it, minutes come to it.
  private static let workLimit = 1_500_000_000

  /// Below this a residual is rounding: of float32 arithmetic, or of quantised features.
  private var noise: Double {
    deviation > 0 ? max(2e-4, 0.33 * step / deviation) : 2e-4
  }
  /// Above this a recipe explains nothing: 3 % of the deviation, or most of a step, and never less than 80 % of the variance.
  private var explainedLimit: Double {
    min(0.45, max(0.03, deviation > 0 ? 0.6 * step / deviation : 0.03))
  }

  /// - Parameter rounds: Departures that may be found beside each other.
  mutating func run(rounds: Int) -> SoundExplanation {
    let spread = samples.indices.sorted { Self.variance(samples[$0]) > Self.variance(samples[$1]) }
    clips = Array(spread.prefix(1))
    deviation = pooledDeviation(clips)
    var start = intended
    start.frames.count = nil
    adapt(&start)
    var kept = evaluate(start)
    // A fitted line may hide a departure that has a name, so only the recipe itself ends the search.
    if !kept.contains(where: { $0.cost == 0 && $0.residual <= noise }) {
      kept = self.rounds(start, count: rounds)
    }
    return conclude(kept)
  }

  private mutating func rounds(_ start: SoundRecipe, count: Int) -> [Hypothesis] {
    var all = evaluate(start)
    let channels = samples[0].sound.channelCount
    var beam = [start]
    for round in 0..<count {
      var found: [String: [Hypothesis]] = [:]
      for base in beam {
        let candidates = SoundCandidates.around(
          base, intended: intended, channels: channels, featureCount: featureCount)
        for candidate in candidates where triedRecipes[candidate.recipe] == nil {
          guard computer.work < Self.workLimit else { return all }
          let hypotheses = evaluate(candidate.recipe)
          all.append(contentsOf: hypotheses)
          let knob = round == 0 ? candidate.knob : ""
          found[knob, default: []].append(contentsOf: hypotheses)
        }
      }
      // Good with few departures is not beaten by better with more.
      if all.contains(where: { $0.residual <= max(noise, 1e-3) && $0.cost <= round + 2 }) { break }
      // Two departures and a line that leave most of the deviation are no way to an answer.
      if round == 1, all.allSatisfy({ min($0.residual, $0.fitted) > 0.75 }) { break }
      beam = []
      let width = round == 0 ? 1 : 6
      for (knob, list) in found.sorted(by: { $0.key < $1.key }) {
        // Which samples are used decides whether anything else can fit, so that none is dropped early.
        let width = ["channels", "resample"].contains(knob) ? 4 : width
        beam += Self.best(list, width, \.residual) + Self.best(list, width, \.fitted)
      }
      var seen: Set<SoundRecipe> = []
      beam = beam.filter { seen.insert($0).inserted }
    }
    return all
  }

  private static func best(
    _ list: [Hypothesis], _ count: Int, _ measure: KeyPath<Hypothesis, Double>
  ) -> [SoundRecipe] {
    var seen: Set<SoundRecipe> = []
    var result: [SoundRecipe] = []
    for hypothesis in list.sorted(by: { $0[keyPath: measure] < $1[keyPath: measure] }) {
      var recipe = hypothesis.recipe
      recipe.normalize = .none
      if seen.insert(recipe).inserted { result.append(hypothesis.recipe) }
      if result.count == count { break }
    }
    return result
  }

  /// Makes a recipe give as many features as reached the model.
  private func adapt(_ recipe: inout SoundRecipe) {
    guard recipe.featureCount != featureCount else { return }
    if let mfcc = recipe.mfcc, let mel = recipe.mel {
      recipe.mel?.bands = max(mel.bands, mfcc.first + featureCount)
      recipe.mfcc?.count = featureCount
    } else if recipe.mel != nil {
      recipe.mel?.bands = min(featureCount, 1024)
    }
  }

  // MARK: One recipe

  /// A recipe with its own normalisation, the common ones and fitted lines.
  private mutating func evaluate(_ recipe: SoundRecipe) -> [Hypothesis] {
    if let known = triedRecipes[recipe] { return known }
    triedRecipes[recipe] = []
    var bases: [[Double]] = []
    for clip in clips {
      guard let base = try? computer.base(recipe, samples[clip].sound, clip: clip),
        base.featureCount == featureCount
      else { return [] }
      // All frames, as normalising by clip comes before cutting.
      bases.append(base.values)
    }
    let targets = clips.map { target($0, recipe.layout) }
    let natural = recipe.differences(from: intended).filter { $0.cause != .normalization }.count
    let fit = SoundFit(bases: bases, targets: targets, featureCount: featureCount, storage: storage)
    var result: [Hypothesis] = []
    var normalizations = [intended.normalize, .none, .perClip, .perFeature]
    if case .affine(let mean, let std) = intended.normalize {
      // Scaled without the offset, and the offset without scaling.
      normalizations += [.affine(mean: [0], std: std), .affine(mean: mean, std: [1])]
    }
    var seen: Set<SoundRecipe.Normalize> = []
    let line = fit.line()
    for normalize in normalizations where seen.insert(normalize).inserted {
      var variant = recipe
      variant.normalize = normalize
      let residual = fit.residual { variant.normalize(&$0, featureCount: featureCount) }
      let cost = natural + (normalize == intended.normalize ? 0 : 1)
      result.append(
        Hypothesis(
          recipe: variant, residual: residual / deviation, fitted: line.residual / deviation,
          cost: cost))
    }
    if line.slope != 0 {
      var variant = recipe
      variant.normalize = .affine(mean: [-line.intercept / line.slope], std: [1 / line.slope])
      result.append(
        Hypothesis(
          recipe: variant, residual: line.residual / deviation, fitted: line.residual / deviation,
          cost: natural + 2))
    }
    if let lines = fit.lines() {
      var variant = recipe
      variant.normalize = lines.normalize
      result.append(
        Hypothesis(
          recipe: variant, residual: lines.residual / deviation,
          fitted: line.residual / deviation, cost: natural + 3))
    }
    result.removeAll { !$0.residual.isFinite }
    triedRecipes[recipe] = result
    return result
  }

  /// A clip's features as (frame, feature).
  private func target(_ clip: Int, _ layout: SoundRecipe.Layout) -> [Double] {
    let values = samples[clip].features
    guard layout == .bandTime else { return values.map(Double.init) }
    return (0..<values.count).map {
      Double(values[($0 % featureCount) * frameCount + $0 / featureCount])
    }
  }

  private static func variance(_ sample: SoundDetective.Sample) -> Double {
    let values = sample.features.map(Double.init)
    let mean = values.reduce(0, +) / Double(max(1, values.count))
    return values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
  }

  private func pooledDeviation(_ clips: [Int]) -> Double {
    let values = clips.flatMap { samples[$0].features.map(Double.init) }
    let mean = values.reduce(0, +) / Double(values.count)
    let sum = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
    return (sum / Double(values.count)).squareRoot()
  }

  // MARK: The answer

  private mutating func conclude(_ searched: [Hypothesis]) -> SoundExplanation {
    let tried = triedRecipes.count
    guard deviation > 0, let chosen = simplest(searched) else { return unexplained(tried) }
    // The rounds saw one clip; the answer is measured on all.
    let rivals = searched.filter {
      $0.cost == chosen.cost && $0.residual <= max(chosen.residual * 1.25, noise)
    }
    clips = Array(samples.indices)
    deviation = pooledDeviation(clips)
    triedRecipes = [:]
    var measured: [Hypothesis] = []
    for hypothesis in [chosen] + rivals.prefix(24) {
      let again = evaluate(hypothesis.recipe).filter {
        $0.cost == hypothesis.cost && Self.isSameKind($0.recipe, hypothesis.recipe)
      }
      measured += again
    }
    guard let best = measured.min(by: { $0.residual < $1.residual }) else {
      return unexplained(tried)
    }
    guard best.residual <= explainedLimit else { return unexplained(tried, best) }
    let differences = best.recipe.differences(from: intended)
    var others: [[SoundDifference]] = []
    for rival in measured where rival.residual <= max(best.residual * 1.25, noise) {
      let list = rival.recipe.differences(from: intended)
      if list != differences, !others.contains(list) { others.append(list) }
    }
    return SoundExplanation(
      recipe: best.recipe, explainedVariance: 1 - best.residual * best.residual,
      residual: best.residual * deviation,
      residualInLSB: inLSB(best.residual), intendedResidualInLSB: intendedResidual(),
      isExplained: true,
      differences: differences, ambiguous: others, ruledOut: [], triedCount: tried)
  }

  /// Whether two recipes are the same but for the numbers of a fitted normalisation.
  private static func isSameKind(_ a: SoundRecipe, _ b: SoundRecipe) -> Bool {
    switch (a.normalize, b.normalize) {
    case (.affine(_, let left), .affine(_, let right)): left.count == right.count
    default: a.normalize == b.normalize
    }
  }

  private func simplest(_ tried: [Hypothesis]) -> Hypothesis? {
    let byCost = Dictionary(grouping: tried) { $0.cost }
    var chosen: Hypothesis?
    for cost in byCost.keys.sorted() {
      guard let best = byCost[cost]?.min(by: { $0.residual < $1.residual }) else { continue }
      guard let current = chosen else {
        chosen = best
        continue
      }
      var allowed = max(current.residual, noise)
      for _ in current.cost..<cost { allowed *= 0.6 }
      if current.residual > noise, best.residual < allowed { chosen = best }
    }
    return chosen
  }

  private mutating func unexplained(_ tried: Int, _ best: Hypothesis? = nil) -> SoundExplanation {
    SoundExplanation(
      recipe: best?.recipe ?? intended,
      explainedVariance: best.map { max(0, 1 - $0.residual * $0.residual) } ?? .nan,
      residual: (best?.residual ?? .nan) * deviation,
      residualInLSB: best.flatMap { inLSB($0.residual) },
      intendedResidualInLSB: intendedResidual(),
      isExplained: false, differences: [], ambiguous: [], ruledOut: SoundCause.allCases,
      triedCount: tried)
  }

  /// A part of the deviation in quantisation steps, or in 255ths of the features' range.
  private func inLSB(_ residual: Double) -> Double? {
    var unit = step
    if unit == 0 {
      let values = clips.flatMap { samples[$0].features }.filter(\.isFinite)
      unit = Double((values.max() ?? 0) - (values.min() ?? 0)) / 255
    }
    let steps = residual * deviation / unit
    return steps.isFinite ? steps : nil
  }

  /// What the intended recipe leaves on the clips in use.
  private mutating func intendedResidual() -> Double? {
    var start = intended
    start.frames.count = nil
    return evaluate(start).first { $0.recipe.normalize == intended.normalize }.flatMap {
      inLSB($0.residual)
    }
  }
}
