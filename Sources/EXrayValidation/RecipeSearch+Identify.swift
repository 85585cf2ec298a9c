import EXrayCore
import EXrayPreprocess

extension RecipeSearch {
  /// Identifies how the frames' inputs were made.
  ///
  /// - Parameter frames: A few frames; their decoded pictures are in memory together.
  public func identify(_ frames: [Frame]) -> Identification {
    let first = identifyAsDecoded(frames)
    guard frames.contains(where: \.hasAlpha) else { return first.found }
    if let best = first.best, isExact(best) { return first.found }
    var answers = [first]
    let gray = Recipe.Decode.Alpha.on(red: 128, green: 128, blue: 128)
    var colors = [Recipe.Decode.Alpha.drop, .white, .black, gray]
    var fits = 0
    while let alpha = colors.first {
      colors.removeFirst()
      guard alpha != base.decode.alpha, let blended = self.blended(frames, alpha) else { continue }
      var other = self
      other.base.decode.alpha = alpha
      var answer = other.identifyAsDecoded(blended)
      if intended != nil, answer.found.isExplained {
        answer.found.differences.insert(
          .init(
            cause: .decode, stage: "decode", found: words(other.base.decode),
            intended: words(base.decode)), at: 0)
        answer.found.intendedResidualInLSB = first.found.intendedResidualInLSB
      }
      answers.append(answer)
      if let best = answer.best, isExact(best) { break }
      // The colour that the best chain shows; a better chain shows it better.
      if colors.isEmpty, fits < 2, let color = ground(answers.compactMap(\.best), frames) {
        fits += 1
        colors.append(color)
      }
    }
    func residual(_ answer: Answer) -> Double {
      answer.found.isExplained ? answer.best?.residual ?? .infinity : .infinity
    }
    guard let least = answers.map(residual).min(), least.isFinite,
      let answer = answers.first(where: { isEqual(residual($0), least) })
    else { return first.found }
    return answer.found
  }

  /// What a search found, and the chain behind it.
  private typealias Answer = (found: Identification, best: Trial?)

  private func identifyAsDecoded(_ frames: [Frame]) -> Answer {
    let count = width * height * channels
    guard !frames.isEmpty, frames.allSatisfy({ $0.values.count == count }) else {
      return (.init(ruledOut: ["no input has the size of the model's"]), nil)
    }
    guard frames.allSatisfy({ $0.values.allSatisfy(\.isFinite) }) else {
      return (.init(ruledOut: ["the input holds values that are not finite"]), nil)
    }
    let grid = CoarseGrid(self, frames)
    let crops = candidateCrops(frames)
    let matches = grid.matches(crops)
    guard !matches.isEmpty else {
      return (.init(ruledOut: ["no recipe fits the shape"]), nil)
    }
    var trials = ExactTrials(self, frames)
    search(matches, crops, grid, frames, &trials)
    settlePrecision(&trials, frames)
    let found = describe(trials, tried: (crops.count, matches), frames: frames)
    return (found, best(trials))
  }

  /// The rest, in levels, that storing the numbers explains.
  func noise(_ trial: Trial) -> Double {
    if trial.hypothesis != nil || trial.isStaircase { return 0 }
    let slope = trial.affine.slopes.reduce(0) { $0 + abs($1) } / Float(channels)
    return slope > 0 ? storingNoise / Double(slope) : 0
  }

  /// The chain that the base recipe stands for.
  var baseChain: Chain {
    let isInterleaved = base.layout == .nhwc || base.layout.rawValue == "HWC-as-CHW"
    return Chain(
      decode: base.decode, orient: base.orient.with(base.orient.dihedral), crop: base.crop,
      method: base.resize.method, precision: base.resize.precision, color: base.color,
      luma: base.luma,
      reading: Reading(isInterleaved: isInterleaved == true))
  }

  /// Stages in which a chain departs from the base recipe.
  func departures(_ chain: Chain) -> Int {
    let base = baseChain
    var count = chain.decode == base.decode ? 0 : 1
    if chain.orient.exif != base.orient.exif { count += 1 }
    if chain.orient.dihedral != base.orient.dihedral { count += 1 }
    if chain.crop != base.crop || chain.shift != base.shift { count += 1 }
    if chain.method != base.method { count += 1 }
    if chain.precision != base.precision { count += 1 }
    if chain.color != base.color { count += 1 }
    if chain.luma != base.luma { count += 1 }
    if layout(chain.reading) != self.base.layout { count += 1 }
    if chain.reading.hasOtherSign { count += 1 }
    return count
  }

  /// The simplest chain among those that explain as much as the best.
  func best(_ trials: ExactTrials) -> Trial? {
    guard let least = trials.done.values.map(\.residual).min(), least.isFinite else { return nil }
    func cost(_ trial: Trial) -> Int {
      let own = trial.isStaircase ? 4 : 2
      return departures(trial.chain)
        + (trial.hypothesis.map { trials.hypotheses(of: trial.chain).all[$0].departures } ?? own)
    }
    return trials.done.values.filter { isEqual($0.residual, least) }.min {
      let (a, b) = (cost($0), cost($1))
      if a != b { return a < b }
      return $0.residual != $1.residual
        ? $0.residual < $1.residual : order($0.chain) < order($1.chain)
    }
  }

  /// Whether a rest is no clear improvement over another.
  ///
  /// What leaves nothing at all is exact to the last level; other rests hold a library's own rounding.
  func isEqual(_ residual: Double, _ least: Double) -> Bool {
    residual <= least * 1.05 + (least < 0.001 ? 0.005 : 0.02)
  }

  /// A fixed order, so that equal chains are always reported alike.
  func order(_ chain: Chain) -> String {
    let method = Recipe.Resize.Method.allCases.firstIndex(of: chain.method) ?? 0
    let crops = ["none", "center-fraction", "short-side", "letterbox"]
    let crop = crops.firstIndex(of: chain.crop.mode.rawValue) ?? crops.count
    return "\(crop) \(chain.crop) \(method + 100) \(chain.orient) \(chain.color) \(chain.shift)"
      + " \(chain.luma) \(chain.reading) \(chain.decode) \(chain.precision)"
  }

  /// Whether a trial leaves nothing that another chain could explain.
  func isExact(_ trial: Trial) -> Bool {
    let noise = noise(trial)
    // A line through a few coarse steps leaves much, whatever the chain.
    return noise < 1.5 && trial.residual <= 0.005 + noise * 1.02
  }
}
