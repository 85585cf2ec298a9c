import EXrayTestKit
import MCAP
import MCAPCompression
import Testing

@Suite("Messages by topic and time")
struct MessageCursorTests {
  /// Chunks with one time after another, chunks that all overlap, compressed ones, and no chunks at all.
  static func options(_ seed: UInt64) -> WriterOptions {
    var options = WriterOptions()
    options.chunkByteCount = [0, 3000, 20_000, 8 << 20][Int(seed % 4)]
    options.directPayloadByteCount = 2500
    options.indexesMessages = seed % 5 != 0
    options.compression = [nil, .lz4, .zstd][Int(seed % 3)]
    return options
  }

  @Test("A selection is what sorting all messages by log time gives", arguments: 0..<36)
  func selection(seed: UInt64) throws {
    let folder = try TemporaryFolder()
    let path = folder.path("a.mcap")
    let samples = try randomFile(seed: seed, at: path, options: Self.options(seed))
    var random = SplitMix64(seed: seed)
    for access in [.automatic, .streamed] as [ReaderAccess] {
      let reader = try Reader(
        path: path, access: access, codecs: .standard,
        limits: ReaderLimits(cacheByteCount: seed % 2 == 0 ? 1 : 1 << 20))
      for _ in 0..<12 {
        let bounds = [
          UInt64.random(in: 0...1000, using: &random), .random(in: 0...1000, using: &random),
        ]
        let isAll = Int.random(in: 0..<4, using: &random) == 0
        let times = isAll ? 0...UInt64.max : min(bounds[0], bounds[1])...max(bounds[0], bounds[1])
        let topics = reader.channels.map(\.topic).filter { _ in Bool.random(using: &random) }
        let order = Bool.random(using: &random) ? MessageOrder.ascending : .descending
        // All messages have another sequence, which counts in the order of the file.
        let chosen = reader.channels.filter { isAll || topics.contains($0.topic) }
        let expected = chosen.flatMap { samples[$0.id] ?? [] }
          .filter { times.contains($0.logTime) }
          .sorted { ($0.logTime, $0.sequence) < ($1.logTime, $1.sequence) }
        var found: [Sample] = []
        var cursor = reader.messages(
          topics: isAll ? nil : Set(topics + ["/none"]), in: times, order: order)
        while let next = try cursor.next() {
          found.append(
            try reader.withMessage(channelID: next.channelID, at: next.position) { message, bytes in
              #expect(message.logTime == next.logTime)
              return Sample(message, bytes)
            })
        }
        #expect(found == (order == .ascending ? expected : expected.reversed()))
      }
    }
  }

  @Test("A chunk whose messages are not in its span of time is refused with its place")
  func lyingChunk() throws {
    let folder = try TemporaryFolder()
    let path = folder.path("a.mcap")
    var writer = try Writer(path: path, profile: "", library: "")
    let id = try writer.addChannel(topic: "t", messageEncoding: "e")
    unsafe try writer.write([1].span.bytes, channelID: id, sequence: 0, logTime: 70)
    try writer.finish()
    var bytes = try contents(of: path)
    // The chunk follows the magic and a header without texts.
    #expect(bytes[25] == 6 && bytes[34] == 70 && bytes[42] == 70)
    bytes[42] = 71
    bytes[34] = 71
    var cursor = try reader(bytes).messages()
    var refusal: MCAPError?
    do throws(MCAPError) { _ = try cursor.next() } catch { refusal = error }
    #expect(refusal?.code == .malformedRecord && refusal?.offset != nil)
  }
}
