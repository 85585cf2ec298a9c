import EXrayCore
import EXrayPreprocess

extension PreprocessDetective {
  /// Turns the best hypothesis into named differences, after deciding on the normalisation.
  func describe(_ best: Hypothesis, samples: [Sample], search: Search) -> Explanation {
    var search = search
    let wanted = Affine(intended.normalize, channels: geometry.channels)
    let withWanted = search.rest(best, affine: wanted, stride: 1)
    let plain = search.rest(search.intendedHypothesis, affine: wanted, stride: 1)
    let found = fittedAffine(best, &search)
    let withFound = search.rest(best, affine: found, stride: 1)

    // A fit always leaves a little less than a fixed function; half a level is not worth a finding.
    let slopeRatio = abs(found.slopes[0] / wanted.slopes[0])
    let restWithFound = withFound.residualInLevels * slopeRatio
    let keepsNormalization =
      withWanted.residualInLevels <= 1.2 * restWithFound + 0.5
      || wanted.distance(to: found) < 1
    let rest = keepsNormalization ? withWanted : withFound

    var recipe = intended
    var differences = geometricDifferences(best, recipe: &recipe)
    if !keepsNormalization {
      let shift = zeroPointShift(best, wanted, limit: 1.2 * restWithFound + 0.5, &search)
      differences.append(
        shift.map(shiftDifference) ?? normalizationDifference(found, wanted, recipe: &recipe))
    }
    guard rest.explainedVariance >= 0.9 || rest.residualInLevels < 2 else {
      return withoutPictures(best, rest: rest, samples: samples, search: search)
        ?? .unexplained(
          samples: samples.count, variance: rest.explainedVariance,
          residual: Double(rest.residualInLevels), hadPictures: search.hasPictures)
    }
    if !search.hasPictures, differences.isEmpty, rest.residualInLevels > 2 {
      differences.append(
        Difference(
          cause: .resize, stage: "resize", found: "another interpolation",
          intended: intended.resize.method.rawValue))
    } else if differences.isEmpty {
      differences.append(
        Difference(
          cause: .decode, stage: "decode",
          found: "levels that differ by \(decimal(rest.residualInLevels)) on average",
          intended: "the reference's decoder"))
    }
    return Explanation(
      recipe: recipe, differences: differences, explainedVariance: rest.explainedVariance,
      residualInLevels: Double(rest.residualInLevels),
      intendedResidualInLevels: Double(plain.residualInLevels), samples: samples.count,
      hadPictures: search.hasPictures)
  }

  private typealias Difference = Explanation.Difference

  /// The line a channel by least squares, or the best known normalisation where values are saturated.
  private func fittedAffine(_ hypothesis: Hypothesis, _ search: inout Search) -> Affine {
    let channels = geometry.channels
    if let sums = search.fit(hypothesis, stride: 1) {
      let lines = sums.compactMap(\.line)
      if lines.count == channels {
        return Affine(
          slopes: lines.map { Float($0.slope) }, offsets: lines.map { Float($0.offset) })
      }
    }
    let wanted = Affine(intended.normalize, channels: channels)
    let candidates =
      [wanted] + KnownNormalization.all.map { Affine($0.normalize, channels: channels) }
    let step = input.quantization?.scale ?? 1
    let ranked = candidates.map { affine -> (Affine, Float) in
      let unit = affine.slopes.reduce(0) { $0 + abs($1) } / Float(affine.slopes.count)
      return (
        affine, search.rest(hypothesis, affine: affine, stride: 1).residualInLevels * unit / step
      )
    }
    return ranked.min { $0.1 < $1.1 }?.0 ?? wanted
  }

