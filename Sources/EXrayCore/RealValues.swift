extension TensorDescription {
  /// The real numbers that `bytes` stand for: integers dequantized where the tensor is quantized, else converted.
  ///
  /// - Parameter bytes: Packed little-endian values in row-major order, at least ``byteCount`` bytes.
  /// - Returns: One value an element, or nil for types without real values (strings, complex numbers,
  ///   resources), for types under 8 bits, and where `bytes` is too short.
  /// - Complexity: O(*n*) time and space.
  public func realValues(in bytes: RawSpan) -> [Float]? {
    var values: [Float] = []
    return readRealValues(in: bytes, into: &values) ? values : nil
  }

  /// The same into an array, whose memory serves again where it already has as many elements.
  ///
  /// - Returns: Whether there are real values; else `values` is as it was.
  public func readRealValues(in bytes: RawSpan, into values: inout [Float]) -> Bool {
    guard let count = shape.elementCount, let byteCount, bytes.byteCount >= byteCount else {
      return false
    }
    switch elementType {
    case .float32: load(bytes, count, &values, UInt32.self) { Float(bitPattern: $0) }
    case .float64: load(bytes, count, &values, UInt64.self) { Float(Double(bitPattern: $0)) }
    case .float16: load(bytes, count, &values, UInt16.self) { Float(halfBits: $0) }
    case .bfloat16:
      load(bytes, count, &values, UInt16.self) { Float(bitPattern: UInt32($0) << 16) }
    case .bool: load(bytes, count, &values, UInt8.self) { $0 == 0 ? 0 : 1 }
    case .int8: integers(bytes, count, &values, Int8.self)
    case .uint8: integers(bytes, count, &values, UInt8.self)
    case .int16: integers(bytes, count, &values, Int16.self)
    case .uint16: integers(bytes, count, &values, UInt16.self)
    case .int32: integers(bytes, count, &values, Int32.self)
    case .uint32: integers(bytes, count, &values, UInt32.self)
    case .int64: integers(bytes, count, &values, Int64.self)
    case .uint64: integers(bytes, count, &values, UInt64.self)
    case .int2, .int4, .uint4, .string, .resource, .variant, .complex64, .complex128: return false
    }
    return true
  }

  private func load<Stored: FixedWidthInteger & BitwiseCopyable>(
    _ bytes: RawSpan, _ count: Int, _ values: inout [Float], _: Stored.Type,
    _ real: (Stored) -> Float
  ) {
    func fill(_ buffer: UnsafeMutableBufferPointer<Float>) {
      for index in 0..<count {
        let stored = unsafe bytes.unsafeLoadUnaligned(
          fromByteOffset: index * MemoryLayout<Stored>.size, as: Stored.self)
        unsafe buffer.initializeElement(at: index, to: real(Stored(littleEndian: stored)))
      }
    }
    if values.count == count {
      unsafe values.withUnsafeMutableBufferPointer { unsafe fill($0) }
    } else {
      values = unsafe [Float](unsafeUninitializedCapacity: count) { buffer, initialized in
        unsafe fill(buffer)
        initialized = count
      }
    }
  }

  private func integers<Stored: FixedWidthInteger & BitwiseCopyable>(
    _ bytes: RawSpan, _ count: Int, _ values: inout [Float], _: Stored.Type
  ) {
    guard let quantization, !quantization.scales.isEmpty else {
      return load(bytes, count, &values, Stored.self) { Float($0) }
    }
    if let scale = quantization.scale, let zeroPoint = quantization.zeroPoint {
      return load(bytes, count, &values, Stored.self) {
        scale * Float(Int64(clamping: $0).subtractingClamped(zeroPoint))
      }
    }
    let channels = quantization.scales.count
    guard shape.dimensions.indices.contains(quantization.axis),
      shape.dimensions[quantization.axis] == channels
    else { return load(bytes, count, &values, Stored.self) { Float($0) } }
    guard let inner = Shape(Array(shape.dimensions[(quantization.axis + 1)...])).elementCount,
      inner > 0
    else {
      values = []
      return
    }
    var index = 0
    load(bytes, count, &values, Stored.self) {
      let channel = index / inner % channels
      index += 1
      return quantization.scales[channel]
        * Float(Int64(clamping: $0).subtractingClamped(quantization.zeroPoints[channel]))
    }
  }
}

extension Float {
  /// Creates the value of an IEEE 754 binary16 number from its bits.
  public init(halfBits: UInt16) {
    let sign = UInt32(halfBits & 0x8000) << 16
    let exponent = UInt32(halfBits >> 10) & 0x1F
    let fraction = UInt32(halfBits & 0x3FF)
    switch exponent {
    case 0:  // Zero and subnormal numbers: fraction × 2⁻²⁴, exact in binary32.
      let magnitude = Float(fraction) * 0x1p-24
      self = sign == 0 ? magnitude : -magnitude
    case 0x1F: self.init(bitPattern: sign | 0x7F80_0000 | fraction << 13)
    default: self.init(bitPattern: sign | (exponent + 112) << 23 | fraction << 13)
    }
  }
}

extension Int64 {
  /// The difference, kept at the nearest representable value.
  fileprivate func subtractingClamped(_ other: Int64) -> Int64 {
    let (difference, overflow) = subtractingReportingOverflow(other)
    return overflow ? (other > 0 ? .min : .max) : difference
  }
}
