/// TensorFlow's image resizes without antialiasing, in float32.
///
/// Source: TensorFlow,
/// tensorflow/core/kernels/image/resize_bilinear_op.cc, resize_bicubic_op.cc and
/// resize_nearest_neighbor_op.cc.
enum TensorFlowResampler {
  /// Where the centre of an output pixel lies in the input.
  enum Centers {
    /// `half_pixel_centers=True`: (i + 0.5) × scale − 0.5. TensorFlow 2 does this.
    case halfPixel
    /// `align_corners=True`: the corner pixels' centres coincide.
    case alignCorners
    /// Neither: i × scale. TensorFlow 1 does this by default.
    case legacy
  }

  private struct Taps {
    var lower: [Int] = []
    var upper: [Int] = []
    var fraction: [Float] = []

    init(from size: Int, to target: Int, _ centers: Centers) {
      let isAligned = centers == .alignCorners && target > 1
      let scale = isAligned ? Float(size - 1) / Float(target - 1) : Float(size) / Float(target)
      for position in 0..<target {
        let center =
          centers == .halfPixel ? (Float(position) + 0.5) * scale - 0.5 : Float(position) * scale
        let floor = center.rounded(.down)
        lower.append(min(max(Int(floor), 0), size - 1))
        upper.append(max(min(Int(center.rounded(.up)), size - 1), 0))
        fraction.append(center - floor)
      }
    }
  }

  static func bilinear(
    _ image: Image, _ width: Int, _ height: Int, _ centers: Centers
  ) -> FloatImage {
    let columns = Taps(from: image.width, to: width, centers)
    let rows = Taps(from: image.height, to: height, centers)
    let channels = image.channels
    var result = [Float](repeating: 0, count: width * height * channels)
    var target = 0
    for y in 0..<height {
      let upper = rows.lower[y] * image.width * channels
      let lower = rows.upper[y] * image.width * channels
      for x in 0..<width {
        let left = columns.lower[x] * channels
        let right = columns.upper[x] * channels
        for channel in 0..<channels {
          let topLeft = Float(image.pixels[upper + left + channel])
          let topRight = Float(image.pixels[upper + right + channel])
          let bottomLeft = Float(image.pixels[lower + left + channel])
          let bottomRight = Float(image.pixels[lower + right + channel])
          let top = topLeft + (topRight - topLeft) * columns.fraction[x]
          let bottom = bottomLeft + (bottomRight - bottomLeft) * columns.fraction[x]
          result[target] = top + (bottom - top) * rows.fraction[y]
          target += 1
        }
      }
    }
    return FloatImage(width, height, channels, result)
  }

  /// Four neighbours and their weights; neighbours outside the picture weigh nothing.
  private struct CubicTaps {
    var positions: [[Int]] = []
    var weights: [[Float]] = []

    init(from size: Int, to target: Int) {
      let scale = Float(size) / Float(target)
      for position in 0..<target {
        let center = (Float(position) + 0.5) * scale - 0.5
        let floor = center.rounded(.down)
        // TensorFlow looks weights up in a table of 1024 steps.
        let step = ((center - floor) * 1024).rounded(.toNearestOrEven) / 1024
        var four = [outer(step), inner(step), inner(1 - step), outer(1 - step)]
        let wanted = (-1...2).map { Int(floor) + $0 }
        for index in 0..<4 where !(0..<size).contains(wanted[index]) { four[index] = 0 }
        let sum = four[0] + four[1] + four[2] + four[3]
        if abs(sum) >= 1000 * Float.leastNormalMagnitude {
          let inverse = 1 / sum
          for index in 0..<4 { four[index] *= inverse }
        }
        positions.append(wanted.map { max(0, min(size - 1, $0)) })
        weights.append(four)
      }
    }

    private func inner(_ x: Float) -> Float {
      let a: Float = -0.5
      return ((a + 2) * x - (a + 3)) * x * x + 1
    }

    private func outer(_ x: Float) -> Float {
      let a: Float = -0.5
      let far = x + 1
      return ((a * far - 5 * a) * far + 8 * a) * far - 4 * a
    }
  }

  static func bicubic(_ image: Image, _ width: Int, _ height: Int) -> FloatImage {
    let columns = CubicTaps(from: image.width, to: width)
    let rows = CubicTaps(from: image.height, to: height)
    let channels = image.channels
    let rowLength = image.width * channels
    var result = [Float](repeating: 0, count: width * height * channels)
    var line = [Float](repeating: 0, count: rowLength)
    for y in 0..<height {
      let weights = rows.weights[y]
      let origins = rows.positions[y].map { $0 * rowLength }
      for x in 0..<rowLength {
        line[x] =
          Float(image.pixels[origins[0] + x]) * weights[0]
          + Float(image.pixels[origins[1] + x]) * weights[1]
          + Float(image.pixels[origins[2] + x]) * weights[2]
          + Float(image.pixels[origins[3] + x]) * weights[3]
      }
      for x in 0..<width {
        let (positions, weights) = (columns.positions[x], columns.weights[x])
        for channel in 0..<channels {
          let sum =
            line[positions[0] * channels + channel] * weights[0]
            + line[positions[1] * channels + channel] * weights[1]
            + line[positions[2] * channels + channel] * weights[2]
            + line[positions[3] * channels + channel] * weights[3]
          result[(y * width + x) * channels + channel] = sum
        }
      }
    }
    return FloatImage(width, height, channels, result)
  }

  static func nearest(from size: Int, to target: Int) -> [Int] {
    let scale = Float(size) / Float(target)
    return (0..<target).map {
      min(max(Int(((Float($0) + 0.5) * scale).rounded(.down)), 0), size - 1)
    }
  }
}
