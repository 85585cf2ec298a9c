import EXrayJSON
import MCAP

/// A record as the suite's twins spell it: its type, and its fields by name.
struct TwinRecord {
  var type: String
  /// Numbers as text, bytes as lists of texts, maps as objects.
  var fields: [String: JSONTree]

  /// The record as JSON, its fields sorted by name.
  var tree: JSONTree {
    let pairs = fields.sorted { $0.key < $1.key }.map {
      JSONTree.array([.string($0.key), $0.value])
    }
    return JSONTree(
      .object([
        .init(key: "type", value: .string(type)), .init(key: "fields", value: .array(pairs)),
      ]))
  }

  /// - Parameter bytes: What the record's places refer to.
  /// - Returns: Nil for records that twins do not list: chunks, message indexes and unknown ones.
  init?(_ record: Record, _ bytes: RawSpan) {
    switch record {
    case .header(let header):
      self.init("Header", ["library": .string(header.library), "profile": .string(header.profile)])
    case .footer(let footer):
      self.init(
        "Footer",
        [
          "summary_crc": text(footer.summaryCRC), "summary_start": text(footer.summaryStart),
          "summary_offset_start": text(footer.summaryOffsetStart),
        ])
    case .schema(let schema):
      self.init(
        "Schema",
        [
          "id": text(schema.id), "name": .string(schema.name), "encoding": .string(schema.encoding),
          "data": .array(schema.data.map(text)),
        ])
    case .channel(let channel):
      self.init(
        "Channel",
        [
          "id": text(channel.id), "schema_id": text(channel.schemaID),
          "topic": .string(channel.topic), "message_encoding": .string(channel.messageEncoding),
          "metadata": map(channel.metadata),
        ])
    case .message(let message):
      self.init(
        "Message",
        [
          "channel_id": text(message.channelID), "sequence": text(message.sequence),
          "log_time": text(message.logTime), "publish_time": text(message.publishTime),
          "data": list(bytes.extracting(message.payload)),
        ])
    case .attachment(let attachment):
      self.init(
        "Attachment",
        [
          "log_time": text(attachment.logTime), "create_time": text(attachment.createTime),
          "name": .string(attachment.name), "media_type": .string(attachment.mediaType),
          "data": list(bytes.extracting(attachment.data)),
        ])
    case .metadata(let metadata):
      self.init("Metadata", ["name": .string(metadata.name), "metadata": map(metadata.entries)])
    case .dataEnd(let end): self.init("DataEnd", ["data_section_crc": text(end.dataSectionCRC)])
    case .statistics, .chunkIndex, .attachmentIndex, .metadataIndex, .summaryOffset:
      self.init(summary: record)
    case .chunk, .messageIndex, .unknown: return nil
    }
  }

  private init?(summary record: Record) {
    switch record {
    case .statistics(let counts):
      self.init(
        "Statistics",
        [
          "message_count": text(counts.messageCount), "schema_count": text(counts.schemaCount),
          "channel_count": text(counts.channelCount), "chunk_count": text(counts.chunkCount),
          "attachment_count": text(counts.attachmentCount),
          "metadata_count": text(counts.metadataCount),
          "message_start_time": text(counts.messageStartTime),
          "message_end_time": text(counts.messageEndTime),
          "channel_message_counts": map(counts.channelMessageCounts),
        ])
    case .chunkIndex(let index):
      self.init(
        "ChunkIndex",
        [
          "message_start_time": text(index.messageStartTime),
          "message_end_time": text(index.messageEndTime),
          "chunk_start_offset": text(index.chunkStartOffset),
          "chunk_length": text(index.chunkByteCount),
          "message_index_offsets": map(index.messageIndexOffsets),
          "message_index_length": text(index.messageIndexByteCount),
          "compression": .string(index.compression),
          "compressed_size": text(index.compressedByteCount),
          "uncompressed_size": text(index.uncompressedByteCount),
        ])
    case .attachmentIndex(let index):
      self.init(
        "AttachmentIndex",
        [
          "offset": text(index.offset), "length": text(index.byteCount),
          "log_time": text(index.logTime), "create_time": text(index.createTime),
          "data_size": text(index.dataByteCount), "name": .string(index.name),
          "media_type": .string(index.mediaType),
        ])
    case .metadataIndex(let index):
      self.init(
        "MetadataIndex",
        [
          "offset": text(index.offset), "length": text(index.byteCount),
          "name": .string(index.name),
        ])
    case .summaryOffset(let group):
      self.init(
        "SummaryOffset",
        [
          "group_opcode": text(group.groupOpcode), "group_start": text(group.groupStart),
          "group_length": text(group.groupByteCount),
        ])
    default: return nil
    }
  }

  private init(_ type: String, _ fields: [String: JSONTree]) {
    self.type = type
    self.fields = fields
  }
}

private func text(_ value: some FixedWidthInteger) -> JSONTree { .string(String(value)) }

private func list(_ bytes: RawSpan) -> JSONTree {
  unsafe bytes.withUnsafeBytes { buffer in unsafe .array(buffer.map { text($0) }) }
}

private func map(_ entries: [String: String]) -> JSONTree {
  .object(entries.mapValues { .string($0) })
}

private func map(_ entries: [UInt16: UInt64]) -> JSONTree {
  let sorted = entries.sorted { $0.key < $1.key }
  return JSONTree(.object(sorted.map { .init(key: String($0.key), value: text($0.value)) }))
}
