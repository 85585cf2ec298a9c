/// What least squares of a straight line need, about the means, so that features that hardly vary keep their digits.
struct SoundSums {
  private(set) var n = 0.0
  private var (x, y, xx, xy, yy) = (0.0, 0.0, 0.0, 0.0, 0.0)

  mutating func add(_ a: Double, _ b: Double) {
    n += 1
    let (dx, dy) = (a - x, b - y)
    x += dx / n
    y += dy / n
    xx += dx * (a - x)
    xy += dx * (b - y)
    yy += dy * (b - y)
  }

  mutating func add(_ other: SoundSums) {
    guard other.n > 0 else { return }
    let total = n + other.n
    let (dx, dy, weight) = (other.x - x, other.y - y, n * other.n / total)
    xx += other.xx + dx * dx * weight
    xy += other.xy + dx * dy * weight
    yy += other.yy + dy * dy * weight
    x += dx * other.n / total
    y += dy * other.n / total
    n = total
  }

  /// Whether x varies by more than the rounding of double precision.
  private var varies: Bool { xx > 1e-24 * n * x * x }

  /// The slope and the intercept of least squares.
  var line: (slope: Double, intercept: Double) {
    let slope = varies ? xy / xx : 0
    return (slope, y - slope * x)
  }

  var squaresOfX: Double { xx + n * x * x }

  /// The standard deviation of y.
  var deviation: Double { n > 0 ? (yy / n).squareRoot() : 0 }

  /// The squares that the best line leaves.
  var left: Double { varies ? max(0, yy - xy * xy / xx) : yy }

  /// The squares that a line leaves.
  func left(slope a: Double, intercept b: Double) -> Double {
    let distance = y - a * x - b
    return max(0, yy - 2 * a * xy + a * a * xx) + n * distance * distance
  }
}
