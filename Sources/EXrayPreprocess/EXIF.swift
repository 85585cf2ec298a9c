/// Bytes read with bounds; every position beyond the end is nil.
struct ByteReader: ~Escapable {
  private let bytes: RawSpan

  @_lifetime(copy bytes)
  init(_ bytes: RawSpan) { self.bytes = bytes }

  var count: Int { bytes.byteCount }

  subscript(offset: Int) -> UInt8? {
    guard offset >= 0, offset < bytes.byteCount else { return nil }
    return unsafe bytes.unsafeLoad(fromByteOffset: offset, as: UInt8.self)
  }

  func starts(with prefix: [UInt8], at offset: Int = 0) -> Bool {
    for (index, byte) in prefix.enumerated() where self[offset + index] != byte { return false }
    return true
  }

  /// An unsigned number of `count` bytes.
  func number(_ offset: Int, count: Int, isLittleEndian: Bool) -> Int? {
    var value = 0
    for index in 0..<count {
      guard let byte = self[offset + (isLittleEndian ? count - 1 - index : index)] else {
        return nil
      }
      value = value << 8 | Int(byte)
    }
    return value
  }

  func big32(_ offset: Int) -> Int? { number(offset, count: 4, isLittleEndian: false) }

  func hexadecimal(_ count: Int) -> String {
    (0..<min(count, self.count)).map { index in
      let text = String(self[index] ?? 0, radix: 16)
      return text.utf8.count == 1 ? "0\(text)" : text
    }.joined(separator: " ")
  }
}

/// The camera's note which way is up, read from as little of EXIF as that takes.
///
/// Every number in the file is doubted: what does not add up means "no note", never an error, since
/// the pixels are fine without it.
enum EXIF {
  static func orientation(ofJPEG reader: borrowing ByteReader) -> Int {
    var offset = 2
    // Segments: FF, marker, length that counts its own two bytes; SOS (DA) begins the pixels.
    while reader[offset] == 0xFF, let marker = reader[offset + 1] {
      if marker == 0xFF {
        offset += 1
        continue
      }
      guard marker != 0xDA, marker != 0xD9,
        let length = reader.number(offset + 2, count: 2, isLittleEndian: false), length >= 2
      else { break }
      let isEXIF = reader.starts(with: [0x45, 0x78, 0x69, 0x66, 0, 0], at: offset + 4)
      if marker == 0xE1, isEXIF {
        return orientation(ofTIFF: reader, from: offset + 10, to: offset + 2 + length)
      }
      offset += 2 + length
    }
    return 1
  }

  static func orientation(ofPNG reader: borrowing ByteReader) -> Int {
    var offset = 8
    // Chunks: length, type, data, checksum.
    while let length = reader.big32(offset), offset < reader.count {
      if reader.starts(with: [0x65, 0x58, 0x49, 0x66], at: offset + 4) {  // eXIf
        return orientation(ofTIFF: reader, from: offset + 8, to: offset + 8 + length)
      }
      offset += 12 + length
    }
    return 1
  }

  private static func orientation(
    ofTIFF reader: borrowing ByteReader, from start: Int, to end: Int
  ) -> Int {
    let isLittleEndian = reader.starts(with: [0x49, 0x49, 0x2A, 0], at: start)
    guard isLittleEndian || reader.starts(with: [0x4D, 0x4D, 0, 0x2A], at: start),
      let directory = reader.number(start + 4, count: 4, isLittleEndian: isLittleEndian),
      let count = reader.number(start + directory, count: 2, isLittleEndian: isLittleEndian)
    else { return 1 }
    for index in 0..<count {
      // Entry: tag, type, count, value.
      let entry = start + directory + 2 + 12 * index
      guard entry + 12 <= end else { return 1 }
      guard reader.number(entry, count: 2, isLittleEndian: isLittleEndian) == 0x0112 else {
        continue
      }
      let type = reader.number(entry + 2, count: 2, isLittleEndian: isLittleEndian)
      let value = reader.number(entry + 8, count: 2, isLittleEndian: isLittleEndian)
      return type == 3 ? value ?? 1 : 1
    }
    return 1
  }
}
