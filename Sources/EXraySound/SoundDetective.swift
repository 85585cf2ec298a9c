/// Finds the sound preprocessing that really made a model's features, and how it departs from the intended recipe.
///
/// Every hypothesis is a recipe. Single departures are tried first, then departures from the best of each
/// stage, so that compound faults are found together; normalisation is fitted by least squares. A further
/// departure is accepted only where it leaves less than three fifths of the residual.
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

  private let intended: SoundRecipe
  private let shape: (Int, Int)?
  private let step: Double
  private let range: ClosedRange<Double>?

  /// Creates a detective.
  ///
  /// - Parameters:
  ///   - intended: The recipe that should have been used.
  ///   - shape: The two extents of the features, without extents of 1; nil for the intended ones.
  ///   - step: The scale of quantised features, or 0.
  ///   - range: The values that quantised features can have; values at its ends are left out.
  public init(
    intended: SoundRecipe, shape: (Int, Int)? = nil, step: Double = 0,
    range: ClosedRange<Double>? = nil
  ) {
    self.intended = intended
    self.shape = shape
    self.step = step
    self.range = range
  }

  /// Explains the features that reached a model.
  ///
  /// - Returns: The simplest recipe that fits. ``SoundExplanation/isExplained`` is false where none does.
  /// - Throws: ``SoundError`` where no sound fits the intended recipe.
  public func explain(_ samples: [Sample]) throws(SoundError) -> SoundExplanation {
    guard let first = samples.first else {
      throw SoundError(.unsuitableSound, "there is no sound to search with; give one WAV file")
    }
    var computer = FeatureComputer()
    let natural = try computer.base(intended, first.sound)
    var size = (intended.frames.count ?? natural.frameCount, natural.featureCount)
    if let shape, shape.0 * shape.1 != size.0 * size.1 {
      size = intended.layout == .timeBand ? shape : (shape.1, shape.0)
    }
    guard size.0 > 0, size.1 > 0, samples.allSatisfy({ $0.features.count == size.0 * size.1 })
    else {
      throw SoundError(
        .unsuitableSound, file: first.sound.file,
        "comes with \(first.features.count) features, \(size.0) frames of \(size.1) were expected; "
          + "give the shape of the features")
    }
    var search = SoundSearch(
      intended: intended, samples: samples, frameCount: size.0, featureCount: size.1,
      step: step, range: range)
    return search.run()
  }
}
