import EXrayCore
import EXrayPreprocess
import EXrayValidation

/// Turns a picture model's input back into a picture, as the model saw it.
struct InputRendering {
  private let width: Int
  private let height: Int
  private let channels: Int
  private let isPlanar: Bool
  private let isReversed: Bool
  private let normalize: Recipe.Normalize

  /// Creates a rendering, or nil where the input is no picture.
  ///
  /// - Parameter recipe: The intended recipe; its normalisation is undone, so wrong levels look wrong.
  init?(recipe: Recipe, input: TensorDescription) {
    let dimensions = input.shape.dimensions
    guard dimensions.count == 4, dimensions[0] == 1 else { return nil }
    isPlanar = recipe.layout == .nchw
    channels = isPlanar ? dimensions[1] : dimensions[3]
    height = isPlanar ? dimensions[2] : dimensions[1]
    width = isPlanar ? dimensions[3] : dimensions[2]
    guard channels == 1 || channels == 3, width > 0, height > 0 else { return nil }
    isReversed = recipe.color == .bgr
    normalize = recipe.normalize
  }

  /// The values as a PNG, or nil where their count is wrong.
  func png(of values: [Float]) -> [UInt8]? {
    guard values.count == width * height * channels else { return nil }
    var pixels = [UInt8](repeating: 0, count: values.count)
    for pixel in 0..<width * height {
      for channel in 0..<channels {
        let value = values[isPlanar ? channel * width * height + pixel : pixel * channels + channel]
        let level =
          (value * normalize.std(channel: channel) + normalize.mean(channel: channel))
          * normalize.divisor
        let shown = isReversed ? channels - 1 - channel : channel
        pixels[pixel * channels + shown] =
          level.isFinite ? UInt8(max(0, min(255, level.rounded()))) : 0
      }
    }
    return try? Image(width: width, height: height, channels: channels, pixels: pixels).png()
  }
}

/// Turns an output that is a map over the picture, such as a segmentation mask, into a picture.
struct OutputRendering {
  private let width: Int
  private let height: Int
  private let classes: Int

  /// Creates a rendering, or nil where the output is no map of at least 16 × 16 values.
  init?(output: TensorDescription) {
    let dimensions = output.shape.dimensions
    guard dimensions.count == 4, dimensions[0] == 1, dimensions[1] >= 16, dimensions[2] >= 16,
      dimensions[3] >= 1, dimensions[3] <= 256
    else { return nil }
    height = dimensions[1]
    width = dimensions[2]
    classes = dimensions[3]
  }

  /// One value a place as grey from the least to the greatest value of `scale`; several as the best class's colour.
  func png(of values: [Float], scale: [Float]) -> [UInt8]? {
    guard values.count == width * height * classes else { return nil }
    var pixels = [UInt8](repeating: 0, count: width * height * (classes == 1 ? 1 : 3))
    if classes == 1 {
      let finite = scale.filter(\.isFinite)
      let low = finite.min() ?? 0
      let range = max((finite.max() ?? 1) - low, .leastNormalMagnitude)
      for index in values.indices where values[index].isFinite {
        pixels[index] = UInt8(max(0, min(255, ((values[index] - low) / range * 255).rounded())))
      }
    } else {
      for pixel in 0..<width * height {
        let scores = Array(values[pixel * classes..<(pixel + 1) * classes])
        let color = Self.color(topClasses(scores, 1).first ?? 0)
        pixels.replaceSubrange(pixel * 3..<pixel * 3 + 3, with: color)
      }
    }
    return try? Image(
      width: width, height: height, channels: classes == 1 ? 1 : 3, pixels: pixels
    ).png()
  }

  /// A colour a class, class 0 black; the bits of the index spread over the channels, as Pascal VOC paints masks.
  private static func color(_ index: Int) -> [UInt8] {
    var color: [UInt8] = [0, 0, 0]
    for bit in 0..<8 {
      for channel in 0..<3 where index >> (3 * bit + channel) & 1 == 1 {
        color[channel] |= 0x80 >> UInt8(bit)
      }
    }
    return color
  }
}
