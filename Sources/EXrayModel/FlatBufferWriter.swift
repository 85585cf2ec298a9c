/// A part of a FlatBuffers file that is to be written, with its parts.
indirect enum FlatBufferNode {
  /// One byte inside a table.
  case byte(UInt8)
  /// Four bytes inside a table.
  case word(UInt32)
  /// Whatever lies at an offset of the older file that follows.
  case older(Int)
  /// A table: the slots it has and what is in them.
  case table([(slot: Int, node: FlatBufferNode)])
  /// A vector of tables, strings or vectors.
  case nodes([FlatBufferNode])
  /// A vector of 32-bit words.
  case words([UInt32])
  /// A vector of 64-bit words.
  case longs([Int64])
  /// A vector of bytes, aligned as constants must be.
  case bytes([UInt8])
  /// A string.
  case string(String)
  /// A table of numbers alone as it lies in another file, at an offset that leaves this remainder by 8.
  case verbatim(vtable: [UInt8], fields: [UInt8], phase: Int)

  static func integers(_ values: [Int]) -> Self {
    .words(values.map { UInt32(truncatingIfNeeded: $0) })
  }
}

/// Writes a new front for a FlatBuffers file: tables that point to each other and into the older file behind them.
///
/// Offsets of FlatBuffers point forwards only, so that what is new stands before what is kept, and what is kept
/// need not be understood to be kept.
///
/// Source: Google, FlatBuffers, "FlatBuffer Internals".
struct FlatBufferWriter {
  /// What constants are aligned to, and the front as a whole.
  private static let alignment = 64

  private var front: [UInt8] = []
  /// Where an offset stands, and which part of the older file it means.
  private var links: [(place: Int, older: Int)] = []

  /// The file with `root` as its root table and `older` behind it.
  static func file(_ root: FlatBufferNode, identifier: [UInt8], before older: [UInt8]) -> [UInt8] {
    var writer = FlatBufferWriter()
    writer.append(0)
    writer.front += identifier
    var waiting = [(place: 0, node: root)]
    var next = 0
    while next < waiting.count {
      let (place, node) = waiting[next]
      next += 1
      if case .older(let offset) = node {
        writer.links.append((place, offset))
      } else {
        writer.set(place, to: writer.write(node, &waiting) - place)
      }
    }
    writer.align(to: alignment)
    let shift = writer.front.count
    for (place, offset) in writer.links { writer.set(place, to: shift + offset - place) }
    return writer.front + older
  }

  /// Writes a part whose own parts wait; returns its offset.
  private mutating func write(
    _ node: FlatBufferNode, _ waiting: inout [(place: Int, node: FlatBufferNode)]
  ) -> Int {
    switch node {
    case .table(let fields): return table(fields, &waiting)
    case .nodes(let nodes):
      let start = vector(count: nodes.count, elementSize: 4)
      for node in nodes {
        waiting.append((front.count, node))
        append(0)
      }
      return start
    case .words(let values):
      let start = vector(count: values.count, elementSize: 4)
      for value in values { append(value) }
      return start
    case .longs(let values):
      let start = vector(count: values.count, elementSize: 8)
      for value in values {
        append(UInt32(truncatingIfNeeded: value))
        append(UInt32(truncatingIfNeeded: value >> 32))
      }
      return start
    case .bytes(let values):
      let start = vector(count: values.count, elementSize: 16)
      front += values
      return start
    case .string(let text):
      let start = vector(count: text.utf8.count, elementSize: 1)
      front += Array(text.utf8) + [0]
      return start
    case .verbatim(let vtable, let fields, let phase):
      align(to: 4)
      let vtableStart = front.count
      front += vtable
      while front.count % 8 != phase % 8 { front.append(0) }
      let start = front.count
      front += fields
      set(start, to: start - vtableStart)
      return start
    case .byte, .word, .older: preconditionFailure("only tables hold numbers")
    }
  }

  private mutating func table(
    _ fields: [(slot: Int, node: FlatBufferNode)],
    _ waiting: inout [(place: Int, node: FlatBufferNode)]
  ) -> Int {
    // Wide fields first, so that none needs a gap.
    let sorted = fields.sorted { $0.node.size > $1.node.size }
    let slots = (fields.map(\.slot).max() ?? -1) + 1
    var distances = [Int](repeating: 0, count: slots)
    var size = 4
    for field in sorted {
      distances[field.slot] = size
      size += field.node.size
    }
    align(to: 4)
    let vtable = front.count
    for value in [4 + 2 * slots, size] + distances {
      front += [UInt8(truncatingIfNeeded: value), UInt8(truncatingIfNeeded: value >> 8)]
    }
    align(to: 4)
    let start = front.count
    append(UInt32(start - vtable))
    for field in sorted {
      switch field.node {
      case .byte(let value): front.append(value)
      case .word(let value): append(value)
      default:
        waiting.append((front.count, field.node))
        append(0)
      }
    }
    return start
  }

  /// Begins a vector: its count, so placed that its elements are aligned.
  private mutating func vector(count: Int, elementSize: Int) -> Int {
    align(to: 4)
    while (front.count + 4) % elementSize != 0 { front.append(0) }
    append(UInt32(count))
    return front.count - 4
  }

  private mutating func align(to size: Int) {
    while front.count % size != 0 { front.append(0) }
  }

  private mutating func append(_ value: UInt32) {
    for shift in stride(from: 0, through: 24, by: 8) {
      front.append(UInt8(truncatingIfNeeded: value >> shift))
    }
  }

  private mutating func set(_ place: Int, to distance: Int) {
    for byte in 0..<4 { front[place + byte] = UInt8(truncatingIfNeeded: distance >> (8 * byte)) }
  }
}

extension FlatBufferNode {
  /// Bytes inside a table.
  fileprivate var size: Int {
    if case .byte = self { 1 } else { 4 }
  }
}
