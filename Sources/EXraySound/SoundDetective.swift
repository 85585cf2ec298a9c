/// Finds the sound preprocessing that really made a model's features, and how it departs from the intended recipe.
///
/// Every hypothesis is a recipe. Single departures and pairs are all tried on a few frames of one clip, then departures from
/// the best pairs; what fits there is measured on all frames, refined one departure at a time, and measured on all clips.
/// Normalisation is fitted by least squares. A further departure is accepted only where it leaves less than three
/// fifths of the residual, and more than rounding.
public struct SoundDetective: Sendable {
  /// A recorded sound and the features that reached the model.
  public struct Sample: Sendable {
    /// The sound as it was recorded.
    public var sound: WAVFile
    /// The model's input as real values, in memory order.
    public var features: [Float]

    /// Creates a sample.
    public init(sound: WAVFile, features: [Float]) {
      self.sound = sound
      self.features = features
    }
  }

  /// How a quantised input stores real numbers: real = scale · (integer − zero point).
  public struct Storage: Sendable {
    /// The real value of one step.
    public var scale: Double
    /// The integer that stands for 0.
    public var zeroPoint: Double
    /// The integers of the type.
    public var integers: ClosedRange<Double>

    /// Creates a description of a quantised input.
    public init(scale: Double, zeroPoint: Double, integers: ClosedRange<Double>) {
      self.scale = scale
      self.zeroPoint = zeroPoint
      self.integers = integers
    }

    /// The real values that can be held.
    var range: ClosedRange<Double> {
      ((integers.lowerBound - zeroPoint) * scale)...((integers.upperBound - zeroPoint) * scale)
    }

    /// Whether a value is at an end of the range, where everything beyond it is too.
    func isCutOff(_ value: Double) -> Bool {
      // A part of a step, as real values come in single precision.
      value < range.lowerBound + 0.25 * scale || value > range.upperBound - 0.25 * scale
    }

    /// What the integer 0 stands for.
    var realZero: Double { -zeroPoint * scale }
  }

  private let intended: SoundRecipe?
  private let shape: (Int, Int)?
  private let storage: Storage?

  /// Creates a detective.
  ///
  /// - Parameters:
  ///   - intended: The recipe that should have been used; nil where nobody knows, then
  ///     ``SoundRecipe/common`` are where the search starts.
  ///   - shape: The two extents of the features, without extents of 1; nil for the intended ones.
  ///   - storage: How quantised features are stored; nil where they are not.
  public init(
    intended: SoundRecipe?, shape: (Int, Int)? = nil, storage: Storage? = nil
  ) {
    self.intended = intended
    self.shape = shape
    self.storage = storage
  }

  /// Explains the features that reached a model.
  ///
  /// - Returns: The simplest recipe that fits. ``SoundExplanation/isExplained`` is false where none does.
  /// - Throws: ``SoundError`` where no sound fits the intended recipe, or features no shape.
  public func explain(_ samples: [Sample]) throws(SoundError) -> SoundExplanation {
    guard !samples.isEmpty else {
      throw SoundError(.unsuitableSound, "there is no sound to search with; give one WAV file")
    }
    if let intended { return try explain(samples, as: intended, isGiven: true) }
    var best: SoundExplanation?
    for start in SoundRecipe.common {
      guard let found = try? explain(samples, as: start, isGiven: false) else { continue }
      if let best, !Self.isBetter(found, than: best) { continue }
      best = found
      if found.isExplained, found.differences.isEmpty { break }
    }
    guard let best else {
      throw SoundError(
        .unsuitableSound, file: samples[0].sound.file,
        "comes with \(samples[0].features.count) features, which no common recipe makes; "
          + "give the intended recipe")
    }
    return best
  }

  private static func isBetter(_ a: SoundExplanation, than b: SoundExplanation) -> Bool {
    guard a.isExplained == b.isExplained else { return a.isExplained }
    // Few departures from something common are the better explanation of two that fit.
    if a.isExplained, a.differences.count != b.differences.count {
      return a.differences.count < b.differences.count
    }
    return a.explainedVariance > b.explainedVariance
  }

  private func explain(
    _ samples: [Sample], as start: SoundRecipe, isGiven: Bool
  ) throws(SoundError) -> SoundExplanation {
    var computer = FeatureComputer()
    let natural = try computer.base(start, samples[0].sound)
    let count = samples[0].features.count
    guard
      let size = size(
        count: count, frames: start.frames.count ?? natural.frameCount,
        features: natural.featureCount, layout: start.layout),
      samples.allSatisfy({ $0.features.count == count })
    else {
      throw SoundError(
        .unsuitableSound, file: samples[0].sound.file,
        "comes with \(count) features, \(start.frames.count ?? natural.frameCount) frames of "
          + "\(natural.featureCount) were expected; give the shape of the features")
    }
    var search = SoundSearch(
      intended: start, samples: samples, frameCount: size.frames, featureCount: size.features,
      storage: storage)
    return search.run(rounds: isGiven ? 3 : 1)
  }

  /// How many frames of how many features a model's input holds; nil where it can hold no whole frames.
  ///
  /// What is as intended names the axes; only where neither extent is does the order of the layout.
  private func size(
    count: Int, frames: Int, features: Int, layout: SoundRecipe.Layout
  ) -> (frames: Int, features: Int)? {
    guard count > 0, frames > 0, features > 0 else { return nil }
    guard let shape, shape.0 > 0, shape.0 * shape.1 == count else {
      if count % features == 0 { return (count / features, features) }
      return count % frames == 0 ? (frames, count / frames) : nil
    }
    let extents = layout == .timeBand ? shape : (shape.1, shape.0)
    for (time, band) in [extents, (extents.1, extents.0)] where band == features && time == frames {
      return (time, band)
    }
    for (time, band) in [extents, (extents.1, extents.0)] where band == features || time == frames {
      return (time, band)
    }
    return extents
  }
}
