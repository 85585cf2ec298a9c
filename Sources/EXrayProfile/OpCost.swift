import EXrayCore
public import EXrayModel

/// What one op has to compute and to move, from the graph alone.
public struct OpCost: Sendable, Hashable, Encodable {
  /// Arithmetic operations, a multiplication with its addition as two; nil where the kind of op is not known.
  public var operations: Double?
  /// Bytes that the op reads and writes: weights, inputs and outputs, each once.
  public var byteCount: Double
  /// The part of ``byteCount`` that is constant.
  public var weightByteCount: Double
  /// Whether the op sums products of 8-bit integers densely, for which processors have instructions of their own.
  public var isInteger: Bool

  /// Creates a cost.
  public init(
    operations: Double?, byteCount: Double, weightByteCount: Double, isInteger: Bool
  ) {
    self.operations = operations
    self.byteCount = byteCount
    self.weightByteCount = weightByteCount
    self.isInteger = isInteger
  }

  /// The cost of an op of a model's primary graph with the shapes that the file states.
  ///
  /// Convolutions, matrix products and recurrent ops count the multiplications of their weights, without biases and
  /// activations. An elementwise op counts one operation an element, a function such as `exp` ten, which is about what a
  /// polynomial of degree five with its range reduction takes. Ops that only move values count none.
  ///
  /// Source: the counts of convolutions and pooling are those of TensorFlow's `toco/tooling_util.cc`,
  /// `EstimateArithmeticOpsCount`.
  public init(of op: Op, in model: Model) {
    let counter = OpCounter(op: op, model: model)
    operations = counter.operations
    var constant = 0.0
    var moved = 0.0
    for index in Set(op.inputs) {
      guard let tensor = counter.tensor(index) else { continue }
      let bytes = Double(tensor.description.byteCount ?? 0)
      if counter.readsRowsOnly, index == counter.tableIndex { continue }
      if tensor.constantBytes != nil { constant += bytes } else { moved += bytes }
    }
    for index in op.outputs { moved += Double(counter.tensor(index)?.description.byteCount ?? 0) }
    weightByteCount = constant
    byteCount = constant + moved
    isInteger = counter.isInteger
  }
}

extension Model {
  /// The cost of every op of the primary graph, in execution order.
  public var opCosts: [OpCost] { primary.ops.map { OpCost(of: $0, in: self) } }
}

/// Counts the arithmetic of one op.
///
/// Counts are real numbers: shapes come from files, and products may be huge.
private struct OpCounter {
  let op: Op
  let model: Model

  func tensor(_ index: Int) -> Tensor? {
    model.primary.tensors.indices.contains(index) ? model.primary.tensors[index] : nil
  }

  /// Extents of an input; nil where it is absent.
  private func input(_ position: Int) -> [Int]? {
    op.inputs.indices.contains(position)
      ? tensor(op.inputs[position])?.description.shape.dimensions : nil
  }

  private var output: [Int]? {
    op.outputs.first.flatMap { tensor($0)?.description.shape.dimensions }
  }

  private func product(_ extents: some Sequence<Int>) -> Double {
    extents.reduce(1) { $0 * Double(max(0, $1)) }
  }

  private var outputCount: Double { output.map { product($0) } ?? 0 }
  private var inputCount: Double { input(0).map { product($0) } ?? 0 }

  /// Whether the op reads a few rows of a table.
  var readsRowsOnly: Bool { op.type == "GATHER" || op.type == "EMBEDDING_LOOKUP" }

  /// The tensor that such a table is.
  var tableIndex: Int? {
    let position = op.type == "EMBEDDING_LOOKUP" ? 1 : 0
    return op.inputs.indices.contains(position) ? op.inputs[position] : nil
  }

  var isInteger: Bool {
    guard let first = op.inputs.first, let type = tensor(first)?.description.elementType else {
      return false
    }
    let isDense = ["CONV_2D", "FULLY_CONNECTED", "TRANSPOSE_CONV", "BATCH_MATMUL"].contains(op.type)
    return isDense && !type.isFloatingPoint && (type.bitWidth ?? 64) <= 8
  }

  var operations: Double? {
    switch op.type {
    case "CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED", "TRANSPOSE_CONV", "CONV_3D",
      "BATCH_MATMUL", "SVDF", "LSTM", "UNIDIRECTIONAL_SEQUENCE_LSTM", "RNN",
      "UNIDIRECTIONAL_SEQUENCE_RNN":
      return products.map { 2 * $0 }
    case "AVERAGE_POOL_2D", "MAX_POOL_2D", "L2_POOL_2D":
      guard let window = model.poolingWindow(of: op) else { return nil }
      return outputCount * Double(window.height) * Double(window.width)
    case "MEAN", "SUM", "REDUCE_MAX", "REDUCE_MIN", "REDUCE_PROD", "REDUCE_ANY", "REDUCE_ALL",
      "ARG_MAX", "ARG_MIN", "CUMSUM":
      return inputCount
    case "SOFTMAX", "LOG_SOFTMAX": return 14 * outputCount
    case "L2_NORMALIZATION": return 3 * outputCount
    case "RESIZE_BILINEAR": return 6 * outputCount
    case "ADD_N": return Double(max(0, op.inputs.count - 1)) * outputCount
    default: break
    }
    if Self.functions.contains(op.type) { return 10 * outputCount }
    if Self.twofold.contains(op.type) { return 2 * outputCount }
    if Self.elementwise.contains(op.type) { return outputCount }
    return Self.movers.contains(op.type) ? 0 : nil
  }

