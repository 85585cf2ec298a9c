extension Reader {
  /// Calls `body` with every record in the order of the file, found through footer, summary and indexes.
  ///
  /// What the indexes point at must be what they say: each chunk with each of its messages, attachments and
  /// metadata. Only parts of the data section that no index covers are read record by record, so that a
  /// file gives the same records here as in ``forEachRecord(opensChunks:verifiesDataSection:_:)``, whatever
  /// indexes it has. Records in chunks are given in the place of their chunk; chunks and message indexes
  /// are not given.
  ///
  /// - Throws: ``MCAPError``: `.truncated` where the file has no footer, `.invalidIndex` where an index is
  ///   wrong; or what `body` throws.
  public func forEachIndexedRecord(_ body: (Record, RawSpan) throws -> Void) throws {
    do {
      try source.withBytes { bytes in
        let walk = try IndexWalk(bytes)
        try walk.forEachDataRecord(bytes, opener, body)
        try walk.forEachSummaryRecord(bytes, body)
      }
    } catch let error as MCAPError {
      throw error.inFile(path)
    }
  }
}

/// What footer and summary say of where things lie.
private struct IndexWalk {
  private enum Target {
    case chunk(ChunkIndex)
    case attachment(AttachmentIndex)
    case metadata(MetadataIndex)
  }

  /// Parts of the data section that an index covers, in the order of the file.
  private var regions: [(range: Range<Int>, target: Target)] = []
  private let footerOffset: Int
  /// Where the data section is over at the latest.
  private let dataLimit: Int

  init(_ bytes: RawSpan) throws(MCAPError) {
    guard let footer = try Contents.footer(bytes) else {
      throw MCAPError(
        .truncated, at: bytes.byteCount,
        "the file ends without a footer; read it streamed or recover it")
    }
    footerOffset = footer.offset
    let start = try Contents.summaryStart(footer.record, at: footer.offset, bytes)
    dataLimit = start ?? footer.offset
    var offset = dataLimit
    while offset < footerOffset {
      let head = try RecordHead(at: offset, end: footerOffset, in: bytes)
      switch try Record(head, in: bytes) {
      case .chunkIndex(let index):
        let (length, isOver) = index.chunkByteCount.addingReportingOverflow(
          index.messageIndexByteCount)
        try add(.chunk(index), index.chunkStartOffset, isOver ? .max : length, by: offset)
      case .attachmentIndex(let index):
        try add(.attachment(index), index.offset, index.byteCount, by: offset)
      case .metadataIndex(let index):
        try add(.metadata(index), index.offset, index.byteCount, by: offset)
      case .summaryOffset(let group): try check(group, by: offset, bytes)
      default: break
      }
      offset = head.content.upperBound
    }
    regions.sort { $0.range.lowerBound < $1.range.lowerBound }
  }

  private mutating func add(
    _ target: Target, _ offset: UInt64, _ byteCount: UInt64, by index: Int
  ) throws(MCAPError) {
    guard let start = Int(exactly: offset), start >= magic.count, start <= dataLimit,
      let count = Int(exactly: byteCount), count >= recordHeadByteCount, count <= dataLimit - start
    else {
      throw MCAPError(
        .invalidIndex, at: index,
        "an index claims \(byteCount) bytes at \(offset), outside of the data section;"
          + " read the file streamed")
    }
    regions.append((start..<(start + count), target))
  }

  /// Refuses a group of the summary whose records are not all of its kind.
  private func check(
    _ group: SummaryOffset, by index: Int, _ bytes: RawSpan
  ) throws(MCAPError) {
    let invalid = MCAPError(
      .invalidIndex, at: index,
      "\(group.groupByteCount) bytes of records with opcode \(group.groupOpcode) are said to lie at"
        + " \(group.groupStart), and do not; read the file streamed")
    guard var offset = Int(exactly: group.groupStart), offset >= dataLimit, offset <= index,
      let count = Int(exactly: group.groupByteCount), count <= index - offset
    else { throw invalid }
    let end = offset + count
    while offset < end {
      guard let head = try? RecordHead(at: offset, end: end, in: bytes),
        head.opcode == group.groupOpcode
      else { throw invalid }
      offset = head.content.upperBound
    }
  }

  func forEachSummaryRecord(
    _ bytes: RawSpan, _ body: (Record, RawSpan) throws -> Void
  ) throws {
    var offset = dataLimit
    while offset <= footerOffset {
      let head = try RecordHead(at: offset, end: bytes.byteCount, in: bytes)
      try body(Record(head, in: bytes), bytes)
      offset = head.content.upperBound
    }
  }

