import EXrayCore
import EXrayPreprocess

// Whether resized levels were rounded to 8 bits.
extension RecipeSearch {
  /// Runs the leading chains with levels that are not rounded, where the inputs may come from such.
  ///
  /// All chains are compared with rounded levels first: that leaves about 0.3 levels of what was not rounded, whatever
  /// the interpolation, and a table of 256 levels is quick.
  func settlePrecision(_ trials: inout ExactTrials, _ frames: [Frame]) {
    // A chain of rounded levels that leaves nothing has been found.
    if let best = best(trials), isExact(best), best.chain.precision == .levels { return }
    let rounded = trials.done.values.filter {
      $0.chain.precision == .levels && !$0.isStaircase && !$0.chain.method.takesWholePixels
    }
    guard let least = rounded.map(\.residual).min(), Self.roundingRests.contains(least) else {
      return
    }
    let leading = rounded.filter { $0.residual <= 1.5 * least + 0.2 }.sorted {
      $0.residual != $1.residual
        ? $0.residual < $1.residual : order($0.chain) < order($1.chain)
    }
    let isLarge = trials.pixelCount > 3_000_000
    var isRefined: [Reading: Bool] = [:]
    for trial in leading.prefix(isLarge ? 5 : 12) {
      let reading = trial.chain.reading
      let mayBeFloat = isRefined[reading] ?? hasRefinedValues(frames, reading)
      isRefined[reading] = mayBeFloat
      if mayBeFloat { settlePrecision(trial, &trials) }
    }
  }

  /// What rounding levels may leave over, from decoders' traces up to overshoots that are cut off.
  private static let roundingRests = 0.05...4.0

  /// Runs a chain with unrounded levels; the base recipe's way is kept unless the other leaves much less.
  private func settlePrecision(_ rounded: Trial, _ trials: inout ExactTrials) {
    var chain = rounded.chain
    chain.precision = .float
    guard let unrounded = trials.run(chain) else { return }
    let isBase = base.resize.precision == .float
    let (own, other) = isBase ? (unrounded, rounded) : (rounded, unrounded)
    if other.residual >= 0.6 * own.residual { trials.discard(other.chain) }
  }

  /// Whether values of one channel are too many to come from 256 levels; integers always may be.
  private func hasRefinedValues(_ frames: [Frame], _ reading: Reading) -> Bool {
    guard step == 0 else { return true }
    return (0..<channels).contains { channel in
      var seen: Set<Float> = []
      for frame in frames {
        let view = view(frame, reading)
        for pixel in 0..<width * height {
          seen.insert(view.values[pixel * view.pixelStride + channel * view.channelStride])
          if seen.count > 256 { return true }
        }
      }
      return false
    }
  }
}
