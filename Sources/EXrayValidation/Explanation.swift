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

  /// The recipe that explains the inputs; nil where none does, or where a stage cannot be told.
  public var recipe: Recipe?
  /// Departures from the intended recipe, in the order of the stages.
  public var differences: [Difference]
  /// What the evidence cannot tell apart.
  public var ambiguous: [Identification.Ambiguity]
  /// What was tried in vain.
  public var ruledOut: [String]
  /// Fraction of the inputs' variance that the recipe explains, 0 to 1.
  public var explainedVariance: Double
  /// Root mean squared rest, in 8-bit levels of the picture.
  public var residualInLevels: Double
  /// The same rest were the intended recipe right; nil where that recipe could not be run.
  public var intendedResidualInLevels: Double?
  /// Frames that were looked at.
  public var samples: Int
  /// Whether the inputs were explained from raw pictures, and not from the reference's inputs.
  public var hadPictures: Bool

  /// Whether something explains the inputs, be it in part.
  public var isExplained: Bool { recipe != nil || !differences.isEmpty }

  init(_ found: Identification, samples: Int, hadPictures: Bool) {
    recipe = found.recipe
    differences = found.differences
    ambiguous = found.ambiguous
    ruledOut = found.ruledOut
    explainedVariance = found.explainedVariance
    residualInLevels = found.residualInLSB
    intendedResidualInLevels = found.intendedResidualInLSB
    self.samples = samples
    self.hadPictures = hadPictures
  }
}
