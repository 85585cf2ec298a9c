import EXrayCore

/// Checks what a model means; the structure has been read without fault.
///
/// The rules refuse what LiteRT 2.3.0 refuses itself, dies of, or never finishes.
struct Checker {
  let contents: Contents
  var file: FlatBuffer

  /// Bytes that one tensor may have.
  static let tensorLimit = 2 << 30
  /// Bytes that all tensors written by ops may have together.
  static let totalLimit = 8 << 30
  /// Dimensions that a tensor may have.
  static let rankLimit = 64

  /// Which shapes of the primary graph are known before a run.
  let choice: LayerChoice

  init(_ contents: Contents, _ file: FlatBuffer) {
    self.contents = contents
    choice = LayerChoice(contents.primary)
    self.file = file
  }

  mutating func check() throws(ModelError) {
    var total = 0
    for (number, subgraph) in contents.subgraphs.enumerated() {
      for tensor in subgraph.tensors {
        try check(tensor, number)
        if tensor.constantBytes == nil { total += tensor.description.byteCount ?? 0 }
        guard total <= Self.totalLimit else {
          throw ModelError(
            .tooLarge,
            """
            the tensors up to \(name(tensor, number)) need \(total) bytes, over the limit of \
            \(Self.totalLimit); \(exportAgain)
            """, byteOffset: tensor.offset)
        }
      }
      try checkOrder(subgraph, number)
      for op in subgraph.ops { try check(op, subgraph, number) }
    }
    for signature in contents.signatures { try check(signature) }
    try checkCalls()
  }

  func name(_ tensor: Tensor, _ subgraph: Int) -> String {
    "\(Place.tensor(tensor.index, subgraph: subgraph)) (\"\(tensor.description.name)\")"
  }

  func name(_ op: Op, _ subgraph: Int) -> String {
    "\(Place.op(op.index, subgraph: subgraph)) (\(op.type))"
  }

  // MARK: Tensors

  private func check(_ tensor: Tensor, _ subgraph: Int) throws(ModelError) {
    let description = tensor.description
    let shape = description.shape
    func refuse(_ code: ModelError.Code, _ why: String) -> ModelError {
      ModelError(
        code, "\(name(tensor, subgraph)) \(why); \(exportAgain)", byteOffset: tensor.offset)
    }
    guard shape.rank <= Self.rankLimit else {
      throw refuse(.invalidShape, "has \(shape.rank) dimensions, over \(Self.rankLimit)")
    }
    if let negative = shape.dimensions.first(where: { $0 < 0 }) {
      throw refuse(.invalidShape, "has the extent \(negative) in shape \(shape.description)")
    }
    if let signature = tensor.shapeSignature, !signature.isEmpty {
      let agrees =
        signature.count == shape.rank
        && zip(signature, shape.dimensions).allSatisfy { $0 == -1 || $0 == $1 }
      guard agrees else {
        throw refuse(
          .invalidShape, "has shape \(shape.description) and the shape signature \(signature)")
      }
    }
    // Each extent counts, also beside a 0: LiteRT multiplies them in any order.
    let extents = shape.dimensions.map { max(1, $0) }
    guard
      let bytes = Shape(extents).byteCount(
        of: description.elementType.bitWidth == nil
          ? .int32 : description.elementType), bytes <= Self.tensorLimit
    else {
      throw refuse(
        .tooLarge, "of shape \(shape.description) needs over \(Self.tensorLimit) bytes")
    }
    if let quantization = description.quantization { try check(quantization, tensor, refuse) }
    if let constant = tensor.constantBytes, !tensor.isSparse { try check(constant, tensor, refuse) }
  }

  private func check(
    _ quantization: Quantization, _ tensor: Tensor,
    _ refuse: (ModelError.Code, String) -> ModelError
  ) throws(ModelError) {
    let shape = tensor.description.shape
    let count = quantization.scales.count
    if let scale = quantization.scales.first(where: { !$0.isFinite || $0 < 0 }) {
      throw refuse(.invalidQuantization, "has the scale \(scale), not a finite number from 0 up")
    }
    if let zero = quantization.zeroPoints.first(where: { Int32(exactly: $0) == nil }) {
      throw refuse(.invalidQuantization, "has the zero point \(zero), beyond 32 bits")
    }
    guard quantization.axis >= 0, shape.rank == 0 || quantization.axis < shape.rank else {
      throw refuse(
        .invalidQuantization,
        "has quantized_dimension \(quantization.axis) and \(shape.rank) dimensions")
    }
    guard count == 1 || shape.rank == 0 || count == shape.dimensions[quantization.axis] else {
      throw refuse(
        .invalidQuantization,
        """
        has \(count) scales, neither 1 nor the \(shape.dimensions[quantization.axis]) slices of \
        dimension \(quantization.axis)
        """)
    }
  }

