extension Contents {
  /// What one chunk declares and holds.
  struct Batch {
    var schemas: [(Schema, Int)] = []
    var channels: [(Channel, Int)] = []
    var messages: [(channelID: UInt16, offset: Int, logTime: UInt64)] = []

    /// Where the chunk's stored records begin in the file.
    var place = 0

    /// Reads the heads of all records in a chunk.
    init(of chunk: OpenedChunk, in file: RawSpan) throws(MCAPError) {
      var batch = Batch()
      batch.place = chunk.place
      try chunk.withBytes(in: file) { (bytes) throws(MCAPError) in
        try chunk.forEachRecord(in: bytes) { (record, offset) throws(MCAPError) in
          // Of records that were compressed, the chunk is the place in the file.
          let place = chunk.records == nil ? offset : chunk.place
          switch record {
          case .schema(let schema): batch.schemas.append((schema, place))
          case .channel(let channel): batch.channels.append((channel, place))
          case .message(let message):
            batch.messages.append(
              (message.channelID, offset - chunk.range.lowerBound, message.logTime))
          default: break
          }
        }
      }
      self = batch
    }

    private init() {}
  }

  /// Adds a chunk's records.
  ///
  /// - Returns: False, with nothing of its messages added, where a message's channel is not declared.
  mutating func commit(_ batch: Batch, position: UInt32) throws(MCAPError) -> Bool {
    for (schema, offset) in batch.schemas { try add(schema, at: offset) }
    for (channel, offset) in batch.channels { try add(channel, at: offset) }
    for message in batch.messages where channels[message.channelID] == nil { return false }
    messagesLeft -= batch.messages.count
    guard messagesLeft >= 0 else {
      throw MCAPError(
        .malformedRecord, at: batch.place,
        "the chunks up to this one hold more messages than are read; raise the reader's limit")
    }
    for message in batch.messages {
      locations[message.channelID, default: []].append(
        Location(chunk: position, offset: message.offset))
    }
    return true
  }

  /// Fills everything by reading record after record, checking every chunk's checksum.
  ///
  /// In a file that was not finished, the first record that cannot be read ends the reading: what precedes
  /// counts, and ``damage`` says what ended it.
  mutating func scan(
    _ source: borrowing ByteSource, from start: Int, _ opener: ChunkOpener
  ) throws(MCAPError) {
    let bytes = source.bytes
    var offset = start
    var pages = 0
    var isPastData = false
    do throws(MCAPError) {
      while true {
        guard offset < bytes.byteCount else {
          throw MCAPError(
            .truncated, at: offset,
            "the file ends without a footer; it was cut short: copy or record it again")
        }
        let head = try RecordHead(at: offset, end: bytes.byteCount, in: bytes)
        let record = try Record(head, in: bytes)
        if case .footer = record {
          guard head.content.upperBound == bytes.byteCount - magic.count,
            Self.hasMagic(bytes, at: head.content.upperBound)
          else {
            throw MCAPError(
              .malformedRecord, at: offset, "the file goes on after its footer; copy it anew")
          }
          return try compareWithStatistics(at: offset)
        }
        if case .dataEnd = record { isPastData = true }
        try add(record, from: offset, head, isPastData: isPastData, bytes, opener)
        offset = head.content.upperBound
        source.forget(&pages, upTo: offset)
      }
    } catch {
      if isComplete || error.code == .unsupportedCompression { throw error }
      damage = error
    }
  }

  private mutating func add(
    _ record: Record, from offset: Int, _ head: RecordHead, isPastData: Bool, _ bytes: RawSpan,
    _ opener: ChunkOpener
  ) throws(MCAPError) {
    let byteCount = UInt64(head.content.upperBound - offset)
    switch record {
    case .schema(let schema): try add(schema, at: offset)
    case .channel(let channel): try add(channel, at: offset)
    case .statistics(let counts): statistics = counts
    case .message(let message) where !isPastData:
      guard channels[message.channelID] != nil else { throw undeclared(offset) }
      locations[message.channelID, default: []].append(
        Location(chunk: Location.unchunked, offset: offset))
    case .chunk(let chunk) where !isPastData:
      try chunk.verifyInPlace(bytes)
      let batch = try Batch(of: opener.open(chunk, in: bytes, keeps: false), in: bytes)
      guard try commit(batch, position: UInt32(clamping: chunks.count)) else {
        throw undeclared(offset)
      }
      chunks.append(chunk)
    case .attachment(let attachment) where !isPastData:
      attachments.append(
        AttachmentIndex(
          offset: UInt64(offset), byteCount: byteCount, logTime: attachment.logTime,
          createTime: attachment.createTime, dataByteCount: UInt64(attachment.data.count),
          name: attachment.name, mediaType: attachment.mediaType))
    case .metadata(let entry) where !isPastData:
      metadata.append(
        MetadataIndex(offset: UInt64(offset), byteCount: byteCount, name: entry.name))
    default: break
    }
  }

  /// A record whose opcode was damaged is passed over as unknown; the counts then tell.
  private func compareWithStatistics(at offset: Int) throws(MCAPError) {
    guard let statistics else { return }
    let count = locations.values.reduce(0) { $0 + $1.count }
    guard statistics.messageCount == UInt64(count),
      Int(statistics.attachmentCount) == attachments.count,
      Int(statistics.metadataCount) == metadata.count
    else {
      throw MCAPError(
        .malformedRecord, at: offset,
        "\(count) messages, \(attachments.count) attachments and \(metadata.count) metadata records"
          + " were found, the file counts \(statistics.messageCount),"
          + " \(statistics.attachmentCount) and \(statistics.metadataCount); copy the file anew")
    }
  }

  private func undeclared(_ offset: Int) -> MCAPError {
    MCAPError(
      .malformedRecord, at: offset,
      "a message here is on a channel that was not declared before; write the file anew")
  }
}
