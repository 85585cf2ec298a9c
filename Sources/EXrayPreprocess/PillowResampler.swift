#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// Pillow's resize of 8-bit pictures, to the bit.
///
/// Two passes, each a weighted sum in fixed point with 22 fractional bits, rounded to 8 bits between
/// the passes. When shrinking, the filter is widened by the scale, so every pixel counts.
/// Source: Pillow 13.0, src/libImaging/Resample.c and Geometry.c (`ImagingResampleInner`,
/// `precompute_coeffs`, `ImagingScaleAffine`); the order of passes: pull request 9549.
enum PillowResampler {
  /// An interpolation kernel.
  enum Filter {
    case box
    case bilinear
    case bicubic
    case lanczos

    /// Half the kernel's width in pixels.
    var support: Double {
      switch self {
      case .box: 0.5
      case .bilinear: 1
      case .bicubic: 2
      case .lanczos: 3
      }
    }

    func weight(_ position: Double) -> Double {
      let x = abs(position)
      switch self {
      case .box: return position > -0.5 && position <= 0.5 ? 1 : 0
      case .bilinear: return x < 1 ? 1 - x : 0
      case .bicubic:
        let a = -0.5
        if x < 1 { return ((a + 2) * x - (a + 3)) * x * x + 1 }
        if x < 2 { return (((x - 5) * x + 8) * x - 4) * a }
        return 0
      case .lanczos:
        return position >= -3 && position < 3 ? Self.sinc(position) * Self.sinc(position / 3) : 0
      }
    }

    private static func sinc(_ x: Double) -> Double {
      x == 0 ? 1 : sin(x * .pi) / (x * .pi)
    }
  }

  private static let precision: Int32 = 22
  private static let half: Int32 = 1 << 21

  /// The weights of every output position along one axis.
  private struct Kernel {
    var starts: [Int] = []
    var counts: [Int] = []
    var stride: Int
    var weights: [Int32]

    init(from size: Int, to target: Int, _ filter: Filter) {
      let scale = Double(size) / Double(target)
      let widening = max(scale, 1)
      let support = filter.support * widening
      stride = Int(support.rounded(.up)) * 2 + 1
      weights = [Int32](repeating: 0, count: stride * target)
      starts.reserveCapacity(target)
      counts.reserveCapacity(target)
      var real = [Double](repeating: 0, count: stride)
      for position in 0..<target {
        let center = (Double(position) + 0.5) * scale
        let inverse = 1 / widening
        let start = max(Int(center - support + 0.5), 0)
        let count = min(Int(center + support + 0.5), size) - start
        var sum = 0.0
        for index in 0..<count {
          real[index] = filter.weight((Double(index + start) - center + 0.5) * inverse)
          sum += real[index]
        }
        for index in 0..<count {
          let weight = sum != 0 ? real[index] / sum : real[index]
          // Rounded half away from zero.
          let scaled = weight * Double(Int32(1) << precision) + (weight < 0 ? -0.5 : 0.5)
          weights[position * stride + index] = Int32(scaled)
        }
        starts.append(start)
        counts.append(count)
      }
    }
  }

  static func resize(_ image: Image, _ width: Int, _ height: Int, _ filter: Filter) -> Image {
    let columns = width == image.width ? nil : Kernel(from: image.width, to: width, filter)
    let rows = height == image.height ? nil : Kernel(from: image.height, to: height, filter)
    // Since Pillow 13, columns come first where the height shrinks by more than twice the pixels by
    // which the width does. The order shows, by one level here and there.
    let shrinkage = image.height - height
    let beginsWithColumns = shrinkage > max(0, 2 * (image.width - width))
    var image = image
    if let rows, beginsWithColumns { image = vertical(image, rows, height) }
    if let columns { image = horizontal(image, columns, width) }
    if let rows, !beginsWithColumns { image = vertical(image, rows, height) }
    return image
  }

