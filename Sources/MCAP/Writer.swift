/// Writes a file record by record in bounded memory.
///
/// The file grows under a temporary name and takes its own with ``finish()``; a writer that is dropped
/// without it removes the temporary file. A process that dies leaves the temporary file, of which
/// everything up to the last complete chunk can be read. Held in memory are the chunk under way, at most
/// ``WriterOptions/chunkByteCount`` plus one small message, and the summary: about 75 bytes a chunk and 10
/// more for each channel in it.
///
/// The same calls give the same bytes.
public struct Writer: ~Copyable {
  let options: WriterOptions
  var file: OutputFile
  var summary: Summary
  // What is complete in the file: without the chunk under way, or the part of one that could not be written.
  /// Bytes of the file up to the last complete chunk or record.
  public private(set) var completeByteCount: UInt64 = 0
  private(set) var completeChecksum: CRC32?
  private var completeSchemaCount = 0
  private var completeChannelCount = 0
  // The chunk under way.
  private var chunk: [UInt8] = []
  private var chunkChecksum = CRC32()
  private var chunkStartTime = UInt64.max
  private var chunkEndTime = UInt64.min
  private var chunkEntries: [[MessageIndex.Entry]] = []  // by channel number − 1
  private var chunkPositions: [Int] = []  // those of chunkEntries that are not empty
  private var scratch: [UInt8] = []
  /// The failure after which nothing more is written.
  var failure: MCAPError?

  /// Creates a file and writes its header.
  ///
  /// - Parameters:
  ///   - path: The name that the file takes when it is finished; an existing file is then replaced. A device or
  ///     a pipe is written straight.
  ///   - profile: The convention that topics and payloads follow, or empty.
  ///   - library: The writing library's name and version.
  /// - Throws: ``MCAPError`` `.fileSystem` with the operating system's own words.
  public init(
    path: String, profile: String, library: String, options: WriterOptions = WriterOptions()
  ) throws(MCAPError) {
    try Self.requireShort(profile, library)
    var start = magic
    start.append(record: .header, padding: options.recordPadding) {
      $0.append(string: profile)
      $0.append(string: library)
    }
    var output = try OutputFile(path: path)
    if options.checksumsDataSection { output.checksum = CRC32() }
    unsafe try output.write(start.span.bytes)
    completeByteCount = output.byteCount
    completeChecksum = output.checksum
    self.options = options
    summary = Summary(options)
    file = output
  }

  /// Declares a schema.
  ///
  /// - Returns: Its number, counting from 1.
  public mutating func addSchema(name: String, encoding: String, data: [UInt8])
    throws(MCAPError) -> UInt16
  {
    try Self.requireShort(name, encoding)
    guard summary.schemas.count < UInt16.max, data.count <= UInt32.max else {
      throw MCAPError(
        .invalidArgument, path: file.path,
        "schema \(name) of \(data.count) bytes is number \(summary.schemas.count + 1); at most 65535 of 4 GiB fit"
      )
    }
    let schema = Schema(
      id: UInt16(summary.schemas.count + 1), name: name, encoding: encoding, data: data)
    summary.add(schema)
    scratch.removeAll(keepingCapacity: true)
    scratch.append(schema, padding: looseRecordPadding)
    try appendScratch()
    return schema.id
  }

  /// Declares a channel.
  ///
  /// - Returns: Its number, counting from 1.
  public mutating func addChannel(
    topic: String, messageEncoding: String, metadata: [String: String] = [:], schemaID: UInt16 = 0
  ) throws(MCAPError) -> UInt16 {
    try Self.requireShort(topic, messageEncoding)
    for (key, value) in metadata { try Self.requireShort(key, value) }
    guard summary.channels.count < UInt16.max, schemaID <= summary.schemas.count else {
      throw MCAPError(
        .invalidArgument, path: file.path,
        "channel \(topic) is number \(summary.channels.count + 1) and has schema \(schemaID)"
          + " of \(summary.schemas.count); declare its schema first, and at most 65535 channels")
    }
    let channel = Channel(
      id: UInt16(summary.channels.count + 1), schemaID: schemaID, topic: topic,
      messageEncoding: messageEncoding, metadata: metadata)
    summary.add(channel)
    chunkEntries.append([])
    scratch.removeAll(keepingCapacity: true)
    scratch.append(channel, padding: looseRecordPadding)
    try appendScratch()
    return channel.id
  }