  private func geometricDifferences(_ best: Hypothesis, recipe: inout Recipe) -> [Difference] {
    var differences: [Difference] = []
    if best.turn != .identity {
      recipe.orient = intended.orient.turned(
        quarterTurns: best.turn.quarterTurns, mirrored: best.turn.isMirrored)
      differences.append(
        Difference(
          cause: best.turn.isPureFlip ? .flip : .rotation, stage: "orient",
          found: best.turn.words, intended: Dihedral.identity.words))
    }
    if best.crop != intended.crop {
      recipe.crop = best.crop
      differences.append(
        Difference(
          cause: .crop, stage: "crop", found: best.crop.words, intended: intended.crop.words))
    }
    if best.method != intended.resize.method {
      recipe.resize.method = best.method
      differences.append(
        Difference(
          cause: .resize, stage: "resize", found: best.method.rawValue,
          intended: intended.resize.method.rawValue))
    }
    switch best.colour {
    case .intended: break
    case .reversed:
      recipe.color = intended.color == .bgr ? .rgb : .bgr
      differences.append(
        Difference(
          cause: .channelOrder, stage: "color", found: recipe.color.rawValue,
          intended: intended.color.rawValue))
    case .gray:
      recipe.color = .gray3
      differences.append(
        Difference(
          cause: .grayscale, stage: "color", found: "grey in all channels",
          intended: intended.color.rawValue))
    }
    if best.isInterleaved != geometry.isInterleaved {
      recipe.layout = geometry.isInterleaved ? .chwAsHWC : .nhwc
      differences.append(
        Difference(
          cause: .layout, stage: "layout",
          found: geometry.isInterleaved
            ? "the bytes of CHW read as HWC" : "the bytes of HWC read as CHW",
          intended: intended.layout.rawValue))
    }
    return differences
  }

  private func shiftDifference(_ steps: Int) -> Difference {
    Difference(
      cause: .inputQuantization, stage: "quantize",
      found: "every value \(abs(steps)) steps too \(steps > 0 ? "high" : "low")",
      intended: "zero point \(input.quantization?.zeroPoint ?? 0)")
  }

  private func normalizationDifference(
    _ found: Affine, _ wanted: Affine, recipe: inout Recipe
  ) -> Difference {
    let known = KnownNormalization.nearest(to: found)
    recipe.normalize =
      known?.normalize
      ?? Recipe.Normalize(
        mean: zip(found.slopes, found.offsets).map { -$1 / $0 }, std: found.slopes.map { 1 / $0 })
    let intendedName = KnownNormalization.nearest(to: wanted)?.name ?? wanted.words
    return Difference(
      cause: .normalization, stage: "normalize", found: known?.name ?? found.words,
      intended: intendedName)
  }

  /// The shift in quantization steps where a wrong zero point, and nothing else, explains the values.
  ///
  /// - Parameter limit: The rest, in levels, that the shift may leave.
  private func zeroPointShift(
    _ hypothesis: Hypothesis, _ wanted: Affine, limit: Float, _ search: inout Search
  ) -> Int? {
    guard input.elementType.isInteger, let step = input.quantization?.scale, step > 0,
      let zeroPoint = input.quantization?.zeroPoint.flatMap({ Int(exactly: $0) })
    else { return nil }
    return [128, -128, zeroPoint, -zeroPoint].first { shift in
      guard abs(shift) >= 2 else { return false }
      let shifted = Affine(
        slopes: wanted.slopes, offsets: wanted.offsets.map { $0 + Float(shift) * step })
      return search.rest(hypothesis, affine: shifted, stride: 1).residualInLevels <= limit
    }
  }

  /// With the two inputs alone, a partial likeness means another crop; its size cannot be told.
  private func withoutPictures(
    _ best: Hypothesis, rest: (residualInLevels: Float, explainedVariance: Double),
    samples: [Sample], search: Search
  ) -> Explanation? {
    guard !search.hasPictures, best.departures.isEmpty, rest.explainedVariance > 0.4 else {
      return nil
    }
    return Explanation(
      recipe: nil,
      differences: [
        Difference(
          cause: .crop, stage: "crop", found: "another part or scale of the picture",
          intended: intended.crop.words)
      ],
      explainedVariance: rest.explainedVariance, residualInLevels: Double(rest.residualInLevels),
      intendedResidualInLevels: Double(rest.residualInLevels), samples: samples.count,
      hadPictures: false)
  }
}
