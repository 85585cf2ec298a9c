import CLiteRT
import EXrayCore
import EXrayRuntime

extension LoadedModel {
  /// The inputs or the outputs of signature 0, with the shapes that the file states.
  ///
  /// - Throws: `.modelRefused` for tensors whose values are not numbers.
  borrowing func tensors(areInputs: Bool) throws(RuntimeError) -> [SessionTensor] {
    let c = unsafe library.functions.pointee
    var count = 0
    var status =
      unsafe areInputs
      ? c.GetNumSignatureInputs(signature, &count) : c.GetNumSignatureOutputs(signature, &count)
    let what = areInputs ? "input" : "output"
    var tensors: [SessionTensor] = []
    var names: Set<String> = []
    for index in 0..<count where status == 0 {
      // The library addresses tensors by these names and dies of an uncaught exception where two are equal.
      var name: UnsafePointer<CChar>?
      status =
        unsafe areInputs
        ? c.GetSignatureInputName(signature, index, &name)
        : c.GetSignatureOutputName(signature, index, &name)
      guard status == 0, let name = unsafe name,
        unsafe name.pointee == 0 || names.insert(String(cString: name)).inserted
      else {
        let text = unsafe name.map { unsafe "two have the name \(String(cString: $0))" }
        throw RuntimeError(
          .modelRefused,
          "\(what) \(index) cannot be told from the others: \(text ?? "it has no name"); "
            + "give every \(what) a name of its own")
      }
      var tensor: OpaquePointer?
      status =
        unsafe areInputs
        ? c.GetSignatureInputTensorByIndex(signature, index, &tensor)
        : c.GetSignatureOutputTensorByIndex(signature, index, &tensor)
      if status == 0, let tensor = unsafe tensor {
        tensors.append(try unsafe describe(tensor, "\(what) \(index)"))
      }
    }
    guard status == 0 else {
      throw RuntimeError(
        .modelRefused,
        "LiteRT cannot list the model's \(what)s (\(Status(status))); "
          + "check it with exray inspect")
    }
    return tensors
  }

  private borrowing func describe(
    _ tensor: OpaquePointer, _ what: String
  ) throws(RuntimeError) -> SessionTensor {
    let c = unsafe library.functions.pointee
    var name: UnsafePointer<CChar>?
    var index: UInt32 = 0
    var kind: Int32 = 0
    var type = LiteRtRankedTensorType()
    var status = unsafe c.GetTensorName(tensor, &name)
    if status == 0 { status = unsafe c.GetTensorIndex(tensor, &index) }
    if status == 0 { status = unsafe c.GetTensorTypeId(tensor, &kind) }
    if status == 0 {
      status =
        unsafe kind == 0
        ? c.GetRankedTensorType(tensor, &type) : c.GetUnrankedTensorType(tensor, &type.element_type)
    }
    let text = unsafe name.map { unsafe String(cString: $0) } ?? ""
    guard status == 0, let elementType = ElementType(liteRT: type.element_type) else {
      throw RuntimeError(
        .modelRefused,
        "\(what) (\(text)) has the element type \(type.element_type), unknown here "
          + "(\(Status(status))); check the model with exray inspect")
    }
    guard elementType.bitWidth != nil else {
      throw RuntimeError(
        .modelRefused,
        "\(what) (\(text)) holds \(elementType.rawValue) values, which cannot be fed or read; "
          + "use a model whose inputs and outputs are numbers")
    }
    return SessionTensor(
      tensorIndex: Int(index),
      description: TensorDescription(
        name: text, elementType: elementType, shape: Shape(type.layout.extents ?? []),
        quantization: unsafe quantization(of: tensor)))
  }

  private borrowing func quantization(of tensor: OpaquePointer) -> Quantization? {
    let c = unsafe library.functions.pointee
    var kind: Int32 = 0
    guard unsafe c.GetQuantizationTypeId(tensor, &kind) == 0 else { return nil }
    switch kind {
    case 1:
      var values = LiteRtQuantizationPerTensor()
      guard unsafe c.GetPerTensorQuantization(tensor, &values) == 0 else { return nil }
      return Quantization(scales: [values.scale], zeroPoints: [values.zero_point])
    case 2:
      var values = unsafe LiteRtQuantizationPerChannel()
      guard unsafe c.GetPerChannelQuantization(tensor, &values) == 0,
        let count = unsafe Int(exactly: values.num_channels), count > 0, count <= 1 << 24,
        let scales = unsafe values.scales
      else { return nil }
      let zeroPoints = unsafe values.zero_points.map {
        unsafe Array(UnsafeBufferPointer(start: $0, count: count))
      }
      return unsafe Quantization(
        scales: Array(UnsafeBufferPointer(start: scales, count: count)),
        zeroPoints: zeroPoints ?? [], axis: Int(values.quantized_dimension))
    default:
      return nil
    }
  }
}

extension Compiled {
  /// Sets new extents for one input.
  mutating func resizeInput(_ index: Int, to shape: Shape) -> LiteRtStatus {
    let extents = shape.dimensions.map { Int32(clamping: $0) }
    return unsafe library.functions.pointee.CompiledModelResizeInputTensor(
      handle, 0, index, extents, extents.count)
  }

