import EXrayCore
public import EXrayModel

/// One op of a profiled model.
public struct OpTimes: Sendable, Hashable, Encodable {
  /// Place in the order of execution.
  public var position: Int
  /// What computed it.
  public var part: OpEvent.Part
  /// The runtime's label.
  public var label: String
  /// Index of the op in the graph; nil where it cannot be told.
  public var op: Int?
  /// The op's type in the graph; nil where the op cannot be told.
  public var type: String?
  /// Name of the tensor that the op makes; nil where the op cannot be told.
  public var tensor: String?
  /// How many runs it was seen in.
  public var runs: Int
  /// Median of whole microseconds.
  public var p50Microseconds: Double
  /// Nine of ten runs took no longer.
  public var p90Microseconds: Double
  /// Ninety-nine of a hundred runs took no longer.
  public var p99Microseconds: Double
  /// The fastest run, in whole microseconds.
  public var minimumMicroseconds: Double
  /// Mean of the middle half of the runs, finer than the profiler's whole microseconds.
  public var microseconds: Double
  /// ``microseconds`` as a part of the sum over all ops.
  public var share: Double
  /// What it has to compute and to move; nil where the op cannot be told.
  public var cost: OpCost?
  /// Arithmetic operations a second; nil where the count is unknown, or the time below 1 µs.
  public var operationsPerSecond: Double?
  /// Bytes a second; nil where the op cannot be told, or the time below 1 µs.
  public var bytesPerSecond: Double?
  /// The least time that this machine needs by the time taken; nil where unknown or below 1 µs.
  public var roofline: Double?
}

/// All ops of one kind.
public struct OpTypeTimes: Sendable, Hashable, Encodable {
  /// What computed them.
  public var part: OpEvent.Part
  /// The runtime's label.
  public var label: String
  /// How many ops.
  public var count: Int
  /// Their summed microseconds in a run.
  public var microseconds: Double
  /// ``microseconds`` as a part of the sum over all ops.
  public var share: Double
  /// The shares of this kind and of all slower ones.
  public var cumulativeShare: Double
}

/// What a delegate computes and what it leaves.
public struct PartTimes: Sendable, Hashable, Encodable {
  /// Nodes of the graph.
  public var nodes: Int
  /// Events that they came as: operators of a delegate, or nodes.
  public var events: Int
  /// Their summed microseconds in a run.
  public var microseconds: Double
  /// ``microseconds`` as a part of the sum over all ops.
  public var share: Double
}

/// Where a model's time goes.
public struct OpProfile: Sendable, Encodable {
  /// Ops in the order of execution.
  public var ops: [OpTimes]
  /// Kinds of ops, the slowest first.
  public var types: [OpTypeTimes]
  /// What a delegate computes.
  public var delegated: PartTimes
  /// What the runtime's own kernels compute.
  public var undelegated: PartTimes
  /// Types of the ops that no delegate took, with how many there are, in the order of the alphabet.
  public var undelegatedTypes: [String: Int]

  /// Sums up runs.
  ///
  /// - Parameters:
  ///   - peak: What the machine can do; nil where it was not measured.
  ///   - threads: Threads that the runtime used.
  public init(_ table: OpTable, model: Model, peak: MachinePeak?, threads: Int) {
    let graph = model.primary
    let costs = model.opCosts
    let own = Set(table.rows.compactMap { $0.part == .node ? $0.op : nil })
    let hasDelegate = table.rows.contains { $0.part == .delegate }
    let taken = hasDelegate ? graph.ops.indices.filter { !own.contains($0) } : []
    let operators = table.rows.indices.filter { table.rows[$0].part == .delegate }
    let mapped = DelegateMapping.ops(
      of: operators.map { table.rows[$0].label }, delegated: taken, in: graph)
    let nodes = Dictionary(uniqueKeysWithValues: zip(operators, mapped))

    let times = table.rows.map { Percentile.midmean($0.microseconds) ?? 0 }
    var total = 0.0
    for (row, time) in zip(table.rows, times) where row.part != .inner { total += time }
    func share(_ time: Double) -> Double { total > 0 ? time / total : 0 }

    let ops = table.rows.enumerated().map { position, row in
      let node = row.part == .delegate ? nodes[position] ?? nil : row.op
      let op = node.flatMap { graph.ops.indices.contains($0) ? graph.ops[$0] : nil }
      let tensor = op?.outputs.first.flatMap {
        graph.tensors.indices.contains($0) ? graph.tensors[$0].description.name : nil
      }
      let sorted = row.microseconds.sorted()
      let time = times[position]
      let cost = op.map { costs[$0.index] }
      let isTold = time >= 1
      return OpTimes(
        position: position, part: row.part, label: row.label, op: op?.index, type: op?.type,
        tensor: tensor, runs: sorted.count,
        p50Microseconds: Percentile.of(sorted: sorted, 0.5) ?? 0,
        p90Microseconds: Percentile.of(sorted: sorted, 0.9) ?? 0,
        p99Microseconds: Percentile.of(sorted: sorted, 0.99) ?? 0,
        minimumMicroseconds: sorted.first ?? 0, microseconds: time,
        share: row.part == .inner ? 0 : share(time), cost: cost,
        operationsPerSecond: isTold ? cost?.operations.map { $0 / time * 1e6 } : nil,
        bytesPerSecond: isTold ? cost.map { $0.byteCount / time * 1e6 } : nil,
        roofline: isTold
          ? peak.flatMap { peak in
            cost.flatMap { cost in
              cost.operations.map { _ in
                peak.leastMicroseconds(for: cost, threads: threads) / time
              }
            }
          } : nil)
    }
    self.ops = ops
    types = Self.types(ops)
    func part(_ part: OpEvent.Part, nodes: Int) -> PartTimes {
      let ops = ops.filter { $0.part == part }
      let time = ops.reduce(0) { $0 + $1.microseconds }
      return PartTimes(nodes: nodes, events: ops.count, microseconds: time, share: share(time))
    }
    delegated = part(.delegate, nodes: taken.count)
    undelegated = part(.node, nodes: own.count)
    undelegatedTypes = own.sorted().reduce(into: [:]) { counts, op in
      if graph.ops.indices.contains(op) { counts[graph.ops[op].type, default: 0] += 1 }
    }
  }

  private static func types(_ ops: [OpTimes]) -> [OpTypeTimes] {
    struct Kind: Hashable {
      var part: OpEvent.Part
      var label: String
    }
    var kinds: [Kind: OpTypeTimes] = [:]
    for op in ops where op.part != .inner {
      kinds[
        Kind(part: op.part, label: op.label),
        default: OpTypeTimes(
          part: op.part, label: op.label, count: 0, microseconds: 0, share: 0, cumulativeShare: 0)
      ].add(op)
    }
    var sorted = kinds.values.sorted {
      ($1.microseconds, $0.label, $0.part.rawValue) < ($0.microseconds, $1.label, $1.part.rawValue)
    }
    var sum = 0.0
    for index in sorted.indices {
      sum += sorted[index].share
      sorted[index].cumulativeShare = sum
    }
    return sorted
  }
}

extension OpTypeTimes {
  fileprivate mutating func add(_ op: OpTimes) {
    count += 1
    microseconds += op.microseconds
    share += op.share
  }
}
