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
    let naming = NormalizationNaming(search: self, trial: best, range: trials.range)
    let found = naming.found
    result.explainedVariance = found.rest.explainedVariance
    result.residualInLSB = found.rest.residualInLevels
    if let intendedTrial, let wanted = naming.wanted {
      result.intendedResidualInLSB =
        intendedTrial.table.rest(wanted, range: trials.range, step: step).residualInLevels
    }
    guard isAccepted(found.rest, noise: noise(best)) else {
      result.ruledOut = ruledOut(best, trials, tried)
      return result
    }
    var recipe = recipe(best.chain, frames)
    recipe.normalize = found.normalize
    result.recipe = recipe
    if intended != nil {
      result.differences = differences(best.chain, recipe, frames)
      if let difference = found.difference { result.differences.append(difference) }
    }
    result.ambiguous = ambiguities(best, trials)
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
    recipe.resize.method = chain.method
    recipe.color = chain.color
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
    if chain.method != base.resize.method {
      add(.resize, "resize", chain.method.rawValue, base.resize.method.rawValue)
    }
    if chain.color != base.color {
      let isGray = chain.color.rawValue.hasPrefix("GRAY")
      add(isGray ? .grayscale : .channelOrder, "color", chain.color.rawValue, base.color.rawValue)
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
    "\(decode.transform.rawValue) transform, \(decode.upsampling.rawValue) upsampling, alpha: \(decode.alpha.rawValue)"
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
      "resize", "they give the same levels for pictures of these sizes", { $0.method.rawValue },
      { $0.method = chain.method })
    collect(
      "color", "the pictures are grey", { $0.color.rawValue }, { $0.color = chain.color })
    return found
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
    var difference: Explanation.Difference?
    var rest: (residualInLevels: Double, explainedVariance: Double)
  }

  let search: RecipeSearch
  let trial: Trial
  let range: ClosedRange<Float>?

  /// The intended normalisation; nil where nobody says.
  var wanted: Affine? {
    search.intended.map { Affine($0.normalize, channels: search.channels) }
  }

  var found: Found {
    let channels = search.channels
    let limit = trial.residual * 1.05 + 0.03 + (trial.residual > 0 ? 0 : 0.01)
    func fits(_ affine: Affine) -> (residualInLevels: Double, explainedVariance: Double)? {
      guard affine.slopes.allSatisfy({ $0 != 0 && $0.isFinite }) else { return nil }
      let rest = trial.table.rest(affine, range: range, step: search.step)
      // Its own slope may be another than the best line's: compare in the line's levels.
      let scale =
        Double(abs(affine.slopes[0])) / max(Double(abs(trial.affine.slopes[0])), 1e-30)
      return rest.residualInLevels * scale <= limit ? rest : nil
    }
    if let wanted, let intended = search.intended {
      // Halves of a step may be rounded either way: libraries spell the same formula differently.
      let isWithinHalves =
        search.step > 0
        && trial.table.fractionBeyond(0.52 * Double(search.step), of: wanted, range: range) < 0.01
      if let rest = isWithinHalves ? trial.table.rest(wanted, range: range) : fits(wanted) {
        return Found(normalize: intended.normalize, rest: rest)
      }
      for (words, affine) in quantizationFaults(wanted) {
        guard let rest = fits(affine) else { continue }
        return Found(
          normalize: intended.normalize,
          difference: .init(
            cause: .inputQuantization, stage: "quantize", found: words,
            intended: storing), rest: rest)
      }
    }
    var known = KnownNormalization.all.map { ($0.name, $0.normalize) }
    if let intended = search.intended { known += variations(intended.normalize) }
    for (name, normalize) in known {
      guard let rest = fits(Affine(normalize, channels: channels)) else { continue }
      return Found(normalize: normalize, difference: difference(name), rest: rest)
    }
    let (slopes, offsets) = (trial.affine.slopes, trial.affine.offsets)
    let normalize = Recipe.Normalize(
      mean: zip(slopes, offsets).map { -$1 / $0 }, std: slopes.map { 1 / $0 })
    return Found(
      normalize: normalize, difference: difference(trial.affine.words),
      rest: (trial.residual, trial.explainedVariance))
  }

  private func difference(_ name: String) -> Explanation.Difference? {
    guard let wanted else { return nil }
    return .init(
      cause: .normalization, stage: "normalize", found: name,
      intended: KnownNormalization.nearest(to: wanted)?.name ?? wanted.words)
  }

  private var storing: String {
    guard let scale = search.input.quantization?.scale,
      let zero = search.input.quantization?.zeroPoint
    else { return "real values stored as \(search.input.elementType.rawValue)" }
    return "scale \(decimal(scale)), zero point \(zero), rounded to the nearest"
  }

  /// What storing goes wrong makes of the intended normalisation.
  private func quantizationFaults(_ wanted: Affine) -> [(String, Affine)] {
    guard search.input.elementType.isInteger, let scale = search.input.quantization?.scale,
      let zero = search.input.quantization?.zeroPoint, scale > 0
    else { return [] }
    func moved(_ steps: Float) -> Affine {
      Affine(slopes: wanted.slopes, offsets: wanted.offsets.map { $0 + steps * scale })
    }
    var faults = [("no rounding: fractions cut off", moved(-0.5))]
    if zero != 0 { faults.append(("no zero point", moved(-Float(zero)))) }
    for steps in [128, -128] {
      faults.append(
        ("every value \(abs(steps)) steps too \(steps > 0 ? "high" : "low")", moved(Float(steps))))
    }
    if scale != 1 || zero != 0 {
      faults.append(
        (
          "quantized twice",
          Affine(
            slopes: wanted.slopes.map { $0 / scale },
            offsets: wanted.offsets.map { $0 / scale + Float(zero) })
        ))
      faults.append(
        (
          "real values stored without scale and zero point",
          Affine(
            slopes: wanted.slopes.map { $0 * scale },
            offsets: wanted.offsets.map { ($0 - Float(zero)) * scale })
        ))
    }
    return faults
  }

  /// Common mistakes with the intended normalisation.
  private func variations(_ intended: Recipe.Normalize) -> [(String, Recipe.Normalize)] {
    let channels = search.channels
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
