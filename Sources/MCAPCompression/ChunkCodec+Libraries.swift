import CCompression
public import MCAP

extension ChunkCodec {
  /// lz4's frame format: fast, and less small.
  public static var lz4: ChunkCodec { lz4() }

  /// lz4's frame format.
  ///
  /// - Parameter level: 0 is the fastest; from 3 to 12 writing takes longer for less, reading does not.
  public static func lz4(level: Int = 0) -> ChunkCodec {
    codec("lz4", FrameFormat(number: Int32(CCOMPRESSION_LZ4), level: Int32(clamping: level)))
  }

  /// Zstandard, at the level that its makers take for granted.
  public static var zstd: ChunkCodec { zstd() }

  /// Zstandard.
  ///
  /// - Parameter level: From 1, the fastest, to 19, the smallest.
  public static func zstd(level: Int = 3) -> ChunkCodec {
    codec("zstd", FrameFormat(number: Int32(CCOMPRESSION_ZSTD), level: Int32(clamping: level)))
  }

  private static func codec(_ name: String, _ format: FrameFormat) -> ChunkCodec {
    ChunkCodec(
      name: name,
      compress: { (bytes) throws(MCAPError) in try format.compress(bytes) },
      decompress: { (bytes, count) throws(MCAPError) in
        try format.decompress(bytes, byteCount: count)
      })
  }
}

extension [ChunkCodec] {
  /// The compressions that the format knows: lz4 and zstd.
  public static var standard: [ChunkCodec] { [.lz4, .zstd] }
}
