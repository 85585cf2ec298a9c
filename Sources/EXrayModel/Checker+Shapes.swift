import EXrayCore

extension Checker {
  /// Checks that the shapes in the file are the ones that a run will compute.
  ///
  /// LiteRT reserves memory by the file's shapes in places, and computes others in the run; where they
  /// disagree it refuses the model at best. Only shapes that the file fixes are compared.
  ///
  /// Source: the `Prepare` functions of LiteRT's kernels.
  mutating func checkShapes(_ op: Op, _ subgraph: Subgraph) throws(ModelError) {
    try checkTypes(op, subgraph)
    switch op.type {
    case "DEQUANTIZE", "QUANTIZE", "RELU", "RELU6", "RELU_N1_TO_1", "LOGISTIC", "TANH", "SOFTMAX",
      "LOG_SOFTMAX", "HARD_SWISH", "LEAKY_RELU", "ELU", "GELU", "CAST", "ABS", "NEG", "EXP", "LOG",
      "SQRT", "RSQRT", "SQUARE", "SIN", "COS", "FLOOR", "CEIL", "ROUND", "LOGICAL_NOT",
      "L2_NORMALIZATION", "LOCAL_RESPONSE_NORMALIZATION":
      guard let input = known(op.inputs[0], subgraph) else { return }
      try expect(input, op, subgraph)
    case "ADD", "SUB", "MUL", "DIV", "MAXIMUM", "MINIMUM", "POW", "SQUARED_DIFFERENCE",
      "FLOOR_DIV", "FLOOR_MOD", "EQUAL", "NOT_EQUAL", "LESS", "LESS_EQUAL", "GREATER",
      "GREATER_EQUAL", "LOGICAL_AND", "LOGICAL_OR", "PRELU":
      guard let first = known(op.inputs[0], subgraph), let second = known(op.inputs[1], subgraph)
      else { return }
      guard let result = broadcast(first, second) else {
        throw refuse(op, 0, "combines shapes \(first) and \(second)")
      }
      try expect(result, op, subgraph)
    case "CONV_2D", "DEPTHWISE_CONV_2D": try checkConvolution(op, subgraph)
    case "AVERAGE_POOL_2D", "MAX_POOL_2D", "L2_POOL_2D": try checkPool(op, subgraph)
    case "FULLY_CONNECTED":
      let weights = subgraph.tensors[op.inputs[1]].description.shape
      guard weights.rank == 2 else {
        throw refuse(op, 0, "has weights of shape \(weights.description), not two dimensions")
      }
      guard let input = known(op.inputs[0], subgraph) else { return }
      let depth = weights.dimensions[1]
      guard depth > 0, let count = Shape(input).elementCount, count % depth == 0 else {
        throw refuse(op, 0, "multiplies shape \(input) by weights of \(weights.description)")
      }
    case "RESHAPE", "SQUEEZE", "EXPAND_DIMS":
      guard let input = known(op.inputs[0], subgraph), let result = known(op.outputs[0], subgraph)
      else { return }
      guard Shape(input).elementCount == Shape(result).elementCount else {
        throw refuse(op, 0, "turns shape \(input) into \(result)")
      }
    case "CONCATENATION": try checkConcatenation(op, subgraph)
    case "PAD", "PADV2", "MIRROR_PAD": try checkPadding(op, subgraph)
    default: return
    }
  }

  /// The shape of a tensor where the file fixes it.
  private func known(_ index: Int, _ subgraph: Subgraph) -> [Int]? {
    let tensor = subgraph.tensors[index]
    guard !choice.isShapedByRun[index], tensor.shapeSignature?.contains(-1) != true else {
      return nil
    }
    return tensor.description.shape.dimensions
  }

  /// Refuses an op whose result has another shape; a result without dimensions may be an unknown one.
  private func expect(_ shape: [Int], _ op: Op, _ subgraph: Subgraph) throws(ModelError) {
    guard let result = known(op.outputs[0], subgraph), !result.isEmpty, result != shape else {
      return
    }
    throw refuse(op, 0, "makes shape \(shape), and the file says \(result)")
  }

  private func broadcast(_ first: [Int], _ second: [Int]) -> [Int]? {
    let rank = max(first.count, second.count)
    var result: [Int] = []
    for index in 0..<rank {
      let a = index < rank - first.count ? 1 : first[index - rank + first.count]
      let b = index < rank - second.count ? 1 : second[index - rank + second.count]
      guard a == b || a == 1 || b == 1 else { return nil }
      result.append(a == 1 ? b : a)
    }
    return result
  }

  // MARK: Windows

  /// How many steps a window takes; the options have been proven positive.
  private func steps(_ extent: Int, window: Int, stride: Int, isSame: Bool) -> Int {
    isSame ? (extent + stride - 1) / stride : max(0, (extent - window + stride) / stride)
  }

  private mutating func option(_ op: Op, _ slot: Int, default standard: Int32) throws(ModelError)
    -> Int
  {
    guard let offset = op.options.offset else { return Int(standard) }
    file.place = .op(op.index, subgraph: 0)
    return Int(try file.scalar(file.table(at: offset), slot, default: standard))
  }

