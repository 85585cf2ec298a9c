import EXrayPreprocess

/// One way in which the inputs may have been made.
struct Hypothesis: Sendable {
  /// What happened to the colours, relative to the intended order.
  enum Colour: Sendable, Hashable, CaseIterable {
    case intended
    case reversed
    case gray
  }

  var crop: Recipe.Crop
  var method: Recipe.Resize.Method
  var turn: Dihedral
  /// Whether the turn came before the crop rather than after the resize; the two differ by rounding.
  var turnsFirst = false
  var colour: Colour
  var isInterleaved: Bool
  /// Stages that depart from the intended recipe.
  var departures: Set<String> = []
  /// Root mean squared rest after the best line a channel, in levels.
  var residual = Float.infinity
}

/// Tries hypotheses against the samples.
struct Search {
  let geometry: TargetGeometry
  let intended: Recipe
  let samples: [PreprocessDetective.Sample]
  let range: ClosedRange<Float>?
  /// The candidate's quantization step in real units, 0 for float inputs.
  let step: Float
  private var images: [ImageKey: [[UInt8]]] = [:]

  private struct ImageKey: Hashable {
    var crop: Recipe.Crop
    var method: Recipe.Resize.Method
    var turn: Dihedral
  }

  init(
    geometry: TargetGeometry, intended: Recipe, samples: [PreprocessDetective.Sample],
    range: ClosedRange<Float>?, step: Float
  ) {
    self.geometry = geometry
    self.intended = intended
    self.samples = samples
    self.range = range
    self.step = step
  }

  var hasPictures: Bool { samples.allSatisfy { $0.picture != nil } }

  /// Every hypothesis worth weighing, with its residual over all elements.
  mutating func run(
    crops: [Recipe.Crop], methods: [Recipe.Resize.Method]
  ) -> [Hypothesis] {
    // Coarse: every crop, turn, colour and memory order with the intended interpolation, on a grid.
    var coarse: [Hypothesis] = []
    for crop in hasPictures ? crops : [intended.crop] {
      for turn in Dihedral.all where !turn.swapsAxes || geometry.width == geometry.height {
        for colour in Hypothesis.Colour.allCases where colour == .intended || geometry.channels == 3
        {
          for isInterleaved in [geometry.isInterleaved, !geometry.isInterleaved] {
            if geometry.channels == 1, isInterleaved != geometry.isInterleaved { continue }
            var hypothesis = Hypothesis(
              crop: crop, method: intended.resize.method, turn: turn, colour: colour,
              isInterleaved: isInterleaved)
            coarse.append(hypothesis)
            guard hasPictures, crop == intended.crop, turn != .identity else { continue }
            hypothesis.turnsFirst = true
            coarse.append(hypothesis)
          }
        }
      }
    }
    for index in coarse.indices { assess(&coarse[index], stride: 7) }
    coarse.sort { $0.residual < $1.residual }

    // Fine: the most promising, with every interpolation, over all elements.
    let plain = coarse.filter { $0.departures.count <= 1 }.prefix(6)
    let leading = coarse.prefix(8)
    var fine: [Hypothesis] = []
    var seen: Set<[String]> = []
    for hypothesis in Array(leading) + Array(plain) where seen.insert(key(hypothesis)).inserted {
      fine.append(hypothesis)
    }
    if hasPictures {
      var crops: [Recipe.Crop] = []
      for hypothesis in [intendedHypothesis] + leading where !crops.contains(hypothesis.crop) {
        crops.append(hypothesis.crop)
      }
      let shape = coarse.first ?? intendedHypothesis
      for crop in crops.prefix(4) {
        for method in methods where method != intended.resize.method {
          var hypothesis = shape
          hypothesis.crop = crop
          hypothesis.method = method
          fine.append(hypothesis)
        }
      }
    }
    fine.append(intendedHypothesis)
    for index in fine.indices { assess(&fine[index], stride: 1) }
    return fine
  }

  var intendedHypothesis: Hypothesis {
    Hypothesis(
      crop: intended.crop, method: intended.resize.method, turn: .identity, colour: .intended,
      isInterleaved: geometry.isInterleaved)
  }

  private func key(_ hypothesis: Hypothesis) -> [String] {
    [
      "\(hypothesis.crop)", "\(hypothesis.turn)", "\(hypothesis.turnsFirst)",
      "\(hypothesis.colour)", "\(hypothesis.isInterleaved)",
    ]
  }

  private func departures(of hypothesis: Hypothesis) -> Set<String> {
    var stages: Set<String> = []
    if hypothesis.crop != intended.crop { stages.insert("crop") }
    if hypothesis.method != intended.resize.method { stages.insert("resize") }
    if hypothesis.turn != .identity { stages.insert("orient") }
    if hypothesis.colour != .intended { stages.insert("color") }
    if hypothesis.isInterleaved != geometry.isInterleaved { stages.insert("layout") }
    return stages
  }

  /// The pictures as the hypothesis crops and resizes them, or the reference's inputs as levels; nil where it cannot.
  mutating func levels(_ hypothesis: Hypothesis) -> [[UInt8]]? {
    let turn = hypothesis.turnsFirst ? hypothesis.turn : .identity
    let key = ImageKey(crop: hypothesis.crop, method: hypothesis.method, turn: turn)
    if let known = images[key] { return known.isEmpty ? nil : known }
    var recipe = intended
    recipe.crop = hypothesis.crop
    recipe.resize.method = hypothesis.method
    if turn != .identity {
      recipe.orient = intended.orient.turned(
        quarterTurns: turn.quarterTurns, mirrored: turn.isMirrored)
      recipe.orient.when = .beforeCrop
    }
    var made: [[UInt8]] = []
    for sample in samples {
      if let picture = sample.picture {
        guard let image = try? recipe.image(from: picture), image.width == geometry.width,
          image.height == geometry.height, image.channels == geometry.channels
        else { break }
        made.append(image.pixels)
      } else {
        made.append(referenceLevels(sample.reference))
      }
    }
    if made.count != samples.count { made = [] }
    images[key] = made
    return made.isEmpty ? nil : made
  }

