public import EXrayPreprocess

/// How model inputs were made from pictures, as ``RecipeSearch`` tells it.
public struct Identification: Sendable {
  /// Stages that the evidence cannot tell apart.
  public struct Ambiguity: Sendable, Hashable, Encodable {
    /// The recipe's stage (`color`).
    public var stage: String
    /// What explains the inputs equally well, the reported one first.
    public var candidates: [String]
    /// Why they cannot be told apart.
    public var reason: String

    /// Creates a note.
    public init(stage: String, candidates: [String], reason: String) {
      self.stage = stage
      self.candidates = candidates
      self.reason = reason
    }
  }

  /// The recipe that explains the inputs; nil where none does.
  public var recipe: Recipe?
  /// Departures from the intended recipe, in the order of the stages; empty without one.
  public var differences: [Explanation.Difference] = []
  /// What the evidence cannot tell apart.
  public var ambiguous: [Ambiguity] = []
  /// What was tried in vain, where nothing explains the inputs.
  public var ruledOut: [String] = []
  /// Fraction of the inputs' variance that the best recipe explains, 0 to 1.
  public var explainedVariance = 0.0
  /// Root mean squared rest, in 8-bit levels.
  public var residualInLSB = Double.infinity
  /// The same rest were the intended recipe right, with its own normalisation; nil without one.
  public var intendedResidualInLSB: Double?

  /// Whether a recipe explains the inputs.
  public var isExplained: Bool { recipe != nil }
}
