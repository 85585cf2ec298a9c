import EXrayCore

extension Checker {
  /// How many inputs an op needs, none of them absent, and how many outputs.
  ///
  /// Source: the `Prepare` functions of LiteRT's kernels.
  private static let arity: [String: (inputs: Int, outputs: Int)] = {
    let groups: [(Int, Int, String)] = [
      (
        1, 1,
        """
        ABS AVERAGE_POOL_2D CAST CEIL CONCATENATION COS DEPTH_TO_SPACE DEQUANTIZE ELU EXP FLOOR \
        GELU HARD_SWISH L2_NORMALIZATION L2_POOL_2D LEAKY_RELU LOG LOGICAL_NOT LOGISTIC \
        LOG_SOFTMAX MAX_POOL_2D NEG PACK QUANTIZE RANK RELU RELU6 RELU_0_TO_1 RELU_N1_TO_1 \
        RESHAPE ROUND RSQRT SHAPE SIGN SIN SOFTMAX SPACE_TO_DEPTH SQRT SQUARE SQUEEZE TANH UNPACK \
        WHERE ZEROS_LIKE COMPLEX_ABS REAL IMAG READ_VARIABLE ADD_N LOCAL_RESPONSE_NORMALIZATION
        """
      ),
      (
        2, 1,
        """
        ADD ARG_MAX ARG_MIN BATCH_MATMUL BROADCAST_TO CONV_2D CONV_3D CUMSUM DEPTHWISE_CONV_2D \
        DIV EMBEDDING_LOOKUP EQUAL EXPAND_DIMS FILL FLOOR_DIV FLOOR_MOD FULLY_CONNECTED GATHER \
        GATHER_ND GREATER GREATER_EQUAL LESS LESS_EQUAL LOGICAL_AND LOGICAL_OR MAXIMUM MEAN \
        MINIMUM MIRROR_PAD MUL NOT_EQUAL PAD POW PRELU REDUCE_ALL REDUCE_ANY REDUCE_MAX REDUCE_MIN \
        REDUCE_PROD RESIZE_BILINEAR RESIZE_NEAREST_NEIGHBOR REVERSE_V2 RFFT2D SPLIT \
        SQUARED_DIFFERENCE SUB SUM TILE TRANSPOSE ATAN2 BITWISE_XOR RIGHT_SHIFT
        """
      ),
      (
        3, 1,
        """
        BATCH_TO_SPACE_ND CONV_3D_TRANSPOSE DYNAMIC_UPDATE_SLICE PADV2 RANGE SELECT SELECT_V2 \
        SLICE SPACE_TO_BATCH_ND SPLIT_V TRANSPOSE_CONV SCATTER_ND
        """
      ),
      (4, 1, "STRIDED_SLICE ONE_HOT SPARSE_TO_DENSE"),
      (2, 2, "TOPK_V2"), (5, 4, "NON_MAX_SUPPRESSION_V4_"), (0, 1, "VAR_HANDLE"),
      (2, 0, "ASSIGN_VARIABLE"), (3, 1, "SVDF"), (5, 1, "LSTM"),
      (20, 1, "UNIDIRECTIONAL_SEQUENCE_LSTM"),
    ]
    var table: [String: (inputs: Int, outputs: Int)] = [:]
    for (inputs, outputs, names) in groups {
      for name in names.split(separator: " ") { table[String(name)] = (inputs, outputs) }
    }
    return table
  }()

  mutating func check(_ op: Op, _ subgraph: Subgraph, _ number: Int) throws(ModelError) {
    guard !op.isCustom else { return }
    if let arity = Self.arity[op.type] {
      let present = op.type.hasSuffix("LSTM") ? 1 : arity.inputs
      guard op.inputs.count >= arity.inputs, op.inputs.prefix(present).allSatisfy({ $0 >= 0 })
      else {
        throw refuse(op, number, "needs \(arity.inputs) inputs and has \(op.inputs)")
      }
      guard op.outputs.count >= arity.outputs,
        op.outputs.prefix(arity.outputs).allSatisfy({ $0 >= 0 })
      else {
        throw refuse(op, number, "needs \(arity.outputs) outputs and has \(op.outputs)")
      }
    }
    try checkOptions(op, number)
    // What a called graph gets is its caller's choice; the file's shapes bind only the primary one.
    if number == 0 { try checkShapes(op, subgraph) }
  }

