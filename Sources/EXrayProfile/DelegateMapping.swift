import EXrayCore
import EXrayModel

/// Which node of the graph each operator of XNNPACK stands for.
///
/// The delegate reports operators in the order in which they run, and does not say which nodes they are. Nodes of one family
/// keep their order, so they are told by counting: where a family has as many operators as it has delegated nodes, and no
/// label contradicts its node, they belong together one by one. Other families stay without nodes.
enum DelegateMapping {
  private struct Family {
    /// How labels of the family begin, in small letters.
    var prefixes: [String]
    var types: Set<String>
  }

  // A convolution of one by one is a fully connected operator to XNNPACK.
  private static let families: [Family] = [
    Family(
      prefixes: ["convolution", "fully connected"],
      types: ["CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED"]),
    Family(prefixes: ["deconvolution"], types: ["TRANSPOSE_CONV"]),
    Family(prefixes: ["batch matrix multiply"], types: ["BATCH_MATMUL"]),
    Family(prefixes: ["add ("], types: ["ADD"]),
    Family(prefixes: ["multiply"], types: ["MUL"]),
    Family(prefixes: ["subtract"], types: ["SUB"]),
    Family(prefixes: ["divide"], types: ["DIV"]),
    Family(prefixes: ["maximum"], types: ["MAXIMUM"]),
    Family(prefixes: ["minimum"], types: ["MINIMUM"]),
    Family(prefixes: ["average pooling", "global average"], types: ["AVERAGE_POOL_2D"]),
    Family(prefixes: ["reduce"], types: ["MEAN", "SUM", "REDUCE_MAX", "REDUCE_MIN"]),
    Family(prefixes: ["max pooling"], types: ["MAX_POOL_2D"]),
    Family(prefixes: ["softmax"], types: ["SOFTMAX"]),
    Family(prefixes: ["sigmoid"], types: ["LOGISTIC"]),
    Family(prefixes: ["hardswish"], types: ["HARD_SWISH"]),
    Family(prefixes: ["tanh"], types: ["TANH"]),
    Family(prefixes: ["resize bilinear"], types: ["RESIZE_BILINEAR"]),
    Family(prefixes: ["constant pad"], types: ["PAD", "PADV2"]),
    Family(prefixes: ["static reshape"], types: ["RESHAPE", "SQUEEZE", "EXPAND_DIMS"]),
    Family(
      prefixes: ["clamp"], types: ["RELU", "RELU6", "RELU_N1_TO_1", "RELU_0_TO_1"]),
    Family(prefixes: ["prelu"], types: ["PRELU"]),
    Family(prefixes: ["leaky relu"], types: ["LEAKY_RELU"]),
    Family(prefixes: ["transpose"], types: ["TRANSPOSE"]),
    Family(prefixes: ["convert"], types: ["QUANTIZE", "DEQUANTIZE", "CAST"]),
  ]

  /// For each label, the index of its op, or nil where it cannot be told.
  ///
  /// - Parameter delegated: Indices of the nodes that the delegate took, in execution order.
  static func ops(of labels: [String], delegated: [Int], in graph: Subgraph) -> [Int?] {
    var found = [Int?](repeating: nil, count: labels.count)
    for family in families {
      let places = labels.indices.filter { index in
        let label = labels[index].lowercased()
        return family.prefixes.contains { label.hasPrefix($0) }
      }
      let nodes = delegated.filter {
        graph.ops.indices.contains($0) && family.types.contains(graph.ops[$0].type)
      }
      guard places.count == nodes.count else { continue }
      let pairs = zip(places, nodes)
      guard pairs.allSatisfy({ isPossible(labels[$0.0], graph.ops[$0.1], graph) }) else { continue }
      for (place, node) in pairs { found[place] = node }
    }
    return found
  }

  /// Whether an operator can stand for a node.
  private static func isPossible(_ label: String, _ op: Op, _ graph: Subgraph) -> Bool {
    if label.contains("DWConv") { return op.type == "DEPTHWISE_CONV_2D" }
    if label.hasPrefix("Fully Connected") {
      guard op.type == "CONV_2D" else { return op.type == "FULLY_CONNECTED" }
      guard op.inputs.count > 1, graph.tensors.indices.contains(op.inputs[1]) else { return false }
      let filter = graph.tensors[op.inputs[1]].description.shape.dimensions
      return filter.count == 4 && filter[1] == 1 && filter[2] == 1
    }
    return true
  }
}
