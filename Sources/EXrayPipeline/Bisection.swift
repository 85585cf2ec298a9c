public import EXrayCore
public import EXrayValidation
import Foundation

/// Where a model goes wrong, found by halving: the result of ``BisectJob``, and the JSON of `exray bisect --json`.
public struct Bisection: Encodable, Sendable {
  /// What the ops before a place came to.
  public struct Step: Encodable, Sendable {
    /// What one run showed.
    public enum Outcome: String, Encodable, Sendable {
      /// They do what they should.
      case good
      /// They do not.
      case bad
      /// It cannot be said.
      case skipped
    }

    /// How many ops ran, in the order of execution.
    public var opCount: Int
    /// What it showed.
    public var outcome: Outcome
    /// The largest nrmse of a tensor that these ops hand on; absent where a command judged or nothing ran.
    public var nrmse: Double?
    /// Why, in words.
    public var detail: String
  }

  /// Version of the JSON schema.
  public var schemaVersion = 1
  /// `fail`: ops were found; `pass`: the whole model does what it should; `inconclusive`: it cannot be said.
  public var verdict: Verdict
  /// The model.
  public var model: String
  /// Ops that depend on inputs, among which was searched.
  public var opCount: Int
  /// The ops among which the first bad one is; one where no step was skipped.
  public var culprits: [OpReference]
  /// What ran, in order; the whole model first.
  public var steps: [Step]
  /// What limits the result, one a line.
  public var notes: [String] = []

  /// Runs that the search took beside the one of the whole model.
  public var searchRuns: Int { max(0, steps.count - 1) }

  /// The result as JSON, the same text for the same result.
  public func json() throws -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    return String(decoding: try encoder.encode(self), as: UTF8.self) + "\n"
  }
}

/// Halving between a good beginning and a bad end, where some places cannot be judged.
///
/// Takes ⌈log₂ *n*⌉ steps for *n* ops, and one more for each place that is skipped.
package struct BisectSearch {
  /// The most ops known to be good, and the fewest known to be bad.
  package private(set) var good = 0
  package private(set) var bad: Int
  private var skipped: Set<Int> = []

  package init(count: Int) { bad = count }

  /// The place to be judged next, nearest to the middle; nil once there is none.
  package var next: Int? {
    guard bad - good > 1 else { return nil }
    let middle = (good + bad) / 2
    return (good + 1..<bad).filter { !skipped.contains($0) }
      .min { (abs($0 - middle), $0) < (abs($1 - middle), $1) }
  }

  package mutating func judge(_ place: Int, _ outcome: Bisection.Step.Outcome) {
    switch outcome {
    case .good: good = max(good, place)
    case .bad: bad = min(bad, place)
    case .skipped: skipped.insert(place)
    }
  }
}