  /// The reference's input, its normalisation undone, as (height, width, channel) levels.
  private func referenceLevels(_ values: [Float]) -> [UInt8] {
    let affine = Affine(intended.normalize, channels: geometry.channels)
    var levels = [UInt8](repeating: 0, count: geometry.elementCount)
    for y in 0..<geometry.height {
      for x in 0..<geometry.width {
        for channel in 0..<geometry.channels {
          let value = values[
            geometry.index(x: x, y: y, channel: channel, interleaved: geometry.isInterleaved)]
          let level = (value - affine.offsets[channel]) / affine.slopes[channel]
          levels[(y * geometry.width + x) * geometry.channels + channel] =
            level.isFinite ? UInt8(max(0, min(255, level.rounded()))) : 0
        }
      }
    }
    return levels
  }

  /// Calls `body` with (channel, level, value) for a part of the elements of every sample.
  mutating func forEachElement(
    _ hypothesis: Hypothesis, stride step: Int, _ body: (Int, Float, Float) -> Void
  ) -> Bool {
    guard let images = levels(hypothesis) else { return false }
    let (width, height, channels) = (geometry.width, geometry.height, geometry.channels)
    let turn = hypothesis.turnsFirst ? .identity : hypothesis.turn
    for (sample, image) in zip(samples, images) {
      for y in stride(from: 0, to: height, by: step) {
        for x in stride(from: 0, to: width, by: step) {
          let source = turn.source(x: x, y: y, width: width, height: height)
          let pixel = (source.y * width + source.x) * channels
          for channel in 0..<channels {
            let level: Float
            switch hypothesis.colour {
            case .intended: level = Float(image[pixel + channel])
            case .reversed: level = Float(image[pixel + channels - 1 - channel])
            case .gray: level = luma(image, pixel)
            }
            let index = geometry.index(
              x: x, y: y, channel: channel, interleaved: hypothesis.isInterleaved)
            body(channel, level, sample.candidate[index])
          }
        }
      }
    }
    return true
  }

  /// Luma of one pixel with the weights and the rounding of ITU-R BT.601 in 16-bit fixed point, as Pillow's mode L.
  @inline(__always)
  private func luma(_ image: [UInt8], _ pixel: Int) -> Float {
    let isReversed = intended.color == .bgr
    let red = Int(image[pixel + (isReversed ? 2 : 0)])
    let green = Int(image[pixel + 1])
    let blue = Int(image[pixel + (isReversed ? 0 : 2)])
    return Float((red * 19595 + green * 38470 + blue * 7471 + 0x8000) >> 16)
  }

  /// Fits the best line a channel over the elements that are not saturated.
  mutating func fit(_ hypothesis: Hypothesis, stride step: Int) -> [LineSums]? {
    var sums = [LineSums](repeating: LineSums(), count: geometry.channels)
    let margin = self.step * 0.5
    let low = (range?.lowerBound ?? -.infinity) + margin
    let high = (range?.upperBound ?? .infinity) - margin
    let isUsable = forEachElement(hypothesis, stride: step) { channel, level, value in
      if value > low, value < high { sums[channel].add(level, value) }
    }
    return isUsable ? sums : nil
  }

  private mutating func assess(_ hypothesis: inout Hypothesis, stride step: Int) {
    hypothesis.departures = departures(of: hypothesis)
    hypothesis.residual = .infinity
    guard let sums = fit(hypothesis, stride: step) else { return }
    let lines = sums.compactMap(\.line)
    if lines.count == sums.count {
      let residual = lines.reduce(0) { $0 + $1.residual }
      let count = sums.reduce(0) { $0 + Double($1.count) }
      let slope = lines.reduce(0) { $0 + abs($1.slope) } / Double(lines.count)
      if slope > 0 { hypothesis.residual = Float((residual / count).squareRoot() / slope) }
    } else {
      // Nearly every value is saturated: only whole known normalisations can be weighed.
      for known in KnownNormalization.all {
        let affine = Affine(known.normalize, channels: geometry.channels)
        let rest = rest(hypothesis, affine: affine, stride: step)
        hypothesis.residual = min(hypothesis.residual, rest.residualInLevels)
      }
    }
  }

  /// What an affine leaves over when its values are cut to what the input can hold.
  mutating func rest(
    _ hypothesis: Hypothesis, affine: Affine, stride step: Int
  ) -> (residualInLevels: Float, explainedVariance: Double) {
    var squares = 0.0
    var sums = [LineSums](repeating: LineSums(), count: geometry.channels)
    let low = range?.lowerBound ?? -.infinity
    let high = range?.upperBound ?? .infinity
    let isUsable = forEachElement(hypothesis, stride: step) { channel, level, value in
      let predicted = max(low, min(high, affine.slopes[channel] * level + affine.offsets[channel]))
      squares += Double((value - predicted) * (value - predicted))
      sums[channel].add(level, value)
    }
    let count = sums.reduce(0) { $0 + Double($1.count) }
    guard isUsable, count > 0 else { return (.infinity, 0) }
    let unit = affine.slopes.reduce(0) { $0 + abs($1) } / Float(affine.slopes.count)
    let total = sums.reduce(0) { $0 + $1.total }
    let variance = total > 0 ? max(0, 1 - squares / total) : (squares == 0 ? 1 : 0)
    return (Float((squares / count).squareRoot()) / max(unit, .leastNormalMagnitude), variance)
  }
}
