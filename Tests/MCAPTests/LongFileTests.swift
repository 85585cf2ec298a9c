import EXrayTestKit
import MCAP
import Testing

/// Files so long that the writer brings them to the disk part by part.
@Suite("Long files")
struct LongFileTests {
  @Test("A file of many megabytes reads back to what was written", arguments: [1, 700 << 10])
  func readsBack(shortest: Int) throws {
    let folder = try TemporaryFolder()
    let path = folder.path("long.mcap")
    var random = SplitMix64(seed: UInt64(shortest))
    var digests: [UInt32] = []
    var byteCount = 0
    var writer = try Writer(path: path, profile: "test", library: "mcap tests")
    let channel = try writer.addChannel(topic: "/t", messageEncoding: "x")
    while byteCount < 70 << 20 {
      let count = Int.random(in: shortest...1_000_000, using: &random)
      let start = UInt64.random(in: .min ... .max, using: &random)
      let payload = (0..<count).map { UInt8(truncatingIfNeeded: start &* UInt64($0) >> 7) }
      unsafe try writer.write(
        payload.span.bytes, channelID: channel, sequence: UInt32(digests.count), logTime: 1)
      digests.append(unsafe CRC32.checksum(of: payload.span.bytes))
      byteCount += count
    }
    try writer.finish()
    #expect(try folder.names == ["long.mcap"])

    let reader = try Reader(path: path)
    #expect(reader.isComplete && reader.isIndexed)
    #expect(reader.messageCount(channelID: channel) == digests.count)
    for (position, digest) in digests.enumerated() {
      let read = try reader.withMessage(channelID: channel, at: position) { _, bytes in
        CRC32.checksum(of: bytes)
      }
      #expect(read == digest)
    }
  }
}
