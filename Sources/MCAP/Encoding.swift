/// The format's primitive values, appended to a buffer of bytes.
extension [UInt8] {
  mutating func append<Value: FixedWidthInteger & UnsignedInteger>(fixed value: Value) {
    for index in 0..<(Value.bitWidth / 8) {
      append(UInt8(truncatingIfNeeded: value >> Value(index * 8)))
    }
  }

  mutating func append(string: String) {
    append(fixed: UInt32(clamping: string.utf8.count))
    append(contentsOf: string.utf8)
  }

  /// Appends entries sorted by key, so that the same map gives the same bytes.
  mutating func append(map: [String: String]) {
    lengthPrefixed { buffer in
      for (key, value) in map.sorted(by: { $0.key < $1.key }) {
        buffer.append(string: key)
        buffer.append(string: value)
      }
    }
  }

  mutating func append(map: [UInt16: UInt64]) {
    append(fixed: UInt32(clamping: map.count * 10))
    for (key, value) in map.sorted(by: { $0.key < $1.key }) {
      append(fixed: key)
      append(fixed: value)
    }
  }

  mutating func append(copying bytes: RawSpan) {
    unsafe bytes.withUnsafeBytes { unsafe append(contentsOf: $0) }
  }

  /// Appends what `body` appends, preceded by its length in four bytes.
  private mutating func lengthPrefixed(_ body: (inout [UInt8]) -> Void) {
    let start = count
    append(fixed: UInt32(0))
    body(&self)
    let length = UInt32(clamping: count - start - 4)
    for index in 0..<4 { self[start + index] = UInt8(truncatingIfNeeded: length >> (index * 8)) }
  }

  /// Appends a record whose content is what `body` appends, and `padding`.
  mutating func append(
    record opcode: Opcode, padding: [UInt8] = [], _ body: (inout [UInt8]) -> Void
  ) {
    append(opcode.rawValue)
    let start = count
    append(fixed: UInt64(0))
    body(&self)
    append(contentsOf: padding)
    let length = UInt64(count - start - 8)
    for index in 0..<8 { self[start + index] = UInt8(truncatingIfNeeded: length >> (index * 8)) }
  }

  mutating func append(_ schema: Schema, padding: [UInt8] = []) {
    append(record: .schema, padding: padding) {
      $0.append(fixed: schema.id)
      $0.append(string: schema.name)
      $0.append(string: schema.encoding)
      $0.append(fixed: UInt32(clamping: schema.data.count))
      $0.append(contentsOf: schema.data)
    }
  }

  mutating func append(_ channel: Channel, padding: [UInt8] = []) {
    append(record: .channel, padding: padding) {
      $0.append(fixed: channel.id)
      $0.append(fixed: channel.schemaID)
      $0.append(string: channel.topic)
      $0.append(string: channel.messageEncoding)
      $0.append(map: channel.metadata)
    }
  }

  mutating func append(_ index: MessageIndex, padding: [UInt8] = []) {
    append(record: .messageIndex, padding: padding) {
      $0.append(fixed: index.channelID)
      $0.append(fixed: UInt32(clamping: index.entries.count * 16))
      for entry in index.entries {
        $0.append(fixed: entry.logTime)
        $0.append(fixed: entry.offset)
      }
    }
  }

  mutating func append(_ index: ChunkIndex, padding: [UInt8] = []) {
    append(record: .chunkIndex, padding: padding) {
      $0.append(fixed: index.messageStartTime)
      $0.append(fixed: index.messageEndTime)
      $0.append(fixed: index.chunkStartOffset)
      $0.append(fixed: index.chunkByteCount)
      $0.append(map: index.messageIndexOffsets)
      $0.append(fixed: index.messageIndexByteCount)
      $0.append(string: index.compression)
      $0.append(fixed: index.compressedByteCount)
      $0.append(fixed: index.uncompressedByteCount)
    }
  }

  mutating func append(_ index: AttachmentIndex, padding: [UInt8] = []) {
    append(record: .attachmentIndex, padding: padding) {
      $0.append(fixed: index.offset)
      $0.append(fixed: index.byteCount)
      $0.append(fixed: index.logTime)
      $0.append(fixed: index.createTime)
      $0.append(fixed: index.dataByteCount)
      $0.append(string: index.name)
      $0.append(string: index.mediaType)
    }
  }

  mutating func append(_ index: MetadataIndex, padding: [UInt8] = []) {
    append(record: .metadataIndex, padding: padding) {
      $0.append(fixed: index.offset)
      $0.append(fixed: index.byteCount)
      $0.append(string: index.name)
    }
  }

  mutating func append(_ statistics: Statistics, padding: [UInt8] = []) {
    append(record: .statistics, padding: padding) {
      $0.append(fixed: statistics.messageCount)
      $0.append(fixed: statistics.schemaCount)
      $0.append(fixed: statistics.channelCount)
      $0.append(fixed: statistics.attachmentCount)
      $0.append(fixed: statistics.metadataCount)
      $0.append(fixed: statistics.chunkCount)
      $0.append(fixed: statistics.messageStartTime)
      $0.append(fixed: statistics.messageEndTime)
      $0.append(map: statistics.channelMessageCounts)
    }
  }
}
