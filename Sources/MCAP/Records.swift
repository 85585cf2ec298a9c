/// What kind of file this is and who wrote it.
public struct Header: Sendable, Hashable {
  /// The convention that topics and payloads follow, or empty.
  public var profile: String
  /// The writing library's name and version.
  public var library: String

  /// Creates a header.
  public init(profile: String = "", library: String = "") {
    self.profile = profile
    self.library = library
  }
}

/// Where the summary lies.
public struct Footer: Sendable, Hashable {
  /// Offset of the first record of the summary, or 0 where there is none.
  public var summaryStart: UInt64
  /// Offset of the first summary offset record, or 0 where there is none.
  public var summaryOffsetStart: UInt64
  /// CRC-32 from the summary's start to the end of ``summaryOffsetStart`` in the footer, or 0 for none.
  public var summaryCRC: UInt32
}

/// The description of a type of message.
public struct Schema: Sendable, Hashable {
  /// The number by which channels refer to it; never 0.
  public var id: UInt16
  /// The type's name.
  public var name: String
  /// The language of ``data``, as `jsonschema`; empty where there is no schema text.
  public var encoding: String
  /// The schema itself.
  public var data: [UInt8]

  /// Creates a schema.
  public init(id: UInt16, name: String, encoding: String, data: [UInt8]) {
    self.id = id
    self.name = name
    self.encoding = encoding
    self.data = data
  }
}

/// A stream of messages on one topic.
public struct Channel: Sendable, Hashable {
  /// The number by which messages refer to it.
  public var id: UInt16
  /// The schema of its messages, or 0 for none.
  public var schemaID: UInt16
  /// The topic; need not be unique.
  public var topic: String
  /// How payloads are encoded, as `json`.
  public var messageEncoding: String
  /// Anything else about the stream.
  public var metadata: [String: String]

  /// Creates a channel.
  public init(
    id: UInt16, schemaID: UInt16 = 0, topic: String, messageEncoding: String,
    metadata: [String: String] = [:]
  ) {
    self.id = id
    self.schemaID = schemaID
    self.topic = topic
    self.messageEncoding = messageEncoding
    self.metadata = metadata
  }
}

/// A message without its payload, and where the payload lies.
public struct Message: Sendable, Hashable {
  /// The channel it is on.
  public var channelID: UInt16
  /// The publisher's counter.
  public var sequence: UInt32
  /// When it was recorded, in nanoseconds of the file's clock.
  public var logTime: UInt64
  /// When it was published, in nanoseconds of the file's clock.
  public var publishTime: UInt64
  /// The payload's bytes in the file; of a message in a compressed chunk, in the chunk's uncompressed records.
  public var payload: Range<Int>
}

/// A batch of schema, channel and message records.
public struct Chunk: Sendable, Hashable {
  /// Log time of the earliest message, or 0 where there is none.
  public var messageStartTime: UInt64
  /// Log time of the latest message, or 0 where there is none.
  public var messageEndTime: UInt64
  /// Bytes of the records when uncompressed.
  public var uncompressedByteCount: UInt64
  /// CRC-32 of the uncompressed records, or 0 for none.
  public var uncompressedCRC: UInt32
  /// `lz4`, `zstd`, or empty for none.
  public var compression: String
  /// The bytes of the records in the file, as stored.
  public var records: Range<Int>
}

/// Where the messages of one channel lie in one chunk.
public struct MessageIndex: Sendable, Hashable {
  /// One message.
  public struct Entry: Sendable, Hashable {
    /// The message's log time.
    public var logTime: UInt64
    /// Offset of the message record from the start of the uncompressed chunk.
    public var offset: UInt64
  }

  /// The channel.
  public var channelID: UInt16
  /// Its messages in the chunk.
  public var entries: [Entry]
}

