/// What a writer puts into a file beside the messages.
public struct WriterOptions: Sendable {
  /// Bytes of records after which a chunk is closed; 0 writes messages outside of chunks, without an index.
  public var chunkByteCount = 8 << 20
  /// Bytes from which on a payload closes its chunk and is written from where it lies, without a copy.
  public var directPayloadByteCount = 256 << 10
  /// How chunks are compressed, or nil; a chunk that compressing does not make smaller is stored as it is.
  ///
  /// Payloads of compressed chunks are copied, whatever ``directPayloadByteCount`` says.
  public var compression: ChunkCodec?
  /// Whether each chunk states the CRC-32 of its records.
  public var checksumsChunks = true
  /// Whether the data section states its CRC-32.
  ///
  /// Off, as the format allows: each chunk has its own checksum already, and a second one over the whole
  /// section would read every byte again, while telling a reader less about where a fault lies.
  public var checksumsDataSection = false
  /// Whether the summary states its CRC-32.
  public var checksumsSummary = true
  /// Whether each chunk is followed by the places of its messages.
  public var indexesMessages = true
  /// Whether the summary repeats the schemas.
  public var repeatsSchemas = true
  /// Whether the summary repeats the channels.
  public var repeatsChannels = true
  /// Whether the summary holds counts.
  public var writesStatistics = true
  /// Whether the summary holds the places of the chunks.
  public var indexesChunks = true
  /// Whether the summary holds the places of the attachments.
  public var indexesAttachments = true
  /// Whether the summary holds the places of the metadata records.
  public var indexesMetadata = true
  /// Whether the summary is followed by the places of its groups.
  public var writesSummaryOffsets = true
  /// Bytes that end every record outside of chunks but messages, chunks, the data end and the footer.
  ///
  /// Readers ignore what follows the fields they know; the format's conformance suite has such files.
  public var recordPadding: [UInt8] = []
  /// Whether a file that could not be written to its end takes its name all the same.
  ///
  /// After a failure, as of a full disk, ``Writer/finish()`` then cuts the file back to the last complete
  /// chunk, ends it with a summary of what is in it where there is room for one, gives it its name, and throws.
  public var keepsIncompleteFile = false

  /// Creates the options that readers profit from most.
  public init() {}
}
