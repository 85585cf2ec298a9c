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
    value.isFinite && !(storage?.isCutOff(value) ?? false)
  }

  /// What is left with a normalisation, root mean square; missing frames are zeros.
  ///
  /// Converters round to the nearest step, down, or towards the integer 0; the one that leaves least counts, as all
  /// are right. A value at an end of the range stands for everything beyond it. Where a normalisation says nothing,
  /// as ``undefineConstants(_:)``, any one value is right.
  func residual(_ normalize: (inout [Double]) -> Void) -> Double {
    let range = storage?.range ?? -Double.infinity...Double.infinity
    let zero = storage?.realZero ?? 0
    var (squares, sum, signed, count, signs) = (0.0, 0.0, 0.0, 0.0, 0.0)
    for (base, target) in zip(bases, targets) {
      var values = base
      normalize(&values)
      for (index, wanted) in target.enumerated() where wanted.isFinite {
        var value = index < values.count ? values[index] : 0
        if value.isNaN { value = mean(target, feature: index % featureCount) }
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

  /// Marks features that normalising by feature made zeros throughout: libraries divide the rounding of their mean by its
  /// deviation, which may give any value.
  func undefineConstants(_ values: inout [Double]) {
    for feature in 0..<featureCount {
      let places = stride(from: feature, to: values.count, by: featureCount)
      guard places.allSatisfy({ values[$0] == 0 }) else { continue }
      for place in places { values[place] = .nan }
    }
  }

  private func mean(_ target: [Double], feature: Int) -> Double {
    let places = stride(from: feature, to: target.count, by: featureCount)
    return places.reduce(0) { $0 + target[$1] } / Double(max(1, target.count / featureCount))
  }

  /// What sums in single precision make of the features before a normalisation, root mean square, in the unit after it.
  ///
  /// Features that hardly vary are far above it before, and no more once they are divided by their deviation.
  func rounding(_ normalize: (inout [Double]) -> Void) -> Double {
    var features = [SoundSums](repeating: SoundSums(), count: featureCount)
    for base in bases {
      var values = base
      normalize(&values)
      for index in base.indices { features[index % featureCount].add(base[index], values[index]) }
    }
    let squares = features.reduce(0.0) { $0 + $1.line.slope * $1.line.slope * $1.squaresOfX }
    let count = features.reduce(0.0) { $0 + $1.n }
    return count > 0 ? (squares / count).squareRoot() * 0x1p-21 : 0
  }

  /// The best straight line for all features, or nil where there is none.
  func line() -> SoundRecipe.Normalize? {
    var sums = SoundSums()
    for (base, target) in zip(bases, targets) {
      for (a, b) in zip(base, target) where counts(b) { sums.add(a, b) }
    }
    let line = sums.line
    guard sums.n > 1, line.slope != 0 else { return nil }
    return .affine(mean: [-line.intercept / line.slope], std: [1 / line.slope])
  }

  /// The best line for each feature, or nil where a feature has too little to tell.
  func lines() -> SoundRecipe.Normalize? {
    var sums = [SoundSums](repeating: SoundSums(), count: featureCount)
    for (base, target) in zip(bases, targets) {
      for (index, (a, b)) in zip(base, target).enumerated() where counts(b) {
        sums[index % featureCount].add(a, b)
      }
    }
    let lines = sums.map(\.line)
    guard featureCount > 1, sums.allSatisfy({ $0.n >= 8 }), lines.allSatisfy({ $0.slope != 0 })
    else { return nil }
    return .affine(
      mean: lines.map { -$0.intercept / $0.slope }, std: lines.map { 1 / $0.slope })
  }
}
