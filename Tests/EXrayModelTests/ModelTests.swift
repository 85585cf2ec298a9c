import EXrayCore
import EXrayModel
import Testing

/// A fault that a model may have, and how it must be refused.
struct Fault: Sendable, CustomTestStringConvertible {
  var testDescription: String
  var code: ModelError.Code
  /// Words that the message must hold.
  var words: String
  var bytes: [UInt8]

  init(
    _ name: String, _ code: ModelError.Code, _ words: String,
    _ change: (inout TinyModel) -> Void
  ) {
    self.init(name, code, words, bytes: TinyModel.with(change).bytes)
  }

  init(_ name: String, _ code: ModelError.Code, _ words: String, bytes: [UInt8]) {
    testDescription = name
    self.code = code
    self.words = words
    self.bytes = bytes
  }
}

@Suite("Models that must be refused")
struct RefusalTests {
  static let structure: [Fault] = [
    Fault("an empty file", .notTFLite, "0 bytes", bytes: []),
    Fault("a picture", .notTFLite, "TFL3", bytes: Array("\u{89}PNG and so on".utf8)),
    Fault("a file cut off", .outOfBounds, "cut off", bytes: Array(TinyModel().bytes.prefix(80))),
    Fault(
      "a root outside the file", .outOfBounds, "an offset",
      bytes: [0xFF, 0xFF, 0xFF, 0x7F] + Array(TinyModel().bytes.dropFirst(4))),
    Fault(
      "a vtable of odd length", .malformed, "vtable",
      bytes: [12, 0, 0, 0] + Array("TFL3".utf8) + [5, 0, 8, 0, 4, 0, 0, 0, 0, 0, 0, 0]),
    Fault("a negative op code", .malformed, "-1") { $0.codes[0] = [0: .int8(-1), 3: .int32(-1)] },
    Fault("a custom op without a name", .missingPart, "without a name") {
      $0.codes[0] = TinyModel.code(32)
    },
    Fault("an op code that is not there", .invalidIndex, "op code 9") {
      $0.ops[0][0] = .uint32(9)
    },
    Fault("a buffer that is not there", .invalidIndex, "buffer 77") {
      $0.tensors[1][2] = .uint32(77)
    },
    Fault("an op input that is not there", .invalidIndex, "tensor 6") {
      $0.ops[0][1] = .ints([0, 6])
    },
    Fault("a graph output that is not there", .invalidIndex, "tensor -1") { $0.outputs = [-1] },
    Fault("an unknown element type", .unsupportedType, "type 99") { $0.tensors[0][1] = .int8(99) },
    Fault("far more tensors than the file holds", .tooComplex, "more parts", bytes: explosive()),
    Fault("constants after the end of the file", .outOfBounds, "claims 64 bytes") {
      $0.buffers[1] = [1: .uint64(1 << 40), 2: .uint64(64)]
    },
    Fault("metadata in no buffer", .invalidIndex, "buffer 50") {
      $0.root[6] = .tables([[0: .string("m"), 1: .uint32(50)]])
    },
  ]

