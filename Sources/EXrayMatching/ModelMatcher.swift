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
  private(set) var partner: [Int]
  private(set) var inverse: [Int]
  /// Likewise for ops.
  private(set) var opPartner: [Int]
  private(set) var opInverse: [Int]
  /// Pairs that nothing but the order of the interface speaks for.
  private(set) var isByOrder: Set<Int> = []
  private(set) var isByValues: Set<Int> = []
  /// Whether ops of other weights may be partners: models of one architecture from two training runs.
  private var toleratesWeights = false
  private var queue: [(own: Int, other: Int, isOp: Bool)] = []
  private var ownPrints: [Int: WeightPrint?] = [:]
  private var otherPrints: [Int: WeightPrint?] = [:]
  private var ownConstants: [Int: Digest] = [:]
  private var otherConstants: [Int: Digest] = [:]
  /// Uses of one tensor that are looked at again whenever one of them is matched, at most.
  private static let useLimit = 256

  init(
    _ own: LayerGraph, _ other: LayerGraph, values: (own: [Int: ValuePrint], other: [Int: ValuePrint])
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
  private var isOpen: Bool {
    own.tensors.indices.contains { isOpen($0, own, partner) }
      && other.tensors.indices.contains { isOpen($0, other, inverse) }
  }

  /// Pairs by names and by partners around, as long as more are found.
  private mutating func matchNeighbours() {
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
  private func isFree(_ tensor: Int, _ mate: Int) -> Bool {
    partner[tensor] < 0 && inverse[mate] < 0 && own.elementCount[tensor] == other.elementCount[mate]
      && own.isLayer(tensor) && other.isLayer(mate)
  }

  @discardableResult
  private mutating func pair(_ tensor: Int, _ mate: Int) -> Bool {
    guard isFree(tensor, mate) else { return false }
    partner[tensor] = mate
    inverse[mate] = tensor
    queue.append((tensor, mate, false))
    return true
  }

  /// Whether two ops may be partners: of one type, free, with results of one size and weights that do not contradict.
  private mutating func mayPair(op: Int, _ mate: Int) -> Bool {
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
      { return false }
    }
    return toleratesWeights || (weightSimilarity(op, mate).map { $0 > 0.5 } ?? true)
  }

  /// Pairs two ops, what their chains come to, and their further results.
  @discardableResult
  private mutating func pair(op: Int, _ mate: Int) -> Bool {
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
      if own.isTail[op], other.isTail[mate] { pair(own.ops[op].outputs[0], other.ops[mate].outputs[0]) }
    } else {
      settle(op, mate)
    }
    for (first, second) in zip(own.ops[op].outputs, other.ops[mate].outputs).dropFirst()
    where first >= 0 && second >= 0 { pair(first, second) }
    queue.append((op, mate, true))
    return true
  }

  // MARK: Chains of folded ops

  /// A place on a chain: a tensor, the activations up to there, and the op that makes it.
  private struct Link {
    var tensor: Int
    var state: Digest
    var op: Int
  }

  private func chain(_ graph: LayerGraph, _ op: Int) -> [Link] {
    guard let first = graph.ops[op].outputs.first, first >= 0 else { return [] }
    func with(_ state: Digest, _ activation: String?) -> Digest {
      guard let activation, activation != "NONE" else { return state }
      return state.with(Digest(activation))
    }
    var state = with(Digest(0), graph.ops[op].fusedActivation)
    var links = [Link(tensor: first, state: state, op: op)]
    for tail in graph.tails[op] {
      let op = graph.ops[tail]
      state = with(state, graph.isActivation(tail) ? op.type : op.fusedActivation)
      links.append(Link(tensor: op.outputs[0], state: state, op: tail))
    }
    return links
  }

  /// Pairs what the chains of two paired ops have in common: places behind the same activations.
  ///
  /// Of the factors and terms between two activations one side may have folded any into the weights before them, so
  /// that they are aligned from their end.
  private mutating func settle(_ op: Int, _ mate: Int) {
    let (links, mates) = (chain(own, op), chain(other, mate))
    guard let last = links.last, let lastMate = mates.last else { return }
    var place: [Digest: Int] = [:]
    for (index, link) in mates.enumerated() { place[link.state] = index }
    var isSettled = false
    for index in links.indices.reversed()
    where index + 1 == links.count || links[index + 1].state != links[index].state {
      guard let end = place[links[index].state] else { continue }
      isSettled = true
      var (first, second) = (index, end)
      pairLinks(links[first], mates[second])
      while first > 0, second > 0, own.kinds[links[first].op] == other.kinds[mates[second].op],
        links[first - 1].state == links[index].state, mates[second - 1].state == mates[end].state
      {
        (first, second) = (first - 1, second - 1)
        pairLinks(links[first], mates[second])
      }
    }
    // Another activation at the same place is a difference, and not another place.
    if !isSettled { pairLinks(last, lastMate) }
  }

  private mutating func pairLinks(_ link: Link, _ mate: Link) {
    guard pair(link.tensor, mate.tensor), own.kinds[link.op] == other.kinds[mate.op],
      opPartner[link.op] < 0, opInverse[mate.op] < 0
    else { return }
    opPartner[link.op] = mate.op
    opInverse[mate.op] = link.op
  }

  // MARK: Weights

  private mutating func ownPrint(_ op: Int) -> WeightPrint? {
    if let known = ownPrints[op] { return known }
    let print = WeightPrint(op, of: own)
    ownPrints[op] = .some(print)
    return print
  }

  private mutating func otherPrint(_ op: Int) -> WeightPrint? {
    if let known = otherPrints[op] { return known }
    let print = WeightPrint(op, of: other)
    otherPrints[op] = .some(print)
    return print
  }

  private mutating func ownConstant(_ op: Int) -> Digest? {
    let tensor = own.weights(of: op)
    guard tensor >= 0 else { return nil }
    if let known = ownConstants[tensor] { return known }
    let digest = own.digest(ofConstant: tensor)
    ownConstants[tensor] = digest
    return digest
  }

  private mutating func otherConstant(_ op: Int) -> Digest? {
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
  private mutating func matchWeights() {
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

  // MARK: What follows from pairs

  /// Pairs what partners are made from and what is made from them, as long as there is only one possibility.
  private mutating func propagate() {
    while let item = queue.popLast() {
      if item.isOp {
        pairOperands(item.own, item.other)
      } else {
        pairMakers(item.own, item.other)
        pairUsers(own.root[item.own], other.root[item.other])
      }
    }
  }

  /// Looks again at what partners read: by now one operand may tell which the other is.
  private mutating func revisit() {
    for op in opPartner.indices where opPartner[op] >= 0 && !own.isConversion[op] {
      pairOperands(op, opPartner[op])
    }
    propagate()
  }

  /// Ops that are the same read the same.
  private mutating func pairOperands(_ op: Int, _ mate: Int) {
    var (first, second) = (own.operands(of: op), other.operands(of: mate))
    guard first.count == second.count else { return }
    if own.isCommutative(op) {
      let known = Set(first.map { partner[$0] }.filter { $0 >= 0 })
      first.removeAll { partner[$0] >= 0 && second.contains(partner[$0]) }
      second.removeAll { known.contains($0) }
      guard first.count == second.count else { return }
      if first.count == 2 {
        // Which is which is told by how they are made, if at all.
        let made = first.map { own.producer[$0] < 0 ? Digest() : own.kinds[own.producer[$0]] }
        let mates = second.map { other.producer[$0] < 0 ? Digest() : other.kinds[other.producer[$0]] }
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

  private static func unpadded(_ tensor: Int, _ graph: LayerGraph) -> Int {
    let maker = graph.producer[tensor]
    guard maker >= 0, ["PAD", "PADV2", "MIRROR_PAD"].contains(graph.ops[maker].type) else {
      return tensor
    }
    return graph.operands(of: maker).first ?? tensor
  }

  /// Tensors that are the same are made by ops that are the same, where these have one type.
  private mutating func pairMakers(_ tensor: Int, _ mate: Int) {
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
  private mutating func pairUsers(_ root: Int, _ mate: Int) {
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
      if mayPair(op: rivals.own[0], rivals.other[0]) { found.append((rivals.own[0], rivals.other[0])) }
    }
    for (op, twin) in found.sorted(by: { $0.0 < $1.0 }) where pair(op: op, twin) {
      // What else these ops read may have one possibility less now.
      for operand in own.operands(of: op)
      where operand != root && partner[operand] >= 0 && own.realUses[operand].count <= Self.useLimit {
        queue.append((operand, partner[operand], false))
      }
    }
  }

  private func key(_ graph: LayerGraph, _ use: LayerGraph.Use, _ known: [Int]) -> Digest {
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

  // MARK: Colours

  /// Pairs ops that are unique by everything there is: constants, types, extents, and all they depend on and lead to.
  private mutating func matchExactColours() {
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
  private mutating func matchCoarseColours(leastSimilarity: Double) {
    let (first, second) = (GraphColours(coarse: own), GraphColours(coarse: other))
    for (op, mate) in Self.unique(first.ops, second.ops) where mayPair(op: op, mate) {
      guard weightSimilarity(op, mate).map({ $0 >= leastSimilarity }) ?? true else { continue }
      pair(op: op, mate)
    }
    pairInputs(first, second)
  }

  private mutating func pairInputs(_ first: GraphColours, _ second: GraphColours) {
    let inputs = own.model.primary.inputs.map { first.tensors[$0] }
    let mates = other.model.primary.inputs.map { second.tensors[$0] }
    for (input, mate) in Self.unique(inputs, mates) {
      pair(own.model.primary.inputs[input], other.model.primary.inputs[mate])
    }
  }

  /// Pairs ops that are unique by their kind and by partners near them.
  private mutating func matchLocalColours() {
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
  private static func unique(_ first: [Digest?], _ second: [Digest?]) -> [(Int, Int)] {
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

  // MARK: Names, the interface, values

  /// Whether names say what weights and topology say, as far as both speak.
  var namesAreReliable: Bool {
    var names: [String: Int] = [:]
    for tensor in other.tensors where other.isLayer(tensor.index) {
      names[tensor.description.name] = names[tensor.description.name] == nil ? tensor.index : -1
    }
    var (right, wrong) = (0, 0)
    for tensor in own.tensors where partner[tensor.index] >= 0 && !tensor.description.name.isEmpty {
      guard let place = names[tensor.description.name], place >= 0 else { continue }
      // A name that stays with the value over a conversion is right.
      if other.root[place] == other.root[partner[tensor.index]] { right += 1 } else { wrong += 1 }
    }
    return wrong <= 2 || right >= 4 * wrong
  }

  private mutating func matchNames() {
    let first = own.tensors.indices.filter { isOpen($0, own, partner) }
    let second = other.tensors.indices.filter { isOpen($0, other, inverse) }
    for splits in [false, true] {
      let pairs = Self.unique(names(first, own, splits), names(second, other, splits))
      for (tensor, mate) in pairs {
        let (tensor, mate) = (tensor.tensor, mate.tensor)
        let (maker, made) = (own.producer[tensor], other.producer[mate])
        guard (maker < 0) == (made < 0), isFree(tensor, mate) else { continue }
        if maker >= 0 {
          if let similarity = weightSimilarity(own.head[maker], other.head[made]), similarity < 0.5,
            !toleratesWeights
          {
            continue
          }
        }
        pair(tensor, mate)
      }
      propagate()
    }
  }

  private func isOpen(_ tensor: Int, _ graph: LayerGraph, _ partner: [Int]) -> Bool {
    partner[tensor] < 0 && graph.isLayer(tensor) && graph.root[tensor] == tensor
  }

  private struct Named {
    var tensor: Int
    var name: Substring
  }

  private func names(_ tensors: [Int], _ graph: LayerGraph, _ splits: Bool) -> [Named] {
    tensors.flatMap { tensor -> [Named] in
      let name = graph.tensors[tensor].description.name
      if !splits { return name.isEmpty ? [] : [Named(tensor: tensor, name: name[...])] }
      return LayerName.parts(name).map { Named(tensor: tensor, name: $0) }
    }
  }

  private static func unique(_ first: [Named], _ second: [Named]) -> [(Named, Named)] {
    var places: [Substring: Named?] = [:]
    for item in second { places[item.name] = places[item.name] == nil ? .some(item) : .some(nil) }
    var counts: [Substring: Int] = [:]
    for item in first { counts[item.name, default: 0] += 1 }
    return first.compactMap { item in
      guard counts[item.name] == 1, let place = places[item.name], let place else { return nil }
      return (item, place)
    }
  }

  /// Inputs and outputs have an order that callers rely on.
  private mutating func matchInterface() {
    let sides = [
      (own.model.primary.inputs, other.model.primary.inputs),
      (own.model.primary.outputs, other.model.primary.outputs),
    ]
    for (list, mates) in sides where list.count == mates.count {
      for (tensor, mate) in zip(list, mates) {
        let maker = own.producer[tensor]
        let made = other.producer[mate]
        // Equal places of an interface do not make a quantizing op of a convolution.
        if maker >= 0, made >= 0, own.isConversion[maker] != other.isConversion[made] {
          if isFree(own.root[tensor], other.root[mate]) {
            pair(own.root[tensor], other.root[mate])
            isByOrder.insert(own.root[tensor])
          }
          continue
        }
        if pair(tensor, mate) { isByOrder.insert(tensor) }
      }
    }
  }

  /// Pairs tensors whose values in one frame are each other's nearest by far.
  private mutating func matchValues() {
    guard !values.own.isEmpty, !values.other.isEmpty else { return }
    var buckets: [Digest: (own: [Int], other: [Int])] = [:]
    for tensor in own.tensors.indices where isOpen(tensor, own, partner) && values.own[tensor] != nil {
      buckets[own.extents[tensor], default: ([], [])].own.append(tensor)
    }
    for tensor in other.tensors.indices
    where isOpen(tensor, other, inverse) && values.other[tensor] != nil {
      buckets[other.extents[tensor], default: ([], [])].other.append(tensor)
    }
    for (_, bucket) in buckets.sorted(by: { $0.key < $1.key }) {
      let pairs = PrintPairing.pairs(
        bucket.own.compactMap { values.own[$0] }, bucket.other.compactMap { values.other[$0] })
      for (first, second) in pairs
      where pair(bucket.own[first], bucket.other[second]) { isByValues.insert(bucket.own[first]) }
    }
  }

  // MARK: Conversions

  /// Pairs what partners are converted to, where both sides convert alike.
  private mutating func matchConversions() {
    var members: [Int: [Int]] = [:]
    for tensor in own.tensors.indices where own.root[tensor] != tensor && partner[tensor] < 0 {
      members[own.root[tensor], default: []].append(tensor)
    }
    var mates: [Int: [Int]] = [:]
    for tensor in other.tensors.indices where other.root[tensor] != tensor && inverse[tensor] < 0 {
      mates[other.root[tensor], default: []].append(tensor)
    }
    for (root, list) in members.sorted(by: { $0.key < $1.key }) where partner[root] >= 0 {
      guard let twins = mates[partner[root]] else { continue }
      // Conversions in a row tell each other apart one by one.
      for precision in [2, 2, 2, 1, 2, 0] {
        let first = list.map { conversionKey(own, $0, partner, opPartner, precision) }
        let second = twins.map { conversionKey(other, $0, nil, nil, precision) }
        for (one, two) in Self.unique(first, second) {
          guard isFree(list[one], twins[two]) else { continue }
          pair(list[one], twins[two])
          let (op, mate) = (own.producer[list[one]], other.producer[twins[two]])
          if opPartner[op] < 0, opInverse[mate] < 0 { (opPartner[op], opInverse[mate]) = (mate, op) }
        }
      }
      queue.removeAll()
    }
  }

  /// What a conversion is: its type and extents, then its number format, then what uses it.
  private func conversionKey(
    _ graph: LayerGraph, _ tensor: Int, _ partner: [Int]?, _ opPartner: [Int]?, _ precision: Int
  ) -> Digest {
    let isTaken = partner.map { $0[tensor] >= 0 } ?? (inverse[tensor] >= 0)
    // What is matched already has no rivals.
    if isTaken { return Digest(partner == nil ? 7 : 8).with(tensor) }
    let op = graph.producer[tensor]
    var key = graph.kinds[op].with(graph.tensors[tensor].description.shape.dimensions.map { Digest(UInt64($0.magnitude)) })
    if precision > 0 { key = key.with(Digest(graph.tensors[tensor].description.elementType.rawValue)) }
    if precision > 1 {
      let users = graph.uses[tensor].prefix(Self.useLimit).map { use -> Int in
        if let opPartner { return opPartner[use.op] }
        return opInverse[use.op] >= 0 ? use.op : -1
      }
      key = key.with(users.sorted().map { Digest(UInt64(bitPattern: Int64($0))) })
    }
    return key
  }
}

/// Names as converters write them.
enum LayerName {
  /// Converters join the names of fused ops with semicolons; any shared part ties two tensors.
  static func parts(_ name: String) -> [Substring] {
    var seen: Set<Substring> = []
    return name.split(separator: ";").filter { seen.insert($0).inserted }
  }
}
