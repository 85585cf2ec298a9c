import EXrayCore
import EXrayPreprocess

extension RecipeSearch {
  /// Turns the trials into a recipe, its differences and what cannot be told apart.
  func describe(
    _ trials: ExactTrials, tried: (crops: Int, matches: [CoarseMatch]), frames: [Frame]
  ) -> Identification {
    var result = Identification()
    let intendedTrial = intended == nil ? nil : trials.done[baseChain]
    guard let best = best(trials) else {
      result.ruledOut = [
        "no recipe could be run: the pictures or the inputs have one level everywhere"
      ]
      return result
    }
    let naming = NormalizationNaming(search: self, trial: best, trials: trials)
    let found = naming.found
    result.explainedVariance = found.rest.explainedVariance
    result.residualInLSB = found.rest.residualInLevels
    if let intendedTrial {
      let naming = NormalizationNaming(search: self, trial: intendedTrial, trials: trials)
      result.intendedResidualInLSB = naming.intendedRest?.residualInLevels
    }
    guard isAccepted(found.rest, noise: noise(best)) else {
      result.ruledOut = ruledOut(best, trials, tried)
      return result
    }
    var recipe = recipe(best.chain, frames)
    recipe.normalize = found.normalize
    recipe.quantize = found.quantize
    if best.chain.reading.hasOtherSign, recipe.quantize.fault == .none {
      recipe.quantize.fault = .otherSign
    }
    result.recipe = recipe
    if intended != nil {
      result.differences = differences(best.chain, recipe, frames)
      result.differences += found.differences
    }
    result.ambiguous = ambiguities(best, trials)
    if let ambiguity = ambiguity(found, best) { result.ambiguous.append(ambiguity) }
    return result
  }

  /// Whether a rest is within what rounding, other decoders and storing explain.
  func isAccepted(
    _ rest: (residualInLevels: Double, explainedVariance: Double), noise: Double
  ) -> Bool {
    let limit = (0.75 * 0.75 + 1.7 * noise * noise).squareRoot()
    return rest.residualInLevels <= limit && rest.explainedVariance >= 0.8
  }

  /// A chain as a recipe; its normalisation is the base's.
  func recipe(_ chain: Chain, _ frames: [Frame]) -> Recipe {
    var recipe = base
    recipe.decode = chain.decode
    recipe.orient = chain.orient
    if chain.orient.dihedral == .identity { recipe.orient.when = base.orient.when }
    recipe.crop = chain.crop
    if let frame = frames.first {
      recipe.crop = chain.crop.shifted(
        chain.shift, width: frame.picture.width, height: frame.picture.height,
        size: (width, height))
    }
    (recipe.resize.method, recipe.resize.precision) = (chain.method, chain.precision)
    recipe.color = chain.color
    recipe.luma = chain.color.order == nil ? chain.luma : base.luma
    recipe.layout = layout(chain.reading)
    return recipe
  }

