extension Contents {
  /// Fills everything from the summary and the message indexes.
  ///
  /// - Returns: False where the summary does not lead to all messages, so that the file must be scanned.
  mutating func readSummary(
    _ footer: Footer, at footerOffset: Int, _ source: borrowing ByteSource, _ opener: ChunkOpener
  ) throws(MCAPError) -> Bool {
    let bytes = source.bytes
    guard let start = try Self.summaryStart(footer, at: footerOffset, bytes) else { return false }
    var indexes: [ChunkIndex] = []
    var offset = start
    while offset < footerOffset {
      let head = try RecordHead(at: offset, end: footerOffset, in: bytes)
      switch try Record(head, in: bytes) {
      case .schema(let schema): try add(schema, at: offset)
      case .channel(let channel): try add(channel, at: offset)
      case .statistics(let counts): statistics = counts
      case .chunkIndex(let index): indexes.append(index)
      case .attachmentIndex(let index): attachments.append(index)
      case .metadataIndex(let index): metadata.append(index)
      default: break
      }
      offset = head.content.upperBound
    }
    if indexes.isEmpty && statistics?.messageCount != 0 { return false }
    if let statistics {
      guard
        Int(statistics.attachmentCount) == attachments.count,
        Int(statistics.metadataCount) == metadata.count,
        Int(statistics.chunkCount) == indexes.count
      else { return false }
    }
    indexes.sort { $0.chunkStartOffset < $1.chunkStartOffset }
    var free = magic.count  // The end of what earlier chunks and their indexes take.
    var pages = 0
    for index in indexes {
      let chunk = try locate(index, after: free, before: start, bytes)
      guard try readMessageIndexes(of: index, chunk, bytes, opener) else { return false }
      chunks.append(chunk)
      free = Int(index.chunkStartOffset + index.chunkByteCount + index.messageIndexByteCount)
      source.forget(&pages, upTo: free)
    }
    // Message indexes have no checksum of their own; the counts in the summary have one.
    for (channelID, count) in statistics?.channelMessageCounts ?? [:]
    where locations[channelID]?.count ?? 0 != Int(clamping: count) {
      throw MCAPError(
        .invalidIndex, at: start,
        "the message indexes lead to \(locations[channelID]?.count ?? 0) messages of channel"
          + " \(channelID), the statistics count \(count); read the file streamed")
    }
    for channel in channels.values
    where channel.schemaID != 0 && schemas[channel.schemaID] == nil {
      return false
    }
    return true
  }

  /// Where the summary begins, whose checksum is verified; nil where there is none.
  static func summaryStart(
    _ footer: Footer, at footerOffset: Int, _ bytes: RawSpan
  ) throws(MCAPError) -> Int? {
    guard footer.summaryStart != 0 else { return nil }
    guard let start = Int(exactly: footer.summaryStart), start >= magic.count,
      start <= footerOffset
    else {
      throw MCAPError(
        .invalidIndex, at: footerOffset,
        "the footer puts the summary at \(footer.summaryStart), outside of the file;"
          + " read the file streamed")
    }
    if footer.summaryCRC != 0 {
      let covered = start..<(footerOffset + recordHeadByteCount + 16)
      let actual = CRC32.checksum(of: bytes.extracting(covered))
      guard actual == footer.summaryCRC else {
        throw MCAPError(
          .checksumMismatch, at: start,
          "the summary has CRC \(actual), the footer states \(footer.summaryCRC);"
            + " copy the file anew or read it streamed")
      }
    }
    return start
  }

  /// The chunk that an index entry points at; entries must not overlap.
  private func locate(
    _ index: ChunkIndex, after free: Int, before end: Int, _ bytes: RawSpan
  ) throws(MCAPError) -> Chunk {
    let invalid = MCAPError(
      .invalidIndex, at: index.chunkStartOffset,
      "a chunk index claims \(index.chunkByteCount) bytes here and \(index.messageIndexByteCount)"
        + " of message indexes, which do not lie between bytes \(free) and \(end);"
        + " read the file streamed")
    guard let start = Int(exactly: index.chunkStartOffset), start >= free, start <= end,
      let count = Int(exactly: index.chunkByteCount), count <= end - start,
      let trailing = Int(exactly: index.messageIndexByteCount), trailing <= end - start - count
    else { throw invalid }
    let head = try RecordHead(at: start, end: start + count, in: bytes)
    guard head.content.upperBound == start + count,
      case .chunk(let chunk) = try Record(head, in: bytes)
    else { throw invalid }
    return chunk
  }

  /// Adds the messages of the chunk that comes next in ``chunks``.
  private mutating func readMessageIndexes(
    of index: ChunkIndex, _ chunk: Chunk, _ bytes: RawSpan, _ opener: ChunkOpener
  ) throws(MCAPError) -> Bool {
    let position = UInt32(clamping: chunks.count)
    if index.messageIndexOffsets.isEmpty {
      let batch = try Batch(of: opener.open(chunk, in: bytes), in: bytes)
      return try commit(batch, position: position)
    }
    let start = Int(index.chunkStartOffset + index.chunkByteCount)
    let limit = start + Int(index.messageIndexByteCount)
    for (channelID, place) in index.messageIndexOffsets.sorted(by: { $0.key < $1.key }) {
      guard channels[channelID] != nil else { return false }
      guard let offset = Int(exactly: place), offset >= start, offset < limit,
        case .messageIndex(let entries) = try Record(
          RecordHead(at: offset, end: limit, in: bytes), in: bytes),
        entries.channelID == channelID
      else {
        throw MCAPError(
          .invalidIndex, at: place,
          "a chunk index claims the message index of channel \(channelID) here, where there is none;"
            + " read the file streamed")
      }
      var list = locations.removeValue(forKey: channelID) ?? []
      for entry in entries.entries {
        guard let inside = Int(exactly: entry.offset),
          entry.offset < chunk.uncompressedByteCount
        else {
          throw MCAPError(
            .invalidIndex, at: offset,
            "a message of channel \(channelID) is said to lie at \(entry.offset) in a chunk of"
              + " \(chunk.uncompressedByteCount) bytes; read the file streamed")
        }
        list.append(Location(chunk: position, offset: inside))
      }
      locations[channelID] = list
    }
    return true
  }
}
