import EXrayCore
import EXrayPreprocess
import EXrayTestKit
import Foundation
import Testing

@Suite struct PictureTests {
  /// A JPEG of 24×16 pixels with 4:2:0 colour and an EXIF orientation of 6, written by Pillow.
  static let jpeg = bytes(
    """
    ffd8ffe000104a46494600010100000100010000ffe100224578696600004d4d002a000000080001011200030000
    00010006000000000000ffdb004300100b0c0e0c0a100e0d0e1211101318281a181616183123251d283a333d3c39
    33383740485c4e404457453738506d51575f626768673e4d71797064785c656763ffdb0043011112121815182f1a
    1a2f6342384263636363636363636363636363636363636363636363636363636363636363636363636363636363
    63636363636363636363ffc00011080010001803012200021101031101ffc4001800000301010000000000000000
    000000000004050106ffc40027100002010302030900000000000000000001021100032104310512132232416171
    81a1c1d1ffc4001501010100000000000000000000000000000402ffc4001f110001030305000000000000000000
    000002000103113132218191c1e1ffda000c03010002110311003f00e750550d14adbb9d80571248f81e67d0fea4
    8b55b8759eb6975281d8160ab08a4b9df6f70311998c534f1d5123c9931700564b64a35b2d0477c32c2955ce7724
    fd41a2b1c9e4b8197a9a92401ccb2034192179606e44646273e2516331a5abbfacae4123b3d39e9d7fffd9
    """)

  private static func bytes(_ hexadecimal: String) -> [UInt8] {
    let digits = hexadecimal.utf8.compactMap { Character(Unicode.Scalar($0)).hexDigitValue }
    return stride(from: 0, to: digits.count - 1, by: 2).map {
      UInt8(digits[$0] * 16 + digits[$0 + 1])
    }
  }

  private func decode(
    _ bytes: [UInt8], _ options: Recipe.Decode = .init()
  ) throws(PreprocessError) -> Picture {
    try unsafe Picture.decode(bytes.span.bytes, file: "p", options: options)
  }