  func differences(
    _ chain: Chain, _ recipe: Recipe, _ frames: [Frame]
  ) -> [Explanation.Difference] {
    var found: [Explanation.Difference] = []
    func add(_ cause: Cause, _ stage: String, _ words: String, _ wanted: String) {
      found.append(.init(cause: cause, stage: stage, found: words, intended: wanted))
    }
    if chain.decode != base.decode {
      add(.decode, "decode", words(chain.decode), words(base.decode))
    }
    let (turn, wanted) = (chain.orient.dihedral, base.orient.dihedral)
    if chain.orient.exif != base.orient.exif {
      // Orientations 2 and 4 mirror a picture without turning it.
      let noted = frames.map(\.picture.exifOrientation).filter { $0 != 1 }
      add(
        noted.allSatisfy { $0 == 2 || $0 == 4 } ? .flip : .rotation, "orient",
        "EXIF orientation \(words(chain.orient.exif))",
        "EXIF orientation \(words(base.orient.exif))")
    }
    if turn != wanted {
      let isFlip =
        turn.isMirrored != wanted.isMirrored && (turn.quarterTurns - wanted.quarterTurns) % 2 == 0
      add(isFlip ? .flip : .rotation, "orient", turn.words, wanted.words)
    }
    if chain.shift != [0, 0] {
      add(
        .crop, "crop", "off by (\(chain.shift[0]), \(chain.shift[1])) pixels", base.crop.words)
    } else if chain.crop != base.crop {
      add(.crop, "crop", chain.crop.words, base.crop.words)
    }
    let (method, precision) = (chain.method, chain.precision)
    if method != base.resize.method || precision != base.resize.precision {
      let isPrecise = precision != base.resize.precision
      add(
        .resize, "resize", isPrecise ? words(method, precision) : method.rawValue,
        isPrecise ? words(base.resize.method, base.resize.precision) : base.resize.method.rawValue)
    }
    if chain.color != base.color {
      let isGray = chain.color.order == nil
      add(isGray ? .grayscale : .channelOrder, "color", chain.color.rawValue, base.color.rawValue)
    }
    if chain.color == base.color, recipe.luma != base.luma {
      add(.grayscale, "luma", recipe.luma.rawValue, base.luma.rawValue)
    }
    if recipe.layout != base.layout {
      add(.layout, "layout", recipe.layout.rawValue, base.layout.rawValue)
    }
    if chain.reading.hasOtherSign {
      let isSigned = input.elementType == .int8
      add(
        .inputQuantization, "quantize", isSigned ? "the bytes of uint8" : "the bytes of int8",
        isSigned ? "int8" : "uint8")
    }
    return found
  }

  func words(_ decode: Recipe.Decode) -> String {
    "\(decode.transform.rawValue) transform, \(decode.upsampling.rawValue) upsampling, alpha: \(decode.alpha.words)"
  }

  private func words(
    _ method: Recipe.Resize.Method, _ precision: Recipe.Resize.Precision
  ) -> String {
    let levels =
      switch precision {
      case .levels: "levels rounded to 8 bits"
      case .float: "levels left in float32"
      }
    return "\(method.rawValue), \(levels)"
  }

  private func words(_ exif: Recipe.Orient.EXIF) -> String {
    exif == .apply ? "applied" : "ignored"
  }

  // MARK: What cannot be told apart

  /// The chains that differ from the best in one stage and explain as much.
  private func ambiguities(_ best: Trial, _ trials: ExactTrials) -> [Identification.Ambiguity] {
    var found: [Identification.Ambiguity] = []
    let equals = trials.done.values.filter {
      isEqual($0.residual, best.residual) && isEqual(best.residual, $0.residual)
    }
    .map(\.chain).sorted { order($0) < order($1) }
    func collect(
      _ stage: String, _ reason: String, _ words: (Chain) -> String, _ reset: (inout Chain) -> Void
    ) {
      var own = best.chain
      reset(&own)
      var names = [words(best.chain)]
      for chain in equals {
        var other = chain
        reset(&other)
        if other == own, !names.contains(words(chain)) { names.append(words(chain)) }
      }
      if names.count > 1 {
        found.append(.init(stage: stage, candidates: names, reason: reason))
      }
    }
    let chain = best.chain
    collect(
      "orient", "the pictures are symmetrical, or turn by EXIF and by hand alike",
      { "\($0.orient.dihedral.words), EXIF \(words($0.orient.exif))" },
      { $0.orient = chain.orient })
    collect(
      "crop", "both take the same part of these pictures", { $0.crop.words },
      { ($0.crop, $0.shift) = (chain.crop, chain.shift) })
    collect(
      "resize", "they give the same levels for pictures of these sizes",
      { $0.precision == chain.precision ? $0.method.rawValue : words($0.method, $0.precision) },
      { ($0.method, $0.precision) = (chain.method, chain.precision) })
    collect(
      "color", "the pictures are grey", { $0.color.rawValue }, { $0.color = chain.color })
    return found
  }

  /// The normalisations that make the same integers.
  private func ambiguity(
    _ found: NormalizationNaming.Found, _ best: Trial
  ) -> Identification.Ambiguity? {
    if !best.otherTransfers.isEmpty {
      return .init(
        stage: "normalize",
        candidates: ([best.transfer] + best.otherTransfers).map { "transfer \($0.rawValue)" },
        reason: "after each of these curves a line makes the few steps that the inputs hold")
    }
    guard found.candidates.count > 1 else { return nil }
    return .init(
      stage: "normalize", candidates: found.candidates,
      reason: "they make the same integers of the levels that the pictures hold")
  }

