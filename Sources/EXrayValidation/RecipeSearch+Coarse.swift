import EXrayCore
import EXrayPreprocess

/// A chain without its interpolation, and what a line a channel explains of the cells' means.
struct CoarseMatch: Sendable {
  var orient: Recipe.Orient
  var crop: Recipe.Crop
  var color: Recipe.Color
  var reading: Reading
  /// One minus the explained part of the variance.
  var rest: Double
}

/// The pictures and the targets as means over cells.
struct CoarseGrid {
  private let search: RecipeSearch
  private let frames: [RecipeSearch.Frame]
  private let grid: Int
  private let readings: [Reading]
  /// Tables of the pictures, as stored and upright; the second is empty where all are upright.
  private var pictures: [Recipe.Orient.EXIF: [SummedPicture]] = [:]
  private var targets: [Reading: [CellMeans]] = [:]
  /// Weights of red, green and blue in each channel.
  private let colors: [(color: Recipe.Color, weights: [[Double]])]

  init(_ search: RecipeSearch, _ frames: [RecipeSearch.Frame]) {
    self.search = search
    self.frames = frames
    grid = max(2, min(24, min(search.width, search.height) / 3))
    readings = search.readings(frames)
    pictures[.ignore] = frames.map { SummedPicture($0.picture.image) }
    if frames.contains(where: { $0.picture.exifOrientation != 1 })
      || search.base.orient.exif == .apply
    {
      pictures[.apply] = frames.map { SummedPicture($0.picture.upright) }
    }
    colors = Recipe.Color.allCases.filter { $0.channels == search.channels }.compactMap { color in
      CoarseGrid.weights(color).map { (color, $0) }
    }
    for reading in readings {
      targets[reading] = frames.map { CellMeans(search, $0, reading, grid: grid) }
    }
  }

  /// What a colour stage makes of pure red, green and blue.
  private static func weights(_ color: Recipe.Color) -> [[Double]]? {
    let recipe = Recipe(resize: .init(width: 1, height: 1), color: color)
    var columns: [[Double]] = []
    for primary in 0..<3 {
      var pixel: [UInt8] = [0, 0, 0]
      pixel[primary] = 255
      guard let picture = try? Picture(width: 1, height: 1, pixels: pixel),
        let image = try? recipe.image(from: picture)
      else { return nil }
      columns.append(image.pixels.map { Double($0) / 255 })
    }
    return columns[0].indices.map { channel in columns.map { $0[channel] } }
  }

  var exifs: [Recipe.Orient.EXIF] { pictures.keys.sorted { $0.rawValue > $1.rawValue } }

  /// The part of a frame's picture that a crop takes.
  func rectangle(_ crop: Recipe.Crop, frame: Int, exif: Recipe.Orient.EXIF, turn: Dihedral)
    -> Rectangle?
  {
    rectangle(
      SourceGeometry(
        crop: crop, shift: [0, 0], turn: turn, when: .beforeCrop, phase: .halfPixel),
      frame: frame, exif: exif)
  }

  /// The part of a frame's picture, before it is turned, that a geometry shows.
  func rectangle(_ geometry: SourceGeometry, frame: Int, exif: Recipe.Orient.EXIF) -> Rectangle? {
    guard let picture = pictures[exif]?[frame] else { return nil }
    return geometry.rectangle(
      width: picture.width, height: picture.height, size: (search.width, search.height))
  }

  /// Moves a match's part of each picture until it fits best.
  ///
  /// - Returns: A part a frame, and the largest rest.
  func registered(_ match: CoarseMatch) -> (parts: [Rectangle], rest: Double)? {
    guard let pictures = pictures[match.orient.exif],
      let weights = colors.first(where: { $0.color == match.color })?.weights
    else { return nil }
    let turn = match.orient.dihedral
    let starts = frames.indices.compactMap {
      rectangle(match.crop, frame: $0, exif: match.orient.exif, turn: turn)
    }
    guard starts.count == frames.count else { return nil }
    let pad = (match.crop.pad ?? [0]).map(Double.init)
    guard
      let coarse = sums(starts, pad: pad, exif: match.orient.exif, reading: match.reading, turn)
    else { return nil }
    let lines = coarse.lines(weights)
    let own = (0..<3).map { primary in
      weights.indices.reduce(0) { $0 + weights[$1][primary] } / Double(weights.count)
    }
    let largest = min(72, max(2, min(search.width, search.height) / 2))
    let grids = Set([min(grid, largest), min(2 * grid, largest), largest]).sorted()
    var parts: [Rectangle] = []
    var rest = 0.0
    for (index, frame) in frames.enumerated() {
      let registration = Registration(
        picture: pictures[index], weights: own, pad: pad,
        target: { grid in
          CellMeans(search, frame, match.reading, grid: grid).guide(
            lines, turn: turn, grid: grid)
        })
      let found = registration.run(from: starts[index], grids: grids)
      parts.append(found.rectangle)
      rest = max(rest, found.rest)
    }
    return (parts, rest)
  }

