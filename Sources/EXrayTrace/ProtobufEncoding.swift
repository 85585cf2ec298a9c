// The wire format of protocol buffers, as far as traces need it.
// Source: Google, Protocol Buffers Documentation, Encoding.

/// How a field's value lies in a message.
enum WireType: UInt64 {
  case varint = 0
  case fixed64 = 1
  case delimited = 2
  case fixed32 = 5
}

/// Appends fields of a message; a number is the field's.
extension [UInt8] {
  mutating func append(varint value: UInt64) {
    var rest = value
    while rest >= 0x80 {
      append(UInt8(truncatingIfNeeded: rest) | 0x80)
      rest >>= 7
    }
    append(UInt8(truncatingIfNeeded: rest))
  }

  mutating func append(field number: Int, _ type: WireType) {
    append(varint: UInt64(number) << 3 | type.rawValue)
  }

  mutating func append(field number: Int, varint value: UInt64) {
    append(field: number, .varint)
    append(varint: value)
  }

  mutating func append(field number: Int, fixed32 value: UInt32) {
    append(field: number, .fixed32)
    for shift in stride(from: 0, to: 32, by: 8) {
      append(UInt8(truncatingIfNeeded: value >> UInt32(shift)))
    }
  }

  mutating func append(field number: Int, double value: Double) {
    append(field: number, .fixed64)
    for shift in stride(from: 0, to: 64, by: 8) {
      append(UInt8(truncatingIfNeeded: value.bitPattern >> UInt64(shift)))
    }
  }

  mutating func append(field number: Int, text: String) {
    append(field: number, .delimited)
    append(varint: UInt64(text.utf8.count))
    append(contentsOf: text.utf8)
  }

  mutating func append(field number: Int, _ body: (inout [UInt8]) -> Void) {
    var inner: [UInt8] = []
    body(&inner)
    append(field: number, .delimited)
    append(varint: UInt64(inner.count))
    append(contentsOf: inner)
  }
}
