import EXrayCore

extension Checker {
  /// Ops whose result has the type of what they read.
  private static let keepingType = Set(
    """
    ABS ADD AVERAGE_POOL_2D BATCH_TO_SPACE_ND CEIL CONCATENATION CONV_2D COS DEPTHWISE_CONV_2D \
    DEPTH_TO_SPACE DIV ELU EXP EXPAND_DIMS FLOOR FLOOR_DIV FLOOR_MOD GATHER GELU HARD_SWISH \
    L2_NORMALIZATION LEAKY_RELU LOG LOGICAL_NOT LOGISTIC LOG_SOFTMAX MAXIMUM MAX_POOL_2D MEAN \
    MINIMUM MIRROR_PAD MUL NEG PACK PAD PADV2 POW PRELU REDUCE_MAX REDUCE_MIN RELU RELU6 \
    RELU_N1_TO_1 RESHAPE RESIZE_BILINEAR RESIZE_NEAREST_NEIGHBOR ROUND RSQRT SIN SLICE \
    SPACE_TO_BATCH_ND SPACE_TO_DEPTH SQRT SQUARE SQUARED_DIFFERENCE SQUEEZE STRIDED_SLICE SUB SUM \
    TANH TILE TRANSPOSE UNPACK
    """.split(separator: " ").map(String.init))

  /// Ops whose two operands have one type.
  private static let pairingTypes = Set(
    """
    ADD DIV EQUAL FLOOR_DIV FLOOR_MOD GREATER GREATER_EQUAL LESS LESS_EQUAL MAXIMUM MINIMUM MUL \
    NOT_EQUAL POW SQUARED_DIFFERENCE SUB
    """.split(separator: " ").map(String.init))

  /// Checks that an op's tensors have types that fit each other.
  ///
  /// LiteRT's kernels choose their code by one tensor's type and trust the others: a result of a
  /// wider type than the file says is written past its end.
  func checkTypes(_ op: Op, _ subgraph: Subgraph) throws(ModelError) {
    func type(_ index: Int) -> ElementType { subgraph.tensors[index].description.elementType }
    guard let first = op.inputs.first, first >= 0 else { return }
    if Self.keepingType.contains(op.type) {
      for output in op.outputs where output >= 0 && type(output) != type(first) {
        throw refuse(op, 0, "reads \(type(first)) and makes \(type(output)), not the same")
      }
    }
    if Self.pairingTypes.contains(op.type), type(op.inputs[1]) != type(first) {
      throw refuse(op, 0, "combines \(type(first)) and \(type(op.inputs[1]))")
    }
    switch op.type {
    case "FULLY_CONNECTED", "SOFTMAX":
      let result = type(op.outputs[0])
      guard result == type(first) || result == .int16 else {
        throw refuse(op, 0, "reads \(type(first)) and makes \(result), not the same")
      }
    case "DEQUANTIZE":
      let result = type(op.outputs[0])
      guard result.isFloatingPoint else {
        throw refuse(op, 0, "makes \(result), not real numbers")
      }
    case "SVDF" where type(first) == .int8:
      // LiteRT's integer kernel writes 16-bit state whatever the file says, past the end of 8 bits.
      for position in [2, 4] where op.inputs.indices.contains(position) {
        let input = op.inputs[position]
        guard input >= 0, type(input) == .int16 else {
          throw refuse(
            op, 0, "keeps its state in another type than int16, which LiteRT's kernel writes")
        }
      }
    default: break
    }
  }
}