  @Test func aJPEGIsDecodedAsPillowDoes() throws {
    let picture = try decode(Self.jpeg)
    #expect(picture.width == 24)
    #expect(picture.height == 16)
    #expect(picture.exifOrientation == 6)
    #expect(
      unsafe SHA256.hexadecimal(of: picture.pixels.span.bytes)
        == "956f0b4182f65a955e36b33f1557c481e3bff154c172f1bc792f1717610d224d")
    #expect(picture.upright.width == 16)
    #expect(picture.upright == picture.image.rotatedClockwise(quarterTurns: 1))
  }

  @Test func decoderOptionsChangeLevelsALittle() throws {
    let usual = try decode(Self.jpeg)
    for options in [Recipe.Decode(transform: .fast), Recipe.Decode(upsampling: .plain)] {
      let other = try decode(Self.jpeg, options)
      #expect(other.pixels != usual.pixels)
      let largest = zip(other.pixels, usual.pixels).map { abs(Int($0) - Int($1)) }.max() ?? 0
      #expect(largest < 160)
    }
  }

  @Test(arguments: [1, 3], [(1, 1), (7, 3), (64, 40)])
  func aPNGSurvivesARoundTrip(channels: Int, size: (Int, Int)) throws {
    let picture = try PreprocessCase.seeded(5, width: size.0, height: size.1)
    let image = channels == 3 ? picture.image : picture.image.luma()
    let decoded = try decode(try image.png())
    #expect(decoded.image == image.tripled())
    #expect(try image.png() == image.png())
  }

  @Test func aPNGOfOtherChannelsIsRefused() throws {
    let image = try Image(width: 1, height: 1, channels: 2, pixels: [1, 2])
    #expect(throws: PreprocessError.self) { try image.png() }
    #expect(throws: PreprocessError.self) {
      try Image(width: .max, height: 2, channels: 3, pixels: [])
    }
  }

  /// A PNG's first chunk with a size of its own.
  private func png(width: UInt32, height: UInt32) -> [UInt8] {
    var bytes: [UInt8] = [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A, 0, 0, 0, 13]
    bytes += Array("IHDR".utf8)
    for number in [width, height] {
      bytes += [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: number >> UInt32($0)) }
    }
    return bytes + [8, 2, 0, 0, 0, 0, 0, 0, 0]
  }

  @Test func claimsOfManyPixelsAreRefusedBeforeMemoryIsTaken() throws {
    for (width, height) in [(20_000, 20_000), (UInt32.max, UInt32.max), (100_000_001, 1)] {
      let error = #expect(throws: PreprocessError.self) {
        try decode(png(width: width, height: height))
      }
      #expect(error?.code == .tooLarge)
      #expect(error?.message.contains("100000000") == true)
    }
    #expect(throws: PreprocessError.self) { try decode(png(width: 0, height: 5)) }
    // A JPEG's size is in its start-of-frame segment: FF C0, length, depth, height, width.
    var bomb = Self.jpeg
    let frame = try #require(
      bomb.indices.dropLast().first { bomb[$0] == 0xFF && bomb[$0 + 1] == 0xC0 })
    bomb.replaceSubrange((frame + 5)..<(frame + 9), with: [0xFF, 0, 0xFF, 0])
    let error = #expect(throws: PreprocessError.self) { try decode(bomb) }
    #expect(error?.code == .tooLarge)
  }

  @Test(
    arguments: [
      [], [0xFF], [0xFF, 0xD8, 0xFF], Array("GIF89a".utf8), [0x89, 0x50, 0x4E, 0x47],
      [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A], [UInt8](repeating: 0, count: 100),
    ] as [[UInt8]])
  func whatIsNoPictureIsRefusedInOneLine(bytes: [UInt8]) {
    let error = #expect(throws: PreprocessError.self) { try decode(bytes) }
    #expect(error?.file == "p")
    #expect(error?.description.contains("\n") == false)
  }

  @Test func everyTruncationThrows() throws {
    let png = try PreprocessCase.seeded(1, width: 9, height: 5).image.png()
    for length in 0..<png.count {
      #expect(throws: PreprocessError.self, "PNG of \(length) bytes") {
        try decode(Array(png.prefix(length)))
      }
    }
    // A JPEG without its end marker alone is whole; libjpeg warns and so do we.
    for length in 0..<Self.jpeg.count {
      #expect(throws: PreprocessError.self, "JPEG of \(length) bytes") {
        try decode(Array(Self.jpeg.prefix(length)))
      }
    }
  }

  @Test(arguments: 0..<30 as Range<UInt64>)
  func flippedBitsThrowOrDecodeAndNeverTrap(seed: UInt64) throws {
    var generator = SplitMix64(seed: seed)
    let png = try PreprocessCase.seeded(2, width: 30, height: 20).image.png()
    for original in [png, Self.jpeg] {
      for _ in 0..<60 {
        var bytes = original
        for _ in 0..<Int.random(in: 1...6, using: &generator) {
          let index = Int.random(in: bytes.indices, using: &generator)
          bytes[index] ^= 1 << UInt8.random(in: 0..<8, using: &generator)
        }
        do {
          let picture = try decode(bytes)
          #expect(picture.pixels.count == picture.width * picture.height * 3, "seed \(seed)")
          #expect((1...8).contains(picture.exifOrientation), "seed \(seed)")
          #expect(picture.upright.pixels.count == picture.pixels.count)
        } catch {
          #expect(error.file == "p", "seed \(seed)")
        }
      }
    }
  }

  @Test func hostileEXIFMeansNoNote() throws {
    // A directory beyond the end, a directory of 65,535 entries, an orientation of 9.
    let start = try #require(
      Self.jpeg.indices.dropLast(6).first {
        Self.jpeg[$0...].starts(with: [0x45, 0x78, 0x69, 0x66, 0, 0])
      })
    let tiff = start + 6
    for (offset, replacement) in [
      (tiff + 4, [0xFF, 0xFF, 0xFF, 0xFF]), (tiff, [0, 0, 0, 0]), (tiff + 8, [0xFF, 0xFF]),
      (tiff + 18, [9, 9]), (tiff + 12, [0xFF, 0xFF]),
    ] as [(Int, [UInt8])] {
      var bytes = Self.jpeg
      bytes.replaceSubrange(offset..<(offset + replacement.count), with: replacement)
      let picture = try decode(bytes)
      #expect(picture.exifOrientation == 1 || offset == tiff + 8)
    }
  }
}
