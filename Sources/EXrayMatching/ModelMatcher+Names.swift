import EXrayCore
import EXrayModel

// Names, the interface, values and conversions.
extension ModelMatcher {
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

  mutating func matchNames() {
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

  func isOpen(_ tensor: Int, _ graph: LayerGraph, _ partner: [Int]) -> Bool {
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
  mutating func matchInterface() {
    let sides = [
      (own.model.primary.inputs, other.model.primary.inputs),
      (own.model.primary.outputs, other.model.primary.outputs),
    ]
    for (list, mates) in sides where list.count == mates.count {
      // Where two have one size, converters may have exchanged them.
      let open = list.filter { partner[$0] < 0 }.map { own.elementCount[$0] }
      let sizes = Dictionary(open.map { ($0, 1) }, uniquingKeysWith: +)
      for (tensor, mate) in zip(list, mates) where sizes[own.elementCount[tensor]] == 1 {
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
  mutating func matchValues() {
    guard !values.own.isEmpty, !values.other.isEmpty else { return }
    var buckets: [Digest: (own: [Int], other: [Int])] = [:]
    for tensor in own.tensors.indices
    where isOpen(tensor, own, partner) && values.own[tensor] != nil {
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
  mutating func matchConversions() {
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
      for precision in [3, 2, 2, 2, 1, 2, 0] {
        let first = list.map { conversionKey(own, $0, partner, opPartner, precision) }
        let second = twins.map { conversionKey(other, $0, nil, nil, precision) }
        for (one, two) in Self.unique(first, second) {
          guard isFree(list[one], twins[two]) else { continue }
          pair(list[one], twins[two])
          let (op, mate) = (own.producer[list[one]], other.producer[twins[two]])
          if opPartner[op] < 0, opInverse[mate] < 0 {
            (opPartner[op], opInverse[mate]) = (mate, op)
          }
        }
      }
      queue.removeAll()
    }
  }

  /// What a conversion is: its type and extents, then its number format, then what uses it; most precisely the scales
  /// before and behind it.
  func conversionKey(
    _ graph: LayerGraph, _ tensor: Int, _ partner: [Int]?, _ opPartner: [Int]?, _ precision: Int
  ) -> Digest {
    let isTaken = partner.map { $0[tensor] >= 0 } ?? (inverse[tensor] >= 0)
    // What is matched already has no rivals.
    if isTaken { return Digest(partner == nil ? 7 : 8).with(tensor) }
    let op = graph.producer[tensor]
    var key = graph.kinds[op].with(
      graph.tensors[tensor].description.shape.dimensions.map { Digest(UInt64($0.magnitude)) })
    if precision > 0 {
      key = key.with(Digest(graph.tensors[tensor].description.elementType.rawValue))
    }
    if precision == 3 {
      return key.with(graph.format(graph.ops[op].inputs[0])).with(graph.format(tensor))
    }
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
