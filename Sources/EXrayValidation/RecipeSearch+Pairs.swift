import EXrayCore
import EXrayPreprocess

// The search without raw pictures: the reference's input is the picture after crop and resize.
extension RecipeSearch {
  /// Why crop and interpolation are not named.
  private static let hidden = "not distinguishable without raw inputs"

  /// Identifies how the candidate's inputs follow from the reference's.
  ///
  /// Turn, colours, memory order, normalisation and storing are told. Where the inputs follow in part only, a crop or
  /// an interpolation is suspected and ``Identification/recipe`` is nil.
  func identifyPairs(_ samples: [Sample]) -> Identification {
    guard samples.allSatisfy({ $0.candidate.allSatisfy(\.isFinite) }) else {
      return .init(ruledOut: ["the input holds values that are not finite"])
    }
    var search = self
    search.base.orient = .init(when: .afterResize)
    search.base.crop = .none
    (search.base.resize.method, search.base.resize.precision) = (.none, .levels)
    let frames = samples.compactMap { sample in
      search.pictureOfReference(sample.reference).map {
        Frame(
          name: sample.name, picture: $0, values: sample.candidate,
          valuesOfOtherSign: withOtherSign(sample.candidate))
      }
    }
    guard frames.count == samples.count, !frames.isEmpty else {
      return .init(ruledOut: ["the reference's input is no picture"])
    }
    var found = search.identifyWithoutGeometry(frames)
    if var recipe = found.recipe {
      let turn = recipe.orient.dihedral
      recipe.orient = base.orient
      if turn != .identity {
        recipe.orient = base.orient.turned(
          quarterTurns: turn.quarterTurns, mirrored: turn.isMirrored)
      }
      (recipe.crop, recipe.resize) = (base.crop, base.resize)
      found.recipe = recipe
    }
    return found
  }

  /// The reference's input with its normalisation undone, as red, green and blue.
  private func pictureOfReference(_ values: [Float]) -> Picture? {
    let affine = Affine(base.normalize, channels: channels)
    guard affine.slopes.allSatisfy({ $0 != 0 && $0.isFinite }) else { return nil }
    let area = width * height
    let isInterleaved = baseChain.reading.isInterleaved
    let order = base.color.order ?? [0, 1, 2]
    var pixels = [UInt8](repeating: 0, count: area * 3)  // (height, width, channel)
    for channel in 0..<3 {
      let source = min(channel, channels - 1)
      let target = channels == 3 ? order[channel] : channel
      for pixel in 0..<area {
        let value = values[isInterleaved ? pixel * channels + source : source * area + pixel]
        let level = (value - affine.offsets[source]) / affine.slopes[source]
        pixels[pixel * 3 + target] =
          level.isFinite ? UInt8(max(0, min(255, level.rounded(.toNearestOrEven)))) : 0
      }
    }
    return try? Picture(width: width, height: height, pixels: pixels)
  }

  /// The search over turns, colours and memory orders alone.
  private func identifyWithoutGeometry(_ frames: [Frame]) -> Identification {
    // Before and after a resize that there is not, grey is the same.
    let twins: [Recipe.Color: Recipe.Color] = [
      .gray: .grayAfterResize, .gray3: .gray3AfterResize, .grayAfterResize: .gray,
      .gray3AfterResize: .gray3,
    ]
    let hiddenColors: Set<Recipe.Color> =
      twins[base.color].map { [$0] } ?? [.gray3AfterResize, .grayAfterResize]
    let matches = CoarseGrid(self, frames).matches([.none]).filter {
      !hiddenColors.contains($0.color)
    }
    guard let least = matches.first?.rest else {
      return .init(ruledOut: ["no turn fits the shape"])
    }
    var trials = ExactTrials(self, frames)
    for match in matches.prefix(40) where match.rest <= 4 * least + 0.02 {
      _ = trials.run(
        Chain(
          decode: base.decode, orient: match.orient, crop: match.crop, method: base.resize.method,
          color: match.color, luma: base.luma, reading: match.reading))
    }
    _ = trials.run(baseChain)
    var found = describe(trials, tried: (1, matches), frames: frames)
    guard let best = best(trials) else { return found }
    if found.isExplained {
      if found.differences.isEmpty { addResampling(to: &found) }
      return found
    }
    let naming = NormalizationNaming(search: self, trial: best, trials: trials).found
    found.ruledOut = [
      "\(matches.count) turns, mirrors, colour orders and memory orders of the reference's input: the best leaves \(decimal(Float(best.residual), significant: 3)) levels after the best line a channel"
    ]
    let variance = naming.rest.explainedVariance
    if variance >= 0.9 || variance > 0.5 && naming.rest.residualInLevels < 2 {
      found.differences = differences(best.chain, recipe(best.chain, frames), frames)
      if !isIntended(best, trials.range) { found.differences += naming.differences }
      addResampling(to: &found)
    } else if variance > 0.4, departures(best.chain) == 0 {
      found.differences = [
        .init(
          cause: .crop, stage: "crop", found: "another part or scale of the picture",
          intended: "the reference's crop")
      ]
      found.ambiguous = [
        .init(stage: "crop", candidates: ["crop", "orient", "resize"], reason: Self.hidden)
      ]
    }
    return found
  }

  /// Whether the intended normalisation leaves about as much as the best line.
  ///
  /// A resize of another kind changes contrast, and with it the line.
  private func isIntended(_ trial: Trial, _ range: ClosedRange<Float>?) -> Bool {
    guard let intended else { return true }
    let wanted = Affine(intended.normalize, channels: channels)
    let rest = trial.table.rest(wanted, range: range, step: step).residualInLevels
    let unit = Double(abs(wanted.slopes[0] / trial.affine.slopes[0]))
    return rest * unit <= 1.2 * trial.residual + 0.5
  }

  /// Names what is left where the inputs are nearly alike: a decoder's few levels, or an interpolation.
  private func addResampling(to found: inout Identification) {
    let isDecoder = found.residualInLSB < 2
    let stage = isDecoder ? "decode" : "resize"
    let rest = decimal(Float(found.residualInLSB), significant: 2)
    let difference = Explanation.Difference(
      cause: isDecoder ? .decode : .resize, stage: stage,
      found: isDecoder ? "levels that differ by \(rest)" : "another interpolation",
      intended: isDecoder ? "the reference's decoder" : "the reference's interpolation")
    found.differences.insert(difference, at: 0)
    found.ambiguous.append(
      .init(
        stage: stage, candidates: isDecoder ? ["decode", "resize"] : ["resize", "crop", "decode"],
        reason: Self.hidden))
  }
}
