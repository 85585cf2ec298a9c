public import EXrayPreprocess

/// How a candidate's inputs were really made, as far as the evidence tells.
public struct Explanation: Sendable {
  /// One stage that departs from the intended recipe.
  public struct Difference: Sendable, Hashable {
    /// The cause's identifier.
    public var cause: Cause
    /// The recipe's stage (`crop`).
    public var stage: String
    /// What was found, in words.
    public var found: String
    /// What was intended, in words.
    public var intended: String
  }

  /// The recipe that explains the inputs; nil where the found stage cannot be written as a recipe.
  public var recipe: Recipe?
  /// Departures from the intended recipe, in the order of the stages.
  public var differences: [Difference]
  /// Fraction of the inputs' variance that the recipe explains, 0 to 1.
  public var explainedVariance: Double
  /// Root mean squared rest, in 8-bit levels of the picture.
  public var residualInLevels: Double
  /// The same rest were the intended recipe right.
  public var intendedResidualInLevels: Double
  /// Frames that were looked at.
  public var samples: Int
  /// Whether raw pictures were at hand.
  public var hadPictures: Bool

  /// Whether the recipe explains the inputs.
  public var isExplained: Bool { recipe != nil || !differences.isEmpty }

  static func unexplained(
    samples: Int, variance: Double = 0, residual: Double = 0, hadPictures: Bool = false
  ) -> Explanation {
    Explanation(
      recipe: nil, differences: [], explainedVariance: variance, residualInLevels: residual,
      intendedResidualInLevels: residual, samples: samples, hadPictures: hadPictures)
  }
}
