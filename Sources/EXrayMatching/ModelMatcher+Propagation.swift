import EXrayCore
import EXrayModel

// What follows from pairs along the graph.
extension ModelMatcher {
  /// Pairs what partners are made from and what is made from them, as long as there is only one possibility.
  mutating func propagate() {
    while let item = queue.popLast() {
      if item.isOp {
        pairOperands(item.own, item.other)
      } else {
        pairMakers(item.own, item.other)
        let root = own.root[item.own]
        // What a tensor is converted to has the same users.
        if root == item.own || own.realUses[root].count <= Self.useLimit {
          pairUsers(root, other.root[item.other])
        }
      }
    }
  }

  /// Looks again at what partners read: by now one operand may tell which the other is.
  mutating func revisit() {
    for op in opPartner.indices where opPartner[op] >= 0 && !own.isConversion[op] {
      pairOperands(op, opPartner[op])
    }
    propagate()
  }

  /// Ops that are the same read the same.
  mutating func pairOperands(_ op: Int, _ mate: Int) {
    var (first, second) = (own.operands(of: op), other.operands(of: mate))
    guard first.count == second.count else { return }
    if own.isCommutative(op) {
      let known = Set(first.map { partner[$0] }.filter { $0 >= 0 })
      let there = Set(second)
      first.removeAll { partner[$0] >= 0 && there.contains(partner[$0]) }
      second.removeAll { known.contains($0) }
      guard first.count == second.count else { return }
      if first.count == 2 {
        // Which is which is told by how they are made, if at all.
        let made = first.map { own.producer[$0] < 0 ? Digest() : own.kinds[own.producer[$0]] }
        let mates = second.map {
          other.producer[$0] < 0 ? Digest() : other.kinds[other.producer[$0]]
        }
        guard made[0] != made[1], Set(made) == Set(mates) else { return }
        if made[0] != mates[0] { second.reverse() }
      }
    }
    for (tensor, twin) in zip(first, second) {
      if own.elementCount[tensor] == other.elementCount[twin] {
        pair(tensor, twin)
      } else {
        // One side pads where the other has padding in the op.
        pair(Self.unpadded(tensor, own), Self.unpadded(twin, other))
      }
    }
  }

  static func unpadded(_ tensor: Int, _ graph: LayerGraph) -> Int {
    let maker = graph.producer[tensor]
    guard maker >= 0, ["PAD", "PADV2", "MIRROR_PAD"].contains(graph.ops[maker].type) else {
      return tensor
    }
    return graph.operands(of: maker).first ?? tensor
  }

  /// Tensors that are the same are made by ops that are the same, where these have one type.
  mutating func pairMakers(_ tensor: Int, _ mate: Int) {
    let (maker, made) = (own.producer[tensor], other.producer[mate])
    if maker >= 0, made >= 0 {
      let (top, bottom) = (own.head[maker], other.head[made])
      if mayPair(op: top, bottom) {
        pair(op: top, bottom)
      } else if own.kinds[maker] == other.kinds[made], mayPair(op: maker, made) {
        pair(op: maker, made)
      }
    }
    let (start, end) = (own.root[tensor], other.root[mate])
    if start != tensor, end != mate { pair(start, end) }
  }

  /// Of the ops that read the same tensor, those pair that have no rival of their kind.
  mutating func pairUsers(_ root: Int, _ mate: Int) {
    let (uses, mates) = (own.realUses[root], other.realUses[mate])
    guard !uses.isEmpty, !mates.isEmpty else { return }
    var keys: [Digest: (own: [Int], other: [Int])] = [:]
    for use in uses where opPartner[use.op] < 0 && !own.isTail[use.op] {
      let known = own.operands(of: use.op).map { $0 == root ? mate : partner[$0] }
      keys[key(own, use, known), default: ([], [])].own.append(use.op)
    }
    guard !keys.isEmpty else { return }
    for use in mates where opInverse[use.op] < 0 && !other.isTail[use.op] {
      let known = other.operands(of: use.op).map { $0 == mate || inverse[$0] >= 0 ? $0 : -1 }
      keys[key(other, use, known), default: ([], [])].other.append(use.op)
    }
    var found: [(Int, Int)] = []
    for (_, rivals) in keys where Set(rivals.own).count == 1 && Set(rivals.other).count == 1 {
      if mayPair(op: rivals.own[0], rivals.other[0]) {
        found.append((rivals.own[0], rivals.other[0]))
      }
    }
    for (op, twin) in found.sorted(by: { $0.0 < $1.0 }) where pair(op: op, twin) {
      // What else these ops read may have one possibility less now.
      for operand in own.operands(of: op)
      where operand != root && partner[operand] >= 0 && own.realUses[operand].count <= Self.useLimit
      {
        queue.append((operand, partner[operand], false))
      }
    }
  }

  func key(_ graph: LayerGraph, _ use: LayerGraph.Use, _ known: [Int]) -> Digest {
    let op = graph.ops[use.op]
    let result = op.outputs.first ?? -1
    let size = result >= 0 ? graph.extents[result] : Digest()
    var key = graph.kinds[use.op].with(size).with(op.outputs.count)
    if graph.isCommutative(use.op) {
      key = key.with(known.sorted().map { Digest(UInt64(bitPattern: Int64($0))) })
    } else {
      key = key.with(use.slot).with(known.map { Digest(UInt64(bitPattern: Int64($0))) })
    }
    return key
  }
}