  /// Multiplications with an addition.
  private var products: Double? {
    switch op.type {
    case "CONV_2D", "CONV_3D":
      // CONV_2D's filter is (out, height, width, in); CONV_3D's is (depth, height, width, in, out).
      guard let filter = input(1), filter.count == (op.type == "CONV_2D" ? 4 : 5) else {
        return nil
      }
      return outputCount * product(op.type == "CONV_2D" ? filter.dropFirst() : filter.dropLast())
    case "DEPTHWISE_CONV_2D":
      // (1, height, width, channels)
      guard let filter = input(1), filter.count == 4 else { return nil }
      return outputCount * product(filter[1...2])
    case "TRANSPOSE_CONV":
      // Every input value meets every tap of every output channel; filter (out, height, width, in).
      guard let filter = input(1), filter.count == 4, let source = input(2) else { return nil }
      return product(source) * product(filter.dropLast())
    case "FULLY_CONNECTED":
      guard let weights = input(1), weights.count == 2 else { return nil }
      return outputCount * Double(weights[1])
    case "BATCH_MATMUL":
      // (…, m, k) or, transposed, (…, k, m); which of the two the rows of the result tell.
      guard let left = input(0), left.count >= 2, let result = output, result.count >= 2 else {
        return nil
      }
      let rows = result[result.count - 2]
      let (first, second) = (left[left.count - 2], left[left.count - 1])
      guard first == rows || second == rows else { return nil }
      return outputCount * Double(first == rows ? second : first)
    case "SVDF":
      // Feature weights (filters, in), time weights (filters, memory).
      guard let source = input(0), let features = input(1), let time = input(2) else { return nil }
      return Double(source.first ?? 1) * (product(features) + product(time))
    default: return recurrent
    }
  }

  /// Every matrix of weights meets every step of every batch once.
  private var recurrent: Double? {
    guard let source = input(0), let width = source.last, width > 0 else { return nil }
    let steps = product(source) / Double(width)
    let matrices = op.inputs.dropFirst().compactMap { tensor($0) }
      .filter { $0.constantBytes != nil && $0.description.shape.rank == 2 }
    return steps * matrices.reduce(0) { $0 + product($1.description.shape.dimensions) }
  }

  private static let functions: Set<String> = [
    "LOGISTIC", "TANH", "EXP", "LOG", "SIN", "COS", "ELU", "GELU", "POW", "ATAN2", "SQRT", "RSQRT",
    "STABLEHLO_LOGISTIC", "STABLEHLO_EXPONENTIAL", "STABLEHLO_TANH",
  ]

  private static let twofold: Set<String> = [
    "SQUARED_DIFFERENCE", "HARD_SWISH", "LEAKY_RELU", "PRELU", "QUANTIZE", "DEQUANTIZE",
    "FAKE_QUANT",
  ]

  private static let elementwise: Set<String> = [
    "ADD", "SUB", "MUL", "DIV", "MAXIMUM", "MINIMUM", "NEG", "ABS", "SQUARE", "FLOOR", "CEIL",
    "ROUND", "SIGN", "RELU", "RELU6", "RELU_N1_TO_1", "RELU_0_TO_1", "FLOOR_DIV", "FLOOR_MOD",
    "EQUAL", "NOT_EQUAL", "LESS", "LESS_EQUAL", "GREATER", "GREATER_EQUAL", "LOGICAL_AND",
    "LOGICAL_OR", "LOGICAL_NOT", "SELECT", "SELECT_V2", "BITWISE_XOR", "RIGHT_SHIFT",
    "STABLEHLO_ADD", "STABLEHLO_MULTIPLY", "STABLEHLO_SUBTRACT", "STABLEHLO_DIVIDE",
  ]

  private static let movers: Set<String> = [
    "RESHAPE", "SQUEEZE", "EXPAND_DIMS", "TRANSPOSE", "CONCATENATION", "PAD", "PADV2", "MIRROR_PAD",
    "SLICE", "STRIDED_SLICE", "SPLIT", "SPLIT_V", "PACK", "UNPACK", "TILE", "GATHER", "GATHER_ND",
    "SCATTER_ND", "CAST", "BITCAST", "SHAPE", "RANK", "FILL", "ZEROS_LIKE", "BROADCAST_TO",
    "BROADCAST_ARGS", "DEPTH_TO_SPACE", "SPACE_TO_DEPTH", "BATCH_TO_SPACE_ND", "SPACE_TO_BATCH_ND",
    "RESIZE_NEAREST_NEIGHBOR", "REVERSE_V2", "REVERSE_SEQUENCE", "EMBEDDING_LOOKUP", "RANGE",
    "ONE_HOT", "DYNAMIC_UPDATE_SLICE", "VAR_HANDLE", "READ_VARIABLE", "ASSIGN_VARIABLE",
  ]
}
