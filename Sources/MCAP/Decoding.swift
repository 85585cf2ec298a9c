/// A record's opcode and the place of its content.
struct RecordHead {
  var opcode: UInt8
  var content: Range<Int>

  /// Reads the head of the record at `offset`, which must lie before `end`.
  init(at offset: Int, end: Int, in bytes: RawSpan) throws(MCAPError) {
    guard offset >= 0, end <= bytes.byteCount, end - offset >= recordHeadByteCount else {
      throw MCAPError(
        .truncated, at: offset,
        "\(max(0, end - offset)) bytes remain where a record needs \(recordHeadByteCount);"
          + " the file was cut short: copy or record it again")
    }
    opcode = unsafe bytes.unsafeLoad(fromByteOffset: offset, as: UInt8.self)
    let claimed = UInt64(
      littleEndian: unsafe bytes.unsafeLoadUnaligned(fromByteOffset: offset + 1, as: UInt64.self))
    let start = offset + recordHeadByteCount
    guard opcode != 0 else {
      throw MCAPError(.malformedRecord, at: offset, "opcode 0 is none; copy the file anew")
    }
    guard let count = Int(exactly: claimed), count <= end - start else {
      throw MCAPError(
        .truncated, at: offset,
        "record with opcode \(opcode) claims \(claimed) bytes, \(end - start) remain;"
          + " the file was cut short: copy or record it again")
    }
    content = start..<(start + count)
  }
}

extension Record {
  /// Decodes a record; fields added after the known ones are ignored, as the format demands.
  init(_ head: RecordHead, in bytes: RawSpan) throws(MCAPError) {
    guard let opcode = Opcode(rawValue: head.opcode) else {
      self = .unknown(opcode: head.opcode, content: head.content)
      return
    }
    var cursor = Cursor(head.content, in: opcode)
    switch opcode {
    case .header:
      self = .header(
        Header(profile: try cursor.string(in: bytes), library: try cursor.string(in: bytes)))
    case .footer:
      self = .footer(
        Footer(
          summaryStart: try cursor.fixed(UInt64.self, in: bytes),
          summaryOffsetStart: try cursor.fixed(UInt64.self, in: bytes),
          summaryCRC: try cursor.fixed(UInt32.self, in: bytes)))
    case .schema: self = .schema(try Self.schema(&cursor, bytes))
    case .channel:
      self = .channel(
        Channel(
          id: try cursor.fixed(UInt16.self, in: bytes),
          schemaID: try cursor.fixed(UInt16.self, in: bytes), topic: try cursor.string(in: bytes),
          messageEncoding: try cursor.string(in: bytes),
          metadata: try cursor.stringMap(in: bytes)))
    case .message: self = .message(try Message(&cursor, bytes))
    case .chunk: self = .chunk(try Chunk(&cursor, bytes))
    case .messageIndex: self = .messageIndex(try MessageIndex(&cursor, bytes))
    case .chunkIndex: self = .chunkIndex(try Self.chunkIndex(&cursor, bytes))
    case .attachment: self = .attachment(try Self.attachment(&cursor, bytes))
    case .attachmentIndex: self = .attachmentIndex(try Self.attachmentIndex(&cursor, bytes))
    case .statistics: self = .statistics(try Self.statistics(&cursor, bytes))
    case .metadata:
      self = .metadata(
        Metadata(name: try cursor.string(in: bytes), entries: try cursor.stringMap(in: bytes)))
    case .metadataIndex:
      self = .metadataIndex(
        MetadataIndex(
          offset: try cursor.fixed(UInt64.self, in: bytes),
          byteCount: try cursor.fixed(UInt64.self, in: bytes), name: try cursor.string(in: bytes)))
    case .summaryOffset:
      self = .summaryOffset(
        SummaryOffset(
          groupOpcode: try cursor.fixed(UInt8.self, in: bytes),
          groupStart: try cursor.fixed(UInt64.self, in: bytes),
          groupByteCount: try cursor.fixed(UInt64.self, in: bytes)))
    case .dataEnd:
      self = .dataEnd(DataEnd(dataSectionCRC: try cursor.fixed(UInt32.self, in: bytes)))
    }
  }

  private static func schema(
    _ cursor: inout Cursor, _ bytes: RawSpan
  ) throws(MCAPError) -> Schema {
    let id = try cursor.fixed(UInt16.self, in: bytes)
    let name = try cursor.string(in: bytes)
    let encoding = try cursor.string(in: bytes)
    let data = try cursor.prefixed(in: bytes)
    return Schema(id: id, name: name, encoding: encoding, data: bytes.copy(of: data))
  }

  private static func chunkIndex(
    _ cursor: inout Cursor, _ bytes: RawSpan
  ) throws(MCAPError) -> ChunkIndex {
    ChunkIndex(
      messageStartTime: try cursor.fixed(UInt64.self, in: bytes),
      messageEndTime: try cursor.fixed(UInt64.self, in: bytes),
      chunkStartOffset: try cursor.fixed(UInt64.self, in: bytes),
      chunkByteCount: try cursor.fixed(UInt64.self, in: bytes),
      messageIndexOffsets: try cursor.integerMap(in: bytes),
      messageIndexByteCount: try cursor.fixed(UInt64.self, in: bytes),
      compression: try cursor.string(in: bytes),
      compressedByteCount: try cursor.fixed(UInt64.self, in: bytes),
      uncompressedByteCount: try cursor.fixed(UInt64.self, in: bytes))
  }

