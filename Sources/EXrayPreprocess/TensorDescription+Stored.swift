public import EXrayCore

extension TensorDescription {
  /// The bytes that stand for real values in this tensor: the inverse of `realValues(in:)`.
  ///
  /// Floating-point types are converted with round-half-to-even. Quantized integers are
  /// stored = clamp(round(real / scale + zero point)), computed in float32, the *sum* rounded half to
  /// even: rounding before the zero point is added gives other values at halves. Integers without
  /// quantization are rounded half to even. Not-a-number is stored as the zero point.
  ///
  /// - Parameters:
  ///   - real: One value an element, row-major.
  ///   - quantize: Another rule, or a fault.
  /// - Returns: Packed little-endian values.
  /// - Throws: ``PreprocessError`` `.unsuitableTensor` where the count differs or the type has no real
  ///   values (strings, complex numbers, resources) or less than 8 bits.
  public func storedBytes(
    for real: [Float], _ quantize: Recipe.Quantize = .init()
  ) throws(PreprocessError) -> [UInt8] {
    guard shape.elementCount == real.count else {
      throw PreprocessError(
        .unsuitableTensor,
        "\(real.count) values do not fill the tensor \"\(name)\" of shape \(shape); give "
          + (shape.elementCount.map { "\($0)" } ?? "it a shape without open sizes"))
    }
    if quantize.fault != .none, elementType.isInteger {
      return try faultyBytes(for: real, quantize)
    }
    switch elementType {
    case .float32: return pack(real) { $0.bitPattern }
    case .float64: return pack(real) { Double($0).bitPattern }
    case .float16: return pack(real) { $0.halfBits }
    case .bfloat16: return pack(real) { $0.brainBits }
    case .bool: return pack(real) { UInt8($0 == 0 ? 0 : 1) }
    case .int8: return quantized(real, quantize) { UInt8(bitPattern: Int8(clamping: $0)) }
    case .uint8: return quantized(real, quantize) { UInt8(clamping: $0) }
    case .int16: return quantized(real, quantize) { UInt16(bitPattern: Int16(clamping: $0)) }
    case .uint16: return quantized(real, quantize) { UInt16(clamping: $0) }
    case .int32: return quantized(real, quantize) { UInt32(bitPattern: Int32(clamping: $0)) }
    case .uint32: return quantized(real, quantize) { UInt32(clamping: $0) }
    case .int64: return quantized(real, quantize) { UInt64(bitPattern: $0) }
    case .uint64: return quantized(real, quantize) { UInt64(clamping: $0) }
    case .int2, .int4, .uint4, .string, .resource, .variant, .complex64, .complex128:
      throw PreprocessError(
        .unsuitableTensor,
        "the tensor \"\(name)\" holds \(elementType.rawValue), which real values cannot fill; give "
          + "its bytes instead")
    }
  }

  private func pack<Stored: FixedWidthInteger & BitwiseCopyable>(
    _ real: [Float], _ convert: (Float) -> Stored
  ) -> [UInt8] {
    let byteCount = real.count * MemoryLayout<Stored>.size
    return unsafe [UInt8](unsafeUninitializedCapacity: byteCount) { buffer, initialized in
      let raw = UnsafeMutableRawBufferPointer(buffer)
      for index in real.indices {
        unsafe raw.storeBytes(
          of: convert(real[index]).littleEndian,
          toByteOffset: index &* MemoryLayout<Stored>.size, as: Stored.self)
      }
      initialized = byteCount
    }
  }

  private func quantized<Stored: FixedWidthInteger & BitwiseCopyable>(
    _ real: [Float], _ quantize: Recipe.Quantize, _ convert: (Int64) -> Stored
  ) -> [UInt8] {
    guard let quantization, !quantization.scales.isEmpty else {
      return pack(real) { convert(quantize.whole($0)) }
    }
    if let scale = quantization.scale, let zeroPoint = quantization.zeroPoint {
      return pack(real) { convert(quantize.steps($0, scale, zeroPoint)) }
    }
    let channels = quantization.scales.count
    guard shape.dimensions.indices.contains(quantization.axis),
      shape.dimensions[quantization.axis] == channels
    else { return pack(real) { convert(quantize.whole($0)) } }
    let inner = shape.dimensions[(quantization.axis + 1)...].reduce(1, *)
    var index = 0
    return pack(real) { value in
      let channel = index / inner % channels
      index += 1
      return convert(
        quantize.steps(value, quantization.scales[channel], quantization.zeroPoints[channel]))
    }
  }

  /// The values that a faulty pipeline stores in a tensor of integers.
  private func faultyBytes(
    for real: [Float], _ quantize: Recipe.Quantize
  ) throws(PreprocessError) -> [UInt8] {
    let plain = TensorDescription(name: name, elementType: elementType, shape: shape)
    var correct = quantize
    correct.fault = .none
    switch quantize.fault {
    case .none: return try storedBytes(for: real, correct)
    case .missing: return try plain.storedBytes(for: real, correct)
    case .missingWrapped:
      // Refuses what cannot be stored; the values are then overwritten by their low bytes.
      var bytes = try plain.storedBytes(for: real, correct)
      let width = bytes.count / max(1, real.count)
      for index in bytes.indices {
        let value = quantize.whole(real[index / width])
        bytes[index] = UInt8(truncatingIfNeeded: value >> (8 * Int64(index % width)))
      }
      return bytes
    case .twice:
      let once = try storedBytes(for: real, correct)
      guard let again = unsafe plain.realValues(in: once.span.bytes) else { return once }
      return try storedBytes(for: again, correct)
    case .otherSign:
      var bytes = try storedBytes(for: real, correct)
      let width = bytes.count / max(1, real.count)
      for index in bytes.indices where index % width == width - 1 { bytes[index] ^= 0x80 }
      return bytes
    }
  }
}

extension Float {
  /// The bits of the nearest IEEE 754 binary16 number, halves to even.
  var halfBits: UInt16 {
    let sign = UInt16(truncatingIfNeeded: bitPattern >> 16) & 0x8000
    let magnitude = self.magnitude
    if magnitude.isNaN { return sign | 0x7E00 }
    if magnitude >= 65520 { return sign | 0x7C00 }
    if magnitude < 0x1p-14 {
      // Subnormal: multiples of 2⁻²⁴; 1024 of them carry into the first normal number.
      return sign | UInt16((magnitude * 0x1p24).rounded(.toNearestOrEven))
    }
    // Drop 13 bits of the fraction with round half to even; a carry moves into the exponent.
    let bits = magnitude.bitPattern
    let rounded = bits &+ 0xFFF &+ (bits >> 13 & 1)
    return sign | UInt16(truncatingIfNeeded: (rounded >> 13) &- (112 << 10))
  }

  /// The bits of the nearest bfloat16 number, halves to even.
  var brainBits: UInt16 {
    if isNaN { return UInt16(truncatingIfNeeded: bitPattern >> 16) | 0x40 }
    return UInt16(truncatingIfNeeded: (bitPattern &+ 0x7FFF &+ (bitPattern >> 16 & 1)) >> 16)
  }
}
