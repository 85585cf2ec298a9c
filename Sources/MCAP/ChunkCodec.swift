/// A way to compress the records of a chunk.
///
/// The module `MCAPCompression` offers those that the format knows, `lz4` and `zstd`, so that whoever needs
/// neither does not link their libraries.
public struct ChunkCodec: Sendable {
  /// The name as chunks spell it.
  public let name: String
  let compress: @Sendable (RawSpan) throws(MCAPError) -> [UInt8]
  let decompress: @Sendable (RawSpan, Int) throws(MCAPError) -> [UInt8]

  /// Creates a codec.
  ///
  /// - Parameters:
  ///   - compress: Gives the compressed bytes.
  ///   - decompress: Gives exactly as many bytes as it is told, or throws; the number comes from the file, so
  ///     memory must not be taken because of it alone.
  public init(
    name: String,
    compress: @escaping @Sendable (_ bytes: RawSpan) throws(MCAPError) -> [UInt8],
    decompress:
      @escaping @Sendable (_ bytes: RawSpan, _ byteCount: Int) throws(MCAPError) -> [UInt8]
  ) {
    self.name = name
    self.compress = compress
    self.decompress = decompress
  }
}

/// How much memory a reader takes for compressed chunks.
public struct ReaderLimits: Sendable, Hashable {
  /// The most bytes of one chunk when uncompressed.
  public var chunkByteCount: Int
  /// The bytes of uncompressed chunks that are kept for the next messages; one chunk is kept in any case.
  public var cacheByteCount: Int
  /// The most messages in chunks that have no message index, which few compressed bytes can hold in any number.
  public var messageCount: Int

  /// Creates limits; by default 1 GiB a chunk, of which 64 MiB are kept, and 100 million messages.
  public init(
    chunkByteCount: Int = 1 << 30, cacheByteCount: Int = 64 << 20, messageCount: Int = 100_000_000
  ) {
    self.chunkByteCount = chunkByteCount
    self.cacheByteCount = cacheByteCount
    self.messageCount = messageCount
  }
}