  /// Every combination of crop, turn, colour and memory order, the best first.
  func matches(_ crops: [Recipe.Crop]) -> [CoarseMatch] {
    var found: [CoarseMatch] = []
    for exif in exifs {
      for crop in crops {
        // Turns and mirrors of the same axes show the same part, but for odd margins.
        for swaps in [false, true] {
          let turn = Dihedral(quarterTurns: swaps ? 1 : 0, isMirrored: false)
          let rectangles = frames.indices.compactMap {
            rectangle(crop, frame: $0, exif: exif, turn: turn)
          }
          let turns = Dihedral.all.filter { $0.swapsAxes == swaps }
          found += matches(rectangles, crop: crop, exif: exif, turns: turns)
        }
      }
    }
    return found.sorted { $0.rest < $1.rest }
  }

  /// Every turn, colour and memory order for given parts of the pictures.
  func matches(
    _ rectangles: [Rectangle], crop: Recipe.Crop, exif: Recipe.Orient.EXIF, turns: [Dihedral]
  ) -> [CoarseMatch] {
    guard let pictures = pictures[exif], rectangles.count == frames.count else { return [] }
    let pad = (crop.pad ?? [0]).map(Double.init)
    let means = zip(pictures, rectangles).map { $0.means($1, grid: grid, pad: pad) }
    var found: [CoarseMatch] = []
    for reading in readings {
      guard let targets = targets[reading] else { continue }
      for turn in turns {
        let sums = CrossSums(means, targets, turn: turn, grid: grid)
        for (color, weights) in colors {
          var orient = search.base.orient.with(turn)
          orient.exif = exif
          found.append(
            CoarseMatch(
              orient: orient, crop: crop, color: color, reading: reading, rest: sums.rest(weights)))
        }
      }
    }
    return found
  }
}

extension CoarseGrid {
  private func sums(
    _ parts: [Rectangle], pad: [Double], exif: Recipe.Orient.EXIF, reading: Reading,
    _ turn: Dihedral
  ) -> CrossSums? {
    guard let pictures = pictures[exif], let targets = targets[reading] else { return nil }
    let means = zip(pictures, parts).map { $0.means($1, grid: grid, pad: pad) }
    return CrossSums(means, targets, turn: turn, grid: grid)
  }
}

/// A model's input as means over cells; cells with cut values are marked.
struct CellMeans: Sendable {
  /// Means, (row, column, channel).
  let values: [Double]
  /// Whether no value of the cell lies at an end of the type's range; (row, column, channel).
  let isWhole: [Bool]
  let channels: Int

  init(_ search: RecipeSearch, _ frame: RecipeSearch.Frame, _ reading: Reading, grid: Int) {
    let view = search.view(frame, reading)
    let whole = Rectangle(x: 0, y: 0, width: Double(search.width), height: Double(search.height))
    channels = search.channels
    values = SummedPicture(view).means(whole, grid: grid, pad: [0])
    var isWhole = [Bool](repeating: true, count: values.count)
    if search.input.elementType.isInteger, let range = search.input.representableRange {
      var marks = view
      marks.values = view.values.map {
        $0 <= range.lowerBound || $0 >= range.upperBound ? 1 : 0
      }
      isWhole = SummedPicture(marks).means(whole, grid: grid, pad: [0]).map { $0 < 0.005 }
      // Where what is not cut tells little, cut values are all there is.
      let kept = values.indices.filter { isWhole[$0] }
      let (own, all) = (Self.spread(values, kept), Self.spread(values, Array(values.indices)))
      if kept.count * 8 < values.count || own < 0.1 * all {
        isWhole = isWhole.map { _ in true }
      }
    }
    self.isWhole = isWhole
  }

  /// The variance of some values.
  private static func spread(_ values: [Double], _ indices: [Int]) -> Double {
    guard !indices.isEmpty else { return 0 }
    let n = Double(indices.count)
    let mean = indices.reduce(0) { $0 + values[$1] } / n
    return indices.reduce(0) { $0 + (values[$1] - mean) * (values[$1] - mean) } / n
  }