  // MARK: What was ruled out

  private func ruledOut(
    _ best: Trial, _ trials: ExactTrials, _ tried: (crops: Int, matches: [CoarseMatch])
  ) -> [String] {
    let coarse = (tried.matches.first?.rest).map { Int(((1 - $0) * 100).rounded(.down)) } ?? 0
    let methods = Set(trials.done.keys.map(\.method)).count
    return [
      "\(tried.matches.count) combinations of \(tried.crops) crops, 8 turns and mirrors, colour orders and memory orders: the best explains \(coarse) % of the coarse picture",
      "\(methods) interpolations and \(trials.done.count) exact chains: the best leaves \(decimal(Float(best.residual), significant: 3)) levels after the best line a channel",
    ]
  }
}

/// Finds the name of a normalisation: the intended one, a well-known fault of it, a known one, or a line a channel.
struct NormalizationNaming {
  struct Found {
    var normalize: Recipe.Normalize
    var quantize: Recipe.Quantize
    var differences: [Explanation.Difference] = []
    var rest: LevelTable.Rest
    /// Names of normalisations, the found one first, that explain the stored integers equally well.
    var candidates: [String] = []
  }

  let search: RecipeSearch
  let trial: Trial
  let trials: ExactTrials

  private var range: ClosedRange<Float>? { trials.range }

  /// The intended normalisation; nil where nobody says.
  var wanted: Affine? {
    search.intended.map { Affine($0.normalize, channels: search.channels) }
  }

  /// What the intended normalisation and storing leave of the trial's values; nil where nobody says.
  var intendedRest: LevelTable.Rest? {
    guard let wanted, let intended = search.intended else { return nil }
    if let right = trials.hypotheses(of: trial.chain).all.first, right.isIntended {
      return trial.table.rest(low: right.low, high: right.high)
    }
    return trial.table.curved(intended.normalize.transfer).rest(
      wanted, range: range, step: search.step)
  }

  /// The likeliest name whose rest is about as small as the trial's.
  var found: Found {
    // What a curve gives is often rounded to a level again, to which a line adapts a little.
    let slack = trial.transfer == .none ? 1.05 : 1.3
    let limit = trial.residual * slack + 0.03 + (trial.residual > 0 ? 0 : 0.01)
    if let stored = storedFound(limit) { return stored }
    let quantize = search.base.quantize
    func fits(_ affine: Affine) -> LevelTable.Rest? {
      guard affine.slopes.allSatisfy({ $0 != 0 && $0.isFinite }) else { return nil }
      let rest = trial.table.rest(affine, range: range, step: search.step)
      // Its own slope may be another than the best line's: compare in the line's levels.
      let scale =
        Double(abs(affine.slopes[0])) / max(Double(abs(trial.affine.slopes[0])), 1e-30)
      return rest.residualInLevels * scale <= limit ? rest : nil
    }
    func named(_ normalize: Recipe.Normalize) -> Recipe.Normalize {
      var normalize = normalize
      normalize.transfer = trial.transfer
      return normalize
    }
    if let wanted, let intended = search.intended, let rest = fits(wanted) {
      return Found(
        normalize: named(intended.normalize), quantize: quantize, differences: bent(trial.transfer),
        rest: rest)
    }
    var known = KnownNormalization.all.map { ($0.name, $0.normalize) }
    if let intended = search.intended {
      known += Self.variations(intended.normalize, channels: search.channels)
    }
    for (name, normalize) in known {
      guard let rest = fits(Affine(normalize, channels: search.channels)) else { continue }
      return Found(
        normalize: named(normalize), quantize: quantize,
        differences: bent(trial.transfer) + difference(name), rest: rest)
    }
    let (slopes, offsets) = (trial.affine.slopes, trial.affine.offsets)
    let normalize = Recipe.Normalize(
      mean: zip(slopes, offsets).map { -$1 / $0 }, std: slopes.map { 1 / $0 })
    return Found(
      normalize: named(normalize), quantize: quantize,
      differences: bent(trial.transfer) + difference(trial.affine.words),
      rest: (trial.residual, trial.explainedVariance))
  }

