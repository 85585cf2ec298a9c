public import EXrayPreprocess
public import EXrayValidation
import Foundation

/// What `exray identify` found; its JSON is documented in `Documentation/identify.md`.
public struct IdentifyReport: Encodable, Sendable {
  /// The closing word.
  public enum Verdict: String, Encodable, Sendable {
    /// The intended recipe explains the inputs.
    case asIntended = "as-intended"
    /// Another recipe explains the inputs.
    case differs
    /// A recipe was found, and none was intended.
    case identified
    /// Recipes of different meaning explain the inputs equally, and none was intended.
    case ambiguous
    /// No recipe explains the inputs.
    case unexplained
  }

  /// One line of the recipe to change.
  public struct Difference: Encodable, Sendable {
    /// The cause's identifier (`preprocess.channel-order`).
    public var cause: Cause
    /// The recipe's stage (`color`).
    public var stage: String
    /// What was found, in words.
    public var found: String
    /// What was intended, in words.
    public var intended: String
    /// The found recipe's line; absent where recipes do not say it.
    public var foundLine: String?
    /// The line as it should be; absent where recipes do not say it.
    public var line: String?
  }

  /// The version of this JSON.
  public var exrayIdentify = 1
  /// The closing word.
  public var verdict: Verdict
  /// The recipe that explains the inputs; null where none does.
  public var recipe: Recipe?
  /// Fraction of the inputs' variance that the best recipe explains, 0 to 1.
  public var explainedVariance: Double
  /// Root mean squared rest in 8-bit levels; null where there is no finite one.
  public var residualInLSB: Double?
  /// The same were the intended recipe right; null without one.
  public var intendedResidualInLSB: Double?
  /// Departures from the intended recipe.
  public var differences: [Difference]
  /// What the evidence cannot tell apart.
  public var ambiguous: [Identification.Ambiguity]
  /// What was tried in vain.
  public var ruledOut: [String]
  /// Pictures given.
  public var frames: Int
  /// Pictures that the search looked at.
  public var searchedFrames: Int

  init(_ found: Identification, intended: Recipe?, frames: Int, searched: Int) {
    recipe = found.recipe
    explainedVariance = found.explainedVariance
    residualInLSB = found.residualInLSB.isFinite ? found.residualInLSB : nil
    intendedResidualInLSB = found.intendedResidualInLSB.flatMap { $0.isFinite ? $0 : nil }
    ambiguous = found.ambiguous
    ruledOut = found.ruledOut
    self.frames = frames
    searchedFrames = searched
    differences = found.differences.map { item in
      Difference(
        cause: item.cause, stage: item.stage, found: item.found, intended: item.intended,
        foundLine: found.recipe.flatMap { Self.line(item.stage, of: $0) },
        line: intended.flatMap { Self.line(item.stage, of: $0) })
    }
    let meaning: Set<String> = ["color", "orient", "layout"]
    verdict =
      if found.recipe == nil {
        .unexplained
      } else if intended != nil {
        differences.isEmpty ? .asIntended : .differs
      } else {
        ambiguous.contains { meaning.contains($0.stage) } ? .ambiguous : .identified
      }
  }

  /// The report as JSON, keys sorted.
  public func json() throws -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    return String(decoding: try encoder.encode(self), as: UTF8.self) + "\n"
  }

  /// One stage of a recipe as a line of its JSON.
  private static func line(_ stage: String, of recipe: Recipe) -> String? {
    guard
      let tree = try? JSONSerialization.jsonObject(with: Data(recipe.json().utf8)),
      let value = (tree as? [String: Any])?[stage],
      let data = try? JSONSerialization.data(
        withJSONObject: value, options: [.sortedKeys, .withoutEscapingSlashes, .fragmentsAllowed])
    else { return nil }
    return "\"\(stage)\": \(String(decoding: data, as: UTF8.self))"
  }
}
