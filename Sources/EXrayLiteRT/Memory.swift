import CLiteRT
import EXrayRuntime

/// Zeroed memory at a multiple of 64 bytes, freed once.
@safe
struct AlignedBytes: ~Copyable {
  static let alignment = 64

  let start: UnsafeMutableRawPointer
  let byteCount: Int

  init(byteCount: Int) throws(RuntimeError) {
    guard let start = unsafe clitert_allocate(Self.alignment, byteCount) else {
      throw RuntimeError(
        .environment,
        "no memory for \(byteCount) bytes; close other programs or use a smaller model")
    }
    unsafe self.start = start
    self.byteCount = byteCount
  }

  init(copying bytes: RawSpan) throws(RuntimeError) {
    try self.init(byteCount: bytes.byteCount)
    unsafe bytes.withUnsafeBytes {
      unsafe UnsafeMutableRawBufferPointer(start: start, count: byteCount).copyMemory(from: $0)
    }
  }

  deinit { unsafe clitert_free(start) }

  var buffer: UnsafeMutableRawBufferPointer {
    unsafe UnsafeMutableRawBufferPointer(start: start, count: byteCount)
  }
}

/// What LiteRT's model loader refuses though its interpreter runs it, hidden while the model is loaded.
///
/// The loader ends with "Variable tensors not yet supported" (recurrent ops: LSTM, SVDF) and
/// "Intermediate tensors not yet supported" (quantised LSTM). It reads the file into a graph of its own,
/// which runs do not use: the interpreter reads the same bytes again when the model is compiled. So the
/// flags are cleared for the loader and restored before compilation; no other byte changes.
struct HiddenState {
  private var saved: [(offset: Int, bytes: [UInt8])] = []

  var isEmpty: Bool { saved.isEmpty }

  /// Clears the flags in a flatbuffer that the loader has verified.
  init(clearing bytes: UnsafeMutableRawBufferPointer) {
    let file = unsafe FlatBytes(bytes)
    guard let root = file.reference(at: 0) else { return }
    for subgraph in file.tables(of: root, field: 2) {
      for tensor in file.tables(of: subgraph, field: 0) {
        // is_variable
        if let flag = file.field(5, of: tensor), file.integer(at: flag, 1) != 0 {
          hide(flag, 1, file)
        }
      }
      for op in file.tables(of: subgraph, field: 3) {
        // intermediates: a vector of length 0 for a while
        if let field = file.field(8, of: op), let vector = file.reference(at: field),
          let count = file.integer(at: vector, 4), count > 0
        {
          hide(vector, 4, file)
        }
      }
    }
  }

  /// Puts the flags back.
  func restore(in bytes: UnsafeMutableRawBufferPointer) {
    for (offset, values) in saved.reversed() {
      for (index, value) in values.enumerated() { unsafe bytes[offset + index] = value }
    }
  }

  private mutating func hide(_ offset: Int, _ count: Int, _ file: FlatBytes) {
    saved.append((offset, unsafe Array(file.bytes[offset..<offset + count])))
    for index in offset..<offset + count { unsafe file.bytes[index] = 0 }
  }
}

/// The part of the FlatBuffers encoding that finding two fields takes; every access is checked.
@safe
private struct FlatBytes {
  let bytes: UnsafeMutableRawBufferPointer
  private let byteCount: Int

  init(_ bytes: UnsafeMutableRawBufferPointer) {
    unsafe self.bytes = bytes
    byteCount = bytes.count
  }

  func integer(at offset: Int, _ count: Int) -> Int? {
    guard offset >= 0, count <= byteCount, offset <= byteCount - count else { return nil }
    return (0..<count).reduce(0) { unsafe $0 | Int(bytes[offset + $1]) << (8 * $1) }
  }

  func reference(at offset: Int) -> Int? { integer(at: offset, 4).map { offset + $0 } }

  func field(_ index: Int, of table: Int) -> Int? {
    guard let distance = integer(at: table, 4) else { return nil }
    let vtable = table - Int(Int32(truncatingIfNeeded: distance))
    guard let size = integer(at: vtable, 2), 6 + 2 * index <= size,
      let offset = integer(at: vtable + 4 + 2 * index, 2), offset != 0
    else { return nil }
    return table + offset
  }

  func tables(of table: Int, field index: Int) -> [Int] {
    guard let field = field(index, of: table), let vector = reference(at: field),
      let count = integer(at: vector, 4), count <= (byteCount - vector) / 4
    else { return [] }
    return (0..<count).compactMap { reference(at: vector + 4 + 4 * $0) }
  }
}
