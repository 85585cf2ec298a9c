/// What the end of a file under way will say about it.
struct Summary {
  var schemas: [Schema] = []
  var channels: [Channel] = []
  var statistics = Statistics()
  var messageCounts: [UInt64] = []  // by position in channels
  // Groups of records, already encoded.
  private var chunkIndexes: [UInt8] = []
  private var attachmentIndexes: [UInt8] = []
  private var metadataIndexes: [UInt8] = []
  private let options: WriterOptions

  init(_ options: WriterOptions) { self.options = options }

  mutating func add(_ schema: Schema) { schemas.append(schema) }

  mutating func add(_ channel: Channel) {
    channels.append(channel)
    messageCounts.append(0)
  }

  /// Counts messages of the channel at `position`, all of which were logged in `times`.
  mutating func count(_ messages: Int, at position: Int, times: ClosedRange<UInt64>) {
    messageCounts[position] += UInt64(messages)
    let isFirst = statistics.messageCount == 0
    statistics.messageStartTime =
      isFirst ? times.lowerBound : min(statistics.messageStartTime, times.lowerBound)
    statistics.messageEndTime = max(statistics.messageEndTime, times.upperBound)
    statistics.messageCount += UInt64(messages)
  }

  mutating func add(_ index: ChunkIndex) {
    statistics.chunkCount += 1
    if options.indexesChunks { chunkIndexes.append(index, padding: options.recordPadding) }
  }

  mutating func add(_ index: AttachmentIndex) {
    statistics.attachmentCount += 1
    if options.indexesAttachments {
      attachmentIndexes.append(index, padding: options.recordPadding)
    }
  }

  mutating func add(_ index: MetadataIndex) {
    statistics.metadataCount += 1
    if options.indexesMetadata { metadataIndexes.append(index, padding: options.recordPadding) }
  }

  /// The bytes from the data end to the end of the file, of which the first lies at `offset`.
  func ending(at offset: UInt64, dataChecksum: UInt32) -> [UInt8] {
    var ending: [UInt8] = []
    ending.append(record: .dataEnd) { $0.append(fixed: dataChecksum) }
    let dataEndByteCount = ending.count
    let summaryStart = offset + UInt64(dataEndByteCount)
    let padding = options.recordPadding
    var offsets: [UInt8] = []
    func add(_ opcode: Opcode, _ body: (inout [UInt8]) -> Void) {
      let start = ending.count
      body(&ending)
      guard ending.count > start else { return }
      offsets.append(record: .summaryOffset, padding: padding) {
        $0.append(opcode.rawValue)
        $0.append(fixed: offset + UInt64(start))
        $0.append(fixed: UInt64(ending.count - start))
      }
    }
    add(.schema) {
      if options.repeatsSchemas { for one in schemas { $0.append(one, padding: padding) } }
    }
    add(.channel) {
      if options.repeatsChannels { for one in channels { $0.append(one, padding: padding) } }
    }
    add(.statistics) {
      if options.writesStatistics { $0.append(completeStatistics(), padding: padding) }
    }
    add(.chunkIndex) { $0.append(contentsOf: chunkIndexes) }
    add(.attachmentIndex) { $0.append(contentsOf: attachmentIndexes) }
    add(.metadataIndex) { $0.append(contentsOf: metadataIndexes) }

    let hasSummary = ending.count > dataEndByteCount
    let hasOffsets = options.writesSummaryOffsets && !offsets.isEmpty
    let offsetStart = hasOffsets ? offset + UInt64(ending.count) : 0
    if hasOffsets { ending.append(contentsOf: offsets) }
    ending.append(record: .footer) {
      $0.append(fixed: hasSummary ? summaryStart : 0)
      $0.append(fixed: offsetStart)
      $0.append(fixed: UInt32(0))
    }
    if options.checksumsSummary {
      let covered = dataEndByteCount..<(ending.count - 4)
      let checksum = unsafe CRC32.checksum(of: ending.span.bytes.extracting(covered))
      for index in 0..<4 {
        ending[covered.upperBound + index] = UInt8(truncatingIfNeeded: checksum >> (index * 8))
      }
    }
    ending.append(contentsOf: magic)
    return ending
  }

  private func completeStatistics() -> Statistics {
    var complete = statistics
    complete.schemaCount = UInt16(clamping: schemas.count)
    complete.channelCount = UInt32(clamping: channels.count)
    for (channel, count) in zip(channels, messageCounts) where count > 0 {
      complete.channelMessageCounts[channel.id] = count
    }
    return complete
  }
}
