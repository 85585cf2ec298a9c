import CDifference
import EXrayCore

/// Turns stored elements of one type into real numbers, a block at a time.
struct ElementLoader: Sendable {
  private let elementType: ElementType
  /// Scale and zero point of all elements; nil where there are none, or one pair a channel.
  private let affine: (scale: Double, zeroPoint: Double)?
  /// Scale and zero point of each channel; empty where one pair serves all.
  private let channels: [(scale: Double, zeroPoint: Double)]
  /// Elements of one slice along the quantized axis.
  private let inner: Int

  /// Creates a loader, or nil for types without real values and for quantizations that do not fit the shape.
  init?(_ description: TensorDescription) {
    switch description.elementType {
    case .float32, .float64, .float16, .bfloat16, .bool: break
    case .int8, .uint8, .int16, .uint16, .int32, .uint32, .int64, .uint64: break
    case .int2, .int4, .uint4, .string, .resource, .variant, .complex64, .complex128: return nil
    }
    elementType = description.elementType
    guard let quantization = description.quantization, quantization.isPerChannel else {
      affine = description.quantization.flatMap { quantization in
        quantization.scales.first.map { (Double($0), Double(quantization.zeroPoints.first ?? 0)) }
      }
      channels = []
      inner = 0
      return
    }
    affine = nil
    let dimensions = description.shape.dimensions
    guard dimensions.indices.contains(quantization.axis),
      dimensions[quantization.axis] == quantization.scales.count
    else { return nil }
    inner = max(1, Shape(Array(dimensions[(quantization.axis + 1)...])).elementCount ?? 1)
    channels = zip(quantization.scales, quantization.zeroPoints).map { (Double($0), Double($1)) }
  }

  /// Whether all real values are stored in single precision or less.
  var fitsSinglePrecision: Bool {
    switch elementType {
    case .float32, .float16, .bfloat16, .bool: true
    default: false
    }
  }

  /// The real values of `count` elements from element `start` on: where they lie, aligned or not, or else in
  /// `scratch`.
  @inline(__always)
  func values<Value: ComparedValue>(
    _ bytes: RawSpan, from start: Int, count: Int, scratch: UnsafeMutablePointer<Value>
  ) -> UnsafeRawPointer {
    if elementType == .float32, Value.self == Float.self {
      // The span is lent for the whole comparison.
      let inPlace = unsafe bytes.withUnsafeBytes { source in
        unsafe source.baseAddress.map { unsafe $0 + start * MemoryLayout<Float>.size }
      }
      if let inPlace = unsafe inPlace { return unsafe inPlace }
    }
    unsafe load(bytes, from: start, count: count, into: scratch)
    return UnsafeRawPointer(scratch)
  }

  /// Writes `count` real values from element `start` on to `output`.
  private func load<Value: ComparedValue>(
    _ bytes: RawSpan, from start: Int, count: Int, into output: UnsafeMutablePointer<Value>
  ) {
    if Value.self == Double.self {
      let doubles = unsafe UnsafeMutableRawPointer(output).assumingMemoryBound(to: Double.self)
      if unsafe loadAtOnce(bytes, start, count, doubles) { return }
    }
    switch elementType {
    case .float32:
      unsafe convert(bytes, start, count, output, UInt32.self) { Value(Float(bitPattern: $0)) }
    case .float64:
      unsafe convert(bytes, start, count, output, UInt64.self) { Value(Double(bitPattern: $0)) }
    case .float16:
      unsafe convert(bytes, start, count, output, UInt16.self) { Value(Float(halfBits: $0)) }
    case .bfloat16:
      unsafe convert(bytes, start, count, output, UInt16.self) {
        Value(Float(bitPattern: UInt32($0) << 16))
      }
    case .bool: unsafe convert(bytes, start, count, output, UInt8.self) { $0 == 0 ? 0 : 1 }
    case .int8: unsafe integers(bytes, start, count, output, Int8.self)
    case .uint8: unsafe integers(bytes, start, count, output, UInt8.self)
    case .int16: unsafe integers(bytes, start, count, output, Int16.self)
    case .uint16: unsafe integers(bytes, start, count, output, UInt16.self)
    case .int32: unsafe integers(bytes, start, count, output, Int32.self)
    case .uint32: unsafe integers(bytes, start, count, output, UInt32.self)
    case .int64: unsafe integers(bytes, start, count, output, Int64.self)
    case .uint64: unsafe integers(bytes, start, count, output, UInt64.self)
    case .int2, .int4, .uint4, .string, .resource, .variant, .complex64, .complex128: break
    }
  }

  /// Loads the types that most tensors have with the widest instructions.
  ///
  /// - Returns: Whether this is one of them.
  private func loadAtOnce(
    _ bytes: RawSpan, _ start: Int, _ count: Int, _ output: UnsafeMutablePointer<Double>
  ) -> Bool {
    guard channels.isEmpty, let size = elementType.bitWidth.map({ $0 / 8 }) else { return false }
    let (scale, zeroPoint) = affine ?? (1, 0)
    return unsafe bytes.withUnsafeBytes { source in
      guard let base = source.baseAddress else { return false }
      let first = unsafe base + start * size
      switch elementType {
      case .int8: unsafe cdifference_load_int8(first, count, scale, zeroPoint, output)
      case .uint8: unsafe cdifference_load_uint8(first, count, scale, zeroPoint, output)
      case .int16: unsafe cdifference_load_int16(first, count, scale, zeroPoint, output)
      case .float32: unsafe cdifference_load_float(first, count, 1, 0, output)
      default: return false
      }
      return true
    }
  }

  @inline(__always)
  private func convert<Stored: FixedWidthInteger & BitwiseCopyable, Value: ComparedValue>(
    _ bytes: RawSpan, _ start: Int, _ count: Int, _ output: UnsafeMutablePointer<Value>,
    _: Stored.Type, _ real: (Stored) -> Value
  ) {
    unsafe bytes.withUnsafeBytes { source in
      guard let base = source.baseAddress else { return }
      let first = unsafe base + start * MemoryLayout<Stored>.size
      for index in 0..<count {
        let stored = unsafe first.loadUnaligned(
          fromByteOffset: index * MemoryLayout<Stored>.size, as: Stored.self)
        unsafe output[index] = real(Stored(littleEndian: stored))
      }
    }
  }

  @inline(__always)
  private func integers<Stored: FixedWidthInteger & BitwiseCopyable, Value: ComparedValue>(
    _ bytes: RawSpan, _ start: Int, _ count: Int, _ output: UnsafeMutablePointer<Value>,
    _: Stored.Type
  ) {
    if let (scale, zeroPoint) = affine {
      unsafe convert(bytes, start, count, output, Stored.self) {
        Value((Double($0) - zeroPoint) * scale)
      }
      return
    }
    guard !channels.isEmpty else {
      unsafe convert(bytes, start, count, output, Stored.self) { Value(Double($0)) }
      return
    }
    var index = start
    unsafe convert(bytes, start, count, output, Stored.self) {
      let (scale, zeroPoint) = channels[index / inner % channels.count]
      index += 1
      return Value((Double($0) - zeroPoint) * scale)
    }
  }
}
