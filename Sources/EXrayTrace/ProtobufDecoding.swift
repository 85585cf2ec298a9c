/// The fields of a message in the wire format of protocol buffers, one after the other.
///
/// Every length is checked against what remains.
struct ProtobufFields {
  /// A field's value as it lies there.
  enum Value {
    case varint(UInt64)
    case fixed64(UInt64)
    case fixed32(UInt32)
    case delimited(Range<Int>)
  }

  private var offset: Int
  private let end: Int

  init(_ range: Range<Int>) {
    offset = range.lowerBound
    end = range.upperBound
  }

  /// The next field, or nil at the end.
  mutating func next(in bytes: RawSpan) throws(Fault) -> (number: UInt64, value: Value)? {
    guard offset < end else { return nil }
    let tag = try varint(in: bytes)
    let number = tag >> 3
    guard number > 0, number < 1 << 29 else { throw Fault("has a field of number \(number)") }
    switch WireType(rawValue: tag & 7) {
    case .varint: return (number, .varint(try varint(in: bytes)))
    case .fixed64: return (number, .fixed64(try fixed(8, in: bytes)))
    case .fixed32: return (number, .fixed32(UInt32(truncatingIfNeeded: try fixed(4, in: bytes))))
    case .delimited:
      let count = try varint(in: bytes)
      guard let step = Int(exactly: count), step <= end - offset else {
        throw Fault("has a field that claims \(count) bytes, \(end - offset) remain")
      }
      defer { offset += step }
      return (number, .delimited(offset..<offset + step))
    case nil: throw Fault("has a field of the unknown wire type \(tag & 7)")
    }
  }

  private mutating func byte(in bytes: RawSpan) throws(Fault) -> UInt8 {
    guard offset < end, offset >= 0, offset < bytes.byteCount else {
      throw Fault("ends inside of a field")
    }
    defer { offset += 1 }
    return unsafe bytes.unsafeLoad(fromByteOffset: offset, as: UInt8.self)
  }

  private mutating func varint(in bytes: RawSpan) throws(Fault) -> UInt64 {
    var value: UInt64 = 0
    for shift in stride(from: UInt64(0), to: 70, by: 7) {
      let byte = try byte(in: bytes)
      value |= UInt64(byte & 0x7F) << shift
      if byte < 0x80 { return value }
    }
    throw Fault("has a number of more than ten bytes")
  }

  private mutating func fixed(_ count: UInt64, in bytes: RawSpan) throws(Fault) -> UInt64 {
    var value: UInt64 = 0
    for position in 0..<count { value |= UInt64(try byte(in: bytes)) << (8 * position) }
    return value
  }
}

extension RawSpan {
  /// Text at a place of this message.
  func text(at range: Range<Int>) throws(Fault) -> String {
    let text = unsafe extracting(range).withUnsafeBytes { buffer in
      unsafe String(validating: buffer, as: UTF8.self)
    }
    guard let text else { throw Fault("has text that is not UTF-8") }
    return text
  }
}
