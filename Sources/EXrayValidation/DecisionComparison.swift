import EXrayCore

/// How the choices of one op differ between two runs: the place of a maximum, the largest few, the boxes that are kept.
///
/// Choices jump where the values that they are made among only move, so that their differences say nothing of how
/// wrong a run is. A knife-edge is a choice that the usual error of these values may turn.
public struct DecisionComparison: Sendable, Hashable, Codable {
  /// The candidate's op.
  public var op: Int
  /// The op's type.
  public var type: String
  /// Name of the candidate's tensor that holds the choices.
  public var tensor: String
  /// Choices that the reference made, over the recorded frames.
  public var decisions: Int
  /// Choices that the candidate made otherwise.
  public var changed: Int
  /// Changed choices between values that are the same to the candidate: any of them is right.
  public var equal: Int
  /// Other changed choices in which the reference's lead is within twice ``usualError``.
  public var knifeEdges: Int
  /// Root mean square error of the difference of two of the values, in their units.
  public var usualError: Double
  /// The largest lead of the reference that was turned, in the same units; nil where there is none.
  public var largestLead: Double?

  /// Creates a comparison.
  public init(
    op: Int, type: String, tensor: String, decisions: Int, changed: Int, equal: Int,
    knifeEdges: Int, usualError: Double, largestLead: Double?
  ) {
    self.op = op
    self.type = type
    self.tensor = tensor
    self.decisions = decisions
    self.changed = changed
    self.equal = equal
    self.knifeEdges = knifeEdges
    self.usualError = usualError
    self.largestLead = largestLead
  }

  /// Changed choices that neither equal values nor the usual error explain.
  public var unexplained: Int { changed - equal - knifeEdges }

  /// What it came to in one sentence; nil where nothing changed.
  public var summary: String? {
    guard changed > 0 else { return nil }
    let kinds = [
      knifeEdges > 0
        ? "\(knifeEdges) knife-edge\(knifeEdges == 1 ? "" : "s"), where the reference's lead is within twice the usual error of \(Words.short(usualError))"
        : nil,
      equal > 0 ? "\(equal) between values that are equal to the candidate" : nil,
      unexplained > 0
        ? "\(unexplained) beyond that"
          + (largestLead.map { ", by a lead of up to \(Words.short($0))" } ?? "")
        : nil,
    ].compactMap(\.self)
    return "op \(op) \(type) chooses otherwise \(changed) of \(decisions) times: "
      + kinds.joined(separator: "; ") + "."
  }

  private enum CodingKeys: CodingKey {
    case op, type, tensor, decisions, changed, equal, knifeEdges, usualError, largestLead
  }

  /// Writes every key, absent values as null.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(op, forKey: .op)
    try container.encode(type, forKey: .type)
    try container.encode(tensor, forKey: .tensor)
    try container.encode(decisions, forKey: .decisions)
    try container.encode(changed, forKey: .changed)
    try container.encode(equal, forKey: .equal)
    try container.encode(knifeEdges, forKey: .knifeEdges)
    try container.encode(usualError, forKey: .usualError)
    try container.encode(largestLead, forKey: .largestLead)
  }
}

/// Counts how the choices of one op differ, frame by frame.
public struct DecisionTally: Sendable {
  /// Something of both runs.
  public struct Both<Value: Sendable>: Sendable {
    /// The candidate's.
    public var candidate: Value
    /// The reference's.
    public var reference: Value

    /// Creates a pair.
    public init(candidate: Value, reference: Value) {
      self.candidate = candidate
      self.reference = reference
    }
  }

  /// A box that was kept.
  public struct Detection: Sendable {
    /// Top, left, bottom, right, in any unit.
    public var box: [Float]
    /// The number of the class.
    public var label: Int
    /// How certain the model is of it.
    public var score: Float

    /// Creates a detection.
    public init(box: [Float], label: Int, score: Float) {
      self.box = box
      self.label = label
      self.score = score
    }
  }

  private var decisions = 0
  private var equal = 0
  /// By how much the reference prefers its choice to the candidate's, one a changed choice.
  private var leads: [Float] = []
  private var squaredError = 0.0
  private var values = 0

  /// Creates an empty tally.
  public init() {}

