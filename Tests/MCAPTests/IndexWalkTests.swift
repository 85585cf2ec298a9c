import EXrayTestKit
import MCAP
import MCAPCompression
import Testing

@Suite("Records found through indexes")
struct IndexWalkTests {
  @Test("They are those of the stream, whatever indexes there are", arguments: 0..<64)
  func sameRecords(seed: UInt64) throws {
    let folder = try TemporaryFolder()
    var random = SplitMix64(seed: seed)
    var options = WriterOptions()
    options.chunkByteCount = [0, 2000, 1 << 20][Int(seed % 3)]
    options.indexesMessages = .random(using: &random)
    options.indexesChunks = .random(using: &random)
    options.indexesAttachments = .random(using: &random)
    options.indexesMetadata = .random(using: &random)
    options.repeatsSchemas = .random(using: &random)
    options.repeatsChannels = .random(using: &random)
    options.writesStatistics = .random(using: &random)
    options.writesSummaryOffsets = .random(using: &random)
    options.checksumsDataSection = .random(using: &random)
    options.recordPadding = Array(repeating: 7, count: Int(seed % 4))
    options.compression = [nil, .lz4, .zstd][Int(seed % 5) % 3]
    _ = try randomFile(seed: seed, at: folder.path("a.mcap"), options: options, messages: 30)
    let reader = try Reader(path: folder.path("a.mcap"), codecs: .standard)
    var streamed: [Record] = []
    var found: [Record] = []
    try reader.forEachRecord(verifiesDataSection: true) { record, _ in
      if case .messageIndex = record { return }
      streamed.append(record)
    }
    try reader.forEachIndexedRecord { record, _ in found.append(record) }
    #expect(found == streamed && found.count > 35)
  }

  /// A file of one chunk without checksums, and the places of a message index and of the chunk's records.
  private func file() throws -> (bytes: [UInt8], messageIndex: Int, records: Range<Int>) {
    let folder = try TemporaryFolder()
    var options = WriterOptions()
    options.checksumsChunks = false
    options.checksumsSummary = false
    _ = try randomFile(seed: 1, at: folder.path("a.mcap"), options: options, messages: 3)
    let reader = try Reader(path: folder.path("a.mcap"))
    var place: UInt64?
    try reader.forEachRecord { record in
      if case .chunkIndex(let index) = record { place = index.messageIndexOffsets.values.min() }
    }
    return (
      try contents(of: folder.path("a.mcap")), Int(try #require(place)),
      try #require(reader.chunks.first).records
    )
  }

  private func refusal(_ bytes: [UInt8]) throws -> MCAPError? {
    let reader = try reader(bytes, access: .streamed)
    return #expect(throws: MCAPError.self) { try reader.forEachIndexedRecord { _, _ in } }
  }

  @Test("An index that says what is not there, or not what is there, is refused with its place")
  func wrongIndexes() throws {
    let (bytes, place, records) = try file()
    // A message index is an opcode, a length, a channel, the entries' length, then a time and an offset each.
    #expect(bytes[place] == 7)
    for (offset, words) in [(15, "not in its message indexes"), (23, "not in its message indexes")]
    {
      var changed = bytes
      changed[place + offset] ^= 1
      let error = try refusal(changed)
      #expect(error?.code == .invalidIndex && error?.offset != nil)
      #expect(error?.message.contains(words) == true, "\(offset)")
    }
    var shorter = bytes
    shorter[place + 11] -= 16
    #expect(try refusal(shorter)?.message.contains("not in its message indexes") == true)
    var other = bytes
    other[place + 9] ^= 64
    #expect(try refusal(other)?.message.contains("where there is none") == true)

    // A message that became a record of an unknown kind.
    var message: Int?
    try reader(bytes).forEachRecord { record in
      if case .message(let found) = record { message = found.payload.lowerBound - 31 }
    }
    var lost = bytes
    let opcode = try #require(message)
    #expect(records.contains(opcode) && bytes[opcode] == 5)
    lost[opcode] = 0x90
    // Its counts would tell, too.
    let reader = try reader(lost, access: .automatic)
    let error = #expect(throws: MCAPError.self) { try reader.forEachIndexedRecord { _, _ in } }
    #expect(error?.code == .invalidIndex && error?.message.contains("and does not;") == true)
  }

  @Test("A file without its footer is refused")
  func cut() throws {
    let (bytes, _, _) = try file()
    let error = try refusal(Array(bytes.dropLast(30)))
    #expect(error?.code == .truncated && error?.message.contains("recover it") == true)
  }
}
