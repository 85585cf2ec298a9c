/// A part of the model, for error messages; spelled only when something is wrong.
enum Place: CustomStringConvertible {
  case model
  case opCode(Int)
  case buffer(Int)
  case metadata(Int)
  case signature(Int)
  case subgraph(Int)
  case tensor(Int, subgraph: Int)
  case op(Int, subgraph: Int)

  var description: String {
    switch self {
    case .model: "the model's root"
    case .opCode(let index): "op code \(index)"
    case .buffer(let index): "buffer \(index)"
    case .metadata(let index): "metadata \(index)"
    case .signature(let index): "signature \(index)"
    case .subgraph(let index): "subgraph \(index)"
    case .tensor(let index, let subgraph): "tensor \(index) of subgraph \(subgraph)"
    case .op(let index, let subgraph): "op \(index) of subgraph \(subgraph)"
    }
  }
}

/// A bounds-checked view of a FlatBuffers file; reading never traps, whatever the bytes are.
///
/// Vectors may share their elements, so a small file can name more parts than memory holds. Every
/// part read is charged against an allowance in proportion to the file's size.
///
/// Source: Google, FlatBuffers, "FlatBuffer Internals".
struct FlatBuffer {
  /// A table: where its fields are.
  struct Table {
    var offset: Int
    fileprivate var vtable: Int
    fileprivate var vtableByteCount: Int
    fileprivate var byteCount: Int
  }

  /// A vector: where its elements are.
  struct Vector {
    var start: Int
    var count: Int
  }

  let bytes: [UInt8]
  var place = Place.model
  private var allowance: Int

  init(_ bytes: [UInt8]) {
    self.bytes = bytes
    allowance = 4 * bytes.count + 1 << 20
  }

  /// Pays for reading `byteCount` bytes.
  mutating func charge(_ byteCount: Int, at offset: Int) throws(ModelError) {
    allowance -= byteCount
    guard allowance >= 0 else {
      throw ModelError(
        .tooComplex,
        "\(place) names more parts than a file of \(bytes.count) bytes can hold; \(exportAgain)",
        byteOffset: offset)
    }
  }

  func load<Value: FixedWidthInteger & BitwiseCopyable>(_ offset: Int, as _: Value.Type)
    throws(ModelError) -> Value
  {
    guard offset >= 0, offset <= bytes.count - MemoryLayout<Value>.size else {
      throw outOfBounds(offset, "\(MemoryLayout<Value>.size) bytes")
    }
    return Value(
      littleEndian: unsafe bytes.span.bytes.unsafeLoadUnaligned(
        fromByteOffset: offset, as: Value.self))
  }

  /// The place that the offset stored at `offset` points to.
  func follow(_ offset: Int) throws(ModelError) -> Int {
    let distance = Int(try load(offset, as: UInt32.self))
    guard distance >= 4, distance <= bytes.count - 4 - offset else {
      throw outOfBounds(offset, "an offset of \(distance)")
    }
    return offset + distance
  }

  mutating func table(at offset: Int) throws(ModelError) -> Table {
    try charge(16, at: offset)
    let vtable = offset - Int(try load(offset, as: Int32.self))
    let vtableByteCount = Int(try load(vtable, as: UInt16.self))
    let byteCount = Int(try load(vtable + 2, as: UInt16.self))
    guard vtableByteCount >= 4, vtableByteCount % 2 == 0, byteCount >= 4,
      vtableByteCount <= bytes.count - vtable, byteCount <= bytes.count - offset
    else {
      throw ModelError(
        .malformed,
        """
        \(place) has a damaged table (vtable of \(vtableByteCount) bytes, table of \(byteCount)); \
        \(exportAgain)
        """, byteOffset: offset)
    }
    return Table(
      offset: offset, vtable: vtable, vtableByteCount: vtableByteCount, byteCount: byteCount)
  }

