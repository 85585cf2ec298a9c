/// What a file holds, without the messages' payloads: built from the summary, or by reading every record.
struct Contents {
  /// Where a message record lies.
  struct Location {
    /// Position of the chunk in ``Contents/chunks``, or ``unchunked``.
    var chunk: UInt32
    /// Offset of the record from the start of the chunk's records, or of the file.
    var offset: Int

    static let unchunked = UInt32.max
  }

  var header = Header()
  var schemas: [UInt16: Schema] = [:]
  var channels: [UInt16: Channel] = [:]
  var statistics: Statistics?
  var chunks: [Chunk] = []
  var attachments: [AttachmentIndex] = []
  var metadata: [MetadataIndex] = []
  var locations: [UInt16: [Location]] = [:]
  var isIndexed = false
  var isComplete = false
  /// Messages that chunks without an index may add yet.
  var messagesLeft: Int
  /// What ended the reading of a file that is not complete.
  var damage: MCAPError?

  init(
    _ source: borrowing ByteSource, access: ReaderAccess, _ opener: ChunkOpener
  ) throws(MCAPError) {
    let bytes = source.bytes
    messagesLeft = opener.limits.messageCount
    guard Self.hasMagic(bytes, at: 0) else {
      throw MCAPError(
        .notMCAP, at: 0,
        "not an MCAP file: it has \(bytes.byteCount) bytes and does not begin with an MCAP file's first eight; give an .mcap file"
      )
    }
    let first = magic.count
    let head = try RecordHead(at: first, end: bytes.byteCount, in: bytes)
    guard case .header(let header) = try Record(head, in: bytes) else {
      throw MCAPError(
        .malformedRecord, at: first,
        "the first record has opcode \(head.opcode), not the header's 1; copy the file anew")
    }
    self.header = header
    let footer = try Self.footer(bytes)
    isComplete = footer != nil
    if access != .streamed, let footer {
      var indexed = self
      if try indexed.readSummary(footer.record, at: footer.offset, source, opener) {
        indexed.isIndexed = true
        self = indexed
        return
      }
    }
    if access == .indexed {
      throw MCAPError(
        .invalidIndex, at: bytes.byteCount,
        "the file has no summary with a chunk index; read it streamed")
    }
    try scan(source, from: head.content.upperBound, opener)
  }

  static func hasMagic(_ bytes: RawSpan, at offset: Int) -> Bool {
    guard offset >= 0, bytes.byteCount - offset >= magic.count else { return false }
    for (index, byte) in magic.enumerated()
    where unsafe bytes.unsafeLoad(fromByteOffset: offset + index, as: UInt8.self) != byte {
      return false
    }
    return true
  }

  /// The footer, where the file ends as a finished file does.
  static func footer(
    _ bytes: RawSpan
  ) throws(MCAPError) -> (record: Footer, offset: Int)? {
    let end = bytes.byteCount - magic.count
    let offset = end - recordHeadByteCount - 20
    guard offset >= magic.count, hasMagic(bytes, at: end) else { return nil }
    guard let head = try? RecordHead(at: offset, end: end, in: bytes),
      head.opcode == Opcode.footer.rawValue, head.content.upperBound == end,
      case .footer(let footer) = try Record(head, in: bytes)
    else {
      throw MCAPError(
        .malformedRecord, at: offset, "no footer before the closing magic; copy the file anew")
    }
    return (footer, offset)
  }

  /// Adds a schema; one of number 0 is to be ignored.
  mutating func add(_ schema: Schema, at offset: Int) throws(MCAPError) {
    guard schema.id != 0 else { return }
    if let known = schemas[schema.id], known != schema {
      throw MCAPError(
        .malformedRecord, at: offset,
        "schema \(schema.id) is declared twice, as \(known.name) and differently as \(schema.name);"
          + " write the file anew")
    }
    schemas[schema.id] = schema
  }

  /// Adds a channel.
  mutating func add(_ channel: Channel, at offset: Int) throws(MCAPError) {
    if let known = channels[channel.id], known != channel {
      throw MCAPError(
        .malformedRecord, at: offset,
        "channel \(channel.id) is declared twice, for \(known.topic) and differently for"
          + " \(channel.topic); write the file anew")
    }
    channels[channel.id] = channel
  }
}
