import EXrayCore

/// Everything that a model file says, before its meaning is checked.
struct Contents {
  var formatVersion: Int
  var description: String
  var subgraphs: [Subgraph]
  var primary: Subgraph
  var signatures: [Signature]
  var metadataNames: [String]
  var hasExternalBuffers: Bool
}

/// Reads the tables of a model file; indices into other tables are checked on the way.
struct Parser {
  var file: FlatBuffer
  private let root: FlatBuffer.Table
  private var opCodes: [(type: String, isCustom: Bool, version: Int)] = []
  private var buffers: [Range<Int>?] = []
  private var hasExternalBuffers = false

  init(_ bytes: [UInt8]) throws(ModelError) {
    file = FlatBuffer(bytes)
    guard bytes.count >= 8, Array(bytes[4..<8]) == Schema.identifier else {
      throw ModelError(
        .notTFLite,
        """
        this is not a TensorFlow Lite model: byte 4 should read TFL3, and the file has \
        \(bytes.count) bytes; give a .tflite file
        """, byteOffset: min(4, bytes.count))
    }
    root = try file.table(at: file.follow(0))
  }

  mutating func contents() throws(ModelError) -> Contents {
    let formatVersion = Int(try file.scalar(root, 0, default: UInt32(0)))
    let description = try file.string(root, 3) ?? ""
    try readBuffers()
    try readOpCodes()
    var subgraphs: [Subgraph] = []
    let graphs = try tables(root, 2)
    for index in 0..<graphs.count {
      subgraphs.append(try subgraph(at: element(graphs, index), index))
    }
    guard let primary = subgraphs.first else {
      throw ModelError(
        .missingPart, "the model has no graph to run; \(exportAgain)", byteOffset: root.offset)
    }
    return Contents(
      formatVersion: formatVersion, description: description, subgraphs: subgraphs,
      primary: primary, signatures: try signatures(subgraphs), metadataNames: try metadata(),
      hasExternalBuffers: hasExternalBuffers)
  }

  // MARK: Parts of the model

  private mutating func readBuffers() throws(ModelError) {
    let vector = try tables(root, 4)
    for index in 0..<vector.count {
      file.place = .buffer(index)
      let table = try file.table(at: element(vector, index))
      let offset = try file.scalar(table, 1, default: UInt64(0))
      let size = try file.scalar(table, 2, default: UInt64(0))
      if let data = try file.vector(table, 0, stride: 1), data.count > 0 {
        buffers.append(data.start..<data.start + data.count)
      } else if offset > 1, size > 0 {
        hasExternalBuffers = true
        let total = UInt64(file.bytes.count)
        guard offset <= total, size <= total - offset else {
          throw ModelError(
            .outOfBounds,
            """
            buffer \(index) claims \(size) bytes at byte \(offset), past the file's \(total); the \
            file is cut off or damaged, \(exportAgain)
            """, byteOffset: table.offset)
        }
        buffers.append(Int(offset)..<Int(offset + size))
      } else {
        buffers.append(nil)
      }
    }
    file.place = .model
    if let groups = try file.vector(root, 9, stride: 4), groups.count > 0 {
      hasExternalBuffers = true
    }
  }

  private mutating func readOpCodes() throws(ModelError) {
    let vector = try tables(root, 1)
    for index in 0..<vector.count {
      file.place = .opCode(index)
      let table = try file.table(at: element(vector, index))
      let old = Int(try file.scalar(table, 0, default: Int8(0)))
      let code = max(old, Int(try file.scalar(table, 3, default: Int32(0))))
      let version = Int(try file.scalar(table, 2, default: Int32(1)))
      guard code >= 0 else {
        throw ModelError(
          .malformed, "op code \(index) is \(code), below 0; \(exportAgain)",
          byteOffset: table.offset)
      }
      let isCustom = code == Schema.customCode
      let name = try file.string(table, 1)
      if isCustom, name == nil {
        throw ModelError(
          .missingPart, "op code \(index) is a custom op without a name; \(exportAgain)",
          byteOffset: table.offset)
      }
      opCodes.append((isCustom ? name ?? "" : Schema.opName(code), isCustom, version))
    }
  }