  /// Completes descriptions with the shapes that runs use, and says what buffers LiteRT needs.
  ///
  /// - Throws: `.modelRefused` where the model cannot be laid out, or a size is only known during a run.
  mutating func complete(
    inputs: inout [SessionTensor], outputs: inout [SessionTensor]
  ) throws(RuntimeError) -> (inputs: Buffers, outputs: Buffers) {
    let c = unsafe library.functions.pointee
    var inputLayouts = [LiteRtLayout](repeating: LiteRtLayout(), count: inputs.count)
    for index in inputs.indices {
      let status = unsafe c.GetCompiledModelInputTensorLayout(
        handle, 0, index, &inputLayouts[index])
      if status != 0 {
        throw refusal("lay out input \(index) (\(inputs[index].description.name))", status)
      }
    }
    // Asked with `update` before any requirement: else outputs whose shape follows from the inputs count
    // as 4 bytes, and the run writes past them.
    var outputLayouts = [LiteRtLayout](repeating: LiteRtLayout(), count: max(1, outputs.count))
    let status = unsafe c.GetCompiledModelOutputTensorLayouts(
      handle, 0, outputs.count, &outputLayouts, true)
    if status != 0 { throw refusal("lay out the model's outputs", status) }
    return try (
      buffers(&inputs, inputLayouts, areInputs: true),
      buffers(&outputs, outputLayouts, areInputs: false)
    )
  }

  private func buffers(
    _ tensors: inout [SessionTensor], _ layouts: [LiteRtLayout], areInputs: Bool
  ) throws(RuntimeError) -> Buffers {
    let c = unsafe library.functions.pointee
    var buffers = Buffers()
    for index in tensors.indices {
      let what = "\(areInputs ? "input" : "output") \(index) (\(tensors[index].description.name))"
      var requirements: OpaquePointer?
      var size = 0
      var alignment = 0
      var status =
        unsafe areInputs
        ? c.GetCompiledModelInputBufferRequirements(handle, 0, index, &requirements)
        : c.GetCompiledModelOutputBufferRequirements(handle, 0, index, &requirements)
      if status == 0, let requirements = unsafe requirements {
        status = unsafe c.GetTensorBufferRequirementsBufferSize(requirements, &size)
        if status == 0 {
          status = unsafe c.GetTensorBufferRequirementsAlignment(requirements, &alignment)
        }
      }
      guard status == 0 else { throw refusal("size \(what)", status) }
      guard let extents = layouts[index].extents else {
        throw RuntimeError(
          .modelRefused,
          "\(what) has a shape that is only known during a run; expose a tensor before it instead")
      }
      tensors[index].description.shape = Shape(extents)
      let type = tensors[index].description.elementType
      guard let byteCount = tensors[index].description.byteCount, size >= byteCount,
        alignment <= AlignedBytes.alignment
      else {
        throw RuntimeError(
          .modelRefused,
          "\(what), \(Shape(extents)) of \(type.rawValue), does not fit the \(size) bytes at a "
            + "multiple of \(alignment) that LiteRT asks for; its size may only be known during a run"
        )
      }
      guard byteCount > 0 else {
        throw RuntimeError(
          .modelRefused,
          "\(what) has the shape \(Shape(extents)), so it is empty, or its size is only known during "
            + "a run; expose a tensor before it instead")
      }
      buffers.requiredByteCounts.append(size)
      buffers.types.append(
        LiteRtRankedTensorType(element_type: type.liteRT, layout: layouts[index]))
    }
    return buffers
  }

  /// An error for a step of preparing the model, in the library's words.
  borrowing func refusal(_ step: String, _ status: LiteRtStatus) -> RuntimeError {
    let words = words()
    return RuntimeError(
      .modelRefused,
      "LiteRT cannot \(step) (\(Status(status)))\(words.isEmpty ? "" : ": \(words)"); "
        + "check the model with exray inspect")
  }
}

extension LiteRtLayout {
  /// The extents, or nil where one is unknown or the rank is beyond what the structure holds.
  fileprivate var extents: [Int]? {
    guard rank <= 8 else { return nil }
    let all = [
      dimensions.0, dimensions.1, dimensions.2, dimensions.3, dimensions.4, dimensions.5,
      dimensions.6, dimensions.7,
    ]
    let extents = all.prefix(Int(rank)).map(Int.init)
    return extents.allSatisfy { $0 >= 0 } ? extents : nil
  }
}

extension ElementType {
  /// LiteRT's numbers, which are TensorFlow Lite's `TfLiteType`.
  private static let liteRTNumbers: [(Int32, ElementType)] = [
    (1, .float32), (2, .int32), (3, .uint8), (4, .int64), (5, .string), (6, .bool), (7, .int16),
    (8, .complex64), (9, .int8), (10, .float16), (11, .float64), (12, .complex128), (13, .uint64),
    (14, .resource), (15, .variant), (16, .uint32), (17, .uint16), (18, .int4), (19, .bfloat16),
    (20, .int2), (21, .uint4),
  ]

  init?(liteRT number: Int32) {
    guard let entry = Self.liteRTNumbers.first(where: { $0.0 == number }) else { return nil }
    self = entry.1
  }

  var liteRT: Int32 { Self.liteRTNumbers.first { $0.1 == self }?.0 ?? 0 }
}
