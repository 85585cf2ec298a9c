/// Distances and straight lines between a recipe's features and those that reached the model.
struct SoundFit {
  /// (frame, feature) before normalisation, one list a clip; may be shorter than its target.
  let bases: [[Double]]
  let targets: [[Double]]
  let featureCount: Int
  /// How real numbers were stored; nil where they were not quantised.
  let storage: SoundDetective.Storage?

  /// Whether a value tells where a line passes; those at the ends of the range were cut off.
  private func counts(_ value: Double) -> Bool {
    guard let range = storage?.range else { return value.isFinite }
    return value > range.lowerBound && value < range.upperBound
  }

  /// What is left with a normalisation, root mean square; missing frames are zeros.
  ///
  /// Converters round to the nearest step, down, or towards the integer 0; the one that leaves least counts, as all
  /// are right. A value at an end of the range stands for everything beyond it.
  func residual(_ normalize: (inout [Double]) -> Void) -> Double {
    let range = storage?.range ?? -Double.infinity...Double.infinity
    let zero = storage?.realZero ?? 0
    var (squares, sum, signed, count, signs) = (0.0, 0.0, 0.0, 0.0, 0.0)
    for (base, target) in zip(bases, targets) {
      var values = base
      normalize(&values)
      for (index, wanted) in target.enumerated() where wanted.isFinite {
        let value = index < values.count ? values[index] : 0
        let difference = wanted - min(max(value, range.lowerBound), range.upperBound)
        squares += difference * difference
        sum += difference
        if wanted != zero {
          signed += wanted > zero ? difference : -difference
          signs += 1
        }
        count += 1
      }
    }
    guard count > 0 else { return .infinity }
    guard let half = storage.map({ $0.scale / 2 }) else { return (squares / count).squareRoot() }
    let down = squares + 2 * half * sum + count * half * half
    let towardsZero = squares + 2 * half * signed + signs * half * half
    return (max(0, min(squares, down, towardsZero)) / count).squareRoot()
  }

  private struct Sums {
    var (n, x, y, xx, xy, yy) = (0.0, 0.0, 0.0, 0.0, 0.0, 0.0)

    mutating func add(_ a: Double, _ b: Double) {
      n += 1
      x += a
      y += b
      xx += a * a
      xy += a * b
      yy += b * b
    }

    /// The slope and the intercept of least squares.
    var line: (slope: Double, intercept: Double) {
      let spread = xx - x * x / n
      let slope = spread > 1e-12 * xx ? (xy - x * y / n) / spread : 0
      return (slope, (y - slope * x) / n)
    }
  }

  /// One line for all features.
  func line() -> (slope: Double, intercept: Double, residual: Double) {
    var sums = Sums()
    for (base, target) in zip(bases, targets) {
      for (a, b) in zip(base, target) where counts(b) { sums.add(a, b) }
    }
    guard sums.n > 1 else { return (0, 0, .infinity) }
    let line = sums.line
    let left = residual { values in
      for index in values.indices { values[index] = values[index] * line.slope + line.intercept }
    }
    return (line.slope, line.intercept, left)
  }

  /// A line for each feature, or nil where a feature has too little to tell.
  func lines() -> (normalize: SoundRecipe.Normalize, residual: Double)? {
    var sums = [Sums](repeating: Sums(), count: featureCount)
    for (base, target) in zip(bases, targets) {
      for (index, (a, b)) in zip(base, target).enumerated() where counts(b) {
        sums[index % featureCount].add(a, b)
      }
    }
    guard featureCount > 1, sums.allSatisfy({ $0.n >= 8 && $0.line.slope != 0 }) else { return nil }
    let lines = sums.map(\.line)
    let left = residual { values in
      for index in values.indices {
        let line = lines[index % featureCount]
        values[index] = values[index] * line.slope + line.intercept
      }
    }
    return (
      .affine(
        mean: lines.map { -$0.intercept / $0.slope }, std: lines.map { 1 / $0.slope }), left
    )
  }
}
