import EXrayPreprocess

/// Means of any rectangle of a picture, parts of pixels included, in constant time.
///
/// Source: F. Crow, Summed-area tables for texture mapping, SIGGRAPH 1984.
struct SummedPicture: Sendable {
  let width: Int
  let height: Int
  let channels: Int
  /// Pixels of the original to one cell of the table, in both directions.
  private let reduction: Int
  private let columns: Int
  private let rows: Int
  private let sums: [Double]  // (row + 1, column + 1, channel)

  /// The longer side of the table; larger pictures are averaged first.
  private static let side = 640

  /// Sums a picture's levels.
  init(_ image: Image) {
    let channels = image.channels
    let step = max(1, (max(image.width, image.height) + Self.side - 1) / Self.side)
    let columns = (image.width + step - 1) / step
    let rows = (image.height + step - 1) / step
    var cells = [Double](repeating: 0, count: columns * rows * channels)
    unsafe image.pixels.withUnsafeBufferPointer { pixels in
      unsafe cells.withUnsafeMutableBufferPointer { cells in
        var index = 0
        for y in 0..<image.height {
          let row = y / step &* columns
          var (column, phase) = (0, 0)
          for _ in 0..<image.width {
            let cell = (row &+ column) &* channels
            for channel in 0..<channels {
              unsafe cells[cell &+ channel] += Double(pixels[index &+ channel])
            }
            index &+= channels
            phase &+= 1
            if phase == step { (column, phase) = (column &+ 1, 0) }
          }
        }
      }
    }
    self.init(image.width, image.height, channels, step, columns, rows, cells)
  }

  /// Sums a model's input as it is read in one memory order.
  init(_ target: TargetView) {
    let (area, channels) = (target.width * target.height, target.channels)
    var cells = [Double](repeating: 0, count: area * channels)
    for channel in 0..<channels {
      for pixel in 0..<area {
        cells[pixel * channels + channel] = Double(
          target.values[pixel * target.pixelStride + channel * target.channelStride])
      }
    }
    self.init(target.width, target.height, channels, 1, target.width, target.height, cells)
  }

  private init(
    _ width: Int, _ height: Int, _ channels: Int, _ reduction: Int, _ columns: Int, _ rows: Int,
    _ cells: [Double]
  ) {
    (self.width, self.height, self.channels) = (width, height, channels)
    (self.reduction, self.columns, self.rows) = (reduction, columns, rows)
    let stride = (columns + 1) * channels
    var sums = [Double](repeating: 0, count: stride * (rows + 1))
    for row in 0..<rows {
      for channel in 0..<channels {
        var line = 0.0
        var index = (row + 1) * stride + channels + channel
        var cell = row * columns * channels + channel
        for _ in 0..<columns {
          line += cells[cell]
          sums[index] = sums[index - stride] + line
          index += channels
          cell += channels
        }
      }
    }
    self.sums = sums
  }

  /// Means of a grid of `grid` × `grid` cells over a rectangle, (row, column, channel).
  ///
  /// What lies outside the picture is `pad`.
  func means(_ rectangle: Rectangle, grid: Int, pad: [Double]) -> [Double] {
    let (across, insideX) = cuts(rectangle.x, rectangle.width, grid, width, columns)
    let (down, insideY) = cuts(rectangle.y, rectangle.height, grid, height, rows)
    let stride = (columns + 1) * channels
    var corners = [Double](repeating: 0, count: (grid + 1) * (grid + 1) * channels)
    for (j, row) in down.enumerated() {
      let (top, v) = (row.cell * stride, row.part)
      for (i, column) in across.enumerated() {
        let (index, u) = (top + column.cell * channels, column.part)
        let below = v > 0 ? stride : 0
        let right = u > 0 ? channels : 0
        for channel in 0..<channels {
          let at = index + channel
          let first = sums[at] + u * (sums[at + right] - sums[at])
          let second = sums[at + below] + u * (sums[at + below + right] - sums[at + below])
          corners[(j * (grid + 1) + i) * channels + channel] = first + v * (second - first)
        }
      }
    }
    let area = max(rectangle.width * rectangle.height / Double(grid * grid), .leastNormalMagnitude)
    var means = [Double](repeating: 0, count: grid * grid * channels)
    for j in 0..<grid {
      for i in 0..<grid {
        let outside = 1 - insideX[i] * insideY[j] / area
        for channel in 0..<channels {
          let at = (j * (grid + 1) + i) * channels + channel
          let next = at + (grid + 1) * channels
          let sum = corners[next + channels] - corners[next] - corners[at + channels] + corners[at]
          means[(j * grid + i) * channels + channel] =
            sum / area + (outside > 1e-9 ? outside * pad[channel % pad.count] : 0)
        }
      }
    }
    return means
  }

  /// Where the grid's lines cut the table, and how many pixels of each cell lie inside the picture.
  private func cuts(
    _ start: Double, _ length: Double, _ grid: Int, _ extent: Int, _ cells: Int
  ) -> (lines: [(cell: Int, part: Double)], inside: [Double]) {
    let bounds = (0...grid).map {
      max(0, min(Double(extent), start + length * Double($0) / Double(grid)))
    }
    let lines = bounds.map { bound -> (cell: Int, part: Double) in
      // The last cell of a reduced table covers fewer pixels than the others.
      let cell = min(Int(bound) / reduction, cells - 1)
      let first = cell * reduction
      let covered = min(reduction, extent - first)
      let part = (bound - Double(first)) / Double(covered)
      return part >= 1 ? (cell + 1, 0) : (cell, part)
    }
    return (lines, (0..<grid).map { bounds[$0 + 1] - bounds[$0] })
  }
}

/// A rectangle in pixels of a picture; may reach beyond it.
struct Rectangle: Sendable, Hashable {
  var x: Double
  var y: Double
  var width: Double
  var height: Double
}

extension Recipe.Crop {
  /// The part of a picture that reaches the model.
  ///
  /// - Parameter size: What the picture is resized to.
  func rectangle(width: Int, height: Int, size: (width: Int, height: Int)) -> Rectangle {
    let (w, h) = (Double(width), Double(height))
    func centered(_ width: Double, _ height: Double) -> Rectangle {
      Rectangle(
        x: ((w - width) / 2).rounded(.down), y: ((h - height) / 2).rounded(.down), width: width,
        height: height)
    }
    switch mode {
    case .centerFraction:
      let side = max(1, ((fraction ?? 1) * min(w, h)).rounded(.toNearestOrEven))
      return centered(side, side)
    case .centerPixels:
      return centered(Double(self.width ?? size.width), Double(self.height ?? size.height))
    case .letterbox:
      let aspect = Double(size.width) / Double(size.height)
      return centered(max(w, (h * aspect).rounded()), max(h, (w / aspect).rounded()))
    case .shortSide:
      let scale = min(w, h) / Double(max(1, shortSide ?? min(width, height)))
      let (cutWidth, cutHeight) = (Double(size.width) * scale, Double(size.height) * scale)
      return Rectangle(
        x: (w - cutWidth) / 2, y: (h - cutHeight) / 2, width: cutWidth, height: cutHeight)
    case .box:
      return Rectangle(
        x: Double(x ?? 0), y: Double(y ?? 0), width: Double(self.width ?? width),
        height: Double(self.height ?? height))
    default: return Rectangle(x: 0, y: 0, width: w, height: h)
    }
  }
}