  /// Adds choices along one axis: of a maximum or minimum, or of the largest few.
  ///
  /// - Parameters:
  ///   - scores: What was chosen among, of `extents`.
  ///   - axis: The axis that the choices are places on.
  ///   - chosen: The places, as many for each line along the axis as were chosen; a line's own lie one after another
  ///     where there are several, which the last axis alone can have.
  public mutating func add(
    _ scores: Both<[Float]>, extents: [Int], axis: Int, chosen: Both<[Int]>
  ) {
    guard let count = Shape(extents).elementCount, count > 0, extents.indices.contains(axis),
      scores.reference.count == count, scores.candidate.count == count
    else { return }
    let length = extents[axis]
    let inner = extents[(axis + 1)...].reduce(1, *)
    let lines = count / length
    let perLine = chosen.reference.count / lines
    guard chosen.reference.count == perLine * lines, perLine == 1 || inner == 1,
      chosen.candidate.count == chosen.reference.count
    else { return }
    for (first, second) in zip(scores.candidate, scores.reference) { addError(first - second) }
    decisions += chosen.reference.count
    for place in chosen.reference.indices {
      let (own, other) = (chosen.candidate[place], chosen.reference[place])
      guard own != other else { continue }
      guard (0..<length).contains(own), (0..<length).contains(other) else {
        leads.append(.infinity)
        continue
      }
      let (outer, offset) = (place / perLine).quotientAndRemainder(dividingBy: inner)
      func score(_ values: [Float], _ index: Int) -> Float {
        values[(outer * length + index) * inner + offset]
      }
      if score(scores.candidate, own) == score(scores.candidate, other) {
        equal += 1
      } else {
        addLead(score(scores.reference, other) - score(scores.reference, own))
      }
    }
  }

  /// Adds the boxes that were kept in one frame.
  ///
  /// Boxes of one class that overlap by half are the same. One that the other run does not have leads by what its
  /// score is above the lowest that the other run kept.
  public mutating func add(_ detections: Both<[Detection]>) {
    var left = detections.candidate
    var lost: [Detection] = []
    for wanted in detections.reference.sorted(by: { $0.score > $1.score }) {
      let found = left.indices.filter { left[$0].label == wanted.label }
        .max { left[$0].overlap(wanted) < left[$1].overlap(wanted) }
      if let found, left[found].overlap(wanted) >= 0.5 {
        addError(left[found].score - wanted.score)
        left.remove(at: found)
      } else {
        lost.append(wanted)
      }
    }
    decisions += detections.reference.count
    let cut = detections.candidate.map(\.score).min() ?? 0
    for one in lost { addLead(max(0, one.score - cut)) }
    // What came in for what was lost is the same change seen from the other side.
    let otherCut = detections.reference.map(\.score).min() ?? 0
    for one in left.dropFirst(lost.count) { addLead(max(0, one.score - otherCut)) }
  }

  private mutating func addError(_ difference: Float) {
    guard difference.isFinite else { return }
    squaredError += Double(difference) * Double(difference)
    values += 1
  }

  private mutating func addLead(_ lead: Float) { leads.append(lead.isNaN ? .infinity : abs(lead)) }

  /// What was counted; nil where there was no choice.
  public func comparison(op: Int, type: String, tensor: String) -> DecisionComparison? {
    guard decisions > 0 else { return nil }
    let usual = values > 0 ? (2 * squaredError / Double(values)).squareRoot() : 0
    return DecisionComparison(
      op: op, type: type, tensor: tensor, decisions: decisions, changed: leads.count + equal,
      equal: equal, knifeEdges: leads.count { Double($0) <= 2 * usual }, usualError: usual,
      largestLead: leads.filter(\.isFinite).max().map(Double.init))
  }
}

extension DecisionTally.Detection {
  /// Intersection over union of two boxes; 0 where one is none.
  fileprivate func overlap(_ other: Self) -> Float {
    guard box.count == 4, other.box.count == 4 else { return 0 }
    let height = min(box[2], other.box[2]) - max(box[0], other.box[0])
    let width = min(box[3], other.box[3]) - max(box[1], other.box[1])
    guard height > 0, width > 0 else { return 0 }
    let shared = height * width
    let whole = area + other.area - shared
    return whole > 0 ? shared / whole : 0
  }

  private var area: Float { max(0, box[2] - box[0]) * max(0, box[3] - box[1]) }
}
