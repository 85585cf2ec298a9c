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

  /// Fractional bits of Pillow's weights.
  private static let precision: Int32 = 22

  /// The weights of every output position along one axis, in fixed point.
  struct Kernel {
    let real: FloatKernel
    let precision: Int32
    let weights: [Int32]

    init(_ real: FloatKernel, precision: Int32) {
      self.real = real
      self.precision = precision
      // Rounded half away from zero.
      weights = real.weights.map { weight in
        Int32(weight * Double(Int32(1) << precision) + (weight < 0 ? -0.5 : 0.5))
      }
    }

    /// One half, which rounds the sum.
    var half: Int32 { precision > 0 ? 1 << (precision - 1) : 0 }

    /// The level of a sum.
    @inline(__always)
    func level(_ sum: Int32) -> UInt8 {
      UInt8(truncatingIfNeeded: max(0, min(255, sum &>> precision)))
    }
  }

  /// Whether columns come first; the order shows, by one level here and there.
  ///
  /// Since Pillow 13, where the height shrinks by more than twice the pixels by which the width does.
  private static func beginsWithColumns<Level>(
    _ image: Raster<Level>, _ width: Int, _ height: Int
  ) -> Bool {
    image.height - height > max(0, 2 * (image.width - width))
  }

  private static func kernel(from size: Int, to target: Int, _ filter: Filter) -> FloatKernel? {
    size == target ? nil : FloatKernel(widened: filter, from: size, to: target)
  }

  static func resize(_ image: Image, _ width: Int, _ height: Int, _ filter: Filter) -> Image {
    func fixed(_ size: Int, _ target: Int) -> Kernel? {
      kernel(from: size, to: target, filter).map { Kernel($0, precision: precision) }
    }
    return resize(
      image, columns: fixed(image.width, width), rows: fixed(image.height, height),
      columnsFirst: beginsWithColumns(image, width, height))
  }

  /// The same of a picture of Pillow's mode F, to the bit.
  static func resize(
    _ image: FloatImage, _ width: Int, _ height: Int, _ filter: Filter
  ) -> FloatImage {
    FloatResampler.resize(
      image, kernel(from: image.width, to: width, filter),
      kernel(from: image.height, to: height, filter),
      columnsFirst: beginsWithColumns(image, width, height))
  }

  static func resize(
    _ image: Image, columns: Kernel?, rows: Kernel?, columnsFirst: Bool
  ) -> Image {
    var image = image
    if let rows, columnsFirst { image = vertical(image, rows) }
    if let columns { image = horizontal(image, columns) }
    if let rows, !columnsFirst { image = vertical(image, rows) }
    return image
  }

  private static func horizontal(_ image: Image, _ kernel: Kernel) -> Image {
    let channels = image.channels
    let width = kernel.real.starts.count
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
              let weight = unsafe weights + x * kernel.real.stride
              let first = unsafe row + kernel.real.starts[x] * channels
              unsafe pixel(first, weight, kernel.real.counts[x], kernel, channels, out)
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
    _ first: UnsafePointer<UInt8>, _ weight: UnsafePointer<Int32>, _ count: Int, _ kernel: Kernel,
    _ channels: Int, _ out: UnsafeMutablePointer<UInt8>
  ) {
    let half = kernel.half
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
      unsafe out[0] = kernel.level(red)
      unsafe out[1] = kernel.level(green)
      unsafe out[2] = kernel.level(blue)
    } else {
      for channel in 0..<channels {
        var sum = half
        for index in 0..<count {
          sum &+= unsafe Int32(first[index * channels + channel]) &* weight[index]
        }
        unsafe out[channel] = kernel.level(sum)
      }
    }
  }

  private static func vertical(_ image: Image, _ kernel: Kernel) -> Image {
    let height = kernel.real.starts.count
    let half = kernel.half
    let rowLength = image.width * image.channels
    var sums = [Int32](repeating: 0, count: rowLength)
    let result = unsafe [UInt8](unsafeUninitializedCapacity: rowLength * height) {
      target, initialized in
      guard let out = target.baseAddress else { return }
      unsafe image.pixels.withUnsafeBufferPointer { pixels in
        unsafe sums.withUnsafeMutableBufferPointer { sums in
          guard let pixels = pixels.baseAddress, let sums = sums.baseAddress else { return }
          for y in 0..<height {
            let weights = y * kernel.real.stride
            unsafe sums.update(repeating: half, count: rowLength)
            for index in 0..<kernel.real.counts[y] {
              let weight = kernel.weights[weights + index]
              let row = unsafe pixels + (kernel.real.starts[y] + index) * rowLength
              for x in 0..<rowLength { unsafe sums[x] &+= Int32(row[x]) &* weight }
            }
            let line = unsafe out + y * rowLength
            for x in 0..<rowLength { unsafe line[x] = kernel.level(sums[x]) }
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
