import EXrayCore

/// Which tensors of the primary subgraph can become outputs.
struct LayerChoice {
  private let subgraph: Subgraph
  private let inputs: Set<Int>
  /// Tensors that do not depend on inputs or on state.
  private(set) var isFixed: [Bool]
  /// Tensors whose shape only a run decides.
  private(set) var isShapedByRun: [Bool]

  init(_ model: Model) { self.init(model.primary) }

  init(_ subgraph: Subgraph) {
    self.subgraph = subgraph
    inputs = Set(subgraph.inputs)
    isFixed = subgraph.tensors.map { $0.constantBytes != nil && !$0.isVariable }
    isShapedByRun = subgraph.tensors.map { _ in false }
    for op in subgraph.ops {
      let present = op.inputs.filter { $0 >= 0 }
      let fixed = readsOnlyShapes(op) || !isStateful(op) && present.allSatisfy { isFixed[$0] }
      let shapedByRun = present.contains { isShapedByRun[$0] } || shapesItsResultByValues(op)
      for output in op.outputs where output >= 0 {
        isFixed[output] = fixed
        isShapedByRun[output] = shapedByRun
      }
    }
  }

  /// Whether LiteRT can give the tensor out with its true values.
  func canExpose(_ index: Int) -> Bool {
    let tensor = subgraph.tensors[index]
    let description = tensor.description
    guard !tensor.isVariable, tensor.constantBytes == nil, !isFixed[index],
      !isShapedByRun[index], !inputs.contains(index)
    else { return false }
    guard let byteCount = description.byteCount, byteCount > 0, description.shape.rank <= 8 else {
      return false
    }
    return true
  }

  private func readsOnlyShapes(_ op: Op) -> Bool {
    op.type == "SHAPE" || op.type == "RANK" || op.type == "ZEROS_LIKE"
  }

  private func isStateful(_ op: Op) -> Bool {
    switch op.type {
    case "VAR_HANDLE", "READ_VARIABLE", "ASSIGN_VARIABLE", "HASHTABLE", "HASHTABLE_FIND",
      "HASHTABLE_IMPORT", "HASHTABLE_SIZE", "RANDOM_STANDARD_NORMAL", "RANDOM_UNIFORM",
      "MULTINOMIAL", "STABLEHLO_RNG_BIT_GENERATOR", "IF", "WHILE", "CALL", "CALL_ONCE":
      true
    default: op.isCustom
    }
  }

  private func shapesItsResultByValues(_ op: Op) -> Bool {
    switch op.type {
    case "WHERE", "UNIQUE", "NON_MAX_SUPPRESSION_V4", "NON_MAX_SUPPRESSION_V5", "SEGMENT_SUM",
      "UNSORTED_SEGMENT_PROD", "UNSORTED_SEGMENT_MAX", "UNSORTED_SEGMENT_SUM",
      "UNSORTED_SEGMENT_MIN", "HASHTABLE_SIZE", "HASHTABLE_FIND", "HASHTABLE_LOOKUP", "MULTINOMIAL",
      "SKIP_GRAM", "LSH_PROJECTION", "EMBEDDING_LOOKUP_SPARSE", "IF", "WHILE", "CALL",
      "STABLEHLO_WHILE", "STABLEHLO_CASE":
      return true
    default: break
    }
    if op.isCustom {
      // Only the op itself knows; those known here shape their results by what they find.
      return op.type == "TFLite_Detection_PostProcess" || op.type.hasPrefix("Flex")
        || op.outputs.contains { $0 >= 0 && subgraph.tensors[$0].description.shape.rank == 0 }
    }
    guard let parameters = Self.shapeParameters[op.type] else { return false }
    for position in parameters where position < op.inputs.count {
      let input = op.inputs[position]
      guard input >= 0 else { continue }
      let isKnown =
        subgraph.tensors[input].constantBytes != nil
        || subgraph.tensors[input].description.shape.elementCount == 0
        || (op.type == "RESHAPE" && isFixed[input])
      if !isKnown { return true }
    }
    return false
  }

  /// The inputs whose values decide the shape of the result.
  ///
  /// Source: the `Prepare` functions of LiteRT's kernels, which make the result dynamic where one of
  /// these is not a constant.
  private static let shapeParameters: [String: [Int]] = [
    "RESHAPE": [1], "TOPK_V2": [1], "FILL": [0], "RANGE": [0, 1, 2], "TILE": [1],
    "SLICE": [1, 2], "STRIDED_SLICE": [1, 2, 3], "PAD": [1], "PADV2": [1], "MIRROR_PAD": [1],
    "RESIZE_BILINEAR": [1], "RESIZE_NEAREST_NEIGHBOR": [1], "TRANSPOSE": [1], "MEAN": [1],
    "SUM": [1], "REDUCE_PROD": [1], "REDUCE_MAX": [1], "REDUCE_MIN": [1], "REDUCE_ANY": [1],
    "REDUCE_ALL": [1], "EXPAND_DIMS": [1], "ONE_HOT": [1], "SPARSE_TO_DENSE": [1],
    "BROADCAST_TO": [1], "SPLIT_V": [1, 2], "SPLIT": [0], "SPACE_TO_BATCH_ND": [1, 2],
    "BATCH_TO_SPACE_ND": [1, 2], "ARG_MAX": [1], "ARG_MIN": [1], "TRANSPOSE_CONV": [0],
    "CONV_3D_TRANSPOSE": [0], "RANDOM_STANDARD_NORMAL": [0], "RANDOM_UNIFORM": [0],
    "SCATTER_ND": [2], "RFFT2D": [1], "DILATE": [1], "REDUCE_WINDOW": [2, 3, 4],
    "BROADCAST_ARGS": [0, 1],
  ]
}