  /// The first way of storing integers that leaves no more than `limit`.
  private func storedFound(_ limit: Double) -> Found? {
    let all = trials.hypotheses(of: trial.chain).all
    func fits(_ hypothesis: StoredHypothesis) -> LevelTable.Rest? {
      let rest = trial.table.rest(low: hypothesis.low, high: hypothesis.high)
      return rest.residualInLevels <= limit && rest.explainedVariance > 0.2 ? rest : nil
    }
    for hypothesis in all {
      guard let rest = fits(hypothesis) else { continue }
      var found = Found(
        normalize: hypothesis.normalize, quantize: hypothesis.quantize, rest: rest)
      if hypothesis.isBent { found.differences += bent(hypothesis.normalize.transfer) }
      if !hypothesis.isIntended { found.differences += difference(hypothesis.name) }
      if let fault = hypothesis.storingFault, search.intended != nil {
        found.differences.append(
          .init(cause: .inputQuantization, stage: "quantize", found: fault, intended: storing))
      }
      found.candidates = candidates(like: hypothesis, all.filter { fits($0) != nil })
      return found
    }
    return nil
  }

  /// Names of the different normalisations that are stored as one hypothesis says, that one's first.
  private func candidates(
    like hypothesis: StoredHypothesis, _ fitting: [StoredHypothesis]
  ) -> [String] {
    var names: [String] = []
    var lines: [Affine] = []
    for other in fitting
    where other.storingFault == hypothesis.storingFault
      && other.normalize.transfer == hypothesis.normalize.transfer
    {
      let line = Affine(other.normalize, channels: search.channels)
      guard lines.allSatisfy({ $0.distance(to: line) > 0.01 }) else { continue }
      lines.append(line)
      names.append(other.name)
    }
    return names
  }

  /// The difference of another transfer curve than the intended one.
  private func bent(_ transfer: Recipe.Normalize.Transfer) -> [Explanation.Difference] {
    guard let intended = search.intended?.normalize.transfer, intended != transfer else {
      return []
    }
    return [
      .init(
        cause: .transfer, stage: "normalize", found: "transfer \(transfer.rawValue)",
        intended: "transfer \(intended.rawValue)")
    ]
  }

  private func difference(_ name: String) -> [Explanation.Difference] {
    guard let wanted else { return [] }
    return [
      .init(
        cause: .normalization, stage: "normalize", found: name,
        intended: KnownNormalization.nearest(to: wanted)?.name ?? wanted.words)
    ]
  }

  private var storing: String {
    guard let scale = search.input.quantization?.scale,
      let zero = search.input.quantization?.zeroPoint
    else { return "real values stored as \(search.input.elementType.rawValue)" }
    return "scale \(decimal(scale)), zero point \(zero), rounded to the nearest"
  }

  /// Common mistakes with the intended normalisation.
  static func variations(
    _ intended: Recipe.Normalize, channels: Int
  ) -> [(String, Recipe.Normalize)] {
    let mean = (0..<channels).map { intended.mean(channel: $0) }
    let std = (0..<channels).map { intended.std(channel: $0) }
    let divisor = intended.divisor
    // ((x/d − m)/s)/d − m)/s in one step.
    let twice = Recipe.Normalize(
      mean: (0..<channels).map { mean[$0] * divisor + mean[$0] * divisor * divisor * std[$0] },
      std: std.map { divisor * divisor * $0 * $0 })
    return [
      ("the intended one twice", twice),
      (
        "the intended mean and deviation in the wrong channel order",
        .init(divisor: divisor, mean: mean.reversed(), std: std.reversed())
      ),
      (
        "the intended mean in the wrong channel order",
        .init(divisor: divisor, mean: mean.reversed(), std: std)
      ),
      (
        "the intended deviation in the wrong channel order",
        .init(divisor: divisor, mean: mean, std: std.reversed())
      ),
      ("the intended one without its mean", .init(divisor: divisor, std: std)),
      ("the intended one without its deviation", .init(divisor: divisor, mean: mean)),
    ]
  }
}
