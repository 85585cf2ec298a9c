/// Pictures and arrays byte by byte, whole and hostile, made without any library.
enum PictureBytes {
  private static func big(_ value: Int, _ count: Int) -> [UInt8] {
    (0..<count).reversed().map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
  }

  // MARK: PNG

  private static let checksums: [UInt32] = (0..<256).map { index in
    (0..<8).reduce(UInt32(index)) { sum, _ in sum & 1 == 1 ? 0xEDB8_8320 ^ sum >> 1 : sum >> 1 }
  }

  /// A PNG chunk with its CRC-32.
  static func chunk(_ type: String, _ data: [UInt8]) -> [UInt8] {
    let body = Array(type.utf8) + data
    var sum = UInt32.max
    for byte in body { sum = checksums[Int(sum & 255 ^ UInt32(byte))] ^ sum >> 8 }
    return big(data.count, 4) + body + big(Int(~sum), 4)
  }

  /// A PNG whose every chunk has the right checksum, as far as chunks can be told apart.
  static func withChecksums(_ png: [UInt8]) -> [UInt8] {
    var result = Array(png.prefix(8))
    var rest = png.dropFirst(8)
    while rest.count >= 12 {
      let count = rest.prefix(4).reduce(0) { $0 << 8 | Int($1) }
      guard count <= rest.count - 12 else { break }
      let body = rest.dropFirst(4).prefix(count + 4)
      result += chunk(String(decoding: body.prefix(4), as: UTF8.self), Array(body.dropFirst(4)))
      rest = rest.dropFirst(count + 12)
    }
    return result + rest
  }

  /// Bytes as a zlib stream of stored blocks.
  static func stored(_ bytes: [UInt8]) -> [UInt8] {
    var result: [UInt8] = [0x78, 0x01]
    var (a, b) = (1, 0)
    var start = 0
    repeat {
      let count = min(65_535, bytes.count - start)
      let isLast: UInt8 = start + count == bytes.count ? 1 : 0
      result += [isLast] + big(count, 2).reversed() + big(~count, 2).reversed()
      result += bytes[start..<(start + count)]
      start += count
    } while start < bytes.count
    for byte in bytes {
      a = (a + Int(byte)) % 65_521
      b = (b + a) % 65_521
    }
    return result + big(b << 16 | a, 4)
  }

  /// About `count` zeros as a zlib stream, a 158th as long: matches of 258 bytes in the fixed Huffman code.
  static func zeros(_ count: Int) -> [UInt8] {
    var bits: [UInt8] = [1, 1, 0]  // the last block, fixed codes
    bits += [0, 0, 1, 1, 0, 0, 0, 0]  // the literal 0
    let match: [UInt8] = [1, 1, 0, 0, 0, 1, 0, 1, 0, 0, 0, 0, 0]  // length 258, distance 1
    // Eight matches are thirteen whole bytes, wherever they begin in a byte.
    let rounds = count / (8 * 258) + 1
    var packed: [UInt8] = []
    func pack(_ bits: [UInt8]) -> [UInt8] {
      stride(from: 0, to: bits.count, by: 8).map { start in
        bits[start..<min(start + 8, bits.count)].reversed().reduce(0) { $0 << 1 | $1 }
      }
    }
    let phase = bits.count % 8
    let eight = [[UInt8]](repeating: match, count: 16).joined()
    let head = bits + eight.prefix(8 - phase)
    let cycle = Array(eight.dropFirst(8 - phase).prefix(13 * 8))
    packed = pack(head)
    let block = pack(cycle)
    packed.reserveCapacity(rounds * 13 + 64)
    for _ in 0..<rounds { packed += block }
    // The rest of the match that was begun, then the end of the block: seven zeros.
    packed += pack(Array(match.dropFirst(8 - phase)) + [UInt8](repeating: 0, count: 7))
    let total = 1 + 258 * (8 * rounds + 1)
    return [0x78, 0x01] + packed + big((total % 65_521) << 16 | 1, 4)
  }

