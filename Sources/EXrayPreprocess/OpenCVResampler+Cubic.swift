#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// `INTER_CUBIC`, `INTER_LANCZOS4` and the two exact methods, and all methods on float32 pictures.
///
/// `INTER_CUBIC` is OpenCV's own code: the horizontal pass in 11-bit fixed point, the vertical one in
/// float32. Builds for Intel hand it to Intel's library instead, which differs by one level here and
/// there. Source: OpenCV, modules/imgproc/src/resize.cpp.
extension OpenCVResampler {
  /// A filter with more than two neighbours.
  enum Wide {
    case cubic
    case lanczos4

    /// Neighbours.
    var count: Int { self == .cubic ? 4 : 8 }

    func weights(_ fraction: Float) -> [Float] {
      self == .cubic ? Self.cubic(fraction) : Self.lanczos4(fraction)
    }

    private static func cubic(_ x: Float) -> [Float] {
      let a: Float = -0.75
      let first = ((a * (x + 1) - 5 * a) * (x + 1) + 8 * a) * (x + 1) - 4 * a
      let second = ((a + 2) * x - (a + 3)) * x * x + 1
      let third = ((a + 2) * (1 - x) - (a + 3)) * (1 - x) * (1 - x) + 1
      return [first, second, third, 1 - first - second - third]
    }

    private static func lanczos4(_ x: Float) -> [Float] {
      // Cosine and sine of multiples of 45 degrees.
      let half = 0.70710678118654752440084436210485
      let turns = [
        (1, 0), (-half, -half), (0, 1), (half, -half), (-1, 0), (half, half), (0, -1),
        (-half, half),
      ]
      let start = -Double(x + 3) * (.pi * 0.25)
      let (sine, cosine) = (sin(start), cos(start))
      var weights: [Float] = []
      var sum: Float = 0
      for (index, turn) in turns.enumerated() {
        let distance = -(x + 3 - Float(index))
        let angle = Double(distance) * (.pi * 0.25)
        // At a pixel's centre that pixel alone counts.
        let weight =
          abs(distance) >= 1e-6
          ? Float((turn.0 * sine + turn.1 * cosine) / (angle * angle)) : 1e30
        weights.append(weight)
        sum += weight
      }
      let inverse = 1 / sum
      return weights.map { $0 * inverse }
    }
  }

  /// Position and weights of every output position, with neighbours outside the picture.
  private static func taps(
    from size: Int, to target: Int, _ filter: Wide
  ) -> [(first: Int, weights: [Float])] {
    let scale = 1 / (Double(target) / Double(size))
    return (0..<target).map { position in
      let center = Float((Double(position) + 0.5) * scale - 0.5)
      let floor = center.rounded(.down)
      return (Int(floor) - filter.count / 2 + 1, filter.weights(center - floor))
    }
  }

  static func resize(_ image: Image, _ width: Int, _ height: Int, _ filter: Wide) -> Image {
    func fixed(_ taps: [(first: Int, weights: [Float])]) -> [[Int32]] {
      taps.map { $0.weights.map { Int32(($0 * 2048).rounded(.toNearestOrEven)) } }
    }
    let (columns, rows) = (
      taps(from: image.width, to: width, filter), taps(from: image.height, to: height, filter)
    )
    let (columnWeights, rowWeights) = (fixed(columns), fixed(rows))
    let (channels, rowLength) = (image.channels, width * image.channels)
    // Rows after the horizontal pass, in a ring: row r lies at r % count.
    let count = filter.count
    var ring = [[Int32]](repeating: [Int32](repeating: 0, count: rowLength), count: count)
    var held = [Int](repeating: -1, count: count)
    func fill(_ row: Int) {
      let slot = row % count
      guard held[slot] != row else { return }
      held[slot] = row
      for x in 0..<width {
        for channel in 0..<channels {
          var sum: Int32 = 0
          for index in 0..<count {
            let source = max(0, min(image.width - 1, columns[x].first + index))
            let level = image.pixels[(row * image.width + source) * channels + channel]
            sum &+= Int32(level) &* columnWeights[x][index]
          }
          ring[slot][x * channels + channel] = sum
        }
      }
    }
    var result: [UInt8] = []
    result.reserveCapacity(rowLength * height)
    for y in 0..<height {
      let slots = (0..<count).map { index in
        let row = max(0, min(image.height - 1, rows[y].first + index))
        fill(row)
        return row % count
      }
      for x in 0..<rowLength {
        switch filter {
        case .cubic:
          var sum: Float = 0
          for index in (0..<4).reversed() {
            let product = Float(ring[slots[index]][x]) * (Float(rowWeights[y][index]) * 0x1p-22)
            sum = index == 3 ? product : product + sum
          }
          result.append(UInt8(max(0, min(255, sum.rounded(.toNearestOrEven)))))
        case .lanczos4:
          var sum: Int32 = 1 << 21
          for index in 0..<count { sum &+= ring[slots[index]][x] &* rowWeights[y][index] }
          result.append(UInt8(clamping: sum &>> 22))
        }
      }
    }
    return Image(width, height, channels, result)
  }

  /// `INTER_LINEAR_EXACT`: 8-bit weights, one rounding at the end.
  static func bilinearExact(_ image: Image, _ width: Int, _ height: Int) -> Image {
    func taps(_ size: Int, _ target: Int) -> [(near: Int, far: Int, weight: Int)] {
      let scale = 1 / (Double(target) / Double(size))
      return (0..<target).map { position in
        let center = scale * (Double(position) + 0.5) - 0.5
        let floor = Int(center.rounded(.down))
        if floor < 0 { return (0, 0, 0) }
        if floor >= size - 1 { return (size - 1, size - 1, 0) }
        let weight = ((center - Double(floor)) * 256).rounded(.toNearestOrEven)
        return (floor, floor + 1, Int(weight))
      }
    }
    let (columns, rows) = (taps(image.width, width), taps(image.height, height))
    let channels = image.channels
    var result: [UInt8] = []
    result.reserveCapacity(width * height * channels)
    for row in rows {
      for column in columns {
        for channel in 0..<channels {
          func line(_ y: Int) -> Int {
            let origin = y * image.width * channels + channel
            return Int(image.pixels[origin + column.near * channels]) * (256 - column.weight)
              + Int(image.pixels[origin + column.far * channels]) * column.weight
          }
          let sum = line(row.near) * (256 - row.weight) + line(row.far) * row.weight
          result.append(UInt8(clamping: (sum + 0x8000) >> 16))
        }
      }
    }
    return Image(width, height, channels, result)
  }

  /// The weights of `INTER_LINEAR` on float32 pictures.
  static func linearKernel(from size: Int, to target: Int) -> FloatKernel {
    let scale = 1 / (Double(target) / Double(size))
    var kernel = FloatKernel(stride: 2, capacity: target)
    for position in 0..<target {
      let center = Float((Double(position) + 0.5) * scale - 0.5)
      let floor = center.rounded(.down)
      let fraction = Double(center - floor)
      kernel.appendReplicating(from: Int(floor), [1 - fraction, fraction], size: size)
    }
    return kernel
  }

  /// The weights of `INTER_CUBIC` and `INTER_LANCZOS4` on float32 pictures.
  static func wideKernel(from size: Int, to target: Int, _ filter: Wide) -> FloatKernel {
    var kernel = FloatKernel(stride: filter.count, capacity: target)
    for tap in taps(from: size, to: target, filter) {
      kernel.appendReplicating(from: tap.first, tap.weights.map { Double($0) }, size: size)
    }
    return kernel
  }
}
