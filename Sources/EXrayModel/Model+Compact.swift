import EXrayCore

extension Model {
  /// Types of options that name other graphs or hold texts, whose tables cannot be copied by themselves.
  private static let namedParts: Set<String> = [
    "CONCAT_EMBEDDINGS", "BUCKETIZE", "VAR_HANDLE", "IF", "WHILE", "CALL", "CALL_ONCE",
  ]

  /// The graph that runs, in a file that holds nothing that the graph does not use.
  ///
  /// Tensors and op codes are counted anew; inputs and outputs keep their order. Other graphs, signatures and
  /// metadata go.
  ///
  /// - Returns: nil where a part cannot be copied by itself: control flow, sparse constants, options that hold texts.
  /// - Complexity: O(*n*) in the size of the result.
  public func compacted() throws(ModelError) -> Model? {
    let ops = primary.ops
    guard !hasExternalBuffers,
      !ops.contains(where: { Self.namedParts.contains($0.type) || $0.options.secondType != 0 })
    else { return nil }
    var writer = try CompactModel(self)
    guard let bytes = try writer.bytes() else { return nil }
    return try Model(bytes)
  }
}

/// Copies one graph out of a model.
private struct CompactModel {
  private let model: Model
  private var file: FlatBuffer
  private let root: FlatBuffer.Table
  /// New numbers of what is used, by the old ones.
  private var tensors: [Int: Int] = [:]
  private var codes: [Int: Int] = [:]
  private var buffers: [Int: Int] = [:]
  private var codeNodes: [FlatBufferNode] = []
  /// Buffer 0 stands for "no data".
  private var bufferNodes: [FlatBufferNode] = [.table([])]

  init(_ model: Model) throws(ModelError) {
    self.model = model
    file = FlatBuffer(model.bytes)
    root = try file.table(at: file.follow(0))
  }

  mutating func bytes() throws(ModelError) -> [UInt8]? {
    let graph = model.primary
    var tables: [FlatBuffer.Table] = []
    var used = Set(graph.inputs + graph.outputs)
    for op in graph.ops {
      file.place = .op(op.index, subgraph: 0)
      let table = try file.table(at: op.offset)
      used.formUnion(op.inputs + op.outputs + (try file.integers(table, 8, as: Int32.self)))
      tables.append(table)
    }
    let kept = used.filter { $0 >= 0 }.sorted()
    guard !kept.contains(where: { graph.tensors[$0].isSparse }) else { return nil }
    for (number, tensor) in kept.enumerated() { tensors[tensor] = number }
    var tensorNodes: [FlatBufferNode] = []
    for tensor in kept { tensorNodes.append(node(graph.tensors[tensor])) }
    var opNodes: [FlatBufferNode] = []
    for (op, table) in zip(graph.ops, tables) { opNodes.append(try node(op, table)) }
    let main: [(slot: Int, node: FlatBufferNode)] = [
      (0, .nodes(tensorNodes)), (1, renumbered(graph.inputs)), (2, renumbered(graph.outputs)),
      (3, .nodes(opNodes)), (4, .string(graph.name)),
    ]
    let fields: [(slot: Int, node: FlatBufferNode)] = [
      (0, .word(UInt32(truncatingIfNeeded: model.formatVersion))), (1, .nodes(codeNodes)),
      (2, .nodes([.table(main)])), (3, .string("")), (4, .nodes(bufferNodes)),
    ]
    return FlatBufferWriter.file(.table(fields), identifier: Schema.identifier, before: [])
  }

  private func renumbered(_ indices: [Int]) -> FlatBufferNode {
    .integers(indices.map { tensors[$0] ?? -1 })
  }

  private mutating func node(_ tensor: Tensor) -> FlatBufferNode {
    let description = tensor.description
    var fields: [(slot: Int, node: FlatBufferNode)] = [
      (0, .integers(description.shape.dimensions)),
      (1, .byte(UInt8(Schema.code(of: description.elementType)))),
      (2, .word(UInt32(buffer(of: tensor)))), (3, .string(description.name)),
      (5, .byte(tensor.isVariable ? 1 : 0)), (8, .byte(1)),
    ]
    if let quantization = description.quantization {
      let parameters: [(slot: Int, node: FlatBufferNode)] = [
        (2, .words(quantization.scales.map(\.bitPattern))), (3, .longs(quantization.zeroPoints)),
        (6, .word(UInt32(truncatingIfNeeded: quantization.axis))),
      ]
      fields.append((4, .table(parameters)))
    }
    if let signature = tensor.shapeSignature { fields.append((7, .integers(signature))) }
    return .table(fields)
  }

  private mutating func buffer(of tensor: Tensor) -> Int {
    guard let range = tensor.constantBytes else { return 0 }
    if let known = buffers[tensor.bufferIndex] { return known }
    buffers[tensor.bufferIndex] = bufferNodes.count
    bufferNodes.append(.table([(0, .bytes(Array(model.bytes[range])))]))
    return bufferNodes.count - 1
  }

  private mutating func node(
    _ op: Op, _ table: FlatBuffer.Table
  ) throws(ModelError) -> FlatBufferNode {
    file.place = .op(op.index, subgraph: 0)
    let code = Int(try file.scalar(table, 0, default: UInt32(0)))
    var fields: [(slot: Int, node: FlatBufferNode)] = [
      (0, .word(UInt32(try number(ofCode: code)))), (1, renumbered(op.inputs)),
      (2, renumbered(op.outputs)), (3, .byte(op.options.type)),
      (6, .byte(try file.scalar(table, 6, default: UInt8(0)))),
    ]
    if let offset = op.options.offset {
      let options = try file.table(at: offset)
      // The new shape of RESHAPE and the dimensions of SQUEEZE are the only lists of numbers.
      let isList = op.type == "RESHAPE" || op.type == "SQUEEZE"
      fields.append(
        (
          4,
          isList
            ? .table([(0, .integers(try file.integers(options, 0, as: Int32.self)))])
            : file.verbatim(options)
        ))
    }
    for slot in [5, 7] {
      if let bytes = try file.blob(table, slot) { fields.append((slot, .bytes(bytes))) }
    }
    let intermediates = try file.integers(table, 8, as: Int32.self)
    if !intermediates.isEmpty { fields.append((8, renumbered(intermediates))) }
    return .table(fields)
  }

  private mutating func number(ofCode code: Int) throws(ModelError) -> Int {
    if let known = codes[code] { return known }
    guard let vector = try file.vector(root, 1, stride: 4), code < vector.count else {
      throw ModelError(.invalidIndex, "there is no op code \(code); \(exportAgain)")
    }
    file.place = .opCode(code)
    let table = try file.table(at: file.follow(vector.start + 4 * code))
    var fields: [(slot: Int, node: FlatBufferNode)] = [
      (0, .byte(try file.scalar(table, 0, default: UInt8(0)))),
      (2, .word(try file.scalar(table, 2, default: UInt32(1)))),
      (3, .word(try file.scalar(table, 3, default: UInt32(0)))),
    ]
    if let name = try file.string(table, 1) { fields.append((1, .string(name))) }
    codes[code] = codeNodes.count
    codeNodes.append(.table(fields))
    return codeNodes.count - 1
  }
}
