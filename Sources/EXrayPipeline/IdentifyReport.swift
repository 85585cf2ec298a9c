import EXrayJSON
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

  /// A recipe of any kind.
  public struct Recipe: Encodable, Sendable {
    /// The recipe as JSON on one line, as the intended one is written.
    public var json: String

    /// Writes the recipe as the object that it is.
    public func encode(to encoder: any Encoder) throws {
      try JSONTree(parsing: Array(json.utf8)).encode(to: encoder)
    }

    /// One key of a recipe, as `color` or `mel.high`, as a line of its JSON; nil where the recipe has none.
    func line(_ key: String) -> String? {
      let parts = key.split(separator: ".").map(String.init)
      var tree = try? JSONTree(parsing: Array(json.utf8))
      for part in parts { tree = tree?[part] }
      guard let text = tree?.text(JSONStyle(sortsKeys: true)) else { return nil }
      let (open, close) = parts.dropFirst().reduce(("", "")) { ("\($0.0){\"\($1)\": ", "\($0.1)}") }
      return "\"\(parts[0])\": \(open)\(text)\(close)"
    }
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

  /// Words for people that depend on the kind of raw files.
  public struct Words: Sendable {
    /// The raw files.
    public var frames: String
    /// The unit of ``IdentifyReport/residualInLSB``.
    public var residualUnit: String
    /// What ``IdentifyReport/explainedVariance`` is.
    public var explained = "explained variance"
  }

  /// The version of this JSON.
  public var exrayIdentify = 1
  /// The closing word.
  public var verdict: Verdict
  /// The recipe that explains the inputs; null where none does.
  public var recipe: Recipe?
  /// Fraction of the inputs' variance that the best recipe explains, 0 to 1.
  public var explainedVariance: Double
  /// Root mean squared rest in 8-bit levels or steps; null where there is no finite one.
  public var residualInLSB: Double?
  /// The same were the intended recipe right; null without one.
  public var intendedResidualInLSB: Double?
  /// Departures from the intended recipe.
  public var differences: [Difference]
  /// What the evidence cannot tell apart.
  public var ambiguous: [Identification.Ambiguity]
  /// What was tried in vain.
  public var ruledOut: [String]
  /// Raw files given.
  public var frames: Int
  /// Raw files that the search looked at.
  public var searchedFrames: Int
  /// How to speak of it; not in the JSON.
  public var words: Words

  private enum CodingKeys: String, CodingKey {
    case exrayIdentify, verdict, recipe, explainedVariance, residualInLSB, intendedResidualInLSB
    case differences, ambiguous, ruledOut, frames, searchedFrames
  }

  /// The report as JSON, keys sorted.
  public func json() throws -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    return String(decoding: try encoder.encode(self), as: UTF8.self) + "\n"
  }
}
