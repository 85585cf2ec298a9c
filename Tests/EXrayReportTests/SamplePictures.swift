import EXrayCore
import EXrayTestKit
import EXrayValidation

/// Pictures for reports, drawn here so that the tests need no files.
enum SamplePictures {
  static func pictures(frames: Int, side: Int = 192, maps: Bool = false) -> ReportPictures {
    let names = (0..<frames).map { "ILSVRC2012_val_0000\(1_000 + $0 * 37).JPEG" }
    return ReportPictures(
      inputs: names.enumerated().map { index, name in
        ReportPictures.Frame(
          name: name, candidatePNG: png(side: side, seed: index, swapped: true),
          referencePNG: png(side: side, seed: index, swapped: false),
          caption: "candidate answers tabby cat 0.41, reference answers golden retriever 0.87")
      },
      outputs: maps
        ? names.enumerated().map { index, name in
          ReportPictures.Frame(
            name: name, candidatePNG: png(side: 32, seed: index + 9, swapped: true),
            referencePNG: png(side: 32, seed: index + 9, swapped: false), caption: "mask")
        } : [],
      classNames: (0..<1000).map { "class name \($0)" })
  }

  /// A sky, a hill and a sun, as an RGB PNG with stored blocks.
  static func png(side: Int, seed: Int, swapped: Bool) -> [UInt8] {
    var raw: [UInt8] = []
    let sun = (x: side / 4 + seed * side / 9 % (side / 2), y: side / 4, radius: side / 9)
    for y in 0..<side {
      raw.append(0)
      for x in 0..<side {
        let hill = side * 6 / 10 + ((x + seed * 31) % side) * (side - x) / (side * 2)
        var pixel = [90 + y * 90 / side, 150 + y * 60 / side, 235]
        if y > hill { pixel = [70 + (x ^ y) % 24, 130 - (y - hill) * 60 / side, 50] }
        let (dx, dy) = (x - sun.x, y - sun.y)
        if dx * dx + dy * dy < sun.radius * sun.radius { pixel = [250, 190, 60] }
        if swapped { pixel.swapAt(0, 2) }
        raw += pixel.map { UInt8(clamping: $0) }
      }
    }
    var stream: [UInt8] = [0x78, 0x01]
    var start = 0
    while start < raw.count {
      let length = min(65_535, raw.count - start)
      stream.append(start + length == raw.count ? 1 : 0)
      stream += [
        UInt8(length & 255), UInt8(length >> 8), UInt8(~length & 255), UInt8(~length >> 8 & 255),
      ]
      stream += raw[start..<start + length]
      start += length
    }
    var (low, high): (UInt32, UInt32) = (1, 0)
    for byte in raw {
      low = (low + UInt32(byte)) % 65_521
      high = (high + low) % 65_521
    }
    stream += bytes(high << 16 | low)
    var file: [UInt8] = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]
    file += chunk("IHDR", bytes(UInt32(side)) + bytes(UInt32(side)) + [8, 2, 0, 0, 0])
    file += chunk("IDAT", stream)
    file += chunk("IEND", [])
    return file
  }

  private static func bytes(_ value: UInt32) -> [UInt8] {
    [24, 16, 8, 0].map { UInt8(value >> UInt32($0) & 255) }
  }

  private static func chunk(_ type: String, _ data: [UInt8]) -> [UInt8] {
    let body = Array(type.utf8) + data
    var crc: UInt32 = 0xffff_ffff
    for byte in body {
      crc ^= UInt32(byte)
      for _ in 0..<8 { crc = crc & 1 == 1 ? crc >> 1 ^ 0xedb8_8320 : crc >> 1 }
    }
    return bytes(UInt32(data.count)) + body + bytes(~crc)
  }
}
