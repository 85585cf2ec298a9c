/// A place in a file's bytes, and the end of the record or field that is being read.
///
/// Every step is checked against the end, so that no length found in a file is believed. Offsets count from the
/// start of the file.
struct Cursor {
  private(set) var offset: Int
  let end: Int
  private let opcode: Opcode
  private let part: StaticString?

  /// - Parameters:
  ///   - opcode: The kind of record, for error messages.
  ///   - part: Which part of it, where it is not the whole record.
  init(_ range: Range<Int>, in opcode: Opcode, _ part: StaticString? = nil) {
    offset = range.lowerBound
    end = range.upperBound
    self.opcode = opcode
    self.part = part
  }

  /// What is being read, for error messages; made only for them, as texts cost more than records.
  private var subject: String { (part.map { "the \($0) of a " } ?? "") + "\(opcode) record" }

  var remaining: Int { end - offset }
  var isAtEnd: Bool { offset >= end }

  mutating func fixed<Value: FixedWidthInteger & UnsignedInteger & BitwiseCopyable>(
    _: Value.Type, in bytes: RawSpan
  ) throws(MCAPError) -> Value {
    let count = MemoryLayout<Value>.size
    guard remaining >= count, end <= bytes.byteCount else { throw short(of: UInt64(count)) }
    let value = unsafe bytes.unsafeLoadUnaligned(fromByteOffset: offset, as: Value.self)
    offset += count
    return Value(littleEndian: value)
  }

  /// Steps over `count` bytes and gives their place.
  mutating func range(of count: UInt64) throws(MCAPError) -> Range<Int> {
    guard let step = Int(exactly: count), step <= remaining else { throw short(of: count) }
    defer { offset += step }
    return offset..<(offset + step)
  }

  /// The place of bytes that a length in four bytes precedes.
  mutating func prefixed(in bytes: RawSpan) throws(MCAPError) -> Range<Int> {
    try range(of: UInt64(fixed(UInt32.self, in: bytes)))
  }

  mutating func string(in bytes: RawSpan) throws(MCAPError) -> String {
    let start = offset
    let place = try prefixed(in: bytes)
    guard place.upperBound <= bytes.byteCount else { throw short(of: UInt64(place.count)) }
    let text = unsafe bytes.extracting(place).withUnsafeBytes { buffer in
      unsafe String(validating: buffer, as: UTF8.self)
    }
    guard let text else {
      throw MCAPError(
        .malformedRecord, at: start,
        "text of \(place.count) bytes in \(subject) is not UTF-8; write the file anew")
    }
    return text
  }

  mutating func stringMap(in bytes: RawSpan) throws(MCAPError) -> [String: String] {
    var inner = Cursor(try prefixed(in: bytes), in: opcode, "map")
    var map: [String: String] = [:]
    while !inner.isAtEnd {
      let start = inner.offset
      let key = try inner.string(in: bytes)
      let value = try inner.string(in: bytes)
      guard map.updateValue(value, forKey: key) == nil else {
        throw MCAPError(
          .malformedRecord, at: start,
          "\(inner.subject) has the key \(key) twice; write the file anew")
      }
    }
    return map
  }

  mutating func integerMap(in bytes: RawSpan) throws(MCAPError) -> [UInt16: UInt64] {
    var inner = Cursor(try prefixed(in: bytes), in: opcode, "map")
    var map: [UInt16: UInt64] = [:]
    while !inner.isAtEnd {
      let start = inner.offset
      let key = try inner.fixed(UInt16.self, in: bytes)
      let value = try inner.fixed(UInt64.self, in: bytes)
      guard map.updateValue(value, forKey: key) == nil else {
        throw MCAPError(
          .malformedRecord, at: start,
          "\(inner.subject) has the key \(key) twice; write the file anew")
      }
    }
    return map
  }

  private func short(of count: UInt64) -> MCAPError {
    MCAPError(
      .malformedRecord, at: offset,
      "\(subject) claims \(count) bytes more, \(remaining) remain; copy the file anew")
  }
}
