import EXrayCore
import EXrayModel

// Chains of ops that converters fold into one.
extension ModelMatcher {
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
  mutating func settle(_ op: Int, _ mate: Int) {
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
}