  private static func attachment(
    _ cursor: inout Cursor, _ bytes: RawSpan
  ) throws(MCAPError) -> Attachment {
    let start = cursor.offset
    let logTime = try cursor.fixed(UInt64.self, in: bytes)
    let createTime = try cursor.fixed(UInt64.self, in: bytes)
    let name = try cursor.string(in: bytes)
    let mediaType = try cursor.string(in: bytes)
    let data = try cursor.range(of: try cursor.fixed(UInt64.self, in: bytes))
    let crc = try cursor.fixed(UInt32.self, in: bytes)
    let actual = crc == 0 ? 0 : CRC32.checksum(of: bytes.extracting(start..<data.upperBound))
    guard crc == actual else {
      throw MCAPError(
        .checksumMismatch, at: start,
        "attachment \(name) has CRC \(actual), the file states \(crc); copy the file anew")
    }
    return Attachment(
      logTime: logTime, createTime: createTime, name: name, mediaType: mediaType, data: data,
      crc: crc)
  }

  private static func attachmentIndex(
    _ cursor: inout Cursor, _ bytes: RawSpan
  ) throws(MCAPError) -> AttachmentIndex {
    AttachmentIndex(
      offset: try cursor.fixed(UInt64.self, in: bytes),
      byteCount: try cursor.fixed(UInt64.self, in: bytes),
      logTime: try cursor.fixed(UInt64.self, in: bytes),
      createTime: try cursor.fixed(UInt64.self, in: bytes),
      dataByteCount: try cursor.fixed(UInt64.self, in: bytes),
      name: try cursor.string(in: bytes), mediaType: try cursor.string(in: bytes))
  }

  private static func statistics(
    _ cursor: inout Cursor, _ bytes: RawSpan
  ) throws(MCAPError) -> Statistics {
    Statistics(
      messageCount: try cursor.fixed(UInt64.self, in: bytes),
      schemaCount: try cursor.fixed(UInt16.self, in: bytes),
      channelCount: try cursor.fixed(UInt32.self, in: bytes),
      attachmentCount: try cursor.fixed(UInt32.self, in: bytes),
      metadataCount: try cursor.fixed(UInt32.self, in: bytes),
      chunkCount: try cursor.fixed(UInt32.self, in: bytes),
      messageStartTime: try cursor.fixed(UInt64.self, in: bytes),
      messageEndTime: try cursor.fixed(UInt64.self, in: bytes),
      channelMessageCounts: try cursor.integerMap(in: bytes))
  }
}

extension Message {
  init(_ cursor: inout Cursor, _ bytes: RawSpan) throws(MCAPError) {
    channelID = try cursor.fixed(UInt16.self, in: bytes)
    sequence = try cursor.fixed(UInt32.self, in: bytes)
    logTime = try cursor.fixed(UInt64.self, in: bytes)
    publishTime = try cursor.fixed(UInt64.self, in: bytes)
    payload = cursor.offset..<cursor.end
  }
}

extension Chunk {
  init(_ cursor: inout Cursor, _ bytes: RawSpan) throws(MCAPError) {
    let start = cursor.offset
    messageStartTime = try cursor.fixed(UInt64.self, in: bytes)
    messageEndTime = try cursor.fixed(UInt64.self, in: bytes)
    uncompressedByteCount = try cursor.fixed(UInt64.self, in: bytes)
    uncompressedCRC = try cursor.fixed(UInt32.self, in: bytes)
    compression = try cursor.string(in: bytes)
    records = try cursor.range(of: try cursor.fixed(UInt64.self, in: bytes))
    guard !compression.isEmpty || uncompressedByteCount == UInt64(records.count) else {
      throw MCAPError(
        .malformedRecord, at: start,
        "uncompressed chunk claims \(uncompressedByteCount) bytes of records and holds"
          + " \(records.count); copy the file anew")
    }
  }

  /// Compares the records, where they are stored as they are, with the checksum that the chunk states.
  func verifyInPlace(_ bytes: RawSpan) throws(MCAPError) {
    if compression.isEmpty { try verify(bytes.extracting(records)) }
  }

  /// Compares the uncompressed records with the checksum that the chunk states.
  func verify(_ uncompressed: RawSpan) throws(MCAPError) {
    guard uncompressedCRC != 0 else { return }
    let actual = CRC32.checksum(of: uncompressed)
    guard actual == uncompressedCRC else {
      throw MCAPError(
        .checksumMismatch, at: records.lowerBound,
        "\(uncompressed.byteCount) bytes of a chunk have CRC \(actual), the file states"
          + " \(uncompressedCRC); copy the file anew")
    }
  }
}

extension MessageIndex {
  init(_ cursor: inout Cursor, _ bytes: RawSpan) throws(MCAPError) {
    channelID = try cursor.fixed(UInt16.self, in: bytes)
    var inner = Cursor(try cursor.prefixed(in: bytes), in: .messageIndex, "entries")
    entries = []
    entries.reserveCapacity(inner.remaining / 16)
    while !inner.isAtEnd {
      entries.append(
        Entry(
          logTime: try inner.fixed(UInt64.self, in: bytes),
          offset: try inner.fixed(UInt64.self, in: bytes)))
    }
  }
}

extension RawSpan {
  /// The bytes at `range`, which must lie inside.
  func copy(of range: Range<Int>) -> [UInt8] {
    unsafe extracting(range).withUnsafeBytes { unsafe [UInt8]($0) }
  }
}