  static let tensors: [Fault] = [
    Fault("a negative extent", .invalidShape, "-4") { $0.tensors[3][0] = .ints([1, -4, 4, 2]) },
    Fault("65 dimensions", .invalidShape, "65 dimensions") {
      $0.tensors[3][0] = .ints([Int32](repeating: 1, count: 65))
    },
    Fault("a signature of another shape", .invalidShape, "shape signature") {
      $0.tensors[0][7] = .ints([-1, 4, 5, 1])
    },
    Fault("a tensor of 16 GiB", .tooLarge, "needs over") {
      $0.tensors[3][0] = .ints([1 << 16, 1 << 16, 1])
    },
    Fault("a tensor whose size overflows", .tooLarge, "needs over") {
      $0.tensors[3][0] = .ints([Int32.max, Int32.max, Int32.max, Int32.max])
    },
    Fault("all tensors over 8 GiB", .tooLarge, "over the limit") { model in
      for _ in 0..<6 { model.tensors.append(TinyModel.tensor("huge", [400, 1 << 20])) }
    },
    Fault("a scale that is not a number", .invalidQuantization, "nan") {
      $0.tensors[3][4] = TinyModel.quantization([.nan], [0])
    },
    Fault("a negative scale", .invalidQuantization, "-1.0") {
      $0.tensors[3][4] = TinyModel.quantization([-1], [0])
    },
    Fault("a zero point beyond 32 bits", .invalidQuantization, "beyond 32 bits") {
      $0.tensors[3][4] = TinyModel.quantization([1], [1 << 40])
    },
    Fault("scales without zero points", .invalidQuantization, "0 zero points") {
      $0.tensors[3][4] = TinyModel.quantization([1], [])
    },
    Fault("a quantized dimension beyond the shape", .invalidQuantization, "dimension 3") {
      $0.tensors[2][4] = TinyModel.quantization([1], [0], axis: 3)
    },
    Fault("three scales for two slices", .invalidQuantization, "3 scales") {
      $0.tensors[2][4] = TinyModel.quantization([1, 1, 1], [0, 0, 0])
    },
    Fault("a constant that is too short", .invalidConstant, "holds 28 bytes") {
      $0.buffers[1] = [0: .bytes([UInt8](repeating: 0, count: 28))]
    },
    Fault("damaged strings", .invalidConstant, "damaged strings") {
      $0.buffers.append([0: .bytes(littleEndian(Int32(5)) + littleEndian(Int32(8)))])
      $0.tensors.append(TinyModel.tensor("words", [5], type: 5, buffer: 4))
    },
  ]

  static let meaning: [Fault] = [
    Fault("a signature without a key", .invalidSignature, "no key") { $0.signature?[2] = nil },
    Fault("a signature entry without a name", .invalidSignature, "has no name") {
      $0.signature?[1] = .tables([[1: .uint32(5)]])
    },
    Fault("a signature that names a tensor twice", .invalidSignature, "tensor 5 twice") {
      $0.signature?[1] = .tables([
        [0: .string("a"), 1: .uint32(5)], [0: .string("b"), 1: .uint32(5)],
      ])
    },
    Fault("a signature with one name twice", .invalidSignature, "\"a\" twice") {
      $0.signature?[1] = .tables([
        [0: .string("a"), 1: .uint32(5)], [0: .string("a"), 1: .uint32(3)],
      ])
    },
    Fault("a signature of a tensor that is not there", .invalidSignature, "tensor 50") {
      $0.signature?[0] = .tables([[0: .string("x"), 1: .uint32(50)]])
    },
    Fault("a signature of a graph that is not there", .invalidIndex, "subgraph 4") {
      $0.signature?[4] = .uint32(4)
    },
    Fault("ops in the wrong order", .invalidOrder, "nothing made") { $0.ops.swapAt(0, 1) },
    Fault("an op that writes a constant", .invalidOrder, "is a constant") {
      $0.ops[0][2] = .ints([1])
    },
    Fault("an output that nothing makes", .invalidOrder, "nothing makes") { model in
      model.tensors.append(TinyModel.tensor("nothing", [1]))
      model.outputs = [6]
    },
    Fault("a convolution without a filter", .invalidOp, "needs 2 inputs") {
      $0.ops[0][1] = .ints([0])
    },
    Fault("a convolution of stride 0", .invalidOp, "stride_w 0") {
      $0.ops[0][4] = .table([0: .int8(0), 1: .int32(0), 2: .int32(1)])
    },
    Fault("a convolution with an addition's options", .invalidOp, "options") {
      $0.ops[0][3] = .uint8(11)
    },
    Fault("a convolution with another result", .invalidOp, "makes shape [1, 4, 4, 2]") {
      $0.tensors[3][0] = .ints([1, 8, 2, 2])
    },
    Fault("a convolution that makes another type", .invalidOp, "int8") {
      $0.tensors[3][1] = .int8(9)
    },
    Fault("a bias of three for two channels", .invalidOp, "bias") { model in
      model.buffers[2] = [0: .bytes([UInt8](repeating: 0, count: 12))]
      model.tensors[2][0] = .ints([3])
    },
    Fault("a reshape to another count", .invalidOp, "turns shape") {
      $0.tensors[5][0] = .ints([1, 31])
    },
    Fault("a dequantization to another shape", .invalidOp, "makes shape [1, 32]") {
      $0.append(6, [5], makes: TinyModel.tensor("real", [1, 16]))
    },
    Fault("padding by a negative count", .invalidOp, "by -1") { model in
      let paddings = model.constant([0, -1, 0, 0], shape: [2, 2])
      model.append(34, [5, paddings], makes: TinyModel.tensor("padded", [1, 32]))
    },
    Fault("a join of shapes that do not fit", .invalidOp, "joins") {
      $0.append(
        2, [5, 3], makes: TinyModel.tensor("joined", [1, 64]), options: (10, [0: .int32(1)]))
    },
    Fault("an 8-bit state that LiteRT writes as 16 bits", .invalidOp, "int16") { model in
      for index in 6...10 {
        var tensor = TinyModel.tensor("svdf", [1], type: 9)
        if index == 10 { tensor[5] = .uint8(1) }
        model.tensors.append(tensor)
      }
      model.inputs = [0, 6, 7, 8, 9]
      model.append(
        27, [6, 7, 8, 9, 10], makes: TinyModel.tensor("filtered", [1], type: 9),
        options: (6, [0: .int32(1)]))
    },
    Fault("a call of a graph that is not there", .invalidIndex, "subgraph 8") { model in
      model.codes.append(TinyModel.code(129))
      model.ops.append(TinyModel.op(2, [], [], options: (103, [0: .int32(8)])))
    },
    Fault("a graph that calls itself", .recursiveSubgraphs, "circle") { model in
      model.codes.append(TinyModel.code(129))
      model.ops.append(TinyModel.op(2, [], [], options: (103, [0: .int32(0)])))
    },
  ]

