import EXrayCore
import EXrayModel

/// Matches two graphs: what is unique on both sides first, then what follows from it.
///
/// Source: Dullien and Rolles, Graph-based comparison of executable objects, 2005, with the colours of Weisfeiler and
/// Leman, The reduction of a graph to canonical form, 1968.
struct ModelMatcher {
  let own: LayerGraph
  let other: LayerGraph
  let values: (own: [Int: ValuePrint], other: [Int: ValuePrint])

  /// The reference's tensor of each of the candidate's, and the other way round; -1 for none.
  var partner: [Int]
  var inverse: [Int]
  /// Likewise for ops.
  var opPartner: [Int]
  var opInverse: [Int]
  /// Pairs that nothing but the order of the interface speaks for.
  var isByOrder: Set<Int> = []
  var isByValues: Set<Int> = []
  /// Whether ops of other weights may be partners: models of one architecture from two training runs.
  var toleratesWeights = false
  var queue: [(own: Int, other: Int, isOp: Bool)] = []
  var ownPrints: [Int: WeightPrint?] = [:]
  var otherPrints: [Int: WeightPrint?] = [:]
  var ownConstants: [Int: Digest] = [:]
  var otherConstants: [Int: Digest] = [:]
  /// Uses of one tensor that are looked at again whenever one of them is matched, at most.
  static let useLimit = 256

  init(
    _ own: LayerGraph, _ other: LayerGraph,
    values: (own: [Int: ValuePrint], other: [Int: ValuePrint])
  ) {
    self.own = own
    self.other = other
    self.values = values
    partner = [Int](repeating: -1, count: own.tensors.count)
    inverse = [Int](repeating: -1, count: other.tensors.count)
    opPartner = [Int](repeating: -1, count: own.ops.count)
    opInverse = [Int](repeating: -1, count: other.ops.count)
  }

  mutating func match() -> LayerMatching {
    matchExactColours()
    propagate()
    if isOpen {
      // Where surroundings and weights agree, weights need not be searched for.
      matchCoarseColours(leastSimilarity: 0.8)
      matchWeights()
      propagate()
      matchCoarseColours(leastSimilarity: 0.5)
      propagate()
      matchNeighbours()
    }
    matchInterface()
    propagate()
    matchValues()
    if isOpen {
      matchNeighbours()
      toleratesWeights = true
      matchCoarseColours(leastSimilarity: -2)
      propagate()
      matchNeighbours()
    }
    matchConversions()
    return result()
  }

  /// Whether both sides have tensors that may still find partners.
  var isOpen: Bool {
    own.tensors.indices.contains { isOpen($0, own, partner) }
      && other.tensors.indices.contains { isOpen($0, other, inverse) }
  }

  /// Pairs by names and by partners around, as long as more are found.
  mutating func matchNeighbours() {
    var before = -1
    var count = partner.count { $0 >= 0 }
    var rounds = 0
    while count > before, rounds < 8 {
      (before, rounds) = (count, rounds + 1)
      if namesAreReliable { matchNames() }
      revisit()
      matchLocalColours()
      count = partner.count { $0 >= 0 }
    }
  }

  // MARK: State

  /// Whether two tensors may be partners at all.
  func isFree(_ tensor: Int, _ mate: Int) -> Bool {
    partner[tensor] < 0 && inverse[mate] < 0 && own.elementCount[tensor] == other.elementCount[mate]
      && own.isLayer(tensor) && other.isLayer(mate)
  }

  @discardableResult
  mutating func pair(_ tensor: Int, _ mate: Int) -> Bool {
    guard isFree(tensor, mate) else { return false }
    partner[tensor] = mate
    inverse[mate] = tensor
    queue.append((tensor, mate, false))
    return true
  }

  /// Whether two ops may be partners: of one type, free, with results of one size and weights that do not contradict.
  mutating func mayPair(op: Int, _ mate: Int) -> Bool {
    guard opPartner[op] < 0, opInverse[mate] < 0, own.kinds[op] == other.kinds[mate],
      let result = own.ops[op].outputs.first, let second = other.ops[mate].outputs.first
    else { return false }
    if result >= 0, second >= 0 {
      guard own.elementCount[result] == other.elementCount[second],
        own.isFixed[result] == other.isFixed[second]
      else { return false }
      // A result that has another partner already says that this is another op, unless its chain is longer.
      if partner[result] >= 0, other.head.indices.contains(other.producer[partner[result]]),
        other.head[other.producer[partner[result]]] != other.head[mate]
      {
        return false
      }
    }
    return toleratesWeights || (weightSimilarity(op, mate).map { $0 > 0.5 } ?? true)
  }

  /// Pairs two ops, what their chains come to, and their further results.
  @discardableResult
  mutating func pair(op: Int, _ mate: Int) -> Bool {
    guard opPartner[op] < 0, opInverse[mate] < 0 else { return false }
    opPartner[op] = mate
    opInverse[mate] = op
    if own.isConversion[op] || other.isConversion[mate] {
      if let first = own.ops[op].outputs.first, let second = other.ops[mate].outputs.first {
        pair(first, second)
      }
      return true
    }
    if own.isTail[op] || other.isTail[mate] {
      if own.isTail[op], other.isTail[mate] {
        pair(own.ops[op].outputs[0], other.ops[mate].outputs[0])
      }
    } else {
      settle(op, mate)
    }
    for (first, second) in zip(own.ops[op].outputs, other.ops[mate].outputs).dropFirst()
    where first >= 0 && second >= 0 { pair(first, second) }
    queue.append((op, mate, true))
    return true
  }
}
