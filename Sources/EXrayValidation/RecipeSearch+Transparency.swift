import EXrayCore
import EXrayPreprocess

// What transparent pictures were laid on.
extension RecipeSearch {
  /// The frames with their transparency treated in another way; nil where that changes nothing.
  func blended(_ frames: [Frame], _ alpha: Recipe.Decode.Alpha) -> [Frame]? {
    var options = base.decode
    options.alpha = alpha
    var hasChanged = false
    var result: [Frame] = []
    for frame in frames {
      var frame = frame
      if frame.hasAlpha {
        guard let picture = frame.decode?(options) else { return nil }
        if picture.image != frame.picture.image { hasChanged = true }
        frame.picture = picture
      }
      result.append(frame)
    }
    return hasChanged ? result : nil
  }

  /// The colour that transparent pictures were laid on, by least squares; nil where that says nothing.
  ///
  /// A value is a·black + b·(white − black) + c, and the colour 255·b/a.
  func ground(_ trials: [Trial], _ frames: [Frame]) -> Recipe.Decode.Alpha? {
    guard channels == 3, let chain = trials.min(by: { $0.residual < $1.residual })?.chain,
      let dark = blended(frames, .black) ?? (base.decode.alpha == .black ? frames : nil),
      let bright = blended(frames, .white) ?? (base.decode.alpha == .white ? frames : nil)
    else { return nil }
    func images(_ frames: [Frame], _ alpha: Recipe.Decode.Alpha) -> [Image]? {
      var (other, own) = (self, chain)
      other.base.decode.alpha = alpha
      own.decode = other.base.decode
      var trials = ExactTrials(other, frames)
      return trials.finished(own)
    }
    guard let blacks = images(dark, .black), let whites = images(bright, .white) else { return nil }
    var levels: [UInt8] = []
    for channel in 0..<3 {
      var sums = [[Double]](repeating: [0, 0, 0, 0], count: 3)
      for (index, frame) in frames.enumerated() {
        let view = view(frame, chain.reading)
        for pixel in 0..<width * height {
          let black = Double(blacks[index].pixels[pixel * 3 + channel])
          let veil = Double(whites[index].pixels[pixel * 3 + channel]) - black
          let value = Double(
            view.values[pixel * view.pixelStride + channel * view.channelStride])
          let terms = [black, veil, 1, value]
          for i in 0..<3 { for j in 0..<4 { sums[i][j] += terms[i] * terms[j] } }
        }
      }
      guard let line = solved(sums), line[0] != 0 else { return nil }
      let level = 255 * line[1] / line[0]
      guard level > -8, level < 263 else { return nil }
      levels.append(UInt8(max(0, min(255, level.rounded()))))
    }
    // Channels are in the model's order.
    let order = chain.color.order ?? [0, 1, 2]
    var primaries = levels
    for channel in 0..<3 { primaries[order[channel]] = levels[channel] }
    return .on(red: primaries[0], green: primaries[1], blue: primaries[2])
  }
}