  /// A PNG.
  ///
  /// - Parameters:
  ///   - rows: Bytes a row, without filter bytes; nil for zeros.
  ///   - extra: Chunks between header and pixels.
  static func png(
    width: Int, height: Int, depth: UInt8 = 8, color: UInt8 = 2, isInterlaced: Bool = false,
    rows: [[UInt8]]? = nil, extra: [UInt8] = []
  ) -> [UInt8] {
    let header = big(width, 4) + big(height, 4) + [depth, color, 0, 0, isInterlaced ? 1 : 0]
    let data = rows.map { stored($0.flatMap { [0] + $0 }) } ?? zeros(width * height * 4 + height)
    return [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A] + chunk("IHDR", header) + extra
      + chunk("IDAT", data) + chunk("IEND", [])
  }

  // MARK: JPEG

  /// A JPEG of three components whose scans are almost empty.
  ///
  /// - Parameters:
  ///   - frame: The second byte of the frame's marker: C0 baseline, C2 progressive, C3 lossless, C9 arithmetic.
  ///   - restarts: Restart markers in the first scan.
  static func jpeg(
    width: Int, height: Int, frame: UInt8 = 0xC2, precision: UInt8 = 8, scans: Int = 1,
    restarts: Int = 0
  ) -> [UInt8] {
    func segment(_ marker: UInt8, _ data: [UInt8]) -> [UInt8] {
      [0xFF, marker] + big(data.count + 2, 2) + data
    }
    var bytes: [UInt8] = [0xFF, 0xD8]
    bytes += segment(0xDB, [0] + [UInt8](repeating: 1, count: 64))
    for table: UInt8 in [0x00, 0x10] {
      bytes += segment(0xC4, [table, 1] + [UInt8](repeating: 0, count: 16))
    }
    let components: [UInt8] = [1, 0x11, 0, 2, 0x11, 0, 3, 0x11, 0]
    bytes += segment(frame, [precision] + big(height, 2) + big(width, 2) + [3] + components)
    if restarts > 0 { bytes += segment(0xDD, [0, 1]) }
    bytes += segment(0xDA, [3, 1, 0, 2, 0, 3, 0, 0, frame == 0xC2 ? 0 : 63, 0]) + [0]
    for index in 0..<restarts { bytes += [0xFF, 0xD0 + UInt8(index % 8), 0] }
    for index in 1..<max(1, scans) {
      bytes += segment(0xDA, [1, UInt8(1 + index % 3), 0, 1, 63, 0]) + [0]
    }
    return bytes + [0xFF, 0xD9]
  }

  /// A TIFF directory at byte 8 with one orientation entry; its successor is itself.
  static func exif(orientation: Int, entries: Int = 1, type: Int = 3, count: Int = 1) -> [UInt8] {
    Array("MM".utf8) + [0, 42] + big(8, 4) + big(entries, 2)
      + big(0x0112, 2) + big(type, 2) + big(count, 4) + big(orientation, 2) + [0, 0] + big(8, 4)
  }

  // MARK: Arrays

  /// A `.npy` file with any header.
  static func npy(
    _ header: String, _ values: [UInt8] = [], version: UInt8 = 1, claiming length: Int? = nil
  ) -> [UInt8] {
    let text = Array((header + "\n").utf8)
    let size = (0..<(version == 1 ? 2 : 4)).map {
      UInt8(truncatingIfNeeded: (length ?? text.count) >> (8 * $0))
    }
    return [0x93] + Array("NUMPY".utf8) + [version, 0] + size + text + values
  }

  /// The same with the three keys that every header has.
  static func npy(
    _ descriptor: String, _ shape: String, _ values: [UInt8] = [], isFortran: Bool = false
  ) -> [UInt8] {
    npy(
      "{'descr': '\(descriptor)', 'fortran_order': \(isFortran ? "True" : "False"), 'shape': \(shape), }",
      values)
  }

  /// Little-endian float32.
  static func bytes(_ values: [Float]) -> [UInt8] {
    values.flatMap { value in
      (0..<4).map { UInt8(truncatingIfNeeded: value.bitPattern >> (8 * $0)) }
    }
  }
}
