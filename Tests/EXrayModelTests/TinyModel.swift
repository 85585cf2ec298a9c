/// A small model to damage: one convolution and one reshape, with a signature.
///
/// Tensors: 0 input `[1, 4, 4, 1]`, 1 filter `[2, 2, 2, 1]`, 2 bias `[2]`, 3 convolved
/// `[1, 4, 4, 2]`, 4 new shape `[2]`, 5 output `[1, 32]`.
struct TinyModel {
  var root: Fields = [0: .uint32(3), 3: .string("tiny")]
  var codes: [Fields] = [code(3), code(22)]
  var tensors: [Fields] = [
    tensor("input", [1, 4, 4, 1]),
    tensor("filter", [2, 2, 2, 1], buffer: 1),
    tensor("bias", [2], buffer: 2),
    tensor("convolved", [1, 4, 4, 2]),
    tensor("shape", [2], type: 2, buffer: 3),
    tensor("output", [1, 32]),
  ]
  var ops: [Fields] = [
    op(0, [0, 1, 2], [3], options: (1, [0: .int8(0), 1: .int32(1), 2: .int32(1), 3: .int8(3)])),
    op(1, [3, 4], [5]),
  ]
  var buffers: [Fields] = [
    [:], [0: .bytes([UInt8](repeating: 0, count: 32))],
    [0: .bytes([UInt8](repeating: 0, count: 8))],
    [0: .bytes(littleEndian(Int32(1)) + littleEndian(Int32(32)))],
  ]
  var inputs: [Int32] = [0]
  var outputs: [Int32] = [5]
  var graph: Fields = [4: .string("main")]
  var otherGraphs: [Fields] = []
  var signature: Fields? = [
    0: .tables([[0: .string("x"), 1: .uint32(0)]]), 1: .tables([[0: .string("y"), 1: .uint32(5)]]),
    2: .string("serve"),
  ]

  static func code(_ number: Int32, custom: String? = nil) -> Fields {
    var fields: Fields = [0: .int8(Int8(min(number, 127))), 2: .int32(1), 3: .int32(number)]
    if let custom { fields[1] = .string(custom) }
    return fields
  }

  static func tensor(_ name: String, _ shape: [Int32], type: Int8 = 0, buffer: UInt32 = 0) -> Fields
  {
    [0: .ints(shape), 1: .int8(type), 2: .uint32(buffer), 3: .string(name)]
  }

  static func op(
    _ code: UInt32, _ inputs: [Int32], _ outputs: [Int32], options: (UInt8, Fields)? = nil
  ) -> Fields {
    var fields: Fields = [0: .uint32(code), 1: .ints(inputs), 2: .ints(outputs)]
    if let options {
      fields[3] = .uint8(options.0)
      fields[4] = .table(options.1)
    }
    return fields
  }

  static func quantization(_ scales: [Float], _ zeroPoints: [Int64], axis: Int32 = 0) -> Field {
    .table([2: .floats(scales), 3: .longs(zeroPoints), 6: .int32(axis)])
  }

  /// Adds an op at the end; its result becomes the last tensor.
  mutating func append(
    _ builtin: Int32, _ inputs: [Int32], makes result: Fields, options: (UInt8, Fields)? = nil
  ) {
    codes.append(Self.code(builtin))
    tensors.append(result)
    ops.append(
      Self.op(UInt32(codes.count - 1), inputs, [Int32(tensors.count - 1)], options: options))
  }

  /// Adds a constant of 32-bit integers and returns its index.
  mutating func constant(_ values: [Int32], shape: [Int32]? = nil) -> Int32 {
    buffers.append([0: .bytes(values.flatMap(littleEndian))])
    tensors.append(
      Self.tensor(
        "constant", shape ?? [Int32(values.count)], type: 2, buffer: UInt32(buffers.count - 1)))
    return Int32(tensors.count - 1)
  }

  /// The file.
  var bytes: [UInt8] {
    var graph = graph
    graph[0] = .tables(tensors)
    graph[1] = .ints(inputs)
    graph[2] = .ints(outputs)
    graph[3] = .tables(ops)
    var root = root
    root[1] = .tables(codes)
    root[2] = .tables([graph] + otherGraphs)
    root[4] = .tables(buffers)
    if let signature { root[7] = .tables([signature]) }
    return FlatBufferWriter.file(root, identifier: "TFL3")
  }

  /// A copy with one change.
  static func with(_ change: (inout TinyModel) -> Void) -> TinyModel {
    var model = TinyModel()
    change(&model)
    return model
  }
}