  /// A file in which 100,000 tensors are one table with a name of 40,000 bytes.
  static func explosive() -> [UInt8] {
    SharedElements.file(count: 100_000)
  }

  @Test(
    "every fault is refused with its code, a place and advice",
    arguments: structure + tensors + meaning)
  func refuses(_ fault: Fault) throws {
    let error = #expect(throws: ModelError.self) { try Model(fault.bytes) }
    let found = try #require(error)
    #expect(found.code == fault.code, "\(found)")
    #expect(found.message.contains(fault.words), "\(found)")
    #expect(found.message.contains(";"), "\(found) says what to do")
    if fault.code != .recursiveSubgraphs {
      let offset = try #require(found.byteOffset)
      #expect(offset >= 0 && offset <= fault.bytes.count)
      #expect(found.description.hasPrefix("byte \(offset): "))
    }
  }
}

/// A model whose list of tensors names one table many times.
enum SharedElements {
  static func file(count: Int) -> [UInt8] {
    // A new file: header, root table, one graph, a list of `count` offsets to one tensor table.
    var file: [UInt8] = [24, 0, 0, 0] + Array("TFL3".utf8)
    file += [10, 0, 8, 0, 0, 0, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0]  // vtable: slot 2 at 4
    func word(_ value: Int) -> [UInt8] { littleEndian(UInt32(value)) }
    file += word(24 - 8) + word(4)  // root at 24; field at 28 points to 32
    file += word(1) + word(12)  // list of one graph at 32; element at 36 points to 48
    file += [6, 0, 8, 0, 4, 0, 0, 0]  // graph's vtable at 40: slot 0 at 4
    file += word(8) + word(4)  // graph at 48; its tensors at 56
    file += word(count)
    let table = 60 + 4 * count + 12
    for index in 0..<count { file += word(table - (60 + 4 * index)) }
    file += [12, 0, 8, 0, 0, 0, 0, 0, 0, 0, 4, 0]  // the tensor's vtable: slot 3 at 4
    file += word(12) + word(4)
    file += word(40_000) + [UInt8](repeating: 0x6E, count: 40_000)
    return file
  }
}
