/// The search of one detective: recipes that a quick look at one clip suggests, measured on that clip, then on all.
struct SoundSearch {
  struct Hypothesis {
    var recipe: SoundRecipe
    /// What is left, as a part of the features' deviation.
    var residual: Double
    /// Below this it is rounding.
    var noise: Double
    /// Departures; a fitted line counts as two, one line a feature as three.
    var cost: Int

    var isExact: Bool { residual <= noise }
  }

  private let intended: SoundRecipe
  private let samples: [SoundDetective.Sample]
  private let frameCount: Int
  private let featureCount: Int
  private let storage: SoundDetective.Storage?
  /// A quantisation step, or 0.
  private var step: Double { storage?.scale ?? 0 }
  private var computer = FeatureComputer()
  /// Values that quick looks computed.
  private var exploredWork = 0
  private var mayGoOn: Bool { computer.work + exploredWork < Self.workLimit }
  private var triedRecipes: [SoundRecipe: [Hypothesis]] = [:]
  private var triedCount = 0
  /// Which clips are compared: the most telling one, in the end all.
  private var clips: [Int] = []
  private var deviation = 0.0
  /// The largest magnitude of a feature, which decides how finely float32 holds it.
  private var largest = 0.0

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
    guard deviation > 0 else { return 2e-4 }
    return max(2e-4, 0.33 * step / deviation, 0x1p-23 * largest / deviation)
  }
  /// Above this a recipe explains nothing: 3 % of the deviation, or most of a step, and never less than 80 % of the variance.
  private var explainedLimit: Double {
    min(0.45, max(0.03, deviation > 0 ? 0.6 * step / deviation : 0.03))
  }

  /// - Parameter rounds: Departures that may be found beside each other.
  mutating func run(rounds: Int) -> SoundExplanation {
    let spread = samples.indices.sorted { Self.variance(samples[$0]) > Self.variance(samples[$1]) }
    let kept = searched(spread[0], rounds)
    let isExplained = simplest(kept)?.isExact ?? false
    var measured = measured(kept)
    // What explains one clip and not the others misses something that this one cannot show.
    if isExplained, let best = simplest(measured), !best.isExact,
      let other = worst(best), other != spread[0]
    {
      measured += self.measured(searched(other, rounds))
    }
    compare(Array(samples.indices))
    return conclude(measured)
  }

  /// Hypotheses about one clip.
  private mutating func searched(_ clip: Int, _ rounds: Int) -> [Hypothesis] {
    compare([clip])
    var start = intended
    start.frames.count = nil
    adapt(&start)
    var kept = evaluate(start)
    // A fitted line may hide a departure that has a name, so only the recipe itself ends the search.
    if !kept.contains(where: { $0.cost == 0 && $0.isExact }) {
      for lead in leads(start, rounds) where mayGoOn { kept += evaluate(lead) }
      refine(&kept)
    }
    return kept
  }

  /// The best hypotheses of each cost, measured on all clips.
  private mutating func measured(_ kept: [Hypothesis]) -> [Hypothesis] {
    let byCost = Dictionary(grouping: kept) { $0.cost }
    let chosen = simplest(kept).map { [$0.recipe] } ?? []
    let best = byCost.keys.sorted().flatMap { cost in
      (byCost[cost] ?? []).sorted { $0.residual < $1.residual }.prefix(6).map(\.recipe)
    }
    compare(Array(samples.indices))
    var seen: Set<SoundRecipe> = []
    var result: [Hypothesis] = []
    for var recipe in chosen + best where mayGoOn || result.isEmpty {
      recipe.normalize = intended.normalize
      if seen.insert(recipe).inserted { result += evaluate(recipe) }
    }
    return result
  }

  /// The clip in which a hypothesis leaves most.
  private mutating func worst(_ hypothesis: Hypothesis) -> Int? {
    var worst: (clip: Int, residual: Double)?
    for clip in samples.indices {
      compare([clip])
      let all = evaluate(hypothesis.recipe)
      // A fitted line has other numbers here.
      let same = all.filter { $0.recipe.normalize == hypothesis.recipe.normalize }
      guard let residual = (same.isEmpty ? all : same).map(\.residual).min() else { continue }
      if residual * deviation > worst?.residual ?? 0 { worst = (clip, residual * deviation) }
    }
    return worst?.clip
  }

  private mutating func compare(_ clips: [Int]) {
    self.clips = clips
    triedRecipes = [:]
    let values = clips.flatMap { samples[$0].features.map(Double.init) }
    var sums = SoundSums()
    for value in values where value.isFinite { sums.add(0, value) }
    deviation = sums.deviation
    largest = values.reduce(0) { $1.isFinite ? max($0, abs($1)) : $0 }
  }

  private mutating func leads(_ start: SoundRecipe, _ rounds: Int) -> [SoundRecipe] {
    let sound = samples[clips[0]].sound
    let features = Dictionary(
      uniqueKeysWithValues: SoundRecipe.Layout.allCases.map { ($0, target(clips[0], $0)) })
    let screen = SoundScreen(
      sound: sound, features: features, featureCount: featureCount, normalize: intended.normalize,
      layout: intended.layout, storage: storage)
    var exploration = SoundExploration(
      intended: intended, channels: sound.channelCount, featureCount: featureCount, noise: noise,
      workLimit: Self.workLimit - computer.work - exploredWork, screen: screen)
    let leads = exploration.leads(from: start, rounds: rounds)
    triedCount += exploration.triedCount
    exploredWork += exploration.work
    return leads
  }

  /// Undoes and changes single departures of the best hypothesis, as long as that makes a better one.
  private mutating func refine(_ kept: inout [Hypothesis]) {
    for _ in 0..<3 {
      guard let best = simplest(kept) else { return }
      let before = (best.cost, best.residual)
      let departures = natural(best.recipe)
      for candidate in neighbours(best.recipe) where mayGoOn {
        // What explains all has no departure missing, but may have another one that fits better.
        guard !best.isExact || natural(candidate) <= departures else { continue }
        kept += evaluate(candidate)
      }
      guard let after = simplest(kept), (after.cost, after.residual) < before else { return }
    }
  }

  private func neighbours(_ recipe: SoundRecipe) -> [SoundRecipe] {
    let changed = SoundCandidates.around(
      recipe, intended: intended, channels: samples[0].sound.channelCount,
      featureCount: featureCount)
    return SoundCandidates.undone(recipe, intended: intended) + changed.map(\.recipe)
  }

  /// Departures other than of the normalisation.
  private func natural(_ recipe: SoundRecipe) -> Int {
    recipe.differences(from: intended).filter { $0.cause != .normalization }.count
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
  private mutating func evaluate(_ candidate: SoundRecipe) -> [Hypothesis] {
    var recipe = candidate
    recipe.normalize = intended.normalize
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
    let natural = natural(recipe)
    let fit = SoundFit(bases: bases, targets: targets, featureCount: featureCount, storage: storage)
    var result: [Hypothesis] = []
    var normalizations = [intended.normalize, .none, .perClip, .perFeature]
    if case .affine(let mean, let std) = intended.normalize {
      // Scaled without the offset, and the offset without scaling.
      normalizations += [.affine(mean: [0], std: std), .affine(mean: mean, std: [1])]
    }
    func add(_ normalize: SoundRecipe.Normalize, cost: Int) {
      var variant = recipe
      variant.normalize = normalize
      let apply = { (values: inout [Double]) in
        variant.normalize(&values, featureCount: featureCount)
        if normalize == .perFeature { fit.undefineConstants(&values) }
      }
      let residual = fit.residual(apply) / deviation
      let rounding = residual < 0.05 ? fit.rounding(apply) / deviation : 0
      result.append(
        Hypothesis(recipe: variant, residual: residual, noise: max(noise, rounding), cost: cost))
    }
    var seen: Set<SoundRecipe.Normalize> = []
    for normalize in normalizations where seen.insert(normalize).inserted {
      add(normalize, cost: natural + (normalize == intended.normalize ? 0 : 1))
    }
    if let line = fit.line() { add(line, cost: natural + 2) }
    if let lines = fit.lines() { add(lines, cost: natural + 3) }
    result.removeAll { !$0.residual.isFinite }
    triedRecipes[recipe] = result
    triedCount += 1
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

  // MARK: The answer

  private mutating func conclude(_ measured: [Hypothesis]) -> SoundExplanation {
    let tried = triedCount
    guard deviation > 0, let best = simplest(measured) else { return unexplained(tried) }
    guard best.residual <= explainedLimit else { return unexplained(tried, best) }
    let differences = best.recipe.differences(from: intended)
    var others: [[SoundDifference]] = []
    for rival in measured
    where rival.cost == best.cost && rival.residual <= max(best.residual * 1.25, noise) {
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

  /// The one with the fewest departures, where each further one must leave less than three fifths; all further ones together
  /// where they leave rounding only.
  private func simplest(_ tried: [Hypothesis]) -> Hypothesis? {
    let byCost = Dictionary(grouping: tried) { $0.cost }
    var chosen: Hypothesis?
    for cost in byCost.keys.sorted() {
      guard let best = byCost[cost]?.min(by: { $0.residual < $1.residual }) else { continue }
      guard let current = chosen else {
        chosen = best
        continue
      }
      if current.isExact { break }
      let steps = best.isExact ? 1 : cost - current.cost
      let allowed = (0..<steps).reduce(current.residual) { allowed, _ in 0.6 * allowed }
      if best.residual < allowed, isVisible(best, beside: current) { chosen = best }
    }
    return chosen
  }

  /// Whether a smaller residual is more than what a shift by half a step could make of the larger one.
  private func isVisible(_ best: Hypothesis, beside current: Hypothesis) -> Bool {
    let least = deviation > 0 ? 0.45 * step / deviation : 0
    return current.residual * current.residual - best.residual * best.residual >= least * least
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
