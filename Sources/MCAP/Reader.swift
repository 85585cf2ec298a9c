/// How a reader finds messages.
public enum ReaderAccess: Sendable, Hashable {
  /// Through the summary where it leads to all messages, else by reading every record.
  case automatic
  /// Through the summary only.
  case indexed
  /// By reading every record, as where the summary is damaged.
  case streamed
}

/// Reads a file in place: by channel and position, or record by record.
///
/// The file is mapped, and payloads of uncompressed messages are handed out where they lie; compressed chunks
/// need their ``ChunkCodec``, and the last few are kept. Held in memory are the declarations, about 100 bytes a
/// chunk and 16 bytes a message; no length found in the file is believed beyond what the file holds, or for
/// compressed chunks beyond ``ReaderLimits``. A file whose writer died is read up to the last complete chunk:
/// ``isComplete`` is then false.
///
/// The file must not be cut short while it is read; the operating system would end the process.
public final class Reader: Sendable {
  /// The file, as the caller named it.
  public let path: String
  /// What kind of file this is and who wrote it.
  public let header: Header
  /// Whether the file ends as a finished file does.
  public let isComplete: Bool
  /// Whether messages were found through the summary; else every record was read.
  public let isIndexed: Bool
  /// What ended the reading of a file that is not complete.
  public let damage: MCAPError?
  /// The schemas by number.
  public let schemas: [UInt16: Schema]
  /// The channels in the order of their numbers.
  public let channels: [Channel]
  /// The counts that the file states, if it does.
  public let statistics: Statistics?
  /// The chunks in the order of the file.
  public let chunks: [Chunk]
  /// The attachments' places.
  public let attachments: [AttachmentIndex]
  /// The metadata records' places.
  public let metadataIndexes: [MetadataIndex]

  let source: ByteSource
  let opener: ChunkOpener
  let locations: [UInt16: [Contents.Location]]

  /// Opens a file.
  ///
  /// - Parameters:
  ///   - codecs: What decompresses chunks; `[ChunkCodec].standard` of the module `MCAPCompression`.
  ///   - expectsAll: Whether all of the file will be read, in whatever order: its bytes then come in by large pieces.
  /// - Throws: ``MCAPError``: `.fileSystem`, `.notMCAP`, or what is wrong with the summary; a damaged
  ///   summary is never passed over silently, open the file with `.streamed` then.
  public convenience init(
    path: String, access: ReaderAccess = .automatic, codecs: [ChunkCodec] = [],
    limits: ReaderLimits = ReaderLimits(), expectsAll: Bool = false
  ) throws(MCAPError) {
    try self.init(
      source: ByteSource(path: path, expectsAll: expectsAll), path: path, access: access,
      ChunkOpener(codecs: codecs, limits: limits))
  }

  /// Reads a copy of bytes in memory.
  public convenience init(
    copying bytes: RawSpan, name: String, access: ReaderAccess = .automatic,
    codecs: [ChunkCodec] = [], limits: ReaderLimits = ReaderLimits()
  ) throws(MCAPError) {
    try self.init(
      source: ByteSource(copying: bytes, name: name), path: name, access: access,
      ChunkOpener(codecs: codecs, limits: limits))
  }

  private init(
    source: consuming ByteSource, path: String, access: ReaderAccess, _ opener: ChunkOpener
  ) throws(MCAPError) {
    let contents: Contents
    do {
      contents = try Contents(source, access: access, opener)
    } catch {
      throw error.inFile(path)
    }
    self.path = path
    header = contents.header
    isComplete = contents.isComplete
    isIndexed = contents.isIndexed
    damage = contents.damage?.inFile(path)
    schemas = contents.schemas
    channels = contents.channels.values.sorted { $0.id < $1.id }
    statistics = contents.statistics
    chunks = contents.chunks
    attachments = contents.attachments
    metadataIndexes = contents.metadata
    locations = contents.locations
    self.source = source
    self.opener = opener
  }

  /// Bytes of the file.
  public var byteCount: Int { source.byteCount }

  /// Messages on a channel.
  public func messageCount(channelID: UInt16) -> Int { locations[channelID]?.count ?? 0 }

  /// The position in ``chunks`` of the chunk that holds a message, or nil for a message outside of chunks.
  ///
  /// - Throws: ``MCAPError`` `.invalidArgument` where there is no such message.
  public func chunkPosition(channelID: UInt16, at position: Int) throws(MCAPError) -> Int? {
    let location = try locate(channelID, position)
    return location.chunk == Contents.Location.unchunked ? nil : Int(location.chunk)
  }

  /// A message without its payload; reads no other message.
  public func message(channelID: UInt16, at position: Int) throws(MCAPError) -> Message {
    let location = try locate(channelID, position)
    return try message(channelID, location, open(location))
  }

  /// Calls `body` with a message and its payload in place; reads no other message.
  ///
  /// - Parameter position: Counts the channel's messages in the order of the file, from 0.
  /// - Throws: ``MCAPError``, or what `body` throws.
  /// - Complexity: O(1), and the chunk's size where it is compressed and not among the last few that were read.
  public func withMessage<Result>(
    channelID: UInt16, at position: Int, _ body: (Message, RawSpan) throws -> Result
  ) throws -> Result {
    let location = try locate(channelID, position)
    let opened = try open(location)
    return try source.withBytes { file in
      try opened.withBytes(in: file) { bytes in
        let message = try message(channelID, location, bytes, opened)
        return try body(message, bytes.extracting(message.payload))
      }
    }
  }

