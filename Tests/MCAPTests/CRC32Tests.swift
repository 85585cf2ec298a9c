import EXrayTestKit
import MCAP
import Testing

@Suite("CRC-32")
struct CRC32Tests {
  @Test(
    "Published check values come out",
    arguments: [
      ("", 0 as UInt32), ("123456789", 0xCBF4_3926),
      ("The quick brown fox jumps over the lazy dog", 0x414F_A339),
    ])
  func published(text: String, expected: UInt32) {
    let bytes = Array(text.utf8)
    #expect(unsafe CRC32.checksum(of: bytes.span.bytes) == expected)
  }

  @Test(
    "Tables and instructions agree with the definition bit by bit, however the bytes are cut",
    arguments: 0..<120, [true, false])
  func definition(seed: UInt64, byTables: Bool) {
    var random = SplitMix64(seed: seed)
    let bytes = (0..<Int(seed * 37)).map { _ in UInt8.random(in: 0...255, using: &random) }
    var remainder: UInt32 = .max
    for byte in bytes {
      remainder ^= UInt32(byte)
      for _ in 0..<8 {
        remainder = remainder >> 1 ^ (remainder & 1 == 1 ? 0xEDB8_8320 : 0)
      }
    }
    var checksum = byTables ? CRC32(byTables: ()) : CRC32()
    var start = 0
    while start < bytes.count {
      let count = Int.random(in: 1...(bytes.count - start), using: &random)
      unsafe checksum.update(bytes.span.bytes.extracting(start..<(start + count)))
      start += count
    }
    #expect(checksum.value == ~remainder)
    #expect(unsafe CRC32.checksum(of: bytes.span.bytes) == ~remainder)
  }
}
