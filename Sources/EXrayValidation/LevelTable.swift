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

/// The levels that a table tells apart: the 256 of 8 bits, or real numbers in narrow cells.
struct LevelCells: Sendable, Hashable {
  /// Cells to one level.
  let resolution: Int

  /// The 256 levels.
  static let whole = LevelCells(resolution: 1)

  /// How far real levels are told apart below 0 and above 255, where cubic kernels overshoot.
  private static let margin = 64

  private var margin: Int { resolution == 1 ? 0 : Self.margin }

  /// Number of cells.
  var count: Int { (256 + 2 * margin) * resolution }

  /// The level in the middle of each cell.
  var levels: [Float] {
    (0..<count).map { Float($0) / Float(resolution) - Float(margin) }
  }

  /// The cell of a real level; levels beyond the ends belong to the last cells, as does what is no number to the first.
  @inline(__always)
  func index(_ level: Float) -> Int {
    let position = (level + Float(margin)) * Float(resolution)
    guard position > 0 else { return 0 }
    return Int(min(position.rounded(), Float(count - 1)))
  }
}

/// How values depend on levels, channel by channel: all that any function of levels can be judged by.
struct LevelTable: Sendable {
  let channels: Int
  let cells: LevelCells
  private(set) var counts: [Double]  // (channel, cell)
  private(set) var sums: [Double]  // (channel, cell)
  /// Sum of the squares of all values of a channel.
  private(set) var squares: [Double]
  /// The level of each cell.
  let levels: [Float]
  /// What lines are fitted over: the levels themselves, or what a curve makes of them.
  private var positions: [Double]

  init(channels: Int, cells: LevelCells = .whole) {
    (self.channels, self.cells) = (channels, cells)
    levels = cells.levels
    positions = levels.map(Double.init)
    counts = [Double](repeating: 0, count: channels * cells.count)
    sums = counts
    squares = [Double](repeating: 0, count: channels)
  }

  /// Where a channel's cells are.
  func slots(_ channel: Int) -> Range<Int> {
    (channel * cells.count)..<((channel + 1) * cells.count)
  }

  /// Adds a picture of the target's size to a table of whole levels; others add nothing.
  mutating func add(_ image: Image, _ target: TargetView) {
    guard cells == .whole else { return }
    add(image, target) { Int($0) }
  }

  /// Adds a picture of real levels of the target's size; others add nothing.
  mutating func add(_ image: FloatImage, _ target: TargetView) {
    let cells = cells
    add(image, target) { cells.index($0) }
  }

  /// - Parameter cell: The cell of a level, within the table's.
  @inline(__always)
  private mutating func add<Level>(
    _ image: Raster<Level>, _ target: TargetView, cell: (Level) -> Int
  ) {
    let area = target.width * target.height
    guard image.width == target.width, image.height == target.height, image.channels == channels,
      target.channels == channels, target.values.count == area * channels
    else { return }
    var counts = counts
    var sums = sums
    let cellCount = cells.count
    // Indices are within bounds: both hold area × channels elements, cells are below their count.
    unsafe image.pixels.withUnsafeBufferPointer { pixels in
      unsafe target.values.withUnsafeBufferPointer { values in
        unsafe counts.withUnsafeMutableBufferPointer { counts in
          unsafe sums.withUnsafeMutableBufferPointer { sums in
            for channel in 0..<channels {
              var square = 0.0
              var source = channel
              var index = channel &* target.channelStride
              let base = channel &* cellCount
              for _ in 0..<area {
                let value = unsafe Double(values[index])
                let slot = unsafe base &+ cell(pixels[source])
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
    table.positions = Recipe.Normalize(transfer: transfer).reals(of: levels, channel: 0)
      .map(Double.init)
    return table
  }

  /// Every level of a channel that occurs: where lines are fitted, and the mean of its values.
  func means(channel: Int) -> [(position: Double, mean: Double)] {
    zip(positions, slots(channel)).filter { counts[$1] > 0 }.map { ($0, sums[$1] / counts[$1]) }
  }

  /// Number of values.
  var count: Double { counts.reduce(0, +) }

  /// Sum of squares of the values about their channel's mean.
  var total: Double {
    (0..<channels).reduce(0) { total, channel in
      let slots = slots(channel)
      let (n, sum) = (counts[slots].reduce(0, +), sums[slots].reduce(0, +))
      return total + (n > 0 ? max(0, squares[channel] - sum * sum / n) : 0)
    }
  }

  /// The least-squares line of a channel over the levels whose mean value is inside `range`; nil where levels do not vary.
  func line(channel: Int, inside range: ClosedRange<Float>?) -> (slope: Double, offset: Double)? {
    var (n, x, y, xx, xy) = (0.0, 0.0, 0.0, 0.0, 0.0)
    for (cell, slot) in slots(channel).enumerated() where counts[slot] > 0 {
      let mean = sums[slot] / counts[slot]
      if let range, mean <= Double(range.lowerBound) || mean >= Double(range.upperBound) {
        continue
      }
      let position = positions[cell]
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
        let slots = slots(channel)
        let n = max(1, counts[slots].reduce(0, +))
        let level = zip(slots, positions).reduce(0) { $0 + counts[$1.0] * $1.1 } / n
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
      for (cell, slot) in slots(channel).enumerated() where counts[slot] > 0 {
        var value = affine.slopes[channel] * Float(positions[cell]) + affine.offsets[channel]
        if step > 0 { value = (value / step).rounded(.toNearestOrEven) * step }
        if let range { value = max(range.lowerBound, min(range.upperBound, value)) }
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