  private mutating func metadata() throws(ModelError) -> [String] {
    file.place = .model
    let vector = try tables(root, 6)
    var names: [String] = []
    for index in 0..<vector.count {
      file.place = .metadata(index)
      let table = try file.table(at: element(vector, index))
      let buffer = Int(try file.scalar(table, 1, default: UInt32(0)))
      guard buffer < buffers.count else {
        throw invalidIndex("buffer", buffer, buffers.count, at: table.offset)
      }
      names.append(try file.string(table, 0) ?? "")
    }
    return names
  }

  private mutating func signatures(_ subgraphs: [Subgraph]) throws(ModelError) -> [Signature] {
    file.place = .model
    let vector = try tables(root, 7)
    var signatures: [Signature] = []
    for index in 0..<vector.count {
      file.place = .signature(index)
      let table = try file.table(at: element(vector, index))
      let subgraph = Int(try file.scalar(table, 4, default: UInt32(0)))
      guard subgraph < subgraphs.count else {
        throw invalidIndex("subgraph", subgraph, subgraphs.count, at: table.offset)
      }
      guard let key = try file.string(table, 2) else {
        throw ModelError(
          .invalidSignature, "signature \(index) has no key; \(exportAgain)",
          byteOffset: table.offset)
      }
      let count = subgraphs[subgraph].tensors.count
      signatures.append(
        Signature(
          key: key, inputs: try entries(table, 0, of: "input", key, tensorCount: count),
          outputs: try entries(table, 1, of: "output", key, tensorCount: count),
          subgraph: subgraph, offset: table.offset))
    }
    return signatures
  }

  private mutating func entries(
    _ table: FlatBuffer.Table, _ slot: Int, of kind: String, _ key: String, tensorCount: Int
  ) throws(ModelError) -> [Signature.Entry] {
    let vector = try tables(table, slot)
    var entries: [Signature.Entry] = []
    for index in 0..<vector.count {
      let entry = try file.table(at: element(vector, index))
      let tensor = Int(try file.scalar(entry, 1, default: UInt32(0)))
      guard tensor < tensorCount else {
        throw ModelError(
          .invalidSignature,
          """
          \(kind) \(index) of signature "\(key)" is tensor \(tensor), and the graph has \
          \(tensorCount); \(exportAgain)
          """, byteOffset: entry.offset)
      }
      guard let name = try file.string(entry, 0) else {
        throw ModelError(
          .invalidSignature,
          "\(kind) \(index) of signature \"\(key)\" (tensor \(tensor)) has no name; \(exportAgain)",
          byteOffset: entry.offset)
      }
      entries.append(Signature.Entry(name: name, tensorIndex: tensor))
    }
    return entries
  }

  // MARK: Parts of a graph

  private mutating func subgraph(at offset: Int, _ index: Int) throws(ModelError) -> Subgraph {
    file.place = .subgraph(index)
    let table = try file.table(at: offset)
    let name = try file.string(table, 4) ?? ""
    var tensors: [Tensor] = []
    let tensorTables = try tables(table, 0)
    tensors.reserveCapacity(tensorTables.count)
    for number in 0..<tensorTables.count {
      file.place = .tensor(number, subgraph: index)
      tensors.append(try tensor(at: element(tensorTables, number), number))
    }
    var ops: [Op] = []
    file.place = .subgraph(index)
    let opTables = try tables(table, 3)
    ops.reserveCapacity(opTables.count)
    for number in 0..<opTables.count {
      file.place = .op(number, subgraph: index)
      ops.append(try op(at: element(opTables, number), number, tensorCount: tensors.count))
    }
    file.place = .subgraph(index)
    return Subgraph(
      name: name, tensors: tensors, ops: ops,
      inputs: try indices(table, 1, upTo: tensors.count, least: 0),
      outputs: try indices(table, 2, upTo: tensors.count, least: 0))
  }

