import EXrayPreprocess

/// A model's input as real values, read in one of two memory orders.
struct TargetView: Sendable {
  var values: [Float]
  var width: Int
  var height: Int
  var channels: Int
  /// Whether all channels of a pixel lie together.
  var isInterleaved: Bool

  var pixelStride: Int { isInterleaved ? channels : 1 }
  var channelStride: Int { isInterleaved ? 1 : width * height }
}

/// How values depend on 8-bit levels, channel by channel: all that any function of levels can be judged by.
struct LevelTable: Sendable {
  let channels: Int
  private(set) var counts: [Double]  // (channel, level)
  private(set) var sums: [Double]  // (channel, level)
  /// Sum of the squares of all values of a channel.
  private(set) var squares: [Double]
  /// What lines are fitted over: the levels themselves, or what a curve makes of them.
  private var positions: [Double]

  init(channels: Int) {
    self.channels = channels
    positions = (0..<256).map(Double.init)
    counts = [Double](repeating: 0, count: channels * 256)
    sums = counts
    squares = [Double](repeating: 0, count: channels)
  }

  /// Adds a picture of the target's size; others add nothing.
  mutating func add(_ image: Image, _ target: TargetView) {
    let area = target.width * target.height
    guard image.width == target.width, image.height == target.height, image.channels == channels,
      target.channels == channels, target.values.count == area * channels
    else { return }
    var counts = counts
    var sums = sums
    // Indices are within bounds: both hold area × channels elements, levels are below 256.
    unsafe image.pixels.withUnsafeBufferPointer { pixels in
      unsafe target.values.withUnsafeBufferPointer { values in
        unsafe counts.withUnsafeMutableBufferPointer { counts in
          unsafe sums.withUnsafeMutableBufferPointer { sums in
            for channel in 0..<channels {
              var square = 0.0
              var source = channel
              var index = channel &* target.channelStride
              let base = channel &* 256
              for _ in 0..<area {
                let value = unsafe Double(values[index])
                let slot = unsafe base &+ Int(pixels[source])
                unsafe counts[slot] += 1
                unsafe sums[slot] += value
                square += value * value
                source &+= channels
                index &+= target.pixelStride
              }
              squares[channel] += square
            }
          }
        }
      }
    }
    self.counts = counts
    self.sums = sums
  }

  /// The same values by what a curve makes of their levels.
  func curved(_ transfer: Recipe.Normalize.Transfer) -> LevelTable {
    var table = self
    table.positions = Recipe.Normalize(transfer: transfer).table(channel: 0).map(Double.init)
    return table
  }

  /// Number of values.
  var count: Double { counts.reduce(0, +) }

  /// Sum of squares of the values about their channel's mean.
  var total: Double {
    (0..<channels).reduce(0) { total, channel in
      let slots = (channel * 256)..<(channel * 256 + 256)
      let (n, sum) = (counts[slots].reduce(0, +), sums[slots].reduce(0, +))
      return total + (n > 0 ? max(0, squares[channel] - sum * sum / n) : 0)
    }
  }

  /// The least-squares line of a channel over the levels whose mean value is inside `range`; nil where levels do not vary.
  func line(channel: Int, inside range: ClosedRange<Float>?) -> (slope: Double, offset: Double)? {
    var (n, x, y, xx, xy) = (0.0, 0.0, 0.0, 0.0, 0.0)
    for level in 0..<256 {
      let slot = channel * 256 + level
      guard counts[slot] > 0 else { continue }
      let mean = sums[slot] / counts[slot]
      if let range, mean <= Double(range.lowerBound) || mean >= Double(range.upperBound) {
        continue
      }
      let position = positions[level]
      n += counts[slot]
      x += counts[slot] * position
      y += sums[slot]
      xx += counts[slot] * position * position
      xy += sums[slot] * position
    }
    guard n >= 8 else { return nil }
    let spread = xx - x * x / n
    guard spread > n * 0.05 else { return nil }
    let slope = (xy - x * y / n) / spread
    return (slope, (y - slope * x) / n)
  }

  /// The line of every channel; a channel of one level takes the mean slope of the others.
  func affine(inside range: ClosedRange<Float>?) -> Affine? {
    let lines = (0..<channels).map { line(channel: $0, inside: range) }
    let known = lines.compactMap { $0 }
    guard !known.isEmpty else { return nil }
    let slope = known.reduce(0) { $0 + $1.slope } / Double(known.count)
    var affine = Affine(slopes: [], offsets: [])
    for channel in 0..<channels {
      if let line = lines[channel] {
        affine.slopes.append(Float(line.slope))
        affine.offsets.append(Float(line.offset))
      } else {
        let slots = (channel * 256)..<(channel * 256 + 256)
        let n = max(1, counts[slots].reduce(0, +))
        let level = slots.reduce(0) { $0 + counts[$1] * positions[$1 - channel * 256] } / n
        affine.slopes.append(Float(slope))
        affine.offsets.append(Float(sums[slots].reduce(0, +) / n - slope * level))
      }
    }
    return affine
  }

  /// What `affine` leaves over, cut to `range`: in levels, and as the part of the variance that it explains.
  ///
  /// - Parameter step: Values are rounded to multiples of it; 0 where they are not.
  func rest(
    _ affine: Affine, range: ClosedRange<Float>?, step: Float = 0
  ) -> (residualInLevels: Double, explainedVariance: Double) {
    var inLevels = 0.0
    var inValues = 0.0
    for channel in 0..<channels {
      var squared = squares[channel]
      for level in 0..<256 where counts[channel * 256 + level] > 0 {
        var value = affine.slopes[channel] * Float(positions[level]) + affine.offsets[channel]
        if step > 0 { value = (value / step).rounded(.toNearestOrEven) * step }
        if let range { value = max(range.lowerBound, min(range.upperBound, value)) }
        let slot = channel * 256 + level
        squared += counts[slot] * Double(value) * Double(value) - 2 * sums[slot] * Double(value)
      }
      let slope = Double(affine.slopes[channel])
      inValues += max(0, squared)
      inLevels += slope == 0 ? .infinity : max(0, squared) / (slope * slope)
    }
    let (count, total) = (max(1, count), total)
    return (
      (inLevels / count).squareRoot(),
      total > 0 ? max(0, 1 - inValues / total) : (inValues == 0 ? 1 : 0)
    )
  }
}
