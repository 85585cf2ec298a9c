#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

extension Recipe {
  /// How 8-bit levels become real numbers: real = (level / divisor − mean) / std.
  ///
  /// Computed in float32 in this order; a step that changes nothing is left out. Levels may go through
  /// a ``Transfer`` curve first.
  public struct Normalize: Sendable, Hashable {
    /// A curve that levels go through first, on the scale from 0 to 255 (IEC 61966-2-1).
    public enum Transfer: String, Sendable, Hashable, CaseIterable {
      case none
      /// Levels are taken for sRGB and become proportional to light.
      case sRGBToLinear = "srgb-to-linear"
      /// Levels are taken for light and become sRGB.
      case linearToSRGB = "linear-to-srgb"

      /// The level on the other side of the curve.
      func callAsFunction(_ level: Float) -> Float {
        let v = Double(level) / 255
        switch self {
        case .none: return level
        case .sRGBToLinear:
          return Float(255 * (v <= 0.04045 ? v / 12.92 : pow((v + 0.055) / 1.055, 2.4)))
        case .linearToSRGB:
          return Float(255 * (v <= 0.0031308 ? v * 12.92 : 1.055 * pow(v, 1 / 2.4) - 0.055))
        }
      }
    }

    /// What levels are divided by first.
    public var divisor: Float
    /// What is then taken away: one value, or one a channel in the order of ``Recipe/color``.
    public var mean: [Float]
    /// What the difference is divided by: one value, or one a channel.
    public var std: [Float]
    /// The curve that levels go through first.
    public var transfer: Transfer

    /// Creates the stage.
    public init(
      divisor: Float = 1, mean: [Float] = [0], std: [Float] = [1], transfer: Transfer = .none
    ) {
      self.transfer = transfer
      self.divisor = divisor
      self.mean = mean
      self.std = std
    }

    /// Levels as they are, 0 to 255.
    public static let none = Normalize()
    /// From 0 to 1: level / 255.
    public static let zeroToOne = Normalize(divisor: 255)
    /// From −1 to 1: level / 127.5 − 1.
    public static let minusOneToOne = Normalize(divisor: 127.5, mean: [1])
    /// The mean and the standard deviation of ImageNet's pictures, of level / 255, in RGB order.
    public static let imageNet = Normalize(
      divisor: 255, mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225])

    /// The mean of a channel; the last given one for channels that have none.
    public func mean(channel: Int) -> Float {
      channel < mean.count ? mean[max(0, channel)] : mean.last ?? 0
    }

    /// The standard deviation of a channel; the last given one for channels that have none.
    public func std(channel: Int) -> Float {
      channel < std.count ? std[max(0, channel)] : std.last ?? 1
    }

    /// The real number for each of the 256 levels of a channel.
    public func table(channel: Int) -> [Float] {
      reals(of: (0..<256).map { Float($0) }, channel: channel)
    }

    /// The real number for each of some levels of a channel.
    public func reals(of levels: [Float], channel: Int) -> [Float] {
      let (mean, std) = (mean(channel: channel), std(channel: channel))
      return levels.map { real($0, mean, std) }
    }

    /// The real numbers of a float picture, in the order of its levels.
    func reals(of image: FloatImage) -> [Float] {
      let means = (0..<image.channels).map { mean(channel: $0) }
      let stds = (0..<image.channels).map { std(channel: $0) }
      return image.pixels.indices.map { index in
        let channel = index % image.channels
        return real(image.pixels[index], means[channel], stds[channel])
      }
    }

    @inline(__always)
    private func real(_ level: Float, _ mean: Float, _ std: Float) -> Float {
      var real = transfer == .none ? level : transfer(level)
      if divisor != 1 { real /= divisor }
      if mean != 0 { real -= mean }
      if std != 1 { real /= std }
      return real
    }
  }
}
