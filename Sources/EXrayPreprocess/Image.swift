import CImageCodecs

/// A picture of 8-bit levels in memory, row by row, the channels of a pixel together.
public struct Image: Sendable, Hashable {
  /// Pixels a row.
  public let width: Int
  /// Rows.
  public let height: Int
  /// Levels a pixel: 1 (grey), 3 (colour), or what the caller wants.
  public let channels: Int
  /// Levels.
  public internal(set) var pixels: [UInt8]  // (height, width, channel)

  /// Creates a picture from its levels.
  ///
  /// - Throws: ``PreprocessError`` `.unsuitablePicture` where the number of levels is not
  ///   height × width × channels or a size is 0.
  public init(width: Int, height: Int, channels: Int, pixels: [UInt8]) throws(PreprocessError) {
    guard isWithinPixelLimit(width: width, height: height), (1...16).contains(channels),
      pixels.count == width * height * channels
    else {
      throw PreprocessError(
        .unsuitablePicture,
        "\(pixels.count) levels do not make a picture of \(width)×\(height)×\(channels); "
          + "give height × width × channels of them, at most \(pixelLimit) pixels")
    }
    self.init(width, height, channels, pixels)
  }

  /// Creates a picture whose numbers are known to fit.
  init(_ width: Int, _ height: Int, _ channels: Int, _ pixels: [UInt8]) {
    self.width = width
    self.height = height
    self.channels = channels
    self.pixels = pixels
  }

  /// The picture as a PNG file; equal pictures give equal files.
  ///
  /// - Throws: ``PreprocessError`` `.unsuitablePicture` for other than 1 or 3 channels.
  public func png() throws(PreprocessError) -> [UInt8] {
    guard channels == 1 || channels == 3 else {
      throw PreprocessError(
        .unsuitablePicture, "a PNG has 1 or 3 channels here, the picture \(channels); select some")
    }
    return try Codecs.encodePNG(self)
  }
}

// MARK: Geometry

extension Image {
  /// The picture turned clockwise by quarter turns; any integer.
  public func rotatedClockwise(quarterTurns: Int) -> Image {
    switch ((quarterTurns % 4) + 4) % 4 {
    case 1: mapped(height, width) { x, y in (y, height - 1 - x) }
    case 2: mapped(width, height) { x, y in (width - 1 - x, height - 1 - y) }
    case 3: mapped(height, width) { x, y in (width - 1 - y, x) }
    default: self
    }
  }

  /// The mirror image with left and right exchanged.
  public func flippedHorizontally() -> Image {
    mapped(width, height) { x, y in (width - 1 - x, y) }
  }

  /// The mirror image with top and bottom exchanged.
  public func flippedVertically() -> Image { mapped(width, height) { x, y in (x, height - 1 - y) } }

  /// The picture with its axes exchanged: column *x* of the result is row *x* of this one.
  public func transposed() -> Image { mapped(height, width) { x, y in (y, x) } }

  @inline(__always)
  private func mapped(_ width: Int, _ height: Int, _ source: (Int, Int) -> (Int, Int)) -> Image {
    var result = [UInt8](repeating: 0, count: width * height * channels)
    var target = 0
    for y in 0..<height {
      for x in 0..<width {
        let (sourceX, sourceY) = source(x, y)
        let origin = (sourceY * self.width + sourceX) * channels
        for channel in 0..<channels { result[target + channel] = pixels[origin + channel] }
        target += channels
      }
    }
    return Image(width, height, channels, result)
  }

  /// A rectangle of the picture; what lies outside it has the levels `pad`, or 0.
  ///
  /// - Throws: ``PreprocessError`` `.tooLarge` for an empty rectangle or one above ``pixelLimit``.
  public func cropped(
    x: Int, y: Int, width: Int, height: Int, pad: [UInt8] = []
  ) throws(PreprocessError) -> Image {
    guard isWithinPixelLimit(width: width, height: height) else {
      throw PreprocessError(
        .tooLarge, key: "crop",
        "would make a picture of \(width)×\(height); it must have 1 to \(pixelLimit) pixels")
    }
    if x == 0, y == 0, width == self.width, height == self.height { return self }
    var result: [UInt8] = []
    result.reserveCapacity(width * height * channels)
    let fill = (0..<channels).map { $0 < pad.count ? pad[$0] : pad.last ?? 0 }
    func append(pixels count: Int) {
      for _ in 0..<count { result.append(contentsOf: fill) }
    }
    let left = min(max(x, 0), self.width)
    let right = max(left, min(x + width, self.width))
    for row in y..<(y + height) {
      guard row >= 0, row < self.height, left < right else {
        append(pixels: width)
        continue
      }
      append(pixels: left - x)
      let start = row * self.width * channels
      result.append(contentsOf: pixels[(start + left * channels)..<(start + right * channels)])
      append(pixels: x + width - right)
    }
    return Image(width, height, channels, result)
  }

