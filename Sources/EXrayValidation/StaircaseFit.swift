import EXrayPreprocess

/// The lines that can have made coarse integers of levels.
///
/// An integer says between which two real values a level's lies: half a step below it and half a step above, or no bound
/// where values are cut off. With least squares what lies within a step counts as a rest; here it does not. A line fits
/// where its slope meets a linear inequality for every two steps, so that an interval of slopes is all there is to find.
struct StaircaseFit {
  /// The positions of the levels that became one step.
  private struct Tread {
    var value: Double
    var positions: ClosedRange<Double>
  }

  /// Positions are known to this many levels: what a curve gives is often rounded to a level again.
  private static let slack = 0.5

  private let treads: [[Tread]]  // (channel, step)
  private let step: Double
  private let range: ClosedRange<Double>

  /// - Parameters:
  ///   - step: Values are multiples of it.
  ///   - range: Values are cut off at its ends.
  init(_ table: LevelTable, step: Float, range: ClosedRange<Float>) {
    self.step = Double(step)
    self.range = Double(range.lowerBound)...Double(range.upperBound)
    treads = (0..<table.channels).map { Self.treads(table.means(channel: $0), Double(step)) }
  }

  /// The steps of a channel; levels whose values are of several are left out.
  private static func treads(
    _ means: [(position: Double, mean: Double)], _ step: Double
  ) -> [Tread] {
    var treads: [Double: Tread] = [:]
    for (position, mean) in means {
      let value = (mean / step).rounded() * step
      guard abs(mean - value) < 0.01 * step else { continue }
      let old = treads[value]?.positions ?? position...position
      treads[value] = Tread(
        value: value,
        positions: min(old.lowerBound, position)...max(old.upperBound, position))
    }
    return treads.values.sorted { $0.value < $1.value }
  }

  /// A line that gives every level its step, in the middle of all that do: one for all channels, else one a channel;
  /// nil where there is none.
  var affine: Affine? {
    if let line = line(treads.flatMap(\.self)) {
      return Affine(
        slopes: treads.map { _ in Float(line.slope) },
        offsets: treads.map { _ in Float(line.offset) })
    }
    let lines = treads.compactMap { line($0) }
    guard lines.count == treads.count else { return nil }
    return Affine(
      slopes: lines.map { Float($0.slope) }, offsets: lines.map { Float($0.offset) })
  }

  private func line(_ treads: [Tread]) -> (slope: Double, offset: Double)? {
    line(treads, isRising: true) ?? line(treads, isRising: false)
  }

  /// The line through steps, with a slope above or below 0.
  private func line(_ treads: [Tread], isRising: Bool) -> (slope: Double, offset: Double)? {
    // A falling line over positions is a rising one over their opposites.
    let treads = treads.map { tread in
      isRising
        ? tread
        : Tread(
          value: tread.value,
          positions: -tread.positions.upperBound ... -tread.positions.lowerBound)
    }
    guard treads.count > 1 else { return nil }
    func lowest(_ tread: Tread) -> Double {
      tread.value <= range.lowerBound ? -.infinity : tread.value - step / 2
    }
    func highest(_ tread: Tread) -> Double {
      tread.value >= range.upperBound ? .infinity : tread.value + step / 2
    }
    var slopes = (least: 0.0, greatest: Double.infinity)
    for lower in treads {
      for upper in treads {
        // slope·end + offset ≤ highest(upper) and slope·start + offset ≥ lowest(lower).
        let room = highest(upper) - lowest(lower)
        let run = upper.positions.upperBound - lower.positions.lowerBound - 2 * Self.slack
        guard room.isFinite else { continue }
        if run > 0 {
          slopes.greatest = min(slopes.greatest, room / run)
        } else if run < 0 {
          slopes.least = max(slopes.least, room / run)
        } else if room < 0 {
          return nil
        }
      }
    }
    guard slopes.least <= slopes.greatest, slopes.greatest > 0, slopes.greatest.isFinite else {
      return nil
    }
    let slope = (slopes.least + slopes.greatest) / 2
    let least = treads.map { lowest($0) - slope * ($0.positions.lowerBound + Self.slack) }.max()
    let greatest = treads.map { highest($0) - slope * ($0.positions.upperBound - Self.slack) }.min()
    guard let least, let greatest, least.isFinite, greatest.isFinite else { return nil }
    return (isRising ? slope : -slope, (least + greatest) / 2)
  }
}