  func forEachDataRecord(
    _ bytes: RawSpan, _ opener: ChunkOpener, _ body: (Record, RawSpan) throws -> Void
  ) throws {
    var offset = magic.count
    var next = 0
    while offset < dataLimit {
      let region = next < regions.count ? regions[next] : nil
      if let region, region.range.lowerBound == offset {
        try follow(region.target, region.range, bytes, opener, body)
        offset = region.range.upperBound
        next += 1
        continue
      }
      let head = try RecordHead(at: offset, end: dataLimit, in: bytes)
      guard head.content.upperBound <= region?.range.lowerBound ?? dataLimit else {
        throw MCAPError(
          .invalidIndex, at: region?.range.lowerBound ?? offset,
          "an index points here, into the middle of a record; read the file streamed")
      }
      let record = try Record(head, in: bytes)
      if case .chunk(let chunk) = record {
        try opener.forEachRecord(in: chunk, bytes) { record, records, _ in
          try body(record, records)
        }
      } else if head.opcode != Opcode.messageIndex.rawValue {
        try body(record, bytes)
      }
      offset = head.content.upperBound
    }
    guard next == regions.count else {
      throw MCAPError(
        .invalidIndex, at: regions[next].range.lowerBound,
        "an index points here, into what another index covers; read the file streamed")
    }
  }

  private func follow(
    _ target: Target, _ range: Range<Int>, _ bytes: RawSpan, _ opener: ChunkOpener,
    _ body: (Record, RawSpan) throws -> Void
  ) throws {
    let head = try RecordHead(at: range.lowerBound, end: range.upperBound, in: bytes)
    let record = try Record(head, in: bytes)
    let isWhole = head.content.upperBound == range.upperBound
    switch (target, record) {
    case (.chunk(let index), .chunk(let chunk))
    where index.matches(chunk, byteCount: head.content.upperBound - range.lowerBound):
      var entries = try messageIndexes(
        index, in: head.content.upperBound..<range.upperBound, bytes)
      let isIndexed = !index.messageIndexOffsets.isEmpty
      try opener.forEachRecord(in: chunk, bytes) { record, records, place in
        if isIndexed, case .message(let message) = record,
          entries.remove(.init(message, at: place)) == nil
        {
          throw MCAPError(
            .invalidIndex, at: range.lowerBound,
            "a message of channel \(message.channelID) at \(place) of the chunk here is not in its"
              + " message indexes; read the file streamed")
        }
        try body(record, records)
      }
      if let lost = entries.min(by: { $0.offset < $1.offset }) {
        throw MCAPError(
          .invalidIndex, at: range.lowerBound,
          "a message of channel \(lost.channelID) is said to lie at \(lost.offset) of the chunk here,"
            + " and does not; read the file streamed")
      }
    case (.attachment(let index), .attachment(let attachment))
    where isWhole && index.matches(attachment):
      try body(record, bytes)
    case (.metadata(let index), .metadata(let metadata))
    where isWhole && index.name == metadata.name:
      try body(record, bytes)
    default:
      throw MCAPError(
        .invalidIndex, at: range.lowerBound,
        "what an index says of the \(range.count) bytes here is not true of them;"
          + " read the file streamed")
    }
  }

  /// A message as an index or a chunk has it.
  private struct Entry: Hashable {
    var channelID: UInt16
    var logTime: UInt64
    var offset: UInt64

    init(_ message: Message, at offset: Int) {
      channelID = message.channelID
      logTime = message.logTime
      self.offset = UInt64(offset)
    }

    init(_ channelID: UInt16, _ entry: MessageIndex.Entry) {
      self.channelID = channelID
      logTime = entry.logTime
      offset = entry.offset
    }
  }

  private func messageIndexes(
    _ index: ChunkIndex, in range: Range<Int>, _ bytes: RawSpan
  ) throws(MCAPError) -> Set<Entry> {
    var entries: Set<Entry> = []
    for (channelID, place) in index.messageIndexOffsets.sorted(by: { $0.key < $1.key }) {
      guard let offset = Int(exactly: place), range.contains(offset),
        case .messageIndex(let list) = try Record(
          RecordHead(at: offset, end: range.upperBound, in: bytes), in: bytes),
        list.channelID == channelID
      else {
        throw MCAPError(
          .invalidIndex, at: place,
          "a chunk index claims the message index of channel \(channelID) here, where there is none;"
            + " read the file streamed")
      }
      for entry in list.entries { entries.insert(Entry(channelID, entry)) }
    }
    return entries
  }
}

extension ChunkIndex {
  fileprivate func matches(_ chunk: Chunk, byteCount: Int) -> Bool {
    messageStartTime == chunk.messageStartTime && messageEndTime == chunk.messageEndTime
      && compression == chunk.compression && chunkByteCount == UInt64(byteCount)
      && compressedByteCount == UInt64(chunk.records.count)
      && uncompressedByteCount == chunk.uncompressedByteCount
  }
}

extension AttachmentIndex {
  fileprivate func matches(_ attachment: Attachment) -> Bool {
    logTime == attachment.logTime && createTime == attachment.createTime
      && name == attachment.name && mediaType == attachment.mediaType
      && dataByteCount == UInt64(attachment.data.count)
  }
}
