/// A value of a FlatBuffers table's field.
indirect enum Field {
  case int8(Int8)
  case uint8(UInt8)
  case int32(Int32)
  case uint32(UInt32)
  case uint64(UInt64)
  case string(String)
  case bytes([UInt8])
  case ints([Int32])
  case longs([Int64])
  case floats([Float])
  case table(Fields)
  case tables([Fields])

  /// Little-endian bytes of a value that lies in the table itself.
  fileprivate var inline: [UInt8]? {
    switch self {
    case .int8(let value): littleEndian(value)
    case .uint8(let value): littleEndian(value)
    case .int32(let value): littleEndian(value)
    case .uint32(let value): littleEndian(value)
    case .uint64(let value): littleEndian(value)
    default: nil
    }
  }
}

/// A table: its fields by slot.
typealias Fields = [Int: Field]

/// Little-endian bytes of an integer.
func littleEndian(_ value: some FixedWidthInteger) -> [UInt8] {
  (0..<value.bitWidth / 8).map { UInt8(truncatingIfNeeded: value >> ($0 * 8)) }
}

/// Writes FlatBuffers front to back: a table first, then what it points to.
struct FlatBufferWriter {
  private(set) var bytes: [UInt8] = [0, 0, 0, 0]

  /// A finished file.
  static func file(_ root: Fields, identifier: String) -> [UInt8] {
    var writer = FlatBufferWriter()
    writer.bytes += Array(identifier.utf8)
    writer.point(0, to: writer.write(root))
    return writer.bytes
  }

  private mutating func align(_ alignment: Int, before extra: Int = 0) {
    while (bytes.count + extra) % alignment != 0 { bytes.append(0) }
  }

  private mutating func point(_ position: Int, to target: Int) {
    bytes.replaceSubrange(
      position..<position + 4, with: littleEndian(UInt32(target - position)))
  }

  private mutating func write(_ fields: Fields) -> Int {
    let slots = fields.keys.sorted()
    var offsets: [Int: Int] = [:]
    var size = 4
    for slot in slots {
      let width = fields[slot]?.inline?.count ?? 4
      size = (size + width - 1) / width * width
      offsets[slot] = size
      size += width
    }
    align(2)
    let vtable = bytes.count
    let slotCount = (slots.last ?? -1) + 1
    bytes += littleEndian(UInt16(4 + 2 * slotCount)) + littleEndian(UInt16(size))
    for slot in 0..<slotCount { bytes += littleEndian(UInt16(offsets[slot] ?? 0)) }
    align(8)
    let start = bytes.count
    bytes += littleEndian(Int32(start - vtable)) + [UInt8](repeating: 0, count: size - 4)
    for slot in slots {
      guard let field = fields[slot], let offset = offsets[slot] else { continue }
      if let inline = field.inline {
        bytes.replaceSubrange(start + offset..<start + offset + inline.count, with: inline)
      } else {
        point(start + offset, to: write(field))
      }
    }
    return start
  }

  private mutating func write(_ field: Field) -> Int {
    switch field {
    case .table(let fields): return write(fields)
    case .tables(let tables):
      let start = vector(tables.count, alignment: 4, [UInt8](repeating: 0, count: tables.count * 4))
      for (index, fields) in tables.enumerated() {
        point(start + 4 + 4 * index, to: write(fields))
      }
      return start
    case .string(let text): return vector(text.utf8.count, alignment: 4, Array(text.utf8) + [0])
    case .bytes(let data): return vector(data.count, alignment: 16, data)
    case .ints(let values): return vector(values.count, alignment: 4, values.flatMap(littleEndian))
    case .longs(let values): return vector(values.count, alignment: 8, values.flatMap(littleEndian))
    case .floats(let values):
      return vector(values.count, alignment: 4, values.flatMap { littleEndian($0.bitPattern) })
    case .int8, .uint8, .int32, .uint32, .uint64: return bytes.count
    }
  }

  private mutating func vector(_ count: Int, alignment: Int, _ contents: [UInt8]) -> Int {
    align(alignment, before: 4)
    let start = bytes.count
    bytes += littleEndian(UInt32(count)) + contents
    return start
  }
}
