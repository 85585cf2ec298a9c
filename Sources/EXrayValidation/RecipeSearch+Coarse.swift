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
  private var targets: [Reading: [[Double]]] = [:]
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
      targets[reading] = frames.map { frame in
        let whole = Rectangle(
          x: 0, y: 0, width: Double(search.width), height: Double(search.height))
        return SummedPicture(search.view(frame, reading)).means(whole, grid: grid, pad: [0])
      }
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
    guard let picture = pictures[exif]?[frame] else { return nil }
    let size =
      turn.swapsAxes ? (search.height, search.width) : (search.width, search.height)
    return crop.rectangle(width: picture.width, height: picture.height, size: size)
  }

  /// Every combination of crop, turn, colour and memory order, the best first.
  func matches(_ crops: [Recipe.Crop]) -> [CoarseMatch] {
    var found: [CoarseMatch] = []
    for exif in exifs {
      for crop in crops {
        let isUniform = search.width == search.height
        for swaps in isUniform ? [false] : [false, true] {
          let turn = Dihedral(quarterTurns: swaps ? 1 : 0, isMirrored: false)
          let rectangles = frames.indices.compactMap {
            rectangle(crop, frame: $0, exif: exif, turn: turn)
          }
          let turns = Dihedral.all.filter { isUniform || $0.swapsAxes == swaps }
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
        let sums = CrossSums(means, targets, turn: turn, grid: grid, channels: search.channels)
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

/// Second moments of red, green and blue against each channel of the target, over the cells of all frames.
private struct CrossSums {
  private var n = 0.0
  private var x = [Double](repeating: 0, count: 3)
  private var xx = [Double](repeating: 0, count: 9)
  private var y: [Double]
  private var yy: [Double]
  private var xy: [Double]  // (target channel, colour)

  init(_ sources: [[Double]], _ targets: [[Double]], turn: Dihedral, grid: Int, channels: Int) {
    y = [Double](repeating: 0, count: channels)
    yy = y
    xy = [Double](repeating: 0, count: channels * 3)
    for (source, target) in zip(sources, targets) {
      for row in 0..<grid {
        for column in 0..<grid {
          let from = turn.source(x: column, y: row, width: grid, height: grid)
          let at = (from.y * grid + from.x) * 3
          let cell = (row * grid + column) * channels
          let (red, green, blue) = (source[at], source[at + 1], source[at + 2])
          n += 1
          x[0] += red
          x[1] += green
          x[2] += blue
          xx[0] += red * red
          xx[1] += red * green
          xx[2] += red * blue
          xx[4] += green * green
          xx[5] += green * blue
          xx[8] += blue * blue
          for channel in 0..<channels {
            let value = target[cell + channel]
            y[channel] += value
            yy[channel] += value * value
            xy[channel * 3] += value * red
            xy[channel * 3 + 1] += value * green
            xy[channel * 3 + 2] += value * blue
          }
        }
      }
    }
    (xx[3], xx[6], xx[7]) = (xx[1], xx[2], xx[5])
  }

  /// One minus the part of the variance that a line a channel explains, levels being weighted colours.
  func rest(_ weights: [[Double]]) -> Double {
    var (explained, total) = (0.0, 0.0)
    for (channel, weight) in weights.enumerated() where channel < y.count {
      let variance = max(0, yy[channel] - y[channel] * y[channel] / n)
      // Each channel counts alike, whatever its standard deviation is divided by.
      guard variance > 1e-12 * max(1, yy[channel]) else { continue }
      var (covariance, spread) = (0.0, 0.0)
      for i in 0..<3 {
        covariance += weight[i] * (xy[channel * 3 + i] - x[i] * y[channel] / n)
        for j in 0..<3 {
          spread += weight[i] * weight[j] * (xx[i * 3 + j] - x[i] * x[j] / n)
        }
      }
      total += 1
      if spread > 1e-6 * n { explained += min(1, covariance * covariance / spread / variance) }
    }
    return total > 0 ? max(0, 1 - explained / total) : 1
  }
}