  /// The mean of all channels in levels, in the picture's orientation; not-a-number where values are cut.
  func guide(
    _ lines: [(slope: Double, offset: Double)?], turn: Dihedral, grid: Int
  ) -> [Double] {
    var result = [Double](repeating: .nan, count: grid * grid)
    let known = lines.indices.filter { lines[$0].map { $0.slope != 0 } ?? false }
    guard !known.isEmpty else { return result }
    for row in 0..<grid {
      for column in 0..<grid {
        let from = turn.source(x: column, y: row, width: grid, height: grid)
        let cell = (row * grid + column) * channels
        guard known.allSatisfy({ isWhole[cell + $0] }) else { continue }
        var sum = 0.0
        for channel in known {
          guard let line = lines[channel] else { continue }
          sum += (values[cell + channel] - line.offset) / line.slope
        }
        result[from.y * grid + from.x] = sum / Double(known.count)
      }
    }
    return result
  }
}

/// Second moments of red, green and blue against each channel of the target, over the whole cells of all frames.
private struct CrossSums {
  private var n: [Double]
  private var x: [Double]  // (target channel, colour)
  private var xx: [Double]  // (target channel, colour, colour)
  private var y: [Double]
  private var yy: [Double]
  private var xy: [Double]  // (target channel, colour)

  init(_ sources: [[Double]], _ targets: [CellMeans], turn: Dihedral, grid: Int) {
    let channels = targets.first?.channels ?? 0
    n = [Double](repeating: 0, count: channels)
    (y, yy) = (n, n)
    x = [Double](repeating: 0, count: channels * 3)
    xy = x
    xx = [Double](repeating: 0, count: channels * 9)
    for (source, target) in zip(sources, targets) {
      for row in 0..<grid {
        for column in 0..<grid {
          let from = turn.source(x: column, y: row, width: grid, height: grid)
          let at = (from.y * grid + from.x) * 3
          let cell = (row * grid + column) * channels
          let (red, green, blue) = (source[at], source[at + 1], source[at + 2])
          for channel in 0..<channels where target.isWhole[cell + channel] {
            let value = target.values[cell + channel]
            let (one, two) = (channel * 3, channel * 9)
            n[channel] += 1
            x[one] += red
            x[one + 1] += green
            x[one + 2] += blue
            xx[two] += red * red
            xx[two + 1] += red * green
            xx[two + 2] += red * blue
            xx[two + 4] += green * green
            xx[two + 5] += green * blue
            xx[two + 8] += blue * blue
            y[channel] += value
            yy[channel] += value * value
            xy[one] += value * red
            xy[one + 1] += value * green
            xy[one + 2] += value * blue
          }
        }
      }
    }
    for two in stride(from: 0, to: xx.count, by: 9) {
      (xx[two + 3], xx[two + 6], xx[two + 7]) = (xx[two + 1], xx[two + 2], xx[two + 5])
    }
  }

  /// Covariance with a weighted colour, and that colour's own sum of squares.
  private func moments(_ channel: Int, _ weight: [Double]) -> (covariance: Double, spread: Double) {
    let n = n[channel]
    var (covariance, spread) = (0.0, 0.0)
    for i in 0..<3 {
      let own = x[channel * 3 + i]
      covariance += weight[i] * (xy[channel * 3 + i] - own * y[channel] / n)
      for j in 0..<3 {
        spread +=
          weight[i] * weight[j] * (xx[channel * 9 + i * 3 + j] - own * x[channel * 3 + j] / n)
      }
    }
    return (covariance, spread)
  }

  /// One minus the part of the variance that a line a channel explains, levels being weighted colours.
  func rest(_ weights: [[Double]]) -> Double {
    var (explained, total) = (0.0, 0.0)
    for (channel, weight) in weights.enumerated() where channel < y.count && n[channel] >= 8 {
      let variance = max(0, yy[channel] - y[channel] * y[channel] / n[channel])
      // Each channel counts alike, whatever its standard deviation is divided by.
      guard variance > 1e-12 * max(1, yy[channel]) else { continue }
      let (covariance, spread) = moments(channel, weight)
      total += 1
      if spread > 1e-6 * n[channel] {
        explained += min(1, covariance * covariance / spread / variance)
      }
    }
    return total > 0 ? max(0, 1 - explained / total) : 1
  }

  /// The line of each channel; nil where levels do not vary.
  func lines(_ weights: [[Double]]) -> [(slope: Double, offset: Double)?] {
    weights.enumerated().map { channel, weight in
      guard channel < y.count, n[channel] >= 8 else { return nil }
      let (covariance, spread) = moments(channel, weight)
      guard spread > 1e-6 * n[channel] else { return nil }
      let slope = covariance / spread
      let level = (0..<3).reduce(0) { $0 + weight[$1] * x[channel * 3 + $1] } / n[channel]
      return (slope, y[channel] / n[channel] - slope * level)
    }
  }
}
