import EXrayTestKit
import Foundation
import MCAP
import Testing

@Suite("Files written and read")
struct RoundTripTests {
  /// Options that take each way through the writer.
  static let variants: [(chunk: Int, direct: Int, indexed: Bool)] = [
    (8 << 20, 256 << 10, true), (4096, 256 << 10, true), (4096, 1000, true), (1, 0, true),
    (4096, 1000, false), (0, 1000, true),
  ]

  @Test("Random files are read to what was written", arguments: 0..<24)
  func random(seed: UInt64) throws {
    let folder = try TemporaryFolder()
    let variant = Self.variants[Int(seed) % Self.variants.count]
    var options = WriterOptions()
    options.chunkByteCount = variant.chunk
    options.directPayloadByteCount = variant.direct
    options.indexesMessages = variant.indexed
    let path = folder.path("a.mcap")
    let expected = try randomFile(seed: seed, at: path, options: options)
    #expect(try folder.names == ["a.mcap"])

    let indexed = try Reader(path: path)
    #expect(indexed.isComplete)
    #expect(indexed.isIndexed == (variant.chunk > 0))
    #expect(try samples(indexed) == expected)
    let streamed = try Reader(path: path, access: .streamed)
    #expect(!streamed.isIndexed && streamed.damage == nil)
    #expect(try samples(streamed) == expected)
    #expect(streamed.chunks == indexed.chunks)
    #expect(streamed.channels == indexed.channels && streamed.schemas == indexed.schemas)
    #expect(streamed.metadataIndexes == indexed.metadataIndexes)
    #expect(streamed.attachments == indexed.attachments)
    let copied = try reader(try contents(of: path))
    #expect(try samples(copied) == expected)
    for chunk in indexed.chunks.indices { try indexed.verifyChunk(at: chunk) }

    let about = try indexed.metadata(at: try #require(indexed.metadataIndexes.first))
    #expect(about.entries == ["seed": "\(seed)", "b": "", "a": "é:\n"])
    let attachment = try indexed.attachment(at: try #require(indexed.attachments.first))
    #expect(attachment.name == "half.bin" && attachment.logTime == 5 && attachment.crc != 0)
    let statistics = try #require(indexed.statistics)
    #expect(statistics.messageCount == 60)
    #expect(statistics.channelMessageCounts == expected.mapValues { UInt64($0.count) })
    let times = expected.values.joined().map(\.logTime)
    #expect(statistics.messageStartTime == times.min())
    #expect(statistics.messageEndTime == times.max())
  }

  @Test("The same calls give the same bytes")
  func deterministic() throws {
    let folder = try TemporaryFolder()
    _ = try randomFile(seed: 3, at: folder.path("a.mcap"))
    _ = try randomFile(seed: 3, at: folder.path("b.mcap"))
    #expect(try contents(of: folder.path("a.mcap")) == contents(of: folder.path("b.mcap")))
  }

  @Test("A tiny file has exactly the bytes that the specification asks for")
  func golden() throws {
    let folder = try TemporaryFolder()
    let path = folder.path("a.mcap")
    var options = WriterOptions()
    options.repeatsSchemas = false
    options.writesStatistics = false
    var writer = try Writer(path: path, profile: "p", library: "l", options: options)
    let id = try writer.addChannel(
      topic: "t", messageEncoding: "e", metadata: ["b": "2", "a": "1"])
    unsafe try writer.write(
      ([7, 8] as [UInt8]).span.bytes, channelID: id, sequence: 9, logTime: 10, publishTime: 11)
    try writer.finish()

    func u64(_ value: UInt8) -> [UInt8] { [value, 0, 0, 0, 0, 0, 0, 0] }
    func u32(_ value: UInt8) -> [UInt8] { [value, 0, 0, 0] }
    func crc(_ bytes: [UInt8]) -> [UInt8] {
      var remainder: UInt32 = .max
      for byte in bytes {
        remainder ^= UInt32(byte)
        for _ in 0..<8 { remainder = remainder >> 1 ^ (remainder & 1 == 1 ? 0xEDB8_8320 : 0) }
      }
      return (0..<4).map { UInt8(truncatingIfNeeded: ~remainder >> ($0 * 8)) }
    }
    let magic: [UInt8] = [0x89, 0x4D, 0x43, 0x41, 0x50, 0x30, 0x0D, 0x0A]
    let map: [UInt8] =
      u32(20) + u32(1) + [0x61] + u32(1) + [0x31] + u32(1) + [0x62] + u32(1) + [0x32]
    let channel = [4] + u64(38) + [1, 0, 0, 0] + u32(1) + [0x74] + u32(1) + [0x65] + map
    let message = [5] + u64(24) + [1, 0] + u32(9) + u64(10) + u64(11) + [7, 8]
    let records = channel + message
    let header = [1] + u64(10) + u32(1) + [0x70] + u32(1) + [0x6C]
    let chunk =
      [6] + u64(120) + u64(10) + u64(10) + u64(80) + crc(records) + u32(0) + u64(80) + records
    let index = [7] + u64(22) + [1, 0] + u32(16) + u64(10) + u64(47)
    let dataEnd = [15] + u64(4) + u32(0)
    let chunkStart = UInt8(magic.count + header.count)
    let indexStart = chunkStart + UInt8(chunk.count)
    let summaryStart = indexStart + UInt8(index.count + dataEnd.count)
    let chunkIndexStart = summaryStart + UInt8(channel.count)
    let chunkIndex =
      [8] + u64(74) + u64(10) + u64(10) + u64(chunkStart) + u64(UInt8(chunk.count)) + u32(10)
      + [1, 0] + u64(indexStart) + u64(UInt8(index.count)) + u32(0) + u64(80) + u64(80)
    // The summary offsets lie beyond byte 255.
    let offsetStart = UInt16(chunkIndexStart) + UInt16(chunkIndex.count)
    let wide: [UInt8] = [
      UInt8(offsetStart & 0xFF), UInt8(offsetStart >> 8), 0, 0, 0, 0, 0, 0,
    ]
    let offsets =
      [14] + u64(17) + [4] + u64(summaryStart) + u64(UInt8(channel.count))
      + [14] + u64(17) + [8] + u64(chunkIndexStart) + u64(UInt8(chunkIndex.count))
    let footer = [2] + u64(20) + u64(summaryStart) + wide
    let summary = channel + chunkIndex + offsets + footer
    let expected =
      magic + header + chunk + index + dataEnd + summary + crc(summary) + magic
    #expect(try contents(of: path) == expected)
  }

  @Test("A dropped writer leaves nothing behind, and an existing file untouched")
  func dropped() throws {
    let folder = try TemporaryFolder()
    try Data("before".utf8).write(to: URL(filePath: folder.path("a.mcap")))
    do {
      var writer = try Writer(path: folder.path("a.mcap"), profile: "", library: "")
      let id = try writer.addChannel(topic: "t", messageEncoding: "e")
      try writer.flush()
      unsafe try writer.write([1].span.bytes, channelID: id, sequence: 0, logTime: 0)
      #expect(try folder.names.count == 2)
    }
    #expect(try folder.names == ["a.mcap"])
    #expect(try contents(of: folder.path("a.mcap")) == Array("before".utf8))
  }

  @Test("Everything up to the last complete chunk of a writer that died is read")
  func died() throws {
    let folder = try TemporaryFolder()
    var writer = try Writer(path: folder.path("a.mcap"), profile: "", library: "")
    let id = try writer.addChannel(topic: "t", messageEncoding: "e")
    for sequence in 0..<3 as Range<UInt32> {
      unsafe try writer.write(
        [UInt8(sequence)].span.bytes, channelID: id, sequence: sequence, logTime: 0)
      if sequence < 2 { try writer.flush() }
    }
    let name = try #require(try folder.names.first)
    #expect(name.hasPrefix("a.mcap.") && name.hasSuffix(".partial"))
    let reader = try Reader(path: folder.path(name))
    #expect(!reader.isComplete)
    #expect(reader.damage?.code == .truncated)
    #expect(reader.messageCount(channelID: id) == 2)
    try writer.finish()
    #expect(try Reader(path: folder.path("a.mcap")).messageCount(channelID: id) == 3)
  }

  @Test("The operating system's words reach whoever writes where nothing can be written")
  func fileSystemErrors() throws {
    let folder = try TemporaryFolder()
    let missing = #expect(throws: MCAPError.self) {
      _ = try Writer(path: folder.path("none/a.mcap"), profile: "", library: "")
    }
    #expect(missing?.code == .fileSystem)
    #expect(missing?.message.contains("No such file or directory") == true)
    let directory = #expect(throws: MCAPError.self) {
      _ = try Writer(path: folder.url.path, profile: "", library: "")
    }
    #expect(directory?.message.contains("is a folder") == true)
    let absent = #expect(throws: MCAPError.self) { _ = try Reader(path: folder.path("none")) }
    #expect(absent?.message.contains("No such file or directory") == true)
    #expect(absent?.path == folder.path("none"))
  }

