/// What was saved of a file whose writer died, or that is damaged.
public struct Recovery: Sendable, Hashable {
  /// Messages in the new file.
  public internal(set) var messageCount: UInt64 = 0
  /// Chunks in the new file.
  public internal(set) var chunkCount = 0
  /// Attachments in the new file.
  public internal(set) var attachmentCount = 0
  /// Metadata records in the new file.
  public internal(set) var metadataCount = 0
  /// Bytes of the old file, from its start, whose records are in the new one.
  public internal(set) var keptByteCount: UInt64 = 0
  /// Bytes of the old file's data that are lost.
  public internal(set) var lostByteCount: UInt64 = 0
  /// Why reading stopped; nil where the file's data were complete.
  public internal(set) var damage: MCAPError?

  /// Writes a finished file with everything that precedes the first damage.
  ///
  /// Records outside of chunks and whole chunks whose checksum is right are copied byte by byte; message
  /// indexes and the summary are made anew. Of a chunk that is not complete nothing is taken. The old file is
  /// not changed; it may have the new one's name.
  ///
  /// - Parameters:
  ///   - source: The file, as a writer that died left it: `NAME.PROCESS-0.partial`.
  ///   - target: The new file, which is there only when it is complete.
  ///   - codecs: What decompresses chunks, which must be read for their indexes.
  /// - Throws: ``MCAPError``: `.notMCAP`, `.fileSystem`, or `.truncated` where not even the header is there;
  ///   `.unsupportedCompression` where a codec is missing. Damage is a result, not an error.
  public static func recover(
    from source: String, to target: String, codecs: [ChunkCodec] = [],
    limits: ReaderLimits = ReaderLimits()
  ) throws(MCAPError) -> Recovery {
    let bytes = try ByteSource(path: source, expectsAll: true)
    do throws(MCAPError) {
      let start = try Salvage.headerEnd(bytes.bytes)
      var salvage = Salvage(
        try OutputFile(path: target), ChunkOpener(codecs: codecs, limits: limits))
      var recovery = try salvage.run(bytes, from: start)
      recovery.damage = recovery.damage?.inFile(source)
      return recovery
    } catch {
      throw error.inFile(source)
    }
  }
}

/// The copying of one file.
private struct Salvage: ~Copyable {
  private let opener: ChunkOpener
  private var output: OutputFile
  private var summary = Summary(WriterOptions())
  private var schemas: [UInt16: Schema] = [:]
  /// The positions of channels in the summary.
  private var positions: [UInt16: Int] = [:]
  private var recovery = Recovery()

  init(_ output: consuming OutputFile, _ opener: ChunkOpener) {
    self.output = output
    self.opener = opener
  }

  /// The end of the header; refuses files that have none.
  static func headerEnd(_ bytes: RawSpan) throws(MCAPError) -> Int {
    guard Contents.hasMagic(bytes, at: 0) else {
      throw MCAPError(
        .notMCAP, at: 0, "not an MCAP file, of which nothing can be recovered; give an .mcap file")
    }
    let head = try RecordHead(at: magic.count, end: bytes.byteCount, in: bytes)
    guard case .header = try Record(head, in: bytes) else {
      throw MCAPError(
        .malformedRecord, at: magic.count,
        "the first record is not a header; there is nothing to recover")
    }
    return head.content.upperBound
  }

  mutating func run(
    _ source: borrowing ByteSource, from start: Int
  ) throws(MCAPError) -> Recovery {
    let bytes = source.bytes
    var offset = start
    try output.write(bytes.extracting(0..<offset))
    recovery.keptByteCount = UInt64(offset)
    var pages = 0
    var isOver = false
    while !isOver {
      let item: Item
      do throws(MCAPError) {
        item = try read(at: offset, bytes)
      } catch {
        if error.code == .unsupportedCompression { throw error }
        recovery.damage = error
        break
      }
      isOver = item.isEnd
      try copy(item, bytes)
      offset = item.range.upperBound
      recovery.keptByteCount = UInt64(offset)
      source.forget(&pages, upTo: offset)
    }
    if !isOver { recovery.lostByteCount = UInt64(bytes.byteCount - offset) }
    unsafe try output.write(
      summary.ending(at: output.byteCount, dataChecksum: 0).span.bytes)
    try output.commit()
    recovery.messageCount = summary.statistics.messageCount
    recovery.chunkCount = Int(summary.statistics.chunkCount)
    recovery.attachmentCount = Int(summary.statistics.attachmentCount)
    recovery.metadataCount = Int(summary.statistics.metadataCount)
    return recovery
  }

  /// A record that is right, and for a chunk what it holds.
  private struct Item {
    var record: Record
    var range: Range<Int>
    var batch: Contents.Batch?

