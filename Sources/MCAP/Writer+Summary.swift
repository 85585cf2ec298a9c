extension Writer {
  /// Writes what is pending and the summary, and gives the file its own name.
  ///
  /// - Throws: ``MCAPError`` `.fileSystem`; the temporary file is then removed.
  public consuming func finish() throws(MCAPError) {
    try flush()
    var end: [UInt8] = []
    let dataChecksum = file.checksum?.value ?? 0
    end.append(record: .dataEnd) { $0.append(fixed: dataChecksum) }
    try write(end)
    file.checksum = nil

    let summaryStart = file.byteCount
    var summary: [UInt8] = []
    var offsets: [UInt8] = []
    func close(_ opcode: Opcode, from start: Int) {
      guard summary.count > start else { return }
      offsets.append(record: .summaryOffset) {
        $0.append(opcode.rawValue)
        $0.append(fixed: summaryStart + UInt64(start))
        $0.append(fixed: UInt64(summary.count - start))
      }
    }
    var start = 0
    if options.repeatsSchemas { for schema in schemas { summary.append(schema) } }
    close(.schema, from: start)
    start = summary.count
    if options.repeatsChannels { for channel in channels { summary.append(channel) } }
    close(.channel, from: start)
    start = summary.count
    if options.writesStatistics { summary.append(completeStatistics()) }
    close(.statistics, from: start)
    start = summary.count
    summary.append(contentsOf: chunkIndexes)
    close(.chunkIndex, from: start)
    start = summary.count
    if options.indexesAttachments { summary.append(contentsOf: attachmentIndexes) }
    close(.attachmentIndex, from: start)
    start = summary.count
    if options.indexesMetadata { summary.append(contentsOf: metadataIndexes) }
    close(.metadataIndex, from: start)

    let hasOffsets = options.writesSummaryOffsets && !offsets.isEmpty
    let offsetStart = hasOffsets ? summaryStart + UInt64(summary.count) : 0
    let hasSummary = !summary.isEmpty
    if hasOffsets { summary.append(contentsOf: offsets) }
    summary.append(record: .footer) {
      $0.append(fixed: hasSummary ? summaryStart : 0)
      $0.append(fixed: offsetStart)
      $0.append(fixed: UInt32(0))
    }
    if options.checksumsSummary {
      let covered = summary.count - 4
      let checksum = unsafe CRC32.checksum(of: summary.span.bytes.extracting(first: covered))
      for index in 0..<4 {
        summary[covered + index] = UInt8(truncatingIfNeeded: checksum >> (index * 8))
      }
    }
    summary.append(contentsOf: magic)
    try write(summary)
    try file.commit()
  }

  private func completeStatistics() -> Statistics {
    var complete = statistics
    complete.schemaCount = UInt16(schemas.count)
    complete.channelCount = UInt32(channels.count)
    for (position, count) in messageCounts.enumerated() where count > 0 {
      complete.channelMessageCounts[channels[position].id] = count
    }
    return complete
  }
}