  /// Writes a message.
  ///
  /// - Parameters:
  ///   - channelID: A number that ``addChannel(topic:messageEncoding:metadata:schemaID:)`` gave.
  ///   - sequence: The publisher's counter.
  ///   - publishTime: In nanoseconds; the log time where nil.
  /// - Complexity: O(*n*) of the payload, which is read at most twice and copied at most once.
  public mutating func write(
    _ payload: RawSpan, channelID: UInt16, sequence: UInt32, logTime: UInt64,
    publishTime: UInt64? = nil
  ) throws(MCAPError) {
    try requireHealthy()
    let position = Int(channelID) - 1
    guard summary.channels.indices.contains(position) else {
      throw MCAPError(
        .invalidArgument, path: file.path,
        "channel \(channelID) is not one of the \(summary.channels.count) declared; declare it first"
      )
    }
    let offset = UInt64(chunk.count)
    scratch.removeAll(keepingCapacity: true)
    scratch.append(Opcode.message.rawValue)
    scratch.append(fixed: UInt64(messageHeadByteCount + payload.byteCount))
    scratch.append(fixed: channelID)
    scratch.append(fixed: sequence)
    scratch.append(fixed: logTime)
    scratch.append(fixed: publishTime ?? logTime)
    guard options.chunkByteCount > 0 else {
      try write(scratch)
      try write(payload)
      summary.count(1, at: position, times: logTime...logTime)
      return markComplete()
    }
    if chunkEntries[position].isEmpty { chunkPositions.append(position) }
    chunkEntries[position].append(MessageIndex.Entry(logTime: logTime, offset: offset))
    chunkStartTime = min(chunkStartTime, logTime)
    chunkEndTime = max(chunkEndTime, logTime)
    try appendScratch()
    if options.checksumsChunks { chunkChecksum.update(payload) }
    if payload.byteCount >= options.directPayloadByteCount, options.compression == nil {
      return try closeChunk(tail: payload)
    }
    chunk.append(copying: payload)
    if chunk.count >= options.chunkByteCount { try flush() }
  }

  /// Writes a file within the file.
  public mutating func writeAttachment(
    _ data: RawSpan, name: String, mediaType: String, logTime: UInt64, createTime: UInt64
  ) throws(MCAPError) {
    try Self.requireShort(name, mediaType)
    var content: [UInt8] = []
    content.append(fixed: logTime)
    content.append(fixed: createTime)
    content.append(string: name)
    content.append(string: mediaType)
    content.append(fixed: UInt64(data.byteCount))
    var checksum = CRC32()
    unsafe checksum.update(content.span.bytes)
    checksum.update(data)
    let start = file.byteCount
    let length = UInt64(content.count + data.byteCount + 4 + options.recordPadding.count)
    scratch.removeAll(keepingCapacity: true)
    scratch.append(Opcode.attachment.rawValue)
    scratch.append(fixed: length)
    scratch.append(contentsOf: content)
    try write(scratch)
    try write(data)
    scratch.removeAll(keepingCapacity: true)
    scratch.append(fixed: checksum.value)
    scratch.append(contentsOf: options.recordPadding)
    try write(scratch)
    summary.add(
      AttachmentIndex(
        offset: start, byteCount: length + UInt64(recordHeadByteCount), logTime: logTime,
        createTime: createTime, dataByteCount: UInt64(data.byteCount), name: name,
        mediaType: mediaType))
    markComplete()
  }

  /// Writes named text values.
  public mutating func write(_ metadata: Metadata) throws(MCAPError) {
    try Self.requireShort(metadata.name)
    for (key, value) in metadata.entries { try Self.requireShort(key, value) }
    let start = file.byteCount
    scratch.removeAll(keepingCapacity: true)
    scratch.append(record: .metadata, padding: options.recordPadding) {
      $0.append(string: metadata.name)
      $0.append(map: metadata.entries)
    }
    try write(scratch)
    summary.add(
      MetadataIndex(offset: start, byteCount: UInt64(scratch.count), name: metadata.name))
    markComplete()
  }

  /// Closes the chunk under way, so that a reader finds its messages even if nothing more is written.
  public mutating func flush() throws(MCAPError) {
    guard !chunk.isEmpty else { return }
    let nothing: [UInt8] = []
    unsafe try closeChunk(tail: nothing.span.bytes)
  }

  /// Bytes written so far, without the chunk under way.
  public var byteCount: UInt64 { file.byteCount }

  /// Bytes of the chunk under way.
  public var pendingByteCount: Int { chunk.count }

