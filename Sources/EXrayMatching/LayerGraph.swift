import EXrayCore
import EXrayModel

/// A model's primary graph as matching sees it.
struct LayerGraph {
  /// An op and the place of a tensor among its inputs.
  struct Use {
    var op: Int
    var slot: Int
  }

  let model: Model
  let ops: [Op]
  let tensors: [Tensor]
  /// The op's type.
  let kinds: [Digest]
  /// Ops that only store, reshape or transpose their first input.
  let isConversion: [Bool]
  /// Ops that a converter folds into the op before them, on one chain with it: activations, constant factors.
  private(set) var isTail: [Bool]
  /// Tensors that depend on constants alone.
  let isFixed: [Bool]
  /// The constant that a fixed tensor is or is stored from; -1 for none.
  let constant: [Int]
  /// The op that makes a tensor; -1 for none.
  let producer: [Int]
  /// Which of its maker's results a tensor is.
  let port: [Int]
  /// The tensor that a tensor is converted from, over all conversions.
  let root: [Int]
  /// Tensors that the caller sets.
  let isInput: [Bool]
  /// Uses of a tensor by any op.
  let uses: [[Use]]
  /// Uses of a root, or of what it is converted to, by ops that are no conversions.
  private(set) var realUses: [[Use]]
  let elementCount: [Int]
  /// Digest of the extents above 1, ascending.
  let extents: [Digest]
  /// Tails of an op, in order.
  private(set) var tails: [[Int]]
  /// The op on whose chain an op is; itself where it is no tail.
  private(set) var head: [Int]

  private static let conversions: Set<String> = [
    "QUANTIZE", "DEQUANTIZE", "FAKE_QUANT", "TRANSPOSE", "RESHAPE", "SQUEEZE", "EXPAND_DIMS",
  ]
  private static let activations: Set<String> = [
    "RELU", "RELU6", "RELU_N1_TO_1", "RELU_0_TO_1",
  ]
  private static let affine: Set<String> = ["ADD", "SUB", "MUL", "DIV"]
  /// Ops whose operands may change places.
  static let commutative: Set<String> = ["ADD", "MUL", "MAXIMUM", "MINIMUM", "ADD_N"]

  init(_ model: Model) {
    let graph = model.primary
    let count = graph.tensors.count
    self.model = model
    ops = graph.ops
    tensors = graph.tensors
    var digests: [String: Digest] = [:]
    kinds = graph.ops.map { op in
      if let known = digests[op.type] { return known }
      let made = Digest(op.type)
      digests[op.type] = made
      return made
    }
    var producer = [Int](repeating: -1, count: count)
    var root = Array(0..<count)
    var port = [Int](repeating: 0, count: count)
    var isFixed = graph.tensors.map { $0.constantBytes != nil }
    var constant = (0..<count).map { isFixed[$0] && !graph.tensors[$0].isVariable ? $0 : -1 }
    var uses = [[Use]](repeating: [], count: count)
    var isConversion = [Bool](repeating: false, count: graph.ops.count)
    for op in graph.ops {
      for (slot, input) in op.inputs.enumerated() where input >= 0 && input < count {
        uses[input].append(Use(op: op.index, slot: slot))
      }
      let read = op.inputs.filter { $0 >= 0 && $0 < count }
      let fixed = !read.isEmpty && read.allSatisfy { isFixed[$0] }
      let converts = Self.converts(op, graph, isFixed)
      isConversion[op.index] = converts
      for (place, output) in op.outputs.enumerated() where output >= 0 && output < count {
        producer[output] = op.index
        port[output] = place
        if fixed { isFixed[output] = true }
        if converts { root[output] = root[op.inputs[0]] }
        if fixed, op.type == "DEQUANTIZE", let source = read.first {
          constant[output] = constant[source]
        }
      }
    }
    var isInput = [Bool](repeating: false, count: count)
    for input in graph.inputs where producer[input] < 0 { isInput[input] = true }
    self.isInput = isInput
    self.producer = producer
    self.root = root
    self.port = port
    self.isFixed = isFixed
    self.constant = constant
    self.uses = uses
    self.isConversion = isConversion
    elementCount = graph.tensors.map { $0.description.shape.elementCount ?? -1 }
    extents = graph.tensors.map { tensor in
      tensor.description.shape.dimensions.filter { $0 != 1 }.sorted()
        .reduce(Digest(1)) { $0.with($1) }
    }
    realUses = [[Use]](repeating: [], count: count)
    isTail = [Bool](repeating: false, count: graph.ops.count)
    head = Array(graph.ops.indices)
    tails = [[Int]](repeating: [], count: graph.ops.count)
    for op in graph.ops where !isConversion[op.index] {
      for (slot, input) in op.inputs.enumerated() where input >= 0 && input < count {
        realUses[root[input]].append(Use(op: op.index, slot: slot))
      }
    }
    findTails(outputs: Set(graph.outputs.map { root.indices.contains($0) ? root[$0] : $0 }))
  }

