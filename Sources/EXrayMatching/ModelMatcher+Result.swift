import EXrayCore
import EXrayModel

// What the pairs are worth, and what is left over.
extension ModelMatcher {
  mutating func result() -> LayerMatching {
    let (layouts, mates) = (Layouts(own), Layouts(other))
    let arrangements = partner.indices.map { tensor -> Arrangement in
      partner[tensor] < 0
        ? .same : Layouts.arrangement(tensor, own, layouts, partner[tensor], other, mates)
    }
    let isReliable = namesAreReliable
    var pairs: [LayerMatching.Pair] = []
    for tensor in partner.indices where partner[tensor] >= 0 {
      var evidence = Evidence()
      gather(tensor, partner[tensor], arrangements[tensor], names: isReliable, into: &evidence)
      var pair = LayerMatching.Pair(
        candidate: tensor, reference: partner[tensor], confidence: evidence.confidence,
        reasons: evidence.reasons)
      switch arrangements[tensor] {
      case .same: pair.isArrangementKnown = !isFlattenedDifferently(tensor, arrangements)
      case .permuted(let permutation): pair.permutation = permutation
      case .unknown: pair.isArrangementKnown = false
      }
      pairs.append(pair)
    }
    let groups = ambiguousGroups()
    return LayerMatching(
      pairs: pairs, ambiguous: groups,
      unmatchedCandidates: unmatched(own, partner, Set(groups.flatMap(\.candidates))) {
        kindDiffers($0, partner[$0])
      },
      unmatchedReferences: unmatched(other, inverse, Set(groups.flatMap(\.references))) {
        kindDiffers(inverse[$0], $0)
      })
  }

  /// Whether a reshaping op takes its values from tensors of other orders of axes.
  private func isFlattenedDifferently(_ tensor: Int, _ arrangements: [Arrangement]) -> Bool {
    let maker = own.producer[tensor]
    guard maker >= 0, own.isConversion[maker], own.ops[maker].type != "TRANSPOSE",
      let source = own.ops[maker].inputs.first, source >= 0, partner[source] >= 0
    else { return false }
    // Only where the other side does the same from its tensor.
    let made = other.producer[partner[tensor]]
    guard made >= 0, other.ops[made].inputs.first == partner[source] else { return false }
    switch arrangements[source] {
    case .same: return false
    case .permuted, .unknown: return own.ops[maker].type == "RESHAPE"
    }
  }

  // MARK: Confidence

  /// What speaks for one pair, each with the chance that it does so for a right one only.
  private struct Evidence {
    private var weights: [MatchReason: Double] = [:]
    var doubt = 1.0

    mutating func add(_ reason: MatchReason, _ weight: Double) { weights[reason] = weight }

    var reasons: [MatchReason] { MatchReason.allCases.filter { weights[$0] != nil } }

    var confidence: Double {
      let open = weights.values.sorted().reduce(1) { $0 * (1 - $1) }
      return (min(0.999, doubt * (1 - open)) * 1000).rounded() / 1000
    }
  }

  private mutating func gather(
    _ tensor: Int, _ mate: Int, _ arrangement: Arrangement, names: Bool,
    into evidence: inout Evidence
  ) {
    let (maker, made) = (own.producer[tensor], other.producer[mate])
    if maker >= 0, made >= 0, !own.isConversion[maker], !other.isConversion[made] {
      let (op, twin) = (own.head[maker], other.head[made])
      if let similarity = weightSimilarity(op, twin) {
        let tensor = own.weights(of: op)
        let isTelling = tensor >= 0 && own.elementCount[tensor] >= 16
        if similarity >= 0.8 { evidence.add(.weights, isTelling ? 0.97 : 0.6) }
        if similarity < 0.5 { evidence.doubt *= 0.8 }
      }
      if own.kinds[op] != other.kinds[twin] { evidence.doubt *= 0.9 }
    }
    let topology = agreement(tensor, mate)
    if topology > 0 { evidence.add(.topology, topology) }
    let (name, twin) = (
      own.tensors[tensor].description.name, other.tensors[mate].description.name
    )
    if names, !name.isEmpty {
      if name == twin {
        evidence.add(.name, 0.9)
      } else if !Set(LayerName.parts(name)).isDisjoint(with: LayerName.parts(twin)) {
        evidence.add(.name, 0.7)
      }
    }
    if let first = values.own[tensor], let second = values.other[mate],
      first.count == second.count, first.cosine(second) > 0.9
    {
      evidence.add(.activations, 0.9)
    }
    if own.tensors[tensor].description.shape == other.tensors[mate].description.shape {
      evidence.add(.shape, 0.3)
    } else if case .permuted = arrangement {
      evidence.add(.shape, 0.2)
    }
    if isByOrder.contains(tensor) { evidence.add(.order, 0.8) }
  }

