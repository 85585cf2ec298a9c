/// A picture in memory, row by row, the channels of a pixel together.
///
/// Levels are 8-bit numbers in an ``Image`` and float32 in a ``FloatImage``.
public struct Raster<Level: BitwiseCopyable & Sendable & Hashable>: Sendable, Hashable {
  /// Pixels a row.
  public let width: Int
  /// Rows.
  public let height: Int
  /// Levels a pixel: 1 (grey), 3 (colour), or what the caller wants.
  public let channels: Int
  /// Levels.
  public internal(set) var pixels: [Level]  // (height, width, channel)

  /// Creates a picture from its levels.
  ///
  /// - Throws: ``PreprocessError`` `.unsuitablePicture` where the number of levels is not
  ///   height × width × channels or a size is 0.
  public init(width: Int, height: Int, channels: Int, pixels: [Level]) throws(PreprocessError) {
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
  init(_ width: Int, _ height: Int, _ channels: Int, _ pixels: [Level]) {
    self.width = width
    self.height = height
    self.channels = channels
    self.pixels = pixels
  }
}

/// A picture of 8-bit levels.
public typealias Image = Raster<UInt8>

/// A picture of float32 levels, on the scale from 0 to 255; interpolation may overshoot it.
public typealias FloatImage = Raster<Float>

// MARK: Geometry

extension Raster {
  /// The picture turned clockwise by quarter turns; any integer.
  public func rotatedClockwise(quarterTurns: Int) -> Raster {
    switch ((quarterTurns % 4) + 4) % 4 {
    case 1: mapped(height, width) { x, y in (y, height - 1 - x) }
    case 2: mapped(width, height) { x, y in (width - 1 - x, height - 1 - y) }
    case 3: mapped(height, width) { x, y in (width - 1 - y, x) }
    default: self
    }
  }

  /// The mirror image with left and right exchanged.
  public func flippedHorizontally() -> Raster {
    mapped(width, height) { x, y in (width - 1 - x, y) }
  }

  /// The mirror image with top and bottom exchanged.
  public func flippedVertically() -> Raster {
    mapped(width, height) { x, y in (x, height - 1 - y) }
  }

  /// The picture with its axes exchanged: column *x* of the result is row *x* of this one.
  public func transposed() -> Raster { mapped(height, width) { x, y in (y, x) } }

  @inline(__always)
  func mapped(_ width: Int, _ height: Int, _ source: (Int, Int) -> (Int, Int)) -> Raster {
    guard let first = pixels.first else { return self }
    var result = [Level](repeating: first, count: width * height * channels)
    var target = 0
    for y in 0..<height {
      for x in 0..<width {
        let (sourceX, sourceY) = source(x, y)
        let origin = (sourceY * self.width + sourceX) * channels
        for channel in 0..<channels { result[target + channel] = pixels[origin + channel] }
        target += channels
      }
    }
    return Raster(width, height, channels, result)
  }

  /// A rectangle of the picture; what lies outside it has the levels `fill`, one a channel.
  func cropped(
    x: Int, y: Int, width: Int, height: Int, fill: [Level]
  ) throws(PreprocessError) -> Raster {
    guard isWithinPixelLimit(width: width, height: height) else {
      throw PreprocessError(
        .tooLarge, key: "crop",
        "would make a picture of \(width)×\(height); it must have 1 to \(pixelLimit) pixels")
    }
    if x == 0, y == 0, width == self.width, height == self.height { return self }
    var result: [Level] = []
    result.reserveCapacity(width * height * channels)
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
    return Raster(width, height, channels, result)
  }

  /// The picture made of whole pixels, chosen by a function from (input size, output size).
  func nearest(_ choose: (Int, Int) -> [Int], _ width: Int, _ height: Int) -> Raster {
    let columns = choose(self.width, width)
    let rows = choose(self.height, height)
    return mapped(width, height) { x, y in (columns[x], rows[y]) }
  }

  /// A picture with one channel, three times; other pictures are returned as they are.
  public func tripled() -> Raster {
    guard channels == 1 else { return self }
    var result: [Level] = []
    result.reserveCapacity(pixels.count * 3)
    for level in pixels {
      result.append(level)
      result.append(level)
      result.append(level)
    }
    return Raster(width, height, 3, result)
  }

  /// The picture with its three channels in another order; `[2, 1, 0]` makes BGR of RGB.
  ///
  /// - Parameter order: The channel of this picture that each channel of the result comes from.
  public func channelsReordered(_ order: [Int]) -> Raster {
    guard channels == 3, order.count == 3, order.allSatisfy((0..<3).contains), order != [0, 1, 2]
    else { return self }
    var result = pixels
    let (first, second, third) = (order[0], order[1], order[2])
    for index in stride(from: 0, to: result.count, by: 3) {
      result[index] = pixels[index + first]
      result[index + 1] = pixels[index + second]
      result[index + 2] = pixels[index + third]
    }
    return Raster(width, height, 3, result)
  }

  /// The picture with the order of its channels reversed: RGB becomes BGR.
  public func channelsReversed() -> Raster { channelsReordered([2, 1, 0]) }
}