    var isEnd: Bool {
      switch record {
      case .dataEnd, .footer: true
      default: false
      }
    }
  }

  private mutating func read(at offset: Int, _ bytes: RawSpan) throws(MCAPError) -> Item {
    guard offset < bytes.byteCount else {
      throw MCAPError(.truncated, at: offset, "the file ends without a footer")
    }
    let head = try RecordHead(at: offset, end: bytes.byteCount, in: bytes)
    var item = Item(
      record: try Record(head, in: bytes), range: offset..<head.content.upperBound)
    switch item.record {
    case .schema(let schema): try declare([(schema, offset)], [])
    case .channel(let channel): try declare([], [(channel, offset)])
    case .message(let message): try require(message.channelID, at: offset)
    case .chunk(let chunk):
      try chunk.verifyInPlace(bytes)
      let batch = try Contents.Batch(of: opener.open(chunk, in: bytes, keeps: false), in: bytes)
      let known = Set(batch.channels.map(\.0.id))
      for message in batch.messages where !known.contains(message.channelID) {
        try require(message.channelID, at: offset)
      }
      try declare(batch.schemas, batch.channels)
      item.batch = batch
    default: break
    }
    return item
  }

  private func require(_ channelID: UInt16, at offset: Int) throws(MCAPError) {
    guard positions[channelID] != nil else {
      throw MCAPError(
        .malformedRecord, at: offset,
        "a message here is on channel \(channelID), which was not declared before")
    }
  }

  /// Adds declarations to the summary, all of them or none.
  private mutating func declare(
    _ newSchemas: [(Schema, Int)], _ newChannels: [(Channel, Int)]
  ) throws(MCAPError) {
    for (schema, offset) in newSchemas {
      if let known = schemas[schema.id], known != schema {
        throw MCAPError(.malformedRecord, at: offset, "schema \(schema.id) is declared differently")
      }
    }
    for (channel, offset) in newChannels {
      if let position = positions[channel.id], summary.channels[position] != channel {
        throw MCAPError(
          .malformedRecord, at: offset, "channel \(channel.id) is declared differently")
      }
    }
    for (schema, _) in newSchemas where schema.id != 0 && schemas[schema.id] == nil {
      schemas[schema.id] = schema
      summary.add(schema)
    }
    for (channel, _) in newChannels where positions[channel.id] == nil {
      positions[channel.id] = summary.channels.count
      summary.add(channel)
    }
  }

  private mutating func copy(_ item: Item, _ bytes: RawSpan) throws(MCAPError) {
    let place = output.byteCount
    let byteCount = UInt64(item.range.count)
    switch item.record {
    case .dataEnd, .footer, .messageIndex: return
    case .chunk(let chunk): return try copy(chunk, item, bytes)
    case .message(let message):
      if let position = positions[message.channelID] {
        summary.count(1, at: position, times: message.logTime...message.logTime)
      }
    case .attachment(let attachment):
      summary.add(
        AttachmentIndex(
          offset: place, byteCount: byteCount, logTime: attachment.logTime,
          createTime: attachment.createTime, dataByteCount: UInt64(attachment.data.count),
          name: attachment.name, mediaType: attachment.mediaType))
    case .metadata(let metadata):
      summary.add(MetadataIndex(offset: place, byteCount: byteCount, name: metadata.name))
    default: break
    }
    try output.write(bytes.extracting(item.range))
  }

  private mutating func copy(
    _ chunk: Chunk, _ item: Item, _ bytes: RawSpan
  ) throws(MCAPError) {
    var index = ChunkIndex(
      messageStartTime: chunk.messageStartTime, messageEndTime: chunk.messageEndTime,
      chunkStartOffset: output.byteCount, chunkByteCount: UInt64(item.range.count),
      messageIndexOffsets: [:], messageIndexByteCount: 0, compression: chunk.compression,
      compressedByteCount: UInt64(chunk.records.count),
      uncompressedByteCount: chunk.uncompressedByteCount)
    try output.write(bytes.extracting(item.range))
    var entries: [UInt16: [MessageIndex.Entry]] = [:]
    for message in item.batch?.messages ?? [] {
      entries[message.channelID, default: []].append(
        .init(logTime: message.logTime, offset: UInt64(message.offset)))
      if let position = positions[message.channelID] {
        summary.count(1, at: position, times: message.logTime...message.logTime)
      }
    }
    var records: [UInt8] = []
    for (channelID, list) in entries.sorted(by: { $0.key < $1.key }) {
      index.messageIndexOffsets[channelID] = output.byteCount + UInt64(records.count)
      records.append(MessageIndex(channelID: channelID, entries: list))
    }
    index.messageIndexByteCount = UInt64(records.count)
    unsafe try output.write(records.span.bytes)
    summary.add(index)
  }
}
