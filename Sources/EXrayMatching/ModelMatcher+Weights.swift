import EXrayCore
import EXrayModel

// What constants say.
extension ModelMatcher {
  mutating func ownPrint(_ op: Int) -> WeightPrint? {
    if let known = ownPrints[op] { return known }
    let print = WeightPrint(op, of: own)
    ownPrints[op] = .some(print)
    return print
  }

  mutating func otherPrint(_ op: Int) -> WeightPrint? {
    if let known = otherPrints[op] { return known }
    let print = WeightPrint(op, of: other)
    otherPrints[op] = .some(print)
    return print
  }

  mutating func ownConstant(_ op: Int) -> Digest? {
    let tensor = own.weights(of: op)
    guard tensor >= 0 else { return nil }
    if let known = ownConstants[tensor] { return known }
    let digest = own.digest(ofConstant: tensor)
    ownConstants[tensor] = digest
    return digest
  }

  mutating func otherConstant(_ op: Int) -> Digest? {
    let tensor = other.weights(of: op)
    guard tensor >= 0 else { return nil }
    if let known = otherConstants[tensor] { return known }
    let digest = other.digest(ofConstant: tensor)
    otherConstants[tensor] = digest
    return digest
  }

  /// How alike the weights of two ops are, -1 to 1; nil where that says little or where one has none.
  mutating func weightSimilarity(_ op: Int, _ mate: Int) -> Double? {
    if let first = ownConstant(op), let second = otherConstant(mate), first == second { return 1 }
    guard let first = ownPrint(op), let second = otherPrint(mate), first.isTelling,
      second.isTelling, first.extents == second.extents
    else { return nil }
    return Double(first.values.cosine(second.values))
  }

  /// Pairs ops whose weights are each other's nearest by far.
  mutating func matchWeights() {
    var buckets: [Digest: (own: [Int], other: [Int])] = [:]
    for op in own.ops where opPartner[op.index] < 0 && !own.isTail[op.index] {
      guard !own.isConversion[op.index], let print = ownPrint(op.index), print.isTelling else {
        continue
      }
      buckets[print.extents, default: ([], [])].own.append(op.index)
    }
    for op in other.ops where opInverse[op.index] < 0 && !other.isTail[op.index] {
      guard !other.isConversion[op.index], let print = otherPrint(op.index), print.isTelling else {
        continue
      }
      buckets[print.extents, default: ([], [])].other.append(op.index)
    }
    for (_, bucket) in buckets.sorted(by: { $0.key < $1.key }) {
      let prints = bucket.own.compactMap { ownPrints[$0]??.values }
      let mates = bucket.other.compactMap { otherPrints[$0]??.values }
      for (first, second) in PrintPairing.pairs(prints, mates) {
        let (op, mate) = (bucket.own[first], bucket.other[second])
        let (result, end) = (own.ops[op].outputs.first ?? -1, other.ops[mate].outputs.first ?? -1)
        guard result >= 0, end >= 0, own.elementCount[result] == other.elementCount[end] else {
          continue
        }
        pair(op: op, mate)
      }
    }
  }
}
