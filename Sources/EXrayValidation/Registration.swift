import EXrayPreprocess

/// Finds which part of a picture a model's input shows, to a fraction of a pixel, whatever recipe made it.
///
/// Gauss–Newton on the rectangle's four edges with a gain and an offset, over means of ever finer cells.
/// Source: B. Lucas and T. Kanade, An iterative image registration technique, IJCAI 1981.
struct Registration {
  /// The picture's table, unturned.
  let picture: SummedPicture
  /// Weights of the picture's channels in the guide.
  let weights: [Double]
  let pad: [Double]
  /// The guide's means over a grid of cells, in the picture's orientation; not-a-number where they tell nothing.
  let target: (Int) -> [Double]

  /// The part shown, and one minus the explained part of the cells' variance.
  func run(from start: Rectangle, grids: [Int]) -> (rectangle: Rectangle, rest: Double) {
    var best = (rectangle: start, rest: 1.0)
    for grid in grids {
      let wanted = target(grid)
      best.rest = step(best.rectangle, grid, wanted)?.rest ?? 1
      for _ in 0..<6 {
        guard let (change, _) = step(best.rectangle, grid, wanted) else { break }
        let moved = applied(change, to: best.rectangle)
        guard moved.width >= 2, moved.height >= 2, let rest = step(moved, grid, wanted)?.rest,
          rest < best.rest
        else { break }
        let isSmall = moved.distance(to: best.rectangle) < 0.01
        best = (moved, rest)
        if isSmall { break }
      }
    }
    return best
  }

  private func applied(_ change: [Double], to rectangle: Rectangle) -> Rectangle {
    // At most a tenth of the rectangle at once.
    let limit = (rectangle.width * 0.1, rectangle.height * 0.1)
    func cut(_ value: Double, _ limit: Double) -> Double { max(-limit, min(limit, value)) }
    let (left, right) = (cut(change[0], limit.0), cut(change[1], limit.0))
    let (top, bottom) = (cut(change[2], limit.1), cut(change[3], limit.1))
    return Rectangle(
      x: rectangle.x + left, y: rectangle.y + top, width: rectangle.width + right - left,
      height: rectangle.height + bottom - top)
  }

  private func guide(_ rectangle: Rectangle, _ grid: Int) -> [Double] {
    let means = picture.means(rectangle, grid: grid, pad: pad)
    let channels = weights.count
    return (0..<grid * grid).map { cell in
      var sum = 0.0
      for channel in 0..<channels { sum += weights[channel] * means[cell * channels + channel] }
      return sum
    }
  }

  /// One step: the edges' changes (left, right, top, bottom), and what the present rectangle leaves over.
  private func step(
    _ rectangle: Rectangle, _ grid: Int, _ wanted: [Double]
  ) -> (change: [Double], rest: Double)? {
    let present = guide(rectangle, grid)
    guard let line = Self.line(present, wanted) else { return nil }
    let delta = (
      max(0.25, rectangle.width / Double(grid) / 4), max(0.25, rectangle.height / Double(grid) / 4)
    )
    var slopes: [[Double]] = []
    for edge in 0..<4 {
      let size = edge < 2 ? delta.0 : delta.1
      var (plus, minus) = ([0.0, 0, 0, 0], [0.0, 0, 0, 0])
      (plus[edge], minus[edge]) = (size, -size)
      let (a, b) = (
        guide(applied(plus, to: rectangle), grid), guide(applied(minus, to: rectangle), grid)
      )
      slopes.append(zip(a, b).map { ($0 - $1) * line.gain / (2 * size) })
    }
    slopes.append(present)
    slopes.append([Double](repeating: 1, count: present.count))
    var matrix = [[Double]](repeating: [Double](repeating: 0, count: 7), count: 6)
    for cell in present.indices where !wanted[cell].isNaN {
      let error = wanted[cell] - line.gain * present[cell] - line.offset
      for i in 0..<6 {
        let slope = slopes[i][cell]
        for j in i..<6 { matrix[i][j] += slope * slopes[j][cell] }
        matrix[i][6] += slope * error
      }
    }
    for i in 0..<6 { for j in 0..<i { matrix[i][j] = matrix[j][i] } }
    // Edges that the picture does not tell about stay where they are.
    for i in 0..<4 { matrix[i][i] *= 1 + 1e-6 }
    guard let change = solved(matrix) else { return nil }
    return (Array(change.prefix(4)), line.rest)
  }

  /// The line from one guide to the other, and one minus the explained part of the variance.
  static func line(
    _ x: [Double], _ y: [Double]
  ) -> (gain: Double, offset: Double, rest: Double)? {
    var (n, sx, sy, xx, xy, yy) = (0.0, 0.0, 0.0, 0.0, 0.0, 0.0)
    for index in x.indices where !y[index].isNaN {
      let (u, v) = (x[index], y[index])
      n += 1
      sx += u
      sy += v
      xx += u * u
      xy += u * v
      yy += v * v
    }
    let (spread, variance) = (xx - sx * sx / n, yy - sy * sy / n)
    guard n >= 16, spread > 1e-6 * n, variance > 1e-12 * max(1, yy) else { return nil }
    let covariance = xy - sx * sy / n
    let gain = covariance / spread
    return (gain, (sy - gain * sx) / n, max(0, 1 - gain * covariance / variance))
  }
}

/// The solution of a system of linear equations with its right side as the last column; nil where there is none.
func solved(_ system: [[Double]]) -> [Double]? {
  var rows = system
  let count = rows.count
  for column in 0..<count {
    guard
      let pivot = (column..<count).max(by: { abs(rows[$0][column]) < abs(rows[$1][column]) }),
      abs(rows[pivot][column]) > 1e-300
    else { return nil }
    rows.swapAt(column, pivot)
    for row in 0..<count where row != column {
      let factor = rows[row][column] / rows[column][column]
      if factor == 0 { continue }
      for index in column...count { rows[row][index] -= factor * rows[column][index] }
    }
  }
  let result = (0..<count).map { rows[$0][count] / rows[$0][$0] }
  return result.allSatisfy(\.isFinite) ? result : nil
}
