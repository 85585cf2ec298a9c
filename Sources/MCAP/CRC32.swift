import CChecksum

/// The CRC-32 checksum of a sequence of bytes, computed piece by piece.
///
/// The polynomial of ISO 3309 and zlib, reflected: 0xEDB88320. Where the processor has instructions for it, they
/// do most of the work. Elsewhere eight bytes are looked up at once, in four
/// interleaved streams that do not wait for one another and are joined in the last block.
/// Source: Kounavis and Berry, Novel Table Lookup-Based Algorithms for High-Performance CRC Generation, IEEE
/// Transactions on Computers 57 (11), 2008; the interleaving is zlib's (Adler, `crc32.c`, 2018).
public struct CRC32: Sendable, Hashable {
  private var remainder: UInt32 = 0xFFFF_FFFF
  private let isFast: Bool

  /// Creates the checksum of nothing, which is 0.
  public init() { isFast = Self.hasInstructions }

  /// Creates the checksum of nothing, to be computed without the processor's instructions.
  package init(byTables: Void) { isFast = false }

  /// The checksum of all bytes added so far.
  public var value: UInt32 { ~remainder }

  /// The checksum of `bytes`.
  public static func checksum(of bytes: RawSpan) -> UInt32 {
    var checksum = CRC32()
    checksum.update(bytes)
    return checksum.value
  }

  /// Adds bytes.
  ///
  /// - Complexity: O(*n*); one table read a byte.
  public mutating func update(_ bytes: RawSpan) {
    var crc = remainder
    unsafe bytes.withUnsafeBytes { buffer in
      guard var next = buffer.baseAddress else { return }
      let table = unsafe Self.tables.start
      var left = buffer.count
      if left >= 64, isFast {
        let count = left / 16 * 16
        crc = unsafe cchecksum_crc32(crc, next, count)
        unsafe next += count
        left -= count
      }
      if left >= 64 {
        // Table k + 24 carries a byte over the 32 bytes of a block to the same stream's next word.
        let far = unsafe table + 24 * 256
        var (first, second, third, fourth) = (UInt64(crc), UInt64(0), UInt64(0), UInt64(0))
        while left >= 64 {
          first = unsafe Self.fold(first ^ Self.word(next, 0), far)
          second = unsafe Self.fold(second ^ Self.word(next, 8), far)
          third = unsafe Self.fold(third ^ Self.word(next, 16), far)
          fourth = unsafe Self.fold(fourth ^ Self.word(next, 24), far)
          unsafe next += 32
          left -= 32
        }
        var joined = unsafe Self.fold(first ^ Self.word(next, 0), table)
        joined = unsafe Self.fold(joined ^ second ^ Self.word(next, 8), table)
        joined = unsafe Self.fold(joined ^ third ^ Self.word(next, 16), table)
        joined = unsafe Self.fold(joined ^ fourth ^ Self.word(next, 24), table)
        crc = UInt32(truncatingIfNeeded: joined)
        unsafe next += 32
        left -= 32
      }
      while left >= 8 {
        crc = UInt32(
          truncatingIfNeeded: unsafe Self.fold(UInt64(crc) ^ Self.word(next, 0), table))
        unsafe next += 8
        left -= 8
      }
      while left > 0 {
        let byte = unsafe next.load(as: UInt8.self)
        crc = unsafe crc >> 8 ^ table[Int(UInt8(truncatingIfNeeded: crc) ^ byte)]
        unsafe next += 1
        left -= 1
      }
    }
    remainder = crc
  }

  @inline(__always)
  private static func word(_ start: UnsafeRawPointer, _ offset: Int) -> UInt64 {
    UInt64(littleEndian: unsafe start.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
  }

  /// Looks eight bytes up, the first in the farthest of eight tables.
  @inline(__always)
  private static func fold(_ word: UInt64, _ table: UnsafePointer<UInt32>) -> UInt64 {
    @inline(__always)
    func look(_ byte: Int) -> UInt32 {
      let value = Int(truncatingIfNeeded: word &>> UInt64(truncatingIfNeeded: byte &* 8) & 0xFF)
      return unsafe table[(7 &- byte) &* 256 &+ value]
    }
    let early = (look(0) ^ look(1)) ^ (look(2) ^ look(3))
    let late = (look(4) ^ look(5)) ^ (look(6) ^ look(7))
    return UInt64(early ^ late)
  }

  private static let hasInstructions = cchecksum_is_fast() != 0
  private static let tables = Tables()
}

/// Thirty-two tables of 256 remainders; table *k* is for a byte followed by *k* zero bytes.
///
/// Sendable because nothing writes after the initializer; the one instance lives as long as the process.
@safe
private struct Tables: @unchecked Sendable {
  let start: UnsafePointer<UInt32>

  init() {
    let table = UnsafeMutablePointer<UInt32>.allocate(capacity: 32 * 256)
    for byte in 0..<256 {
      var remainder = UInt32(byte)
      for _ in 0..<8 {
        remainder = remainder & 1 == 0 ? remainder >> 1 : remainder >> 1 ^ 0xEDB8_8320
      }
      unsafe (table + byte).initialize(to: remainder)
    }
    for index in 256..<(32 * 256) {
      let previous = unsafe table[index - 256]
      unsafe (table + index).initialize(to: previous >> 8 ^ table[Int(previous & 0xFF)])
    }
    unsafe start = UnsafePointer(table)
  }
}
