/// Distances and straight lines between a recipe's features and those that reached the model.
struct SoundFit {
  /// (frame, feature) before normalisation, one list a clip; may be shorter than its target.
  let bases: [[Double]]
  let targets: [[Double]]
  let featureCount: Int
  /// Values at the ends were cut off by quantising and are left out.
  let range: ClosedRange<Double>?

  private func counts(_ value: Double) -> Bool {
    guard let range else { return value.isFinite }
    return value > range.lowerBound && value < range.upperBound
  }

  /// What is left with a normalisation, root mean square; missing frames are zeros.
  func residual(_ normalize: (inout [Double]) -> Void) -> Double {
    var (sum, count) = (0.0, 0)
    for (base, target) in zip(bases, targets) {
      var values = base
      normalize(&values)
      for (index, wanted) in target.enumerated() where counts(wanted) {
        let difference = wanted - (index < values.count ? values[index] : 0)
        sum += difference * difference
        count += 1
      }
    }
    return count == 0 ? .infinity : (sum / Double(count)).squareRoot()
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