  private static func converts(_ op: Op, _ graph: Subgraph, _ isFixed: [Bool]) -> Bool {
    guard let input = op.inputs.first, input >= 0, op.outputs.count == 1, op.outputs[0] >= 0,
      !isFixed[input], op.inputs.dropFirst().allSatisfy({ $0 < 0 || isFixed[$0] })
    else { return false }
    if conversions.contains(op.type) { return true }
    guard op.type == "CAST" else { return false }
    let floats: Set<ElementType> = [.float32, .float16, .bfloat16, .float64]
    return floats.contains(graph.tensors[input].description.elementType)
      && floats.contains(graph.tensors[op.outputs[0]].description.elementType)
  }

  /// Puts every activation and every constant factor or term on the chain of the op that alone feeds it.
  private mutating func findTails(outputs: Set<Int>) {
    for op in ops where isUnit(op) {
      guard let input = operands(of: op.index).first, !outputs.contains(input),
        realUses[input].count == 1, producer[input] >= 0
      else { continue }
      let before = producer[input]
      // The chain goes on from its end only, and from the first result of an op.
      guard ops[before].outputs.first == input else { continue }
      isTail[op.index] = true
      head[op.index] = head[before]
      tails[head[before]].append(op.index)
    }
  }

  private func isUnit(_ op: Op) -> Bool {
    guard op.outputs.count == 1, op.outputs[0] >= 0, !isFixed[op.outputs[0]] else { return false }
    let read = operands(of: op.index)
    guard read.count == 1, elementCount[read[0]] == elementCount[op.outputs[0]] else {
      return false
    }
    if Self.activations.contains(op.type) { return true }
    guard Self.affine.contains(op.type), op.inputs.count == 2 else { return false }
    // A division by a tensor is another function than a factor.
    return op.type != "DIV" && op.type != "SUB" || root[op.inputs[0]] == read[0]
  }

  func isActivation(_ op: Int) -> Bool { Self.activations.contains(ops[op].type) }

  func isCommutative(_ op: Int) -> Bool { Self.commutative.contains(ops[op].type) }

  /// The roots of what an op reads that depends on inputs, in order.
  func operands(of op: Int) -> [Int] {
    ops[op].inputs.compactMap {
      $0 >= 0 && $0 < tensors.count && !isFixed[$0] ? root[$0] : nil
    }
  }

  /// Whether a tensor takes part: inputs, and what ops make that depends on more than constants.
  func isLayer(_ tensor: Int) -> Bool {
    !isFixed[tensor] && (producer[tensor] >= 0 || isInput[tensor])
  }

  /// Digest of a tensor's type, extents and quantization.
  func format(_ tensor: Int) -> Digest {
    let description = tensors[tensor].description
    var digest = Digest(description.elementType.rawValue)
    for extent in description.shape.dimensions { digest = digest.with(extent) }
    for scale in description.quantization?.scales ?? [] {
      digest = digest.with(UInt64(scale.bitPattern))
    }
    for zero in description.quantization?.zeroPoints ?? [] {
      digest = digest.with(UInt64(bitPattern: zero))
    }
    return digest
  }

  // MARK: Constants

  /// The largest constant with real values that an op reads; -1 for none.
  func weights(of op: Int) -> Int {
    var best = -1
    for input in ops[op].inputs where input >= 0 && input < tensors.count && constant[input] >= 0 {
      let source = constant[input]
      let description = tensors[source].description
      guard elementCount[source] > 0, isReal(description),
        best < 0 || elementCount[source] > elementCount[best]
      else { continue }
      best = source
    }
    return best
  }

  /// Whether a constant is a matter of values and not of places: floats and quantized integers.
  private func isReal(_ description: TensorDescription) -> Bool {
    switch description.elementType {
    case .float32, .float16, .bfloat16, .float64: true
    case .int8, .uint8, .int16: description.quantization?.scales.isEmpty == false
    default: false
    }
  }

  /// The constant's bytes and what they stand for.
  func digest(ofConstant tensor: Int) -> Digest {
    let description = tensors[tensor].description
    var digest = Digest(description.elementType.rawValue).with(extents[tensor])
    for scale in description.quantization?.scales ?? [] {
      digest = digest.with(UInt64(scale.bitPattern))
    }
    guard let place = tensors[tensor].constantBytes else { return digest }
    let span = unsafe model.bytes.span.bytes.extracting(place)
    let words = span.byteCount / 8
    for word in 0..<words {
      digest = digest.with(
        unsafe span.unsafeLoadUnaligned(fromByteOffset: 8 * word, as: UInt64.self))
    }
    for byte in 8 * words..<span.byteCount {
      digest = digest.with(
        UInt64(unsafe span.unsafeLoad(fromByteOffset: byte, as: UInt8.self)))
    }
    return digest
  }
}