/// Where a chunk and its message indexes lie.
public struct ChunkIndex: Sendable, Hashable {
  /// Log time of the earliest message, or 0 where there is none.
  public var messageStartTime: UInt64
  /// Log time of the latest message, or 0 where there is none.
  public var messageEndTime: UInt64
  /// Offset of the chunk record.
  public var chunkStartOffset: UInt64
  /// Bytes of the chunk record with its opcode and length.
  public var chunkByteCount: UInt64
  /// Offset of the message index record of each channel; empty where there are none.
  public var messageIndexOffsets: [UInt16: UInt64]
  /// Bytes of all message index records after the chunk.
  public var messageIndexByteCount: UInt64
  /// `lz4`, `zstd`, or empty for none.
  public var compression: String
  /// Bytes of the chunk's records as stored.
  public var compressedByteCount: UInt64
  /// Bytes of the chunk's records when uncompressed.
  public var uncompressedByteCount: UInt64
}

/// A file within the file, and where its data lies.
public struct Attachment: Sendable, Hashable {
  /// When it was recorded.
  public var logTime: UInt64
  /// When it was made, or 0.
  public var createTime: UInt64
  /// Its name.
  public var name: String
  /// Its media type.
  public var mediaType: String
  /// The bytes of its data in the file.
  public var data: Range<Int>
  /// CRC-32 of the preceding fields, or 0 for none.
  public var crc: UInt32
}

/// Where an attachment lies.
public struct AttachmentIndex: Sendable, Hashable {
  /// Offset of the attachment record.
  public var offset: UInt64
  /// Bytes of the attachment record with its opcode and length.
  public var byteCount: UInt64
  /// When it was recorded.
  public var logTime: UInt64
  /// When it was made, or 0.
  public var createTime: UInt64
  /// Bytes of its data.
  public var dataByteCount: UInt64
  /// Its name.
  public var name: String
  /// Its media type.
  public var mediaType: String
}

/// Named text values.
public struct Metadata: Sendable, Hashable {
  /// The record's name; need not be unique.
  public var name: String
  /// The values by key.
  public var entries: [String: String]

  /// Creates metadata.
  public init(name: String, entries: [String: String]) {
    self.name = name
    self.entries = entries
  }
}

/// Where a metadata record lies.
public struct MetadataIndex: Sendable, Hashable {
  /// Offset of the metadata record.
  public var offset: UInt64
  /// Bytes of the metadata record with its opcode and length.
  public var byteCount: UInt64
  /// The record's name.
  public var name: String
}

/// Counts over the whole file.
public struct Statistics: Sendable, Hashable {
  /// Messages in the file.
  public var messageCount: UInt64 = 0
  /// Schemas in the file.
  public var schemaCount: UInt16 = 0
  /// Channels in the file.
  public var channelCount: UInt32 = 0
  /// Attachments in the file.
  public var attachmentCount: UInt32 = 0
  /// Metadata records in the file.
  public var metadataCount: UInt32 = 0
  /// Chunks in the file.
  public var chunkCount: UInt32 = 0
  /// Log time of the earliest message, or 0 where there is none.
  public var messageStartTime: UInt64 = 0
  /// Log time of the latest message, or 0 where there is none.
  public var messageEndTime: UInt64 = 0
  /// Messages by channel; empty where not counted.
  public var channelMessageCounts: [UInt16: UInt64] = [:]
}

/// Where the summary's records of one kind lie.
public struct SummaryOffset: Sendable, Hashable {
  /// The kind of all records in the group.
  public var groupOpcode: UInt8
  /// Offset of the group's first record.
  public var groupStart: UInt64
  /// Bytes of all records in the group.
  public var groupByteCount: UInt64
}

/// The end of the data section.
public struct DataEnd: Sendable, Hashable {
  /// CRC-32 of everything before, or 0 for none.
  public var dataSectionCRC: UInt32
}

/// One record of a file.
public enum Record: Sendable, Hashable {
  case header(Header)
  case footer(Footer)
  case schema(Schema)
  case channel(Channel)
  case message(Message)
  case chunk(Chunk)
  case messageIndex(MessageIndex)
  case chunkIndex(ChunkIndex)
  case attachment(Attachment)
  case attachmentIndex(AttachmentIndex)
  case statistics(Statistics)
  case metadata(Metadata)
  case metadataIndex(MetadataIndex)
  case summaryOffset(SummaryOffset)
  case dataEnd(DataEnd)
  /// A record of a kind that this version does not know, and the bytes of its content in the file.
  case unknown(opcode: UInt8, content: Range<Int>)
}
