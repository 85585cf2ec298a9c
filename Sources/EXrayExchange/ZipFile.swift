import MCAP

/// Writes a ZIP archive of members that are not compressed.
///
/// Source: PKWARE, APPNOTE.TXT, .ZIP File Format Specification 6.3.10, sections 4.3 and 4.5.3.
struct ZipFile: ~Copyable {
  private struct Member {
    var name: [UInt8]
    var checksum: UInt32
    var byteCount: UInt64
    var offset: UInt64
  }

  private var file: OutputFile
  private var members: [Member] = []

  /// From here on a number needs the 64 bits of ZIP64.
  private static let limit: UInt64 = 0xFFFF_FFFF

  init(path: String) throws(ExchangeError) { file = try OutputFile(path: path) }

  /// Adds a member; `pieces` is called twice, for the checksum and for the bytes.
  mutating func add(
    name: String, byteCount: UInt64, _ pieces: ((RawSpan) throws -> Void) throws -> Void
  ) throws {
    var checksum = CRC32()
    try pieces { checksum.update($0) }
    let member = Member(
      name: Array(name.utf8), checksum: checksum.value, byteCount: byteCount,
      offset: file.byteCount)
    members.append(member)
    let isLarge = byteCount >= Self.limit
    var record = Record(signature: 0x0403_4B50)
    record.add(UInt16(isLarge ? 45 : 20))
    Self.addCommon(member, isLarge: isLarge, to: &record)
    record.add(UInt16(isLarge ? 20 : 0))
    record.bytes += member.name
    if isLarge {
      record.add(UInt16(1))
      record.add(UInt16(16))
      record.add(byteCount)
      record.add(byteCount)
    }
    try file.write(record.bytes)
    try writePieces(pieces)
    guard file.byteCount == member.offset + UInt64(record.bytes.count) + byteCount else {
      throw ExchangeError(
        .unreadable, path: name, "gave more or fewer bytes than announced; export again")
    }
  }

  private mutating func writePieces(
    _ pieces: ((RawSpan) throws -> Void) throws -> Void
  ) throws {
    try pieces { try file.write($0) }
  }

  consuming func finish() throws(ExchangeError) {
    let start = file.byteCount
    for member in members {
      let isLarge = member.byteCount >= Self.limit || member.offset >= Self.limit
      var record = Record(signature: 0x0201_4B50)
      record.add(UInt16(isLarge ? 45 : 20))
      record.add(UInt16(isLarge ? 45 : 20))
      Self.addCommon(member, isLarge: isLarge, to: &record)
      record.add(UInt16(isLarge ? 28 : 0))
      record.add(UInt16(0))  // comment
      record.add(UInt16(0))  // disk
      record.add(UInt16(0))  // internal attributes
      record.add(UInt32(0))  // external attributes
      record.add(isLarge ? UInt32.max : UInt32(member.offset))
      record.bytes += member.name
      if isLarge {
        record.add(UInt16(1))
        record.add(UInt16(24))
        record.add(member.byteCount)
        record.add(member.byteCount)
        record.add(member.offset)
      }
      try file.write(record.bytes)
    }
    let end = file.byteCount
    let isLarge = members.count >= 0xFFFF || end >= Self.limit
    if isLarge {
      var record = Record(signature: 0x0606_4B50)
      record.add(UInt64(44))
      record.add(UInt16(45))
      record.add(UInt16(45))
      record.add(UInt32(0))
      record.add(UInt32(0))
      record.add(UInt64(members.count))
      record.add(UInt64(members.count))
      record.add(end - start)
      record.add(start)
      record.add(UInt32(0x0706_4B50))
      record.add(UInt32(0))
      record.add(end)
      record.add(UInt32(1))
      try file.write(record.bytes)
    }
    var record = Record(signature: 0x0605_4B50)
    record.add(UInt32(0))
    record.add(UInt16(clamping: members.count))
    record.add(UInt16(clamping: members.count))
    record.add(UInt32(clamping: isLarge ? Self.limit : end - start))
    record.add(UInt32(clamping: isLarge ? Self.limit : start))
    record.add(UInt16(0))
    try file.write(record.bytes)
    try file.finish()
  }

  /// Flags (names are UTF-8), method (stored), the epoch's date, checksum, sizes and the name's length.
  private static func addCommon(_ member: Member, isLarge: Bool, to record: inout Record) {
    record.add(UInt16(1 << 11))
    record.add(UInt16(0))
    record.add(UInt16(0))
    record.add(UInt16(1 << 5 | 1))
    record.add(member.checksum)
    let size = isLarge ? UInt32.max : UInt32(member.byteCount)
    record.add(size)
    record.add(size)
    record.add(UInt16(member.name.count))
  }

  private struct Record {
    var bytes: [UInt8] = []

    init(signature: UInt32) { add(signature) }

    mutating func add<Number: FixedWidthInteger>(_ number: Number) {
      for shift in stride(from: 0, to: Number.bitWidth, by: 8) {
        bytes.append(UInt8(truncatingIfNeeded: number >> Number(shift)))
      }
    }
  }
}