  @inline(__always)
  private static func level(_ sum: Int32) -> UInt8 {
    UInt8(truncatingIfNeeded: max(0, min(255, sum &>> precision)))
  }

  private static func horizontal(_ image: Image, _ kernel: Kernel, _ width: Int) -> Image {
    let channels = image.channels
    let byteCount = width * image.height * channels
    // The kernel's starts and counts lie within the row by construction, so unchecked access is safe.
    let result = unsafe [UInt8](unsafeUninitializedCapacity: byteCount) { target, initialized in
      guard var out = target.baseAddress else { return }
      unsafe image.pixels.withUnsafeBufferPointer { pixels in
        unsafe kernel.weights.withUnsafeBufferPointer { weights in
          guard let pixels = pixels.baseAddress, let weights = weights.baseAddress else { return }
          for y in 0..<image.height {
            let row = unsafe pixels + y * image.width * channels
            for x in 0..<width {
              let weight = unsafe weights + x * kernel.stride
              let first = unsafe row + kernel.starts[x] * channels
              unsafe pixel(first, weight, kernel.counts[x], channels, out)
              unsafe out += channels
            }
          }
        }
      }
      initialized = byteCount
    }
    return Image(width, image.height, channels, result)
  }

  /// One output pixel of the horizontal pass.
  @inline(__always)
  private static func pixel(
    _ first: UnsafePointer<UInt8>, _ weight: UnsafePointer<Int32>, _ count: Int, _ channels: Int,
    _ out: UnsafeMutablePointer<UInt8>
  ) {
    if channels == 3 {
      var (red, green, blue) = (half, half, half)
      var source = unsafe first
      for index in 0..<count {
        let w = unsafe weight[index]
        red &+= unsafe Int32(source[0]) &* w
        green &+= unsafe Int32(source[1]) &* w
        blue &+= unsafe Int32(source[2]) &* w
        unsafe source += 3
      }
      unsafe out[0] = level(red)
      unsafe out[1] = level(green)
      unsafe out[2] = level(blue)
    } else {
      for channel in 0..<channels {
        var sum = half
        for index in 0..<count {
          sum &+= unsafe Int32(first[index * channels + channel]) &* weight[index]
        }
        unsafe out[channel] = level(sum)
      }
    }
  }

  private static func vertical(_ image: Image, _ kernel: Kernel, _ height: Int) -> Image {
    let rowLength = image.width * image.channels
    var sums = [Int32](repeating: 0, count: rowLength)
    let result = unsafe [UInt8](unsafeUninitializedCapacity: rowLength * height) {
      target, initialized in
      guard let out = target.baseAddress else { return }
      unsafe image.pixels.withUnsafeBufferPointer { pixels in
        unsafe sums.withUnsafeMutableBufferPointer { sums in
          guard let pixels = pixels.baseAddress, let sums = sums.baseAddress else { return }
          for y in 0..<height {
            let weights = y * kernel.stride
            unsafe sums.update(repeating: half, count: rowLength)
            for index in 0..<kernel.counts[y] {
              let weight = kernel.weights[weights + index]
              let row = unsafe pixels + (kernel.starts[y] + index) * rowLength
              for x in 0..<rowLength { unsafe sums[x] &+= Int32(row[x]) &* weight }
            }
            let line = unsafe out + y * rowLength
            for x in 0..<rowLength { unsafe line[x] = level(sums[x]) }
          }
        }
      }
      initialized = rowLength * height
    }
    return Image(image.width, height, image.channels, result)
  }

  /// The input position of every output position; the sum is accumulated as Pillow does.
  static func nearest(from size: Int, to target: Int) -> [Int] {
    let step = Double(size) / Double(target)
    var position = step * 0.5
    var chosen: [Int] = []
    chosen.reserveCapacity(target)
    for _ in 0..<target {
      chosen.append(min(max(Int(position), 0), size - 1))
      position += step
    }
    return chosen
  }
}
