import EXrayTestKit
import Foundation
import MCAP
import Testing

@Suite("Damaged and hostile files")
struct HostileFileTests {
  /// A finished file with several chunks, and its messages.
  static func file(seed: UInt64) throws -> (bytes: [UInt8], samples: [UInt16: [Sample]]) {
    let folder = try TemporaryFolder()
    var options = WriterOptions()
    options.chunkByteCount = 700
    options.directPayloadByteCount = 200
    let expected = try randomFile(
      seed: seed, at: folder.path("a.mcap"), options: options, messages: 25, longest: 250)
    return (try contents(of: folder.path("a.mcap")), expected)
  }

  /// Reads all there is in every way, and gives the messages of the streamed way.
  @discardableResult
  private func readEverything(_ bytes: [UInt8]) -> [UInt16: [Sample]]? {
    var streamed: [UInt16: [Sample]]?
    for access in [.automatic, .indexed, .streamed] as [ReaderAccess] {
      do {
        let reader = try reader(bytes, access: access)
        for chunk in reader.chunks.indices { try? reader.verifyChunk(at: chunk) }
        for index in reader.metadataIndexes { _ = try? reader.metadata(at: index) }
        for index in reader.attachments { _ = try? reader.attachment(at: index) }
        try? reader.forEachRecord { _ in }
        try? reader.forEachRecord(opensChunks: false) { _ in }
        let samples = try samples(reader)
        if access == .streamed { streamed = samples }
      } catch {
        #expect(error is MCAPError)
      }
    }
    return streamed
  }

  @Test("A file cut anywhere is refused, or read to a prefix of its messages", arguments: 0..<2)
  func truncation(seed: UInt64) throws {
    let (bytes, expected) = try Self.file(seed: seed)
    var most = 0
    for count in 0..<bytes.count {
      let found = readEverything(Array(bytes[..<count]))
      #expect((found == nil) == (count < 39), "\(count) bytes")
      var total = 0
      for (channel, samples) in found ?? [:] {
        #expect(samples.elementsEqual(expected[channel]?.prefix(samples.count) ?? []))
        total += samples.count
      }
      #expect(total >= most, "\(count) bytes give \(total) messages, fewer bytes gave \(most)")
      most = max(most, total)
    }
    #expect(most == expected.values.reduce(0) { $0 + $1.count })
  }

  @Test("A flipped bit never traps, and never changes a streamed message unseen", arguments: 0..<4)
  func flips(seed: UInt64) throws {
    let (bytes, expected) = try Self.file(seed: seed)
    var random = SplitMix64(seed: seed)
    for _ in 0..<1500 {
      var changed = bytes
      let place = Int.random(in: 0..<bytes.count, using: &random)
      changed[place] ^= 1 << UInt8.random(in: 0..<8, using: &random)
      for (channel, samples) in readEverything(changed) ?? [:] {
        #expect(
          samples.elementsEqual(expected[channel]?.prefix(samples.count) ?? []), "byte \(place)")
      }
    }
  }

  @Test("Lengths, offsets and counts of any size never trap", arguments: 0..<4)
  func hugeNumbers(seed: UInt64) throws {
    let (bytes, _) = try Self.file(seed: seed)
    var random = SplitMix64(seed: seed)
    let values: [UInt64] = [
      0, 1, 0x7FFF_FFFF, 0xFFFF_FFFF, 1 << 40, UInt64(Int64.max), UInt64(Int64.max) + 1, .max,
      .max - 8, UInt64(bytes.count), UInt64(bytes.count) - 9,
    ]
    for _ in 0..<1500 {
      var changed = bytes
      let width = [2, 4, 8].randomElement(using: &random) ?? 8
      let place = Int.random(in: 0...(bytes.count - width), using: &random)
      let value = values.randomElement(using: &random) ?? 0
      for index in 0..<width {
        changed[place + index] = UInt8(truncatingIfNeeded: value >> UInt64(index * 8))
      }
      // Without the summary's checksum, nonsense reaches the index.
      if Bool.random(using: &random) {
        for index in 0..<4 { changed[bytes.count - 12 + index] = 0 }
      }
      readEverything(changed)
    }
  }

  @Test("Each kind of damage has its code, its offset and advice")
  func codes() throws {
    let (bytes, _) = try Self.file(seed: 1)
    func code(_ bytes: [UInt8], _ access: ReaderAccess = .automatic) -> MCAPError? {
      do throws(MCAPError) {
        return try reader(bytes, access: access).damage
      } catch {
        return error
      }
    }
    #expect(code([])?.code == .notMCAP)
    #expect(code(Array("PK\u{3}\u{4} something else".utf8))?.code == .notMCAP)
    #expect(code(Array(bytes[..<8]))?.code == .truncated)
    let cut = try #require(code(Array(bytes[..<(bytes.count / 2)])))
    #expect(cut.code == .truncated && cut.offset != nil)
    #expect(cut.description.hasPrefix("test.mcap: byte "))
    var summary = bytes
    summary[bytes.count - 60] ^= 1
    #expect(code(summary)?.code == .checksumMismatch)
    #expect(code(summary, .streamed) == nil || code(summary, .streamed)?.code != .checksumMismatch)
    #expect(code(Array(bytes[..<(bytes.count / 2)]), .indexed)?.code == .invalidIndex)

    let whole = try reader(bytes)
    var chunk = bytes
    chunk[whole.chunks[1].records.upperBound - 1] ^= 1
    let damaged = try reader(chunk)
    try damaged.verifyChunk(at: 0)
    let error = #expect(throws: MCAPError.self) { try damaged.verifyChunk(at: 1) }
    #expect(error?.code == .checksumMismatch)
    #expect(error?.offset == UInt64(whole.chunks[1].records.lowerBound))
    #expect(code(chunk, .streamed)?.code == .checksumMismatch)
  }

  @Test("A compressed chunk is refused by name")
  func compressed() throws {
    let (bytes, _) = try Self.file(seed: 1)
    // Chunk record: opcode, length, two times, a size, a CRC, then the compression's length and name.
    let start = 8 + 9 + 4 + 4 + 4 + 10
    var changed = Array(bytes[..<start])
    let fields: [UInt8] = Array(repeating: 0, count: 28)
    let tail: [UInt8] = [3, 0, 0, 0] + Array("lz4".utf8) + [1, 0, 0, 0, 0, 0, 0, 0, 9]
    changed += [6, UInt8(fields.count + tail.count), 0, 0, 0, 0, 0, 0, 0] + fields + tail
    let error = #expect(throws: MCAPError.self) { try reader(changed) }
    #expect(error?.code == .unsupportedCompression)
    #expect(error?.message.contains("lz4; give the reader the codecs") == true)
  }

  @Test("Records of unknown kinds are passed over")
  func unknown() throws {
    let (bytes, expected) = try Self.file(seed: 2)
    let header = 8 + 9 + 4 + 4 + 4 + 10
    var changed = Array(bytes[..<header])
    changed += [0x90, 3, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3]
    changed += bytes[header...]
    let streamed = try reader(changed, access: .streamed)
    #expect(try samples(streamed) == expected)
    var unknown = 0
    try streamed.forEachRecord { record in
      if case .unknown(0x90, let content) = record, content.count == 3 { unknown += 1 }
    }
    #expect(unknown == 1)
  }
}
