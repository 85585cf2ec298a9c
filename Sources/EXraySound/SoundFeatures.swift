/// What a recipe makes of a sound.
public struct SoundFeatures: Sendable, Hashable {
  /// Frames.
  public var frameCount: Int
  /// Features of one frame.
  public var featureCount: Int
  /// (frame, feature), or (feature, frame) where the recipe's layout is band-time.
  public var values: [Double]
}

extension SoundRecipe {
  /// Computes a sound's features in double precision.
  ///
  /// - Throws: ``SoundError`` `.unsuitableSound` where there is no whole frame, `.tooLarge` above
  ///   ``soundValueLimit`` values, `.invalidRecipe` where stages set in code contradict each other.
  /// - Complexity: O(frames · FFT size · log FFT size) time.
  public func features(of sound: WAVFile) throws(SoundError) -> SoundFeatures {
    var computer = FeatureComputer()
    let base = try computer.base(self, sound)
    var values = base.values
    normalize(&values, featureCount: base.featureCount)
    let count = frames.count ?? base.frameCount
    Self.resize(&values, to: count * base.featureCount)
    if layout == .bandTime {
      let width = base.featureCount
      values = (0..<width).flatMap { band in (0..<count).map { values[$0 * width + band] } }
    }
    return SoundFeatures(frameCount: count, featureCount: base.featureCount, values: values)
  }

  /// Cuts values or adds zeros.
  static func resize(_ values: inout [Double], to count: Int) {
    if values.count > count { values.removeLast(values.count - count) }
    values.append(contentsOf: repeatElement(0, count: count - values.count))
  }

  /// Normalises (frame, feature) values.
  func normalize(_ values: inout [Double], featureCount width: Int) {
    switch normalize {
    case .none: break
    case .affine(let mean, let std):
      for index in values.indices {
        let feature = index % width
        values[index] =
          (values[index] - mean[mean.count > 1 ? feature : 0]) / std[std.count > 1 ? feature : 0]
      }
    case .perClip: Self.standardize(&values, start: 0, stride: 1)
    case .perFeature:
      for feature in 0..<width { Self.standardize(&values, start: feature, stride: width) }
    }
  }

  /// Constant values become zeros.
  private static func standardize(_ values: inout [Double], start: Int, stride step: Int) {
    let indices = stride(from: start, to: values.count, by: step)
    let count = Double(indices.reduce(0) { count, _ in count + 1 })
    let mean = indices.reduce(0) { $0 + values[$1] } / count
    let variance = indices.reduce(0) { $0 + (values[$1] - mean) * (values[$1] - mean) } / count
    // Equal values have a mean that is rounded.
    let isConstant = variance <= 1e-24 * mean * mean
    let deviation = variance.squareRoot()
    for index in indices { values[index] = isConstant ? 0 : (values[index] - mean) / deviation }
  }

  /// Checks what code can set and JSON cannot.
  func check(_ file: String) throws(SoundError) {
    var trouble: String?
    if !(1...65_536).contains(frames.fft) || !(1...frames.fft).contains(frames.length) {
      trouble = "frames of \(frames.length) samples do not fit an FFT of \(frames.fft)"
    } else if frames.hop < 1 || signal.sampleRate < 1 || !(frames.count.map { $0 > 0 } ?? true) {
      trouble = "the hop, the sample rate and the number of frames must be above 0"
    } else if let mel,
      !(1...1024).contains(mel.bands) || !(mel.low >= 0 && mel.low < mel.high)
        || mel.high > Double(signal.sampleRate) / 2
    {
      trouble = "\(mel.bands) bands from \(mel.low) to \(mel.high) Hz are impossible"
    } else if let mfcc,
      mfcc.count < 1 || mfcc.first < 0 || mfcc.lifter < 0
        || mfcc.first + mfcc.count > (mel?.bands ?? 0)
    {
      trouble = "\(mfcc.count) coefficients from \(mfcc.first) need as many bands"
    } else if case .affine(let mean, let std) = normalize,
      ![1, featureCount].contains(mean.count) || ![1, featureCount].contains(std.count)
    {
      trouble = "mean and std must be one number or \(featureCount)"
    }
    guard let trouble else { return }
    throw SoundError(.invalidRecipe, file: file, "\(trouble); correct the recipe")
  }
}
