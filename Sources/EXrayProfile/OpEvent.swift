/// What a runtime's profiler tells of one op in one run.
public struct OpEvent: Sendable, Hashable {
  /// What computed it.
  public enum Part: String, Sendable, Hashable, Codable, CaseIterable {
    /// A node of the graph, by the runtime's own kernel.
    case node
    /// An operator of a delegate, which stands for one node or several.
    case delegate
    /// A node inside a control-flow op, whose time is part of that op's.
    case inner
  }

  /// What computed it.
  public var part: Part
  /// The runtime's label.
  public var label: String
  /// Index of the op in the graph, where the runtime tells it.
  public var op: Int?
  /// Whole microseconds.
  public var microseconds: Int

  /// Creates an event.
  public init(part: Part, label: String, op: Int?, microseconds: Int) {
    self.part = part
    self.label = label
    self.op = op
    self.microseconds = microseconds
  }
}

/// The runs of a model with the times of their ops.
public struct OpTable: Sendable {
  /// One op over all runs.
  struct Row: Sendable {
    var part: OpEvent.Part
    var label: String
    var op: Int?
    var microseconds: [Double] = []
  }

  private struct Key: Hashable {
    var part: OpEvent.Part
    var label: String
    var op: Int?
    /// The how many of its kind in its run: delegates tell no index.
    var occurrence: Int
  }

  private(set) var rows: [Row] = []
  private var places: [Key: Int] = [:]
  /// How many runs were added.
  public private(set) var runs = 0

  /// No runs.
  public init() {}

  /// Adds a run; ops keep the order in which they were first seen.
  public mutating func add(_ events: [OpEvent]) {
    runs += 1
    var seen: [Key: Int] = [:]
    for event in events {
      var key = Key(part: event.part, label: event.label, op: event.op, occurrence: 0)
      key.occurrence = seen[key, default: 0]
      seen[Key(part: event.part, label: event.label, op: event.op, occurrence: 0)] =
        key.occurrence + 1
      let place: Int
      if let known = places[key] {
        place = known
      } else {
        place = rows.count
        places[key] = place
        rows.append(Row(part: event.part, label: event.label, op: event.op))
      }
      rows[place].microseconds.append(Double(event.microseconds))
    }
  }

  /// The summed microseconds of each kind of op in one run, and how many ops they are.
  public static func sums(_ events: [OpEvent]) -> [String: (microseconds: Int, ops: Int)] {
    var sums: [String: (microseconds: Int, ops: Int)] = [:]
    for event in events where event.part != .inner {
      let sum = sums[event.label, default: (0, 0)]
      sums[event.label] = (sum.microseconds + event.microseconds, sum.ops + 1)
    }
    return sums
  }
}