  /// Writes the chunk under way, whose last bytes may lie elsewhere, and its message indexes.
  private mutating func closeChunk(tail: RawSpan) throws(MCAPError) {
    let start = file.byteCount
    let hasMessages = chunkStartTime <= chunkEndTime
    let recordByteCount = UInt64(chunk.count + tail.byteCount)
    var compressed: [UInt8] = []
    if let codec = options.compression {
      unsafe compressed = try codec.compress(chunk.span.bytes)
    }
    let isCompressed = !compressed.isEmpty && compressed.count < chunk.count
    let compression = isCompressed ? options.compression?.name ?? "" : ""
    let storedByteCount = isCompressed ? UInt64(compressed.count) : recordByteCount
    var index = ChunkIndex(
      messageStartTime: hasMessages ? chunkStartTime : 0,
      messageEndTime: hasMessages ? chunkEndTime : 0, chunkStartOffset: start, chunkByteCount: 0,
      messageIndexOffsets: [:], messageIndexByteCount: 0, compression: compression,
      compressedByteCount: storedByteCount, uncompressedByteCount: recordByteCount)
    var head: [UInt8] = [Opcode.chunk.rawValue]
    head.append(fixed: 40 + UInt64(compression.utf8.count) + storedByteCount)
    head.append(fixed: index.messageStartTime)
    head.append(fixed: index.messageEndTime)
    head.append(fixed: recordByteCount)
    head.append(fixed: options.checksumsChunks ? chunkChecksum.value : 0)
    head.append(string: compression)
    head.append(fixed: storedByteCount)
    try write(head)
    try write(isCompressed ? compressed : chunk)
    try write(tail)
    index.chunkByteCount = file.byteCount - start

    scratch.removeAll(keepingCapacity: true)
    chunkPositions.sort()
    if options.indexesMessages {
      for position in chunkPositions {
        let id = summary.channels[position].id
        index.messageIndexOffsets[id] = file.byteCount + UInt64(scratch.count)
        scratch.append(
          MessageIndex(channelID: id, entries: chunkEntries[position]),
          padding: options.recordPadding)
      }
    }
    index.messageIndexByteCount = UInt64(scratch.count)
    try write(scratch)
    for position in chunkPositions {
      summary.count(
        chunkEntries[position].count, at: position, times: chunkStartTime...chunkEndTime)
    }
    summary.add(index)
    startChunk()
    markComplete()
  }

  private mutating func startChunk() {
    for position in chunkPositions { chunkEntries[position].removeAll(keepingCapacity: true) }
    chunkPositions.removeAll(keepingCapacity: true)
    chunk.removeAll(keepingCapacity: true)
    chunkChecksum = CRC32()
    chunkStartTime = .max
    chunkEndTime = .min
  }

  /// Tells that all there is so far, but for the chunk under way, is complete in the file.
  private mutating func markComplete() {
    completeByteCount = file.byteCount
    completeChecksum = file.checksum
    guard chunk.isEmpty else { return }
    completeSchemaCount = summary.schemas.count
    completeChannelCount = summary.channels.count
  }

  /// Forgets what is not complete in the file.
  mutating func dropIncomplete() {
    startChunk()
    summary.schemas.removeLast(summary.schemas.count - completeSchemaCount)
    summary.channels.removeLast(summary.channels.count - completeChannelCount)
  }

  /// What ends schemas and channels, which are padded outside of chunks only.
  private var looseRecordPadding: [UInt8] {
    options.chunkByteCount > 0 ? [] : options.recordPadding
  }

  /// Adds the record in `scratch` to the chunk under way, or to the file where there are no chunks.
  private mutating func appendScratch() throws(MCAPError) {
    try requireHealthy()
    guard options.chunkByteCount > 0 else {
      try write(scratch)
      return markComplete()
    }
    if chunk.capacity == 0 {
      chunk.reserveCapacity(
        min(options.chunkByteCount, 64 << 20) + min(options.directPayloadByteCount, 1 << 20))
    }
    let record = scratch
    if options.checksumsChunks { unsafe chunkChecksum.update(record.span.bytes) }
    chunk.append(contentsOf: record)
  }

  mutating func write(_ bytes: [UInt8]) throws(MCAPError) { unsafe try write(bytes.span.bytes) }

  private mutating func write(_ bytes: RawSpan) throws(MCAPError) {
    try requireHealthy()
    do {
      try file.write(bytes)
    } catch {
      failure = error
      throw error
    }
  }

  private func requireHealthy() throws(MCAPError) {
    if let failure { throw failure }
  }

  /// Refuses text whose length does not fit the format.
  private static func requireShort(_ texts: String...) throws(MCAPError) {
    for text in texts where text.utf8.count > Int32.max / 4 {
      throw MCAPError(
        .invalidArgument, "text of \(text.utf8.count) bytes; shorten it to 512 MiB at most")
    }
  }
}
