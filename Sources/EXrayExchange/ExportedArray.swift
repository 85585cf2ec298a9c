import EXrayCore
import EXrayTrace

/// One tensor's values over all frames meant, as an array `[frame, …]` of another format.
struct ExportedArray {
  /// The tensor's position in the trace.
  let stream: Int
  /// One a value: the position of its frame, and which of the frame's values it is.
  let places: [Place]
  /// The type that is written: packed integers and, where wanted, bfloat16 are widened.
  let elementType: ElementType
  /// The extents, frames first.
  let dimensions: [Int]
  let byteCount: UInt64

  private let source: TensorDescription

  struct Place: Hashable {
    var frame: Int
    var repetition: Int
  }

  /// Nil for types whose elements have no fixed size.
  ///
  /// - Parameter widensBFloat16: For formats that have no bfloat16: the same values are written as float32.
  init?(_ trace: TraceReader, stream: Int, places: [Place], widensBFloat16: Bool) {
    source = trace.tensors[stream].description
    self.stream = stream
    self.places = places
    switch source.elementType {
    case .string, .resource, .variant: return nil
    case .int2, .int4: elementType = .int8
    case .uint4: elementType = .uint8
    case .bfloat16: elementType = widensBFloat16 ? .float32 : .bfloat16
    default: elementType = source.elementType
    }
    dimensions = [places.count] + source.shape.dimensions
    guard let count = Shape(dimensions).byteCount(of: elementType) else { return nil }
    byteCount = UInt64(count)
  }

  /// Calls `body` with the values of one frame after another.
  func forEachPiece(in trace: TraceReader, _ body: (RawSpan) throws -> Void) throws {
    for place in places {
      let isThere: Void? = try trace.withTensor(
        stream, frame: place.frame, repetition: place.repetition
      ) { bytes in
        try withStored(bytes, body)
      }
      guard isThere != nil else {
        throw ExchangeError(
          .unreadable, path: trace.path,
          "frame \(trace.frames[place.frame].index) lost its values of \(trace.tensors[stream].topic); the file"
            + " was changed while it was read")
      }
    }
  }

  private func withStored(_ bytes: RawSpan, _ body: (RawSpan) throws -> Void) throws {
    guard elementType != source.elementType, let count = source.shape.elementCount else {
      return try body(bytes)
    }
    if source.elementType == .bfloat16 {
      let values = (0..<count).map { index -> UInt32 in
        let bits = unsafe bytes.unsafeLoadUnaligned(fromByteOffset: index * 2, as: UInt16.self)
        return UInt32(UInt16(littleEndian: bits)) << 16
      }
      return unsafe try body(values.span.bytes)
    }
    // Packed integers lie in the byte from its lowest bits up.
    let bits = source.elementType.bitWidth ?? 8
    let isSigned = source.elementType != .uint4
    let values = (0..<count).map { index -> UInt8 in
      let byte = unsafe bytes.unsafeLoad(fromByteOffset: index * bits / 8, as: UInt8.self)
      let raised = byte << UInt8(8 - bits - index * bits % 8)
      return isSigned
        ? UInt8(bitPattern: Int8(bitPattern: raised) >> Int8(8 - bits)) : raised >> UInt8(8 - bits)
    }
    unsafe try body(values.span.bytes)
  }

  /// The header of NumPy's format 1.0, or 2.0 where it is long.
  ///
  /// Source: NumPy Enhancement Proposal 1, A Simple File Format for NumPy Arrays, 2007.
  var npyHeader: [UInt8]? {
    let type: String? =
      switch elementType {
      case .float16: "<f2"
      case .float32: "<f4"
      case .float64: "<f8"
      case .int8: "|i1"
      case .int16: "<i2"
      case .int32: "<i4"
      case .int64: "<i8"
      case .uint8: "|u1"
      case .uint16: "<u2"
      case .uint32: "<u4"
      case .uint64: "<u8"
      case .bool: "|b1"
      case .complex64: "<c8"
      case .complex128: "<c16"
      default: nil
      }
    guard let type else { return nil }
    let extents = dimensions.map { "\($0)," }.joined(separator: " ")
    var text = "{'descr': '\(type)', 'fortran_order': False, 'shape': (\(extents)), }"
    let isLong = text.utf8.count > 60_000
    let prefix = isLong ? 12 : 10
    text += String(repeating: " ", count: (64 - (prefix + text.utf8.count + 1) % 64) % 64) + "\n"
    let length = UInt32(text.utf8.count)
    let lengthBytes = (0..<(isLong ? 4 : 2)).map { UInt8(truncatingIfNeeded: length >> ($0 * 8)) }
    return [0x93] + Array("NUMPY".utf8) + [isLong ? 2 : 1, 0] + lengthBytes + Array(text.utf8)
  }

  /// The type as safetensors spells it, or nil where it has none.
  var safetensorsType: String? {
    switch elementType {
    case .float16: "F16"
    case .bfloat16: "BF16"
    case .float32: "F32"
    case .float64: "F64"
    case .int8: "I8"
    case .int16: "I16"
    case .int32: "I32"
    case .int64: "I64"
    case .uint8: "U8"
    case .uint16: "U16"
    case .uint32: "U32"
    case .uint64: "U64"
    case .bool: "BOOL"
    case .complex64: "C64"
    default: nil
    }
  }
}