  @Test(
    "A full disk is an error with its errno",
    .enabled(if: FileManager.default.fileExists(atPath: "/dev/full")))
  func fullDisk() throws {
    let error = #expect(throws: MCAPError.self) {
      _ = try Writer(path: "/dev/full", profile: "", library: "")
    }
    #expect(error?.code == .fileSystem)
    #expect(error?.message.contains("No space left on device (errno 28)") == true)
    #expect(error?.offset == 0)
  }

  @Test("Unknown channels and oversized positions are refused")
  func misuse() throws {
    let folder = try TemporaryFolder()
    var writer = try Writer(path: folder.path("a.mcap"), profile: "", library: "")
    for channelID in [0, 1, 65_535] as [UInt16] {
      var refusal: MCAPError?
      do throws(MCAPError) {
        unsafe try writer.write([1].span.bytes, channelID: channelID, sequence: 0, logTime: 0)
      } catch {
        refusal = error
      }
      #expect(refusal?.code == .invalidArgument)
    }
    try writer.finish()
    let reader = try Reader(path: folder.path("a.mcap"))
    #expect(throws: MCAPError.self) { try reader.message(channelID: 1, at: 0) }
    #expect(throws: MCAPError.self) { try reader.withBytes(0..<(1 << 40)) { _ in } }
  }
}
