extension Reader {
  /// Calls `body` with every record in the order of the file; chunks' checksums are verified.
  ///
  /// - Parameter opensChunks: Whether the records inside a chunk are given in its place.
  /// - Throws: ``MCAPError`` where the file ends early or a record is damaged, after all that precede; or what
  ///   `body` throws.
  public func forEachRecord(
    opensChunks: Bool = true, _ body: (Record) throws -> Void
  ) throws {
    try forEachRecord(opensChunks: opensChunks) { record, _ in try body(record) }
  }

  /// Calls `body` with every record in the order of the file, and with the bytes that its places refer to.
  ///
  /// These bytes are the file's, or for what was in a compressed chunk the chunk's uncompressed records:
  /// `bytes.extracting(message.payload)` is a message's payload in any case. Chunks' checksums are verified.
  /// Memory of chunks that are done with is let go, so that any file can be read in little memory.
  ///
  /// - Parameters:
  ///   - opensChunks: Whether the records inside a chunk are given in its place.
  ///   - verifiesDataSection: Whether the data section is compared with its checksum, where it states one.
  /// - Throws: ``MCAPError`` where the file ends early or a record is damaged, after all that precede; or what
  ///   `body` throws.
  public func forEachRecord(
    opensChunks: Bool = true, verifiesDataSection: Bool = false,
    _ body: (Record, RawSpan) throws -> Void
  ) throws {
    do {
      try source.withBytes { bytes in
        var checksum = CRC32()
        var offset = magic.count
        var pages = 0
        if verifiesDataSection { checksum.update(bytes.extracting(0..<offset)) }
        while true {
          let head = try RecordHead(at: offset, end: bytes.byteCount, in: bytes)
          let end = head.content.upperBound
          let record = try Record(head, in: bytes)
          if case .dataEnd(let data) = record, verifiesDataSection {
            try data.verify(checksum, at: offset)
          }
          if verifiesDataSection { checksum.update(bytes.extracting(offset..<end)) }
          if opensChunks, case .chunk(let chunk) = record {
            try opener.forEachRecord(in: chunk, bytes) { record, records, _ in
              try body(record, records)
            }
          } else {
            try body(record, bytes)
          }
          source.forget(&pages, upTo: end)
          if case .footer = record { return }
          offset = end
        }
      }
    } catch let error as MCAPError {
      throw error.inFile(path)
    }
  }
}

extension ChunkOpener {
  /// Calls `body` with every record of a chunk, the bytes that its places refer to, and where it begins in the
  /// uncompressed chunk; the checksum is verified.
  func forEachRecord(
    in chunk: Chunk, _ bytes: RawSpan, _ body: (Record, RawSpan, Int) throws -> Void
  ) throws {
    try chunk.verifyInPlace(bytes)
    let opened = try open(chunk, in: bytes, keeps: false)
    try opened.withBytes(in: bytes) { records in
      var offset = opened.range.lowerBound
      while offset < opened.range.upperBound {
        let record: Record
        let start = offset
        do throws(MCAPError) {
          let head = try RecordHead(at: offset, end: opened.range.upperBound, in: records)
          record = try Record(head, in: records)
          offset = head.content.upperBound
        } catch {
          throw opened.inFile(error)
        }
        try body(record, records, start - opened.range.lowerBound)
      }
    }
  }
}

extension DataEnd {
  /// Compares the checksum of everything before, where the file states one.
  func verify(_ checksum: CRC32, at offset: Int) throws(MCAPError) {
    guard dataSectionCRC == 0 || dataSectionCRC == checksum.value else {
      throw MCAPError(
        .checksumMismatch, at: offset,
        "the data section has CRC \(checksum.value), the file states \(dataSectionCRC);"
          + " copy the file anew")
    }
  }
}
