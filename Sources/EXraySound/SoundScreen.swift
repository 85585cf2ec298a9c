/// Compares recipes with what reached a model in a few frames of one clip: quick, and enough to tell which to follow.
struct SoundScreen {
  /// What a recipe leaves, as a part of the features' deviation.
  struct Match {
    /// With the intended normalisation, or one that is easily written instead.
    var plain: Double
    /// With the best straight line.
    var line: Double
    /// With the best straight line a feature.
    var lines: Double
  }

  /// Frames that are compared, but for the loudest and the quietest.
  private static let rowCount = 16

  private let sound: WAVFile
  private let featureCount: Int
  private let rows: [Int]
  /// (frame, feature) values; not-a-number where one was cut off and tells nothing.
  private let targets: [SoundRecipe.Layout: [Double]]
  private let deviation: Double
  /// Half a quantisation step, by which values are lower where they were rounded down.
  private let halfStep: Double
  private let normalize: SoundRecipe.Normalize
  private var computer: FeatureComputer

  /// Values that were computed so far.
  var work: Int { computer.work }

  /// - Parameters:
  ///   - features: (frame, feature) values in each layout.
  ///   - normalize: The intended normalisation.
  init(
    sound: WAVFile, features: [SoundRecipe.Layout: [Double]], featureCount: Int,
    normalize: SoundRecipe.Normalize, layout: SoundRecipe.Layout,
    storage: SoundDetective.Storage?
  ) {
    self.sound = sound
    self.featureCount = featureCount
    self.normalize = normalize
    let rows = Self.rows(features[layout] ?? [], featureCount: featureCount)
    self.rows = rows
    targets = features.mapValues { values in
      rows.flatMap { row in
        (0..<featureCount).map { feature in
          let value = values[row * featureCount + feature]
          return storage?.isCutOff(value) ?? false ? .nan : value
        }
      }
    }
    var sums = SoundSums()
    for value in targets[layout] ?? [] where value.isFinite { sums.add(0, value) }
    deviation = sums.deviation
    halfStep = (storage?.scale ?? 0) / 2
    computer = FeatureComputer(rows: rows)
  }

  /// Frames at even distances, and those with extreme loudness: the loudest decides where a range ends.
  private static func rows(_ values: [Double], featureCount: Int) -> [Int] {
    let count = values.count / featureCount
    guard count > rowCount else { return Array(0..<count) }
    let sums = (0..<count).map { row in
      values[(row * featureCount)..<((row + 1) * featureCount)].reduce(0, +)
    }
    let firsts = (0..<count).map { values[$0 * featureCount] }
    var chosen = Set((0..<rowCount).map { $0 * (count - 1) / (rowCount - 1) })
    for measure in [sums, firsts] {
      let order = (0..<count).sorted { measure[$0] < measure[$1] }
      chosen.formUnion([order[0], order[count - 1]])
    }
    return chosen.sorted()
  }

  /// What a recipe leaves, or nil where it makes no such features.
  mutating func match(_ recipe: SoundRecipe) -> Match? {
    guard deviation > 0, let target = targets[recipe.layout],
      let base = try? computer.base(recipe, sound, clip: 0), base.featureCount == featureCount
    else { return nil }
    var features = [SoundSums](repeating: SoundSums(), count: featureCount)
    let common = min(base.values.count, target.count)
    for start in stride(from: 0, to: common, by: featureCount) {
      for feature in 0..<featureCount where target[start + feature].isFinite {
        features[feature].add(base.values[start + feature], target[start + feature])
      }
    }
    // Frames that a recipe does not make are zeros.
    var missing = SoundSums()
    for value in target[common...] where value.isFinite { missing.add(0, value) }
    var all = SoundSums()
    for sums in features { all.add(sums) }
    guard all.n > 2 else { return nil }
    let deviation = self.deviation
    let part = { (squares: Double) in
      (max(0, squares + missing.left(slope: 0, intercept: 0)) / (all.n + missing.n)).squareRoot()
        / deviation
    }
    let line = part(all.left)
    let lines = part(features.reduce(0) { $0 + $1.left })
    let plain = plainLines.map { part(all.left(slope: $0.slope, intercept: $0.intercept)) }.min()
    let match = Match(plain: min(plain ?? .infinity, own(line, lines)), line: line, lines: lines)
    return match.plain.isFinite && line.isFinite && lines.isFinite ? match : nil
  }

  /// A normalisation that depends on the sound is as good as a line here.
  private func own(_ line: Double, _ lines: Double) -> Double {
    switch normalize {
    case .perClip: line
    case .perFeature: lines
    case .affine(let mean, let std): mean.count > 1 || std.count > 1 ? lines : .infinity
    case .none: .infinity
    }
  }

  /// The lines of normalisations that have no numbers of their own, rounded to the nearest step and down.
  private var plainLines: [(slope: Double, intercept: Double)] {
    var list = [(slope: 1.0, intercept: 0.0)]
    if case .affine(let mean, let std) = normalize, mean.count == 1, std.count == 1 {
      list += [(1 / std[0], -mean[0] / std[0]), (1 / std[0], 0), (1, -mean[0])]
    }
    return list + list.map { ($0.slope, $0.intercept - halfStep) }
  }
}