  private mutating func tensor(at offset: Int, _ index: Int) throws(ModelError) -> Tensor {
    try file.charge(64, at: offset)
    let table = try file.table(at: offset)
    let code = Int(try file.scalar(table, 1, default: Int8(0)))
    let name = try file.string(table, 3) ?? ""
    guard let type = Schema.elementType(code) else {
      throw ModelError(
        .unsupportedType,
        """
        \(file.place) ("\(name)") has element type \(code), which this reader does not know; \
        export the model with a type between 0 and 20
        """, byteOffset: offset)
    }
    let buffer = Int(try file.scalar(table, 2, default: UInt32(0)))
    // Buffer 0 stands for "no data"; a file without any buffers can still say so.
    guard buffer < buffers.count || buffer == 0 else {
      throw invalidIndex("buffer", buffer, buffers.count, at: offset)
    }
    if try file.scalar(table, 10, default: UInt32(0)) != 0 { hasExternalBuffers = true }
    let signature =
      try file.vector(table, 7, stride: 4) == nil
      ? nil : try file.integers(table, 7, as: Int32.self)
    return Tensor(
      index: index,
      description: TensorDescription(
        name: name, elementType: type, shape: Shape(try file.integers(table, 0, as: Int32.self)),
        quantization: try quantization(table)),
      shapeSignature: signature, bufferIndex: buffer,
      constantBytes: buffer < buffers.count ? buffers[buffer] : nil,
      isVariable: try file.scalar(table, 5, default: UInt8(0)) != 0,
      isSparse: try file.field(table, 6) != nil, offset: offset)
  }

  private mutating func quantization(_ tensor: FlatBuffer.Table) throws(ModelError) -> Quantization?
  {
    guard let table = try file.table(tensor, 4) else { return nil }
    let scales = try file.floats(table, 2)
    guard !scales.isEmpty else { return nil }
    let zeroPoints = try file.integers(table, 3, as: Int64.self)
    // LiteRT refuses other counts; blockwise quantization keeps its numbers elsewhere.
    guard zeroPoints.count == scales.count else {
      throw ModelError(
        .invalidQuantization,
        """
        \(file.place) has \(scales.count) scales and \(zeroPoints.count) zero points; \
        \(exportAgain)
        """, byteOffset: table.offset)
    }
    return Quantization(
      scales: scales, zeroPoints: zeroPoints.map(Int64.init),
      axis: Int(try file.scalar(table, 6, default: Int32(0))))
  }

  private mutating func op(at offset: Int, _ index: Int, tensorCount: Int) throws(ModelError) -> Op
  {
    try file.charge(64, at: offset)
    let table = try file.table(at: offset)
    let number = Int(try file.scalar(table, 0, default: UInt32(0)))
    guard number < opCodes.count else {
      throw invalidIndex("op code", number, opCodes.count, at: offset)
    }
    let code = opCodes[number]
    _ = try indices(table, 8, upTo: tensorCount, least: -1)
    let options = OpOptions(
      type: try file.scalar(table, 3, default: UInt8(0)), offset: try file.table(table, 4)?.offset,
      secondType: try file.scalar(table, 11, default: UInt8(0)),
      secondOffset: try file.table(table, 12)?.offset)
    var activation: String?
    if let slot = Schema.activationSlot(optionsType: options.type),
      let fields = try file.table(table, 4)
    {
      activation = Schema.activation(Int(try file.scalar(fields, slot, default: Int8(0))))
    }
    return Op(
      index: index, type: code.type, isCustom: code.isCustom, version: code.version,
      inputs: try indices(table, 1, upTo: tensorCount, least: -1),
      outputs: try indices(table, 2, upTo: tensorCount, least: -1), fusedActivation: activation,
      options: options, offset: offset)
  }

  // MARK: Vectors

  private func tables(_ table: FlatBuffer.Table, _ slot: Int) throws(ModelError)
    -> FlatBuffer.Vector
  {
    try file.vector(table, slot, stride: 4) ?? FlatBuffer.Vector(start: 0, count: 0)
  }

  private func element(_ vector: FlatBuffer.Vector, _ index: Int) throws(ModelError) -> Int {
    try file.follow(vector.start + 4 * index)
  }

  private mutating func indices(
    _ table: FlatBuffer.Table, _ slot: Int, upTo count: Int, least: Int
  ) throws(ModelError) -> [Int] {
    let values = try file.integers(table, slot, as: Int32.self)
    for value in values where value < least || value >= count {
      throw invalidIndex("tensor", value, count, at: table.offset)
    }
    return values
  }

  private func invalidIndex(_ what: String, _ index: Int, _ count: Int, at offset: Int)
    -> ModelError
  {
    ModelError(
      .invalidIndex,
      "\(file.place) names \(what) \(index), and there are \(count); \(exportAgain)",
      byteOffset: offset)
  }
}