  func refuse(_ op: Op, _ number: Int, _ why: String) -> ModelError {
    ModelError(.invalidOp, "\(name(op, number)) \(why); \(exportAgain)", byteOffset: op.offset)
  }

  /// Options that kernels divide by must be there and positive.
  private mutating func checkOptions(_ op: Op, _ number: Int) throws(ModelError) {
    let rule: (type: UInt8, positive: [(slot: Int, name: String, standard: Int32)])
    switch op.type {
    case "CONV_2D":
      rule = (
        1, [(1, "stride_w", 0), (2, "stride_h", 0), (4, "dilation_w", 1), (5, "dilation_h", 1)]
      )
    case "DEPTHWISE_CONV_2D":
      rule = (
        2, [(1, "stride_w", 0), (2, "stride_h", 0), (5, "dilation_w", 1), (6, "dilation_h", 1)]
      )
    case "AVERAGE_POOL_2D", "MAX_POOL_2D", "L2_POOL_2D":
      rule = (
        5,
        [(1, "stride_w", 0), (2, "stride_h", 0), (3, "filter_width", 0), (4, "filter_height", 0)]
      )
    case "TRANSPOSE_CONV": rule = (49, [(1, "stride_w", 0), (2, "stride_h", 0)])
    case "CONV_3D", "CONV_3D_TRANSPOSE":
      rule = (
        106,
        [
          (1, "stride_d", 0), (2, "stride_w", 0), (3, "stride_h", 0), (5, "dilation_d", 1),
          (6, "dilation_w", 1), (7, "dilation_h", 1),
        ]
      )
    case "SVDF": rule = (6, [(0, "rank", 0)])
    case "SPACE_TO_DEPTH": rule = (19, [(0, "block_size", 0)])
    case "DEPTH_TO_SPACE": rule = (94, [(0, "block_size", 0)])
    case "SPLIT": rule = (35, [(0, "num_splits", 0)])
    default: return
    }
    guard op.options.type == rule.type, let offset = op.options.offset else {
      throw refuse(op, number, "has no options of its own kind")
    }
    file.place = .op(op.index, subgraph: number)
    let table = try file.table(at: offset)
    for field in rule.positive {
      let value = try file.scalar(table, field.slot, default: field.standard)
      guard value > 0 else { throw refuse(op, number, "has \(field.name) \(value), not above 0") }
    }
  }

  /// The subgraphs that an op runs.
  mutating func calls(_ op: Op, _ number: Int) throws(ModelError) -> [Int] {
    let slots: [Int]
    let offset: Int?
    switch op.type {
    case "IF", "WHILE": (slots, offset) = ([0, 1], op.options.offset)
    case "CALL_ONCE", "CALL": (slots, offset) = ([0], op.options.offset)
    case "STABLEHLO_WHILE": (slots, offset) = ([0, 1], op.options.secondOffset)
    case "STABLEHLO_REDUCE", "STABLEHLO_COMPOSITE":
      (slots, offset) = ([1], op.options.secondOffset)
    case "STABLEHLO_SCATTER": (slots, offset) = ([6], op.options.secondOffset)
    case "STABLEHLO_CASE", "STABLEHLO_REDUCE_WINDOW", "STABLEHLO_SORT": return []
    default: return []
    }
    guard let offset else { throw refuse(op, number, "does not say which subgraph it runs") }
    file.place = .op(op.index, subgraph: number)
    let table = try file.table(at: offset)
    var called: [Int] = []
    for slot in slots { called.append(Int(try file.scalar(table, slot, default: Int32(0)))) }
    return called
  }
}
