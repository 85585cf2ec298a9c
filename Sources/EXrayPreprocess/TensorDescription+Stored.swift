public import EXrayCore

extension TensorDescription {
  /// The bytes that stand for real values in this tensor: the inverse of `realValues(in:)`.
  ///
  /// Floating-point types are converted with round-half-to-even. Quantized integers are
  /// stored = clamp(round(real / scale + zero point)), computed in float32, the *sum* rounded half to
  /// even: rounding before the zero point is added gives other values at halves. Integers without
  /// quantization are rounded half to even. Not-a-number is stored as the zero point.
  ///
  /// - Parameter real: One value an element, row-major.
  /// - Returns: Packed little-endian values.
  /// - Throws: ``PreprocessError`` `.unsuitableTensor` where the count differs or the type has no real
  ///   values (strings, complex numbers, resources) or less than 8 bits.
  public func storedBytes(for real: [Float]) throws(PreprocessError) -> [UInt8] {
    guard shape.elementCount == real.count else {
      throw PreprocessError(
        .unsuitableTensor,
        "\(real.count) values do not fill the tensor \"\(name)\" of shape \(shape); give "
          + (shape.elementCount.map { "\($0)" } ?? "it a shape without open sizes"))
    }
    switch elementType {
    case .float32: return pack(real) { $0.bitPattern }
    case .float64: return pack(real) { Double($0).bitPattern }
    case .float16: return pack(real) { $0.halfBits }
    case .bfloat16: return pack(real) { $0.brainBits }
    case .bool: return pack(real) { UInt8($0 == 0 ? 0 : 1) }
    case .int8: return quantized(real) { UInt8(bitPattern: Int8(clamping: $0)) }
    case .uint8: return quantized(real) { UInt8(clamping: $0) }
    case .int16: return quantized(real) { UInt16(bitPattern: Int16(clamping: $0)) }
    case .uint16: return quantized(real) { UInt16(clamping: $0) }
    case .int32: return quantized(real) { UInt32(bitPattern: Int32(clamping: $0)) }
    case .uint32: return quantized(real) { UInt32(clamping: $0) }
    case .int64: return quantized(real) { UInt64(bitPattern: $0) }
    case .uint64: return quantized(real) { UInt64(clamping: $0) }
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
    _ real: [Float], _ convert: (Int64) -> Stored
  ) -> [UInt8] {
    guard let quantization, !quantization.scales.isEmpty else {
      return pack(real) { convert(Int64(nearest: $0)) }
    }
    if let scale = quantization.scale, let zeroPoint = quantization.zeroPoint {
      let zero = Float(zeroPoint)
      return pack(real) { value in
        let steps = value / scale + zero
        return convert(steps.isNaN ? zeroPoint : Int64(nearest: steps))
      }
    }
    let channels = quantization.scales.count
    guard shape.dimensions.indices.contains(quantization.axis),
      shape.dimensions[quantization.axis] == channels
    else { return pack(real) { convert(Int64(nearest: $0)) } }
    let inner = shape.dimensions[(quantization.axis + 1)...].reduce(1, *)
    var index = 0
    return pack(real) { value in
      let channel = index / inner % channels
      index += 1
      let zeroPoint = quantization.zeroPoints[channel]
      let steps = value / quantization.scales[channel] + Float(zeroPoint)
      return convert(steps.isNaN ? zeroPoint : Int64(nearest: steps))
    }
  }
}

extension Int64 {
  /// The nearest integer, halves to even, cut at the ends; 0 for not-a-number.
  fileprivate init(nearest value: Float) {
    if value.isNaN {
      self = 0
    } else if value >= 0x1p63 {
      self = .max
    } else if value < -0x1p63 {
      self = .min
    } else {
      self = Int64(value.rounded(.toNearestOrEven))
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
