import EXrayCore
import EXrayModel

/// A colour for each op and each source of a graph; equal ones cannot be told apart.
struct GraphColours {
  /// By op; nil for ops that do not take part.
  private(set) var ops: [Digest?]
  /// By tensor, of those that no op makes.
  private(set) var tensors: [Digest]

  /// Colours from constants, number formats, extents, and all that an op depends on and leads to.
  init(exact graph: LayerGraph) {
    self.init(Wiring(exact: graph), graph)
  }

  /// Colours from types and extents alone, with conversions and folded ops passed over.
  init(coarse graph: LayerGraph) {
    self.init(Wiring(coarse: graph), graph)
  }

  /// One pass along the graph and one against it, then a few rounds of refinement.
  ///
  /// - Complexity: O(*n*) in ops and their operands.
  private init(_ wiring: Wiring, _ graph: LayerGraph) {
    let count = graph.ops.count
    var forward = wiring.features
    for op in 0..<count {
      forward[op] = wiring.features[op].with(wiring.digest(of: op) { forward[$0] })
    }
    var backward = wiring.outputs
    var colours = forward
    for op in (0..<count).reversed() {
      let own = wiring.features[op].with(backward[op])
      for source in wiring.sources[op] {
        backward[source.node] &+= own.with(source.slot).with(source.port).value
      }
      colours[op] = colours[op].with(own)
    }
    for node in count..<colours.count { colours[node] = colours[node].with(backward[node]) }
    wiring.refine(&colours, rounds: 3)
    ops = (0..<count).map { wiring.isSkipped[$0] ? nil : colours[$0] }
    tensors = Array(colours[count...])
  }

  /// Colours from kinds, extents and the partners within a few steps.
  ///
  /// - Parameters:
  ///   - tensors: A mark for each tensor, the same on both sides; -1 for none.
  ///   - ops: A mark for each op; ops that have one are not coloured.
  init(around graph: LayerGraph, tensors marks: [Int], ops opMarks: [Int]) {
    let wiring = Wiring(coarse: graph)
    let count = graph.ops.count
    var colours = wiring.features
    for op in 0..<count {
      for (port, result) in graph.ops[op].outputs.enumerated() where result >= 0 {
        if marks[result] >= 0 { colours[op] = colours[op].with(port).with(marks[result]) }
      }
      if opMarks[op] >= 0 { colours[op] = Digest(3).with(opMarks[op]) }
    }
    for tensor in marks.indices where marks[tensor] >= 0 {
      colours[count + tensor] = Digest(4).with(marks[tensor])
    }
    wiring.refine(&colours, rounds: 4)
    ops = (0..<count).map { wiring.isSkipped[$0] || opMarks[$0] >= 0 ? nil : colours[$0] }
    tensors = Array(colours[count...])
  }
}

/// Which node reads which: ops first, then tensors that no op makes.
private struct Wiring {
  struct Source {
    var node: Int
    /// Which of its results.
    var port: Int
    /// Which operand it becomes; 0 where operands may change places.
    var slot: Int
  }

  var features: [Digest]
  var sources: [[Source]]
  var isUnordered: [Bool]
  var isSkipped: [Bool]
  /// Marks of what the graph gives out.
  var outputs: [UInt64]

  private init(_ graph: LayerGraph) {
    let count = graph.ops.count
    features = graph.kinds + graph.extents.map { Digest(5).with($0) }
    sources = [[Source]](repeating: [], count: count)
    isUnordered = [Bool](repeating: false, count: count)
    isSkipped = [Bool](repeating: false, count: count)
    outputs = [UInt64](repeating: 0, count: features.count)
  }

  init(exact graph: LayerGraph) {
    self.init(graph)
    let count = graph.ops.count
    var constants: [Int: Digest] = [:]
    for op in graph.ops {
      var feature = graph.kinds[op.index].with(Digest(op.fusedActivation ?? ""))
      for result in op.outputs {
        feature = result < 0 ? feature.with(0) : feature.with(graph.format(result))
      }
      for (slot, input) in op.inputs.enumerated() {
        guard input >= 0 else {
          feature = feature.with(slot)
          continue
        }
        if graph.producer[input] >= 0 || !graph.isFixed[input] {
          sources[op.index].append(Self.source(graph, input, slot))
        } else {
          let digest = constants[input] ?? graph.digest(ofConstant: input)
          constants[input] = digest
          feature = feature.with(slot).with(digest)
        }
      }
      features[op.index] = feature
    }
    for tensor in graph.tensors.indices where !graph.isFixed[tensor] && graph.producer[tensor] < 0 {
      features[count + tensor] = graph.format(tensor)
    }
    for output in graph.model.primary.outputs where output >= 0 {
      let source = Self.source(graph, output, 0)
      outputs[source.node] &+= Digest(6).with(source.port).value
    }
  }

  init(coarse graph: LayerGraph) {
    self.init(graph)
    for op in graph.ops {
      let result = op.outputs.first ?? -1
      let size = result >= 0 ? graph.extents[result] : Digest()
      features[op.index] = graph.kinds[op.index].with(size)
      isSkipped[op.index] =
        graph.isTail[op.index] || graph.isConversion[op.index] || result < 0
        || graph.isFixed[result] && !op.inputs.isEmpty
      guard !isSkipped[op.index] else { continue }
      isUnordered[op.index] = graph.isCommutative(op.index)
      for (slot, operand) in graph.operands(of: op.index).enumerated() {
        sources[op.index].append(
          Self.headSource(graph, operand, isUnordered[op.index] ? 0 : slot))
      }
    }
    for output in graph.model.primary.outputs where output >= 0 {
      let source = Self.headSource(graph, graph.root[output], 0)
      outputs[source.node] &+= Digest(6).with(source.port).value
    }
  }

  private static func source(_ graph: LayerGraph, _ tensor: Int, _ slot: Int) -> Source {
    let maker = graph.producer[tensor]
    guard maker >= 0 else {
      return Source(node: graph.ops.count + tensor, port: 0, slot: slot)
    }
    return Source(node: maker, port: graph.port[tensor], slot: slot)
  }

  private static func headSource(_ graph: LayerGraph, _ root: Int, _ slot: Int) -> Source {
    let maker = graph.producer[root]
    guard maker >= 0 else { return Source(node: graph.ops.count + root, port: 0, slot: slot) }
    return Source(node: graph.head[maker], port: graph.port[root], slot: slot)
  }

  /// What an op reads, by the colours of its sources.
  func digest(of op: Int, _ colour: (Int) -> Digest) -> Digest {
    if isUnordered[op] {
      return Digest(
        sources[op].reduce(0) { $0 &+ colour($1.node).with($1.port).with($1.slot).value })
    }
    return sources[op].reduce(Digest(9)) { $0.with(colour($1.node)).with($1.port).with($1.slot) }
  }

  /// Mixes into every colour those of the nodes around it.
  func refine(_ colours: inout [Digest], rounds: Int) {
    for _ in 0..<rounds {
      var users = [UInt64](repeating: 0, count: colours.count)
      var next = colours
      for op in sources.indices {
        for source in sources[op] {
          users[source.node] &+= colours[op].with(source.slot).with(source.port).value
        }
        next[op] = colours[op].with(digest(of: op) { colours[$0] })
      }
      for node in next.indices { next[node] = next[node].with(users[node]) }
      colours = next
    }
  }
}
