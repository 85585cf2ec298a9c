import EXrayCore
import EXrayModel

// What is unique by colours.
extension ModelMatcher {
  /// Pairs ops that are unique by everything there is: constants, types, extents, and all they depend on and lead to.
  mutating func matchExactColours() {
    let (first, second) = (GraphColours(exact: own), GraphColours(exact: other))
    for (op, mate) in Self.unique(first.ops, second.ops) {
      opPartner[op] = mate
      opInverse[mate] = op
      for (tensor, twin) in zip(own.ops[op].outputs, other.ops[mate].outputs)
      where tensor >= 0 && twin >= 0 { pair(tensor, twin) }
    }
    pairInputs(first, second)
  }

  /// The same without constants, number formats and what a converter folds.
  mutating func matchCoarseColours(leastSimilarity: Double) {
    let (first, second) = (GraphColours(coarse: own), GraphColours(coarse: other))
    for (op, mate) in Self.unique(first.ops, second.ops) where mayPair(op: op, mate) {
      guard weightSimilarity(op, mate).map({ $0 >= leastSimilarity }) ?? true else { continue }
      pair(op: op, mate)
    }
    pairInputs(first, second)
  }

  mutating func pairInputs(_ first: GraphColours, _ second: GraphColours) {
    let inputs = own.model.primary.inputs.map { first.tensors[$0] }
    let mates = other.model.primary.inputs.map { second.tensors[$0] }
    for (input, mate) in Self.unique(inputs, mates) {
      pair(own.model.primary.inputs[input], other.model.primary.inputs[mate])
    }
  }

  /// Pairs ops that are unique by their kind and by partners near them.
  mutating func matchLocalColours() {
    for _ in 0..<4 {
      let ownMarks = partner
      let otherMarks = inverse.indices.map { inverse[$0] >= 0 ? $0 : -1 }
      let ownOps = opPartner
      let otherOps = opInverse.indices.map { opInverse[$0] >= 0 ? $0 : -1 }
      let first = GraphColours(around: own, tensors: ownMarks, ops: ownOps)
      let second = GraphColours(around: other, tensors: otherMarks, ops: otherOps)
      var found = 0
      for (op, mate) in Self.unique(first.ops, second.ops) where mayPair(op: op, mate) {
        if pair(op: op, mate) { found += 1 }
      }
      propagate()
      if found == 0 { return }
    }
  }

  /// Places of what occurs once in both lists.
  static func unique(_ first: [Digest?], _ second: [Digest?]) -> [(Int, Int)] {
    var places: [Digest: Int] = [:]
    places.reserveCapacity(second.count)
    for (index, colour) in second.enumerated() {
      if let colour { places[colour] = places[colour] == nil ? index : -1 }
    }
    var counts: [Digest: Int] = [:]
    counts.reserveCapacity(first.count)
    for case .some(let colour) in first { counts[colour, default: 0] += 1 }
    return first.indices.compactMap { index in
      guard let colour = first[index], counts[colour] == 1, let place = places[colour], place >= 0
      else { return nil }
      return (index, place)
    }
  }
}