  /// What the partners around a pair say, 0 to 0.95.
  private func agreement(_ tensor: Int, _ mate: Int) -> Double {
    var (right, wrong) = (0.0, 0.0)
    var sides = 0
    let (maker, made) = (own.producer[tensor], other.producer[mate])
    if maker >= 0, made >= 0 {
      let first = neighbours(own, maker).prefix(Self.useLimit)
      let second = Set(neighbours(other, made).prefix(Self.useLimit))
      let known = first.filter { partner[$0] >= 0 }
      let hits = known.count { second.contains(partner[$0]) }
      (right, wrong) = (right + Double(hits), wrong + Double(known.count - hits))
      if hits > 0 || first.isEmpty && second.isEmpty { sides += 1 }
    } else if maker < 0, made < 0 {
      sides += 1
    }
    let uses = own.realUses[own.root[tensor]].prefix(Self.useLimit)
    let mates = Set(
      other.realUses[other.root[mate]].prefix(Self.useLimit).map { other.head[$0.op] })
    var hits = 0
    for use in uses where opPartner[own.head[use.op]] >= 0 {
      if mates.contains(opPartner[own.head[use.op]]) { hits += 1 } else { wrong += 0.5 }
    }
    right += Double(hits)
    if hits > 0 || uses.isEmpty && mates.isEmpty { sides += 1 }
    guard right > 0 else { return 0 }
    return (sides > 1 ? 0.95 : 0.8) * right / (right + wrong)
  }

  /// Roots of what the chain of an op starts from.
  private func neighbours(_ graph: LayerGraph, _ op: Int) -> [Int] {
    graph.isConversion[op]
      ? [graph.root[graph.ops[op].outputs[0]]] : graph.operands(of: graph.head[op])
  }

  // MARK: What is left over

  private func ambiguousGroups() -> [LayerMatching.AmbiguousGroup] {
    var groups: [LayerMatching.AmbiguousGroup] = []
    var taken: (own: Set<Int>, other: Set<Int>) = ([], [])
    let otherMarks = inverse.indices.map { inverse[$0] >= 0 ? $0 : -1 }
    let otherOps = opInverse.indices.map { opInverse[$0] >= 0 ? $0 : -1 }
    let colours = [
      (GraphColours(exact: own), GraphColours(exact: other)),
      (
        GraphColours(around: own, tensors: partner, ops: opPartner),
        GraphColours(around: other, tensors: otherMarks, ops: otherOps)
      ),
    ]
    for (first, second) in colours {
      var classes: [Digest: LayerMatching.AmbiguousGroup] = [:]
      let empty = LayerMatching.AmbiguousGroup(candidates: [], references: [])
      for tensor in partner.indices where partner[tensor] < 0 && !taken.own.contains(tensor) {
        guard let colour = Self.colour(tensor, own, first) else { continue }
        classes[colour, default: empty].candidates.append(tensor)
      }
      for tensor in inverse.indices where inverse[tensor] < 0 && !taken.other.contains(tensor) {
        guard let colour = Self.colour(tensor, other, second) else { continue }
        classes[colour, default: empty].references.append(tensor)
      }
      for (_, group) in classes.sorted(by: { $0.key < $1.key })
      where !group.candidates.isEmpty && !group.references.isEmpty
        && group.candidates.count + group.references.count > 2
      {
        groups.append(group)
        taken.own.formUnion(group.candidates)
        taken.other.formUnion(group.references)
      }
    }
    return groups.sorted { $0.candidates[0] < $1.candidates[0] }
  }

  private static func colour(
    _ tensor: Int, _ graph: LayerGraph, _ colours: GraphColours
  ) -> Digest? {
    guard graph.isLayer(tensor) else { return nil }
    let maker = graph.producer[tensor]
    guard maker >= 0 else { return colours.tensors[tensor] }
    guard let colour = colours.ops[maker] else { return nil }
    return colour.with(graph.port[tensor])
      .with(graph.extents[tensor])
  }

  private func unmatched(
    _ graph: LayerGraph, _ partner: [Int], _ ambiguous: Set<Int>, _ isOtherKind: (Int) -> Bool
  ) -> [LayerMatching.Unmatched] {
    graph.tensors.indices.compactMap { tensor in
      guard partner[tensor] < 0, graph.isLayer(tensor) else { return nil }
      return .init(
        tensor: tensor,
        absence: ambiguous.contains(tensor)
          ? .ambiguous : absence(tensor, graph, partner, isOtherKind))
    }
  }

  /// Steps that a decomposed op is followed for.
  private static var stepLimit: Int { 4 }

  /// - Parameter isOtherKind: Whether a tensor's partner is made by an op of another type.
  private func absence(
    _ tensor: Int, _ graph: LayerGraph, _ partner: [Int], _ isOtherKind: (Int) -> Bool
  ) -> LayerMatching.Absence {
    let maker = graph.producer[tensor]
    guard maker >= 0 else { return .noCounterpart }
    if graph.isConversion[maker] { return .conversion }
    if let tail = graph.tails[graph.head[maker]].last(where: { $0 > maker }),
      let end = graph.ops[tail].outputs.first, partner[end] >= 0
    {
      return .folded(into: end)
    }
    var place = tensor
    for _ in 0..<Self.stepLimit {
      guard let use = graph.realUses[graph.root[place]].first,
        let result = graph.ops[use.op].outputs.first, result >= 0
      else { return .noCounterpart }
      if partner[result] >= 0 {
        return isOtherKind(result) ? .folded(into: result) : .noCounterpart
      }
      place = result
    }
    return .noCounterpart
  }

  private func kindDiffers(_ tensor: Int, _ mate: Int) -> Bool {
    let (maker, made) = (own.producer[tensor], other.producer[mate])
    return maker < 0 || made < 0 || own.kinds[maker] != other.kinds[made]
  }
}