  private mutating func isSamePadding(_ op: Op) throws(ModelError) -> Bool {
    guard let offset = op.options.offset else { return true }
    file.place = .op(op.index, subgraph: 0)
    let padding = try file.scalar(file.table(at: offset), 0, default: Int8(0))
    guard padding == 0 || padding == 1 else {
      throw refuse(op, 0, "has padding \(padding), neither SAME (0) nor VALID (1)")
    }
    return padding == 0
  }

  private mutating func checkConvolution(_ op: Op, _ subgraph: Subgraph) throws(ModelError) {
    let isDepthwise = op.type == "DEPTHWISE_CONV_2D"
    let isSame = try isSamePadding(op)
    let filter = subgraph.tensors[op.inputs[1]].description.shape.dimensions
    guard filter.count == 4, !filter.contains(0) else {
      throw refuse(op, 0, "has a filter of shape \(filter), not four dimensions above 0")
    }
    guard let input = known(op.inputs[0], subgraph) else { return }
    let channels = filter[3]
    guard input.count == 4, input[3] > 0,
      isDepthwise ? channels % input[3] == 0 : input[3] % channels == 0
    else {
      throw refuse(op, 0, "applies a filter of shape \(filter) to shape \(input)")
    }
    let strideW = try option(op, 1, default: 0)
    let strideH = try option(op, 2, default: 0)
    let dilationW = try option(op, isDepthwise ? 5 : 4, default: 1)
    let dilationH = try option(op, isDepthwise ? 6 : 5, default: 1)
    try expect(
      [
        input[0],
        steps(
          input[1], window: (filter[1] - 1) * dilationH + 1, stride: strideH, isSame: isSame),
        steps(
          input[2], window: (filter[2] - 1) * dilationW + 1, stride: strideW, isSame: isSame),
        isDepthwise ? channels : filter[0],
      ], op, subgraph)
    if op.inputs.count > 2, op.inputs[2] >= 0 {
      let bias = subgraph.tensors[op.inputs[2]].description.shape
      guard bias.elementCount == (isDepthwise ? channels : filter[0]) else {
        throw refuse(op, 0, "has a bias of shape \(bias.description) for the filter \(filter)")
      }
    }
  }

  private mutating func checkPool(_ op: Op, _ subgraph: Subgraph) throws(ModelError) {
    let isSame = try isSamePadding(op)
    guard let input = known(op.inputs[0], subgraph) else { return }
    guard input.count == 4 else { throw refuse(op, 0, "pools shape \(input), not four dimensions") }
    let strideW = try option(op, 1, default: 0)
    let strideH = try option(op, 2, default: 0)
    let width = try option(op, 3, default: 0)
    let height = try option(op, 4, default: 0)
    try expect(
      [
        input[0], steps(input[1], window: height, stride: strideH, isSame: isSame),
        steps(input[2], window: width, stride: strideW, isSame: isSame), input[3],
      ], op, subgraph)
  }

  // MARK: Joining and padding

  private mutating func checkConcatenation(_ op: Op, _ subgraph: Subgraph) throws(ModelError) {
    var axis = try option(op, 0, default: 0)
    var result: [Int]?
    for index in op.inputs {
      guard index >= 0 else { throw refuse(op, 0, "joins an absent tensor") }
      guard let shape = known(index, subgraph) else { return }
      guard let sum = result else {
        if axis < 0 { axis += shape.count }
        guard shape.indices.contains(axis) else {
          throw refuse(op, 0, "joins shape \(shape) along dimension \(axis)")
        }
        result = shape
        continue
      }
      var expected = sum
      guard shape.count == sum.count else {
        throw refuse(op, 0, "joins shapes \(sum) and \(shape) along dimension \(axis)")
      }
      expected[axis] = shape[axis]
      guard shape == expected else {
        throw refuse(op, 0, "joins shapes \(sum) and \(shape) along dimension \(axis)")
      }
      expected[axis] = sum[axis] + shape[axis]
      result = expected
    }
    if let result { try expect(result, op, subgraph) }
  }

  private func checkPadding(_ op: Op, _ subgraph: Subgraph) throws(ModelError) {
    let paddings = subgraph.tensors[op.inputs[1]]
    guard let data = paddings.constantBytes, let input = known(op.inputs[0], subgraph) else {
      return
    }
    let isWide = paddings.description.elementType == .int64
    guard isWide || paddings.description.elementType == .int32,
      paddings.description.shape.dimensions == [input.count, 2]
    else {
      throw refuse(
        op, 0, "pads shape \(input) by a tensor of \(paddings.description.shape.description)")
    }
    var result = input
    for dimension in input.indices {
      for side in 0..<2 {
        let index = dimension * 2 + side
        let value =
          isWide
          ? Int(clamping: try file.load(data.lowerBound + 8 * index, as: Int64.self))
          : Int(try file.load(data.lowerBound + 4 * index, as: Int32.self))
        guard value >= 0, value <= Self.tensorLimit else {
          throw refuse(op, 0, "pads dimension \(dimension) by \(value)")
        }
        result[dimension] += value
      }
    }
    try expect(result, op, subgraph)
  }
}
