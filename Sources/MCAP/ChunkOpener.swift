import Synchronization

/// Gives the records of chunks: in place where they are stored as they are, else decompressed.
final class ChunkOpener: Sendable {
  private let codecs: [ChunkCodec]
  let limits: ReaderLimits
  /// The chunks that were decompressed last, by the place of their records; the latest comes last.
  private let cache = Mutex<[(place: Int, records: [UInt8])]>([])

  init(codecs: [ChunkCodec] = [], limits: ReaderLimits = ReaderLimits()) {
    self.codecs = codecs
    self.limits = limits
  }

  /// The records of a chunk; of one that had to be decompressed the checksum is verified.
  func open(
    _ chunk: Chunk, in bytes: RawSpan, keeps: Bool = true
  ) throws(MCAPError) -> OpenedChunk {
    guard !chunk.compression.isEmpty else {
      return OpenedChunk(place: chunk.records.lowerBound, range: chunk.records, records: nil)
    }
    let place = chunk.records.lowerBound
    if let known = cache.withLock({ recall(place, &$0) }) {
      return OpenedChunk(place: place, range: 0..<known.count, records: known)
    }
    let records = try decompress(chunk, in: bytes)
    if keeps { cache.withLock { keep(records, place, &$0) } }
    return OpenedChunk(place: place, range: 0..<records.count, records: records)
  }

  private func recall(_ place: Int, _ kept: inout [(place: Int, records: [UInt8])]) -> [UInt8]? {
    guard let index = kept.firstIndex(where: { $0.place == place }) else { return nil }
    let found = kept.remove(at: index)
    kept.append(found)
    return found.records
  }

  private func keep(
    _ records: [UInt8], _ place: Int, _ kept: inout [(place: Int, records: [UInt8])]
  ) {
    kept.removeAll { $0.place == place }
    kept.append((place, records))
    var total = kept.reduce(0) { $0 + $1.records.count }
    while kept.count > 1, total > limits.cacheByteCount || kept.count > 16 {
      total -= kept.removeFirst().records.count
    }
  }

  private func decompress(_ chunk: Chunk, in bytes: RawSpan) throws(MCAPError) -> [UInt8] {
    let place = chunk.records.lowerBound
    guard let codec = codecs.first(where: { $0.name == chunk.compression }) else {
      let known = codecs.map(\.name).joined(separator: " and ")
      throw MCAPError(
        .unsupportedCompression, at: place,
        ["lz4", "zstd"].contains(chunk.compression)
          ? "chunk compressed with \(chunk.compression); give the reader the codecs of the module"
            + " MCAPCompression, or write the file without compression"
          : "chunk compressed with \"\(chunk.compression.prefix(40))\", which is not"
            + " \(known.isEmpty ? "lz4 or zstd" : known); write the file with one of these")
    }
    guard let count = Int(exactly: chunk.uncompressedByteCount), count <= limits.chunkByteCount
    else {
      throw MCAPError(
        .malformedRecord, at: place,
        "chunk claims \(chunk.uncompressedByteCount) bytes when uncompressed, at most"
          + " \(limits.chunkByteCount) are read; raise the limit or write smaller chunks")
    }
    do throws(MCAPError) {
      let records = try codec.decompress(bytes.extracting(chunk.records), count)
      guard records.count == count else {
        throw MCAPError(
          .malformedRecord,
          "chunk claims \(count) bytes when uncompressed and gives \(records.count);"
            + " copy the file anew")
      }
      unsafe try chunk.verify(records.span.bytes)
      return records
    } catch {
      var placed = error
      placed.offset = UInt64(place)
      throw placed
    }
  }
}

/// The records of a chunk, in the file or decompressed.
struct OpenedChunk {
  /// Where the chunk's stored records begin in the file.
  var place: Int
  /// The records' place in the bytes that ``withBytes(_:_:)`` gives.
  var range: Range<Int>
  /// The decompressed records; nil where they lie in the file as they are.
  var records: [UInt8]?

  /// Calls `body` with the bytes in which ``range`` and the places of records lie.
  func withBytes<Result, Failure: Error>(
    in file: RawSpan, _ body: (RawSpan) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    guard let records else { return try body(file) }
    return unsafe try body(records.span.bytes)
  }

  /// Calls `body` with every record and where it lies.
  func forEachRecord(
    in bytes: RawSpan, _ body: (Record, Int) throws(MCAPError) -> Void
  ) throws(MCAPError) {
    do throws(MCAPError) {
      var offset = range.lowerBound
      while offset < range.upperBound {
        let head = try RecordHead(at: offset, end: range.upperBound, in: bytes)
        try body(Record(head, in: bytes), offset)
        offset = head.content.upperBound
      }
    } catch {
      throw inFile(error)
    }
  }

  /// The same error at a place of the file.
  func inFile(_ error: MCAPError) -> MCAPError {
    guard records != nil, let offset = error.offset else { return error }
    return MCAPError(
      error.code, at: place, "at byte \(offset) of the chunk's records: \(error.message)")
  }
}