  /// A table as it lies in the file, for tables that hold numbers alone.
  func verbatim(_ table: Table) -> FlatBufferNode {
    .verbatim(
      vtable: Array(bytes[table.vtable..<table.vtable + table.vtableByteCount]),
      fields: Array(bytes[table.offset..<table.offset + table.byteCount]), phase: table.offset % 8)
  }

  /// The bytes of a vector of bytes; nil where the field is absent.
  mutating func blob(_ table: Table, _ slot: Int) throws(ModelError) -> [UInt8]? {
    guard let vector = try vector(table, slot, stride: 1) else { return nil }
    try charge(vector.count, at: vector.start)
    return Array(bytes[vector.start..<vector.start + vector.count])
  }

  /// Where a field's value is, or nil where the table leaves it at its default.
  func field(_ table: Table, _ slot: Int) throws(ModelError) -> Int? {
    let entry = 4 + 2 * slot
    guard entry + 2 <= table.vtableByteCount else { return nil }
    let distance = Int(try load(table.vtable + entry, as: UInt16.self))
    guard distance != 0 else { return nil }
    guard distance >= 4, distance < table.byteCount else {
      throw ModelError(
        .malformed, "\(place) has field \(slot) outside its table; \(exportAgain)",
        byteOffset: table.vtable + entry)
    }
    return table.offset + distance
  }

  func scalar<Value: FixedWidthInteger & BitwiseCopyable>(
    _ table: Table, _ slot: Int, default standard: Value
  ) throws(ModelError) -> Value {
    guard let offset = try field(table, slot) else { return standard }
    return try load(offset, as: Value.self)
  }

  mutating func table(_ table: Table, _ slot: Int) throws(ModelError) -> Table? {
    guard let offset = try field(table, slot) else { return nil }
    return try self.table(at: follow(offset))
  }

  func vector(_ table: Table, _ slot: Int, stride: Int) throws(ModelError) -> Vector? {
    guard let offset = try field(table, slot) else { return nil }
    let start = try follow(offset)
    let count = Int(try load(start, as: UInt32.self))
    guard count <= (bytes.count - start - 4) / stride else {
      throw outOfBounds(start, "a vector of \(count) elements of \(stride) bytes")
    }
    return Vector(start: start + 4, count: count)
  }

  /// A vector of integers, each widened; empty where the field is absent.
  mutating func integers<Value: FixedWidthInteger & BitwiseCopyable>(
    _ table: Table, _ slot: Int, as _: Value.Type
  ) throws(ModelError) -> [Int] {
    let size = MemoryLayout<Value>.size
    guard let vector = try vector(table, slot, stride: size), vector.count > 0 else { return [] }
    try charge(vector.count * 8, at: vector.start)
    var values: [Int] = []
    values.reserveCapacity(vector.count)
    for index in 0..<vector.count {
      values.append(Int(clamping: try load(vector.start + index * size, as: Value.self)))
    }
    return values
  }

  mutating func floats(_ table: Table, _ slot: Int) throws(ModelError) -> [Float] {
    guard let vector = try vector(table, slot, stride: 4), vector.count > 0 else { return [] }
    try charge(vector.count * 4, at: vector.start)
    var values: [Float] = []
    values.reserveCapacity(vector.count)
    for index in 0..<vector.count {
      values.append(Float(bitPattern: try load(vector.start + 4 * index, as: UInt32.self)))
    }
    return values
  }

  /// A string, or nil where the field is absent; bytes that are not UTF-8 are replaced.
  mutating func string(_ table: Table, _ slot: Int) throws(ModelError) -> String? {
    guard let vector = try vector(table, slot, stride: 1) else { return nil }
    try charge(vector.count, at: vector.start)
    return String(decoding: bytes[vector.start..<vector.start + vector.count], as: UTF8.self)
  }

  private func outOfBounds(_ offset: Int, _ what: String) -> ModelError {
    ModelError(
      .outOfBounds,
      """
      \(place) has \(what) at byte \(offset) that leaves the file of \(bytes.count) bytes; the \
      file is cut off or damaged, \(exportAgain)
      """, byteOffset: max(0, min(offset, bytes.count)))
  }
}