  /// The picture at another size.
  ///
  /// - Throws: ``PreprocessError`` `.tooLarge` for a size of 0 or above ``pixelLimit``, and
  ///   `.unsuitablePicture` where `method` is `.none` and the size differs.
  public func resized(
    width: Int, height: Int, method: Recipe.Resize.Method
  ) throws(PreprocessError) -> Image {
    // Rows are resized first, so the picture between the two passes must be within bounds as well.
    guard isWithinPixelLimit(width: width, height: height),
      isWithinPixelLimit(width: width, height: self.height)
    else {
      throw PreprocessError(
        .tooLarge, key: "resize",
        "would take \(self.width)×\(self.height) pixels to \(width)×\(height), with more than "
          + "\(pixelLimit) on the way; choose a smaller size")
    }
    if width == self.width, height == self.height { return self }
    switch method {
    case .none:
      throw PreprocessError(
        .unsuitablePicture, key: "resize.method",
        "is \"none\", and the picture is \(self.width)×\(self.height) where \(width)×\(height) is "
          + "wanted; name an interpolation, or crop to the size")
    case .nearestPillow: return nearest(PillowResampler.nearest, width, height)
    case .bilinearPillow: return PillowResampler.resize(self, width, height, .bilinear)
    case .bicubicPillow: return PillowResampler.resize(self, width, height, .bicubic)
    case .boxPillow: return PillowResampler.resize(self, width, height, .box)
    case .lanczosPillow: return PillowResampler.resize(self, width, height, .lanczos)
    case .nearestOpenCV: return nearest(OpenCVResampler.nearest, width, height)
    case .bilinearOpenCV: return OpenCVResampler.bilinear(self, width, height)
    case .areaOpenCV: return OpenCVResampler.area(self, width, height)
    case .nearestTFHalfPixel: return nearest(TensorFlowResampler.nearest, width, height)
    case .bilinearTFHalfPixel: return TensorFlowResampler.bilinear(self, width, height, .halfPixel)
    case .bilinearTFAlignCorners:
      return TensorFlowResampler.bilinear(self, width, height, .alignCorners)
    case .bilinearTFLegacy: return TensorFlowResampler.bilinear(self, width, height, .legacy)
    case .bicubicTFHalfPixel: return TensorFlowResampler.bicubic(self, width, height)
    }
  }

  /// The picture made of whole pixels, chosen by a function from (input size, output size).
  private func nearest(_ choose: (Int, Int) -> [Int], _ width: Int, _ height: Int) -> Image {
    let columns = choose(self.width, width)
    let rows = choose(self.height, height)
    return mapped(width, height) { x, y in (columns[x], rows[y]) }
  }
}

// MARK: Colour

extension Image {
  /// The luma of a colour picture, one channel, in 16-bit fixed point as Pillow's `convert("L")`.
  ///
  /// (19595·R + 38470·G + 7471·B + 32768) / 65536, the weights of ITU-R BT.601. A picture without
  /// three channels is returned as it is.
  public func luma() -> Image {
    guard channels == 3 else { return self }
    var result = [UInt8](repeating: 0, count: width * height)
    for index in result.indices {
      let (r, g, b) = (pixels[3 * index], pixels[3 * index + 1], pixels[3 * index + 2])
      let sum = UInt32(r) &* 19595 &+ UInt32(g) &* 38470 &+ UInt32(b) &* 7471 &+ 0x8000
      result[index] = UInt8(truncatingIfNeeded: sum >> 16)
    }
    return Image(width, height, 1, result)
  }

  /// A grey picture with its one channel three times; other pictures are returned as they are.
  public func tripled() -> Image {
    guard channels == 1 else { return self }
    var result: [UInt8] = []
    result.reserveCapacity(pixels.count * 3)
    for level in pixels {
      result.append(level)
      result.append(level)
      result.append(level)
    }
    return Image(width, height, 3, result)
  }

  /// The picture with the order of its channels reversed: RGB becomes BGR.
  public func channelsReversed() -> Image {
    guard channels == 3 else { return self }
    var result = pixels
    for index in stride(from: 0, to: result.count, by: 3) { result.swapAt(index, index + 2) }
    return Image(width, height, 3, result)
  }
}
