import EXrayPreprocess

/// Real input values as a function of 8-bit levels, channel by channel: value = slope·level + offset.
struct Affine: Sendable, Hashable {
  var slopes: [Float]
  var offsets: [Float]

  /// The function of a recipe's normalisation: (level / divisor − mean) / std.
  init(_ normalize: Recipe.Normalize, channels: Int) {
    slopes = (0..<channels).map { 1 / (normalize.divisor * normalize.std(channel: $0)) }
    offsets = (0..<channels).map { -normalize.mean(channel: $0) / normalize.std(channel: $0) }
  }

  init(slopes: [Float], offsets: [Float]) {
    self.slopes = slopes
    self.offsets = offsets
  }

  /// The largest difference between two functions over levels 0 to 255, in this function's levels.
  func distance(to other: Affine) -> Float {
    var largest: Float = 0
    for channel in slopes.indices where channel < other.slopes.count {
      let unit = max(abs(slopes[channel]), .leastNormalMagnitude)
      let low = abs(offsets[channel] - other.offsets[channel])
      let high = abs(
        255 * (slopes[channel] - other.slopes[channel]) + offsets[channel] - other.offsets[channel])
      largest = max(largest, low / unit, high / unit)
    }
    return largest
  }

  /// The function as `value = 0.00784·level − 1`, or one such line a channel.
  var words: String {
    let lines = slopes.indices.map { channel in
      let sign = offsets[channel] < 0 ? "−" : "+"
      return "\(decimal(slopes[channel]))·level \(sign) \(decimal(abs(offsets[channel])))"
    }
    let isUniform = lines.allSatisfy { $0 == lines[0] }
    return isUniform ? "value = \(lines.first ?? "?")" : "values = " + lines.joined(separator: ", ")
  }
}

/// A number with at most `significant` significant digits and no trailing zeros.
func decimal(_ value: Float, significant: Int = 5) -> String {
  guard value.isFinite else { return "\(value)" }
  guard value != 0 else { return "0" }
  var digits = significant
  var magnitude = abs(value)
  while magnitude >= 10, digits > 1 {
    magnitude /= 10
    digits -= 1
  }
  while magnitude < 1, digits < significant + 5 {
    magnitude *= 10
    digits += 1
  }
  var factor: Double = 1
  for _ in 1..<digits { factor *= 10 }
  let rounded = (Double(value) * factor).rounded() / factor
  return rounded == rounded.rounded() && abs(rounded) < 1e9 ? "\(Int(rounded))" : "\(rounded)"
}
