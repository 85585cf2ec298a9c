import EXrayTestKit
import Foundation
import MCAP
import MCAPCompression
import Testing

@Suite("Compressed chunks")
struct CompressionTests {
  static let codecs: [ChunkCodec] = [
    .lz4, .lz4(level: 9), .zstd, .zstd(level: 1), .zstd(level: 19),
  ]

  /// A file of compressible text, and its messages.
  private func file(_ codec: ChunkCodec?, chunk: Int = 4000) throws -> [UInt8] {
    let folder = try TemporaryFolder()
    var options = WriterOptions()
    options.chunkByteCount = chunk
    options.compression = codec
    var writer = try Writer(path: folder.path("a.mcap"), profile: "", library: "", options: options)
    let id = try writer.addChannel(topic: "t", messageEncoding: "e")
    for sequence in 0..<60 as Range<UInt32> {
      let text = Array(String(repeating: "message \(sequence) ", count: 50).utf8)
      unsafe try writer.write(
        text.span.bytes, channelID: id, sequence: sequence, logTime: UInt64(sequence))
    }
    try writer.finish()
    return try contents(of: folder.path("a.mcap"))
  }

  private func open(
    _ bytes: [UInt8], _ codecs: [ChunkCodec] = .standard, access: ReaderAccess = .automatic,
    limits: ReaderLimits = ReaderLimits()
  ) throws(MCAPError) -> Reader {
    unsafe try Reader(
      copying: bytes.span.bytes, name: "test.mcap", access: access, codecs: codecs, limits: limits)
  }

  @Test("What was compressed is read back, indexed and streamed", arguments: codecs.indices)
  func roundTrip(codec: Int) throws {
    let plain = try file(nil)
    let packed = try file(Self.codecs[codec])
    #expect(packed.count < plain.count / 3)
    let expected = try samples(reader(plain))
    for access in [.indexed, .streamed] as [ReaderAccess] {
      let reader = try open(packed, access: access)
      #expect(reader.chunks.allSatisfy { $0.compression == Self.codecs[codec].name })
      #expect(try samples(reader) == expected)
      for position in reader.chunks.indices { try reader.verifyChunk(at: position) }
    }
  }

  @Test("A chunk that compressing does not make smaller is stored as it is")
  func incompressible() throws {
    let folder = try TemporaryFolder()
    var options = WriterOptions()
    options.compression = .zstd
    var random = SplitMix64(seed: 1)
    let payload = (0..<10_000).map { _ in UInt8.random(in: 0...255, using: &random) }
    var writer = try Writer(path: folder.path("a.mcap"), profile: "", library: "", options: options)
    let id = try writer.addChannel(topic: "t", messageEncoding: "e")
    unsafe try writer.write(payload.span.bytes, channelID: id, sequence: 0, logTime: 0)
    try writer.finish()
    let reader = try Reader(path: folder.path("a.mcap"))
    #expect(reader.chunks.map(\.compression) == [""])
    #expect(try samples(reader)[id]?.first?.payload == payload)
  }

  @Test("Without a codec the error names the module that has it; an unknown one is named")
  func missingCodec() throws {
    var packed = try file(.lz4)
    let indexed = try open(packed, [])
    let error = #expect(throws: MCAPError.self) { try indexed.message(channelID: 1, at: 0) }
    #expect(error?.code == .unsupportedCompression && error?.offset != nil)
    #expect(error?.message.contains("MCAPCompression") == true)
    #expect(throws: MCAPError.self) { try open(packed, [.zstd], access: .streamed) }
    let name = try #require(packed.firstRange(of: Array("lz4".utf8)))
    packed[name.lowerBound] = UInt8(ascii: "q")
    let unknown = #expect(throws: MCAPError.self) { try open(packed, access: .streamed) }
    #expect(unknown?.code == .unsupportedCompression)
    #expect(unknown?.message.contains("\"qz4\", which is not lz4 and zstd") == true)
  }

  /// The file with the first chunk's stated size when uncompressed replaced.
  private func claiming(_ count: UInt64, _ codec: ChunkCodec) throws -> [UInt8] {
    var bytes = try file(codec, chunk: 1 << 20)
    // Magic, an empty header, opcode, length and two times precede it.
    let place = 8 + 17 + 9 + 16
    #expect(bytes[25] == 6)
    for index in 0..<8 {
      bytes[place + index] = UInt8(truncatingIfNeeded: count >> UInt64(index * 8))
    }
    return bytes
  }

  @Test("A size that is not true is refused, and takes no memory", arguments: [0, 3])
  func falseSizes(codec: Int) throws {
    let codec = Self.codecs[codec]
    for count in [0, 1, 40_000, 1 << 30, 1 << 60, .max] as [UInt64] {
      let bytes = try claiming(count, codec)
      let error = #expect(throws: MCAPError.self) { try open(bytes, access: .streamed) }
      #expect(error?.code == .malformedRecord && error?.offset != nil)
      #expect(error?.message.contains("claims \(count) bytes") == true)
    }
    // The same from outside, in less memory than is claimed.
    let folder = try TemporaryFolder()
    try Data(claiming(1 << 30, codec)).write(to: URL(filePath: folder.path("bomb.mcap")))
    let program = ConformanceTests.program.path
    let outcome = try BuiltTool.run(
      URL(filePath: "/bin/sh"),
      ["-c", "ulimit -v 800000; exec '\(program)' read '\(folder.path("bomb.mcap"))'"])
    #expect(outcome.status == 2, "\(outcome.errors)")
    #expect(outcome.errors.contains("claims 1073741824 bytes of records and gives"))
  }

  @Test("A limit on chunks holds")
  func limit() throws {
    let bytes = try file(.zstd)
    let error = #expect(throws: MCAPError.self) {
      try open(bytes, access: .streamed, limits: ReaderLimits(chunkByteCount: 1000))
    }
    #expect(error?.message.contains("at most 1000 are read; raise the limit") == true)
  }

  @Test("Messages that a few compressed bytes hold in any number are limited")
  func messageLimit() throws {
    let bytes = try file(.zstd)
    let limits = ReaderLimits(messageCount: 59)
    #expect(throws: Never.self) { try open(bytes, access: .indexed, limits: limits) }
    let error = #expect(throws: MCAPError.self) {
      try open(bytes, access: .streamed, limits: limits)
    }
    #expect(error?.message.contains("raise the reader's limit") == true && error?.offset != nil)
  }

  @Test("Damage is refused with its place or changes nothing", arguments: [0, 2])
  func damage(codec: Int) throws {
    let bytes = try file(Self.codecs[codec])
    var random = SplitMix64(seed: UInt64(codec))
    let expected = try samples(open(bytes))
    for _ in 0..<400 {
      let changed = mutated(bytes, &random)
      readEverything(changed)
      guard let reader = try? open(changed, access: .streamed) else { continue }
      for (channel, found) in (try? samples(reader)) ?? [:] where reader.damage == nil {
        #expect(found.elementsEqual(expected[channel]?.prefix(found.count) ?? []))
      }
    }
  }
}