  private func check(
    _ constant: Range<Int>, _ tensor: Tensor, _ refuse: (ModelError.Code, String) -> ModelError
  ) throws(ModelError) {
    let description = tensor.description
    if let expected = description.byteCount {
      guard constant.count == expected else {
        throw refuse(
          .invalidConstant,
          """
          holds \(constant.count) bytes of data at byte \(constant.lowerBound), and \
          \(description.elementType.rawValue) of shape \(description.shape.description) needs \
          \(expected)
          """)
      }
    } else if description.elementType == .string {
      guard stringsAreSound(constant) else {
        throw refuse(.invalidConstant, "holds damaged strings at byte \(constant.lowerBound)")
      }
    }
  }

  /// Whether `range` is a string tensor: a count, that many offsets and an end, then the characters.
  private func stringsAreSound(_ range: Range<Int>) -> Bool {
    func word(_ index: Int) -> Int? {
      guard 4 * index + 4 <= range.count else { return nil }
      return (try? file.load(range.lowerBound + 4 * index, as: Int32.self)).map(Int.init)
    }
    guard let count = word(0), count >= 0, (count + 2) * 4 <= range.count else { return false }
    var last = (count + 2) * 4
    for index in 0...count {
      guard let offset = word(index + 1), offset >= last, offset <= range.count else {
        return false
      }
      last = offset
    }
    return true
  }

  // MARK: Order

  private func checkOrder(_ subgraph: Subgraph, _ number: Int) throws(ModelError) {
    var isThere = subgraph.tensors.map { tensor in
      tensor.constantBytes != nil || tensor.isVariable || tensor.isSparse
        || tensor.description.shape.elementCount == 0
    }
    for input in subgraph.inputs { isThere[input] = true }
    for op in subgraph.ops {
      for input in op.inputs where input >= 0 && !isThere[input] {
        throw ModelError(
          .invalidOrder,
          """
          \(name(op, number)) reads \(name(subgraph.tensors[input], number)), which nothing made \
          before; \(exportAgain)
          """, byteOffset: op.offset)
      }
      for output in op.outputs where output >= 0 {
        guard subgraph.tensors[output].constantBytes == nil else {
          throw ModelError(
            .invalidOrder,
            """
            \(name(op, number)) writes \(name(subgraph.tensors[output], number)), which is a \
            constant; \(exportAgain)
            """, byteOffset: op.offset)
        }
        isThere[output] = true
      }
    }
    for output in subgraph.outputs where !isThere[output] {
      throw ModelError(
        .invalidOrder,
        """
        \(name(subgraph.tensors[output], number)) is an output of the graph, and nothing makes \
        it; \(exportAgain)
        """, byteOffset: subgraph.tensors[output].offset)
    }
  }

  // MARK: Signatures and calls

  private func check(_ signature: Signature) throws(ModelError) {
    for (kind, entries) in [("inputs", signature.inputs), ("outputs", signature.outputs)] {
      var tensors: Set<Int> = []
      var names: Set<String> = []
      for entry in entries {
        guard tensors.insert(entry.tensorIndex).inserted else {
          throw ModelError(
            .invalidSignature,
            """
            the \(kind) of signature "\(signature.key)" name tensor \(entry.tensorIndex) twice; \
            \(exportAgain)
            """, byteOffset: signature.offset)
        }
        guard names.insert(entry.name).inserted else {
          throw ModelError(
            .invalidSignature,
            """
            the \(kind) of signature "\(signature.key)" have the name "\(entry.name)" twice; \
            \(exportAgain)
            """, byteOffset: signature.offset)
        }
      }
    }
  }

  /// Subgraphs that call each other in a circle would recurse until the stack ends.
  private mutating func checkCalls() throws(ModelError) {
    var callees: [[Int]] = []
    for (number, subgraph) in contents.subgraphs.enumerated() {
      var called: [Int] = []
      for op in subgraph.ops {
        for callee in try calls(op, number) {
          guard contents.subgraphs.indices.contains(callee) else {
            throw ModelError(
              .invalidIndex,
              """
              \(name(op, number)) calls subgraph \(callee), and there are \
              \(contents.subgraphs.count); \(exportAgain)
              """, byteOffset: op.offset)
          }
          called.append(callee)
        }
      }
      callees.append(called)
    }
    // Kahn's algorithm: what is left with callers when no caller is free lies on a circle.
    var callers = [Int](repeating: 0, count: callees.count)
    for called in callees { for callee in called { callers[callee] += 1 } }
    var free = callers.indices.filter { callers[$0] == 0 }
    var done = 0
    while let next = free.popLast() {
      done += 1
      for callee in callees[next] {
        callers[callee] -= 1
        if callers[callee] == 0 { free.append(callee) }
      }
    }
    guard done == callees.count else {
      let caught = callers.indices.filter { callers[$0] > 0 }
      throw ModelError(
        .recursiveSubgraphs,
        "subgraphs \(caught) call each other in a circle; \(exportAgain)")
    }
  }
}