  /// Calls `body` with bytes of the file in place, as of a message's payload or an attachment's data.
  public func withBytes<Result>(
    _ range: Range<Int>, _ body: (RawSpan) throws -> Result
  ) throws -> Result {
    guard range.lowerBound >= 0, range.upperBound <= source.byteCount else {
      throw MCAPError(
        .invalidArgument, path: path,
        "bytes \(range.lowerBound) to \(range.upperBound) are not in a file of \(source.byteCount)")
    }
    return try source.withBytes { try body($0.extracting(range)) }
  }

  /// The metadata record at a place of ``metadataIndexes``.
  public func metadata(at index: MetadataIndex) throws(MCAPError) -> Metadata {
    guard case .metadata(let metadata) = try record(at: index.offset, index.byteCount),
      metadata.name == index.name
    else { throw misplaced(index.offset, "metadata \(index.name)") }
    return metadata
  }

  /// The attachment at a place of ``attachments``; its checksum is verified.
  public func attachment(at index: AttachmentIndex) throws(MCAPError) -> Attachment {
    guard case .attachment(let attachment) = try record(at: index.offset, index.byteCount),
      attachment.name == index.name
    else { throw misplaced(index.offset, "attachment \(index.name)") }
    return attachment
  }

  /// Compares a chunk's records with the checksum that it states.
  ///
  /// - Throws: ``MCAPError`` `.checksumMismatch`.
  /// - Complexity: O(*n*) of the chunk's bytes.
  public func verifyChunk(at position: Int) throws(MCAPError) {
    let chunk = try chunk(at: position)
    do throws(MCAPError) {
      try source.withBytes { (bytes) throws(MCAPError) in
        try chunk.verifyInPlace(bytes)
        _ = try opener.open(chunk, in: bytes)
      }
    } catch {
      throw error.inFile(path)
    }
  }

  /// Lets the memory of a chunk's mapped bytes go, which stay readable.
  ///
  /// For passes over files larger than memory; ``forEachRecord(opensChunks:verifiesDataSection:_:)`` and ``messages(topics:in:order:)``
  /// do so by themselves.
  public func forgetChunk(at position: Int) throws(MCAPError) {
    source.forget(try chunk(at: position).records)
  }

  /// Lets the memory of all mapped bytes go, which stay readable; for after a pass that looked at messages' heads.
  public func forget() { source.forget(0..<source.byteCount) }

  private func chunk(at position: Int) throws(MCAPError) -> Chunk {
    guard chunks.indices.contains(position) else {
      throw MCAPError(
        .invalidArgument, path: path, "chunk \(position) is not one of \(chunks.count)")
    }
    return chunks[position]
  }

  private func locate(
    _ channelID: UInt16, _ position: Int
  ) throws(MCAPError) -> Contents.Location {
    guard let list = locations[channelID], list.indices.contains(position) else {
      throw MCAPError(
        .invalidArgument, path: path,
        "message \(position) of channel \(channelID) is not one of"
          + " \(messageCount(channelID: channelID))")
    }
    return list[position]
  }

  /// The records among which a message lies: its chunk's, or the whole file.
  func open(_ location: Contents.Location) throws(MCAPError) -> OpenedChunk {
    guard location.chunk != Contents.Location.unchunked else {
      return OpenedChunk(place: 0, range: 0..<source.byteCount, records: nil)
    }
    do throws(MCAPError) {
      return try source.withBytes { (file) throws(MCAPError) in
        try opener.open(chunks[Int(location.chunk)], in: file)
      }
    } catch {
      throw error.inFile(path)
    }
  }

  func message(
    _ channelID: UInt16, _ location: Contents.Location, _ opened: OpenedChunk
  ) throws(MCAPError) -> Message {
    try source.withBytes { (file) throws(MCAPError) in
      try opened.withBytes(in: file) { (bytes) throws(MCAPError) in
        try message(channelID, location, bytes, opened)
      }
    }
  }

  private func message(
    _ channelID: UInt16, _ location: Contents.Location, _ bytes: RawSpan, _ opened: OpenedChunk
  ) throws(MCAPError) -> Message {
    let offset = opened.range.lowerBound + location.offset
    do throws(MCAPError) {
      let head = try RecordHead(at: offset, end: opened.range.upperBound, in: bytes)
      guard case .message(let message) = try Record(head, in: bytes),
        message.channelID == channelID
      else { throw misplaced(UInt64(offset), "a message of channel \(channelID)") }
      return message
    } catch {
      throw opened.inFile(error).inFile(path)
    }
  }

  private func record(at offset: UInt64, _ byteCount: UInt64) throws(MCAPError) -> Record {
    do throws(MCAPError) {
      guard let start = Int(exactly: offset) else {
        throw MCAPError(.invalidIndex, at: offset, "an index points outside of the file")
      }
      return try record(at: start, end: source.byteCount)
    } catch {
      throw error.inFile(path)
    }
  }

  private func record(at offset: Int, end: Int) throws(MCAPError) -> Record {
    try source.withBytes { (bytes) throws(MCAPError) in
      try Record(RecordHead(at: offset, end: end, in: bytes), in: bytes)
    }
  }

  private func misplaced(_ offset: UInt64, _ subject: String) -> MCAPError {
    MCAPError(
      .invalidIndex, path: path, at: offset,
      "an index claims \(subject) here, where there is none; read the file streamed")
  }
}
