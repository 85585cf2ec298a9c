import EXrayCore
import EXrayModel

/// How the axes of a graph's tensors lie, from ops that know only one way: (batch, height, width, channel).
struct Layouts {
  /// For each axis of a tensor of rank 4, which of (batch, height, width, channel) it is; nil where unknown.
  private(set) var orders: [[Int]?]

  /// Ops whose first operand and result are channels-last always, and where that operand is.
  private static let channelsLast: [String: Int] = [
    "CONV_2D": 0, "DEPTHWISE_CONV_2D": 0, "TRANSPOSE_CONV": 2, "AVERAGE_POOL_2D": 0,
    "MAX_POOL_2D": 0, "L2_POOL_2D": 0, "RESIZE_BILINEAR": 0, "RESIZE_NEAREST_NEIGHBOR": 0,
    "DEPTH_TO_SPACE": 0, "SPACE_TO_DEPTH": 0, "SPACE_TO_BATCH_ND": 0, "BATCH_TO_SPACE_ND": 0,
  ]
  /// Ops whose result has the axes of no operand.
  private static let rearranging: Set<String> = [
    "RESHAPE", "SQUEEZE", "EXPAND_DIMS", "BATCH_MATMUL", "FULLY_CONNECTED", "GATHER", "GATHER_ND",
    "PACK", "UNPACK", "SHAPE", "STRIDED_SLICE", "SCATTER_ND", "TOPK_V2", "WHILE", "IF",
  ]

  init(_ graph: LayerGraph) {
    orders = [[Int]?](repeating: nil, count: graph.tensors.count)
    for op in graph.ops {
      guard let place = Self.channelsLast[op.type] else { continue }
      for tensor in [place < op.inputs.count ? op.inputs[place] : -1, op.outputs.first ?? -1]
      where isRank4(graph, tensor) { orders[tensor] = [0, 1, 2, 3] }
    }
    // Along the graph, against it, and along it again.
    for pass in 0..<3 {
      let ops = pass == 1 ? Array(graph.ops.reversed()) : graph.ops
      for op in ops { spread(op, graph, forward: pass != 1) }
    }
  }

  private func isRank4(_ graph: LayerGraph, _ tensor: Int) -> Bool {
    tensor >= 0 && tensor < graph.tensors.count && !graph.isFixed[tensor]
      && graph.tensors[tensor].description.shape.rank == 4
  }

  private mutating func spread(_ op: Op, _ graph: LayerGraph, forward: Bool) {
    guard Self.channelsLast[op.type] == nil, !Self.rearranging.contains(op.type), !op.isCustom
    else {
      return
    }
    let inputs = op.inputs.filter { isRank4(graph, $0) }
    let results = op.outputs.filter { isRank4(graph, $0) }
    guard !inputs.isEmpty, !results.isEmpty else { return }
    if op.type == "TRANSPOSE" {
      guard let axes = Self.axes(of: op, graph) else { return }
      if forward, let known = orders[inputs[0]], orders[results[0]] == nil {
        orders[results[0]] = axes.map { known[$0] }
      } else if !forward, let known = orders[results[0]], orders[inputs[0]] == nil {
        var order = [0, 1, 2, 3]
        for (place, axis) in axes.enumerated() { order[axis] = known[place] }
        orders[inputs[0]] = order
      }
      return
    }
    let from = forward ? inputs : results
    let to = forward ? results : inputs
    guard let known = from.first(where: { orders[$0] != nil }).flatMap({ orders[$0] }) else {
      return
    }
    for tensor in to where orders[tensor] == nil { orders[tensor] = known }
  }

  /// The constant axes of a TRANSPOSE of rank 4.
  static func axes(of op: Op, _ graph: LayerGraph) -> [Int]? {
    guard op.inputs.count == 2, op.inputs[1] >= 0,
      let place = graph.tensors[op.inputs[1]].constantBytes,
      let values = unsafe graph.tensors[op.inputs[1]].description.realValues(
        in: graph.model.bytes.span.bytes.extracting(place))
    else { return nil }
    let axes = values.compactMap { Int(exactly: $0) }
    return axes.sorted() == [0, 1, 2, 3] ? axes : nil
  }

  /// How the values of a candidate's tensor lie beside those of the reference's.
  static func arrangement(
    _ tensor: Int, _ own: LayerGraph, _ layouts: Layouts, _ mate: Int, _ other: LayerGraph,
    _ mates: Layouts
  ) -> Arrangement {
    let (shape, goal) = (
      own.tensors[tensor].description.shape, other.tensors[mate].description.shape
    )
    if let first = layouts.orders[tensor], let second = mates.orders[mate] {
      let order = second.compactMap { first.firstIndex(of: $0) }
      if let found = AxisPermutation(extents: shape.dimensions, order: order),
        found.reorderedExtents == goal.dimensions
      {
        return found.keepsMemoryOrder ? .same : .permuted(found)
      }
    }
    return AxisPermutation.between(shape, goal)
  }
}
