/// A picture as its file holds it: decoded, not yet turned, cropped or resized.
public struct Picture: Sendable {
  /// Pixels a row, as stored.
  public let width: Int
  /// Rows, as stored.
  public let height: Int
  /// Levels of red, green and blue.
  public let pixels: [UInt8]  // (height, width, channel)
  /// The camera's note which way is up, 1 to 8; 1 (upright) where there is none.
  ///
  /// Source: CIPA DC-008-2019, Exif 2.32, tag 0x0112.
  public let exifOrientation: Int

  /// Creates a picture from red, green and blue levels.
  ///
  /// - Throws: ``PreprocessError`` `.unsuitablePicture` where the number of levels is not
  ///   height × width × 3 or a size is 0.
  public init(
    width: Int, height: Int, pixels: [UInt8], exifOrientation: Int = 1
  ) throws(PreprocessError) {
    let image = try Image(width: width, height: height, channels: 3, pixels: pixels)
    self.init(image, exifOrientation: exifOrientation)
  }

  private init(_ image: Image, exifOrientation: Int) {
    width = image.width
    height = image.height
    pixels = image.pixels
    self.exifOrientation = (1...8).contains(exifOrientation) ? exifOrientation : 1
  }

  /// Unpacks a JPEG or PNG file into RGB, as Pillow's `convert("RGB")` does.
  ///
  /// Grey becomes three equal channels, palettes are looked up, alpha is dropped without blending unless
  /// the options say otherwise, CMYK is converted, 16-bit grey is cut at 255 and of 16-bit colour the high byte is taken.
  /// Colour profiles and gamma are ignored.
  ///
  /// - Parameters:
  ///   - encoded: The whole file.
  ///   - file: What messages call it.
  ///   - options: How JPEG and transparency are unpacked.
  /// - Throws: ``PreprocessError`` for other formats, for damaged and cut-off files, and for pictures
  ///   above ``pixelLimit``, before memory is taken.
  public static func decode(
    _ encoded: RawSpan, file: String, options: Recipe.Decode = .init()
  ) throws(PreprocessError) -> Picture {
    let reader = ByteReader(encoded)
    if reader.starts(with: [0xFF, 0xD8, 0xFF]) {
      let (width, height, pixels) = try Codecs.decodeJPEG(encoded, file: file, options: options)
      return Picture(
        Image(width, height, 3, pixels), exifOrientation: EXIF.orientation(ofJPEG: reader))
    }
    if reader.starts(with: [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]) {
      // The header chunk is always first: length 13, "IHDR", width, height.
      guard reader.starts(with: [0, 0, 0, 13, 0x49, 0x48, 0x44, 0x52], at: 8),
        let width = reader.big32(16), let height = reader.big32(20)
      else {
        throw PreprocessError(
          .corruptPicture, file: file, offset: 8,
          "the PNG does not begin with an IHDR chunk of 13 bytes; save the picture again")
      }
      guard isWithinPixelLimit(width: width, height: height) else {
        throw PictureLimit.error(width: width, height: height, file: file)
      }
      let pixels = try Codecs.decodePNG(
        encoded, width: width, height: height, file: file, options: options)
      return Picture(
        Image(width, height, 3, pixels), exifOrientation: EXIF.orientation(ofPNG: reader))
    }
    throw PreprocessError(
      .unsupportedFormat, file: file, offset: 0,
      encoded.byteCount == 0
        ? "the file is empty; give a JPEG or PNG"
        : "begins with bytes \(reader.hexadecimal(4)), which is neither JPEG nor PNG; convert it")
  }

  /// The picture as an ``Image`` of three channels, sharing the levels.
  public var image: Image { Image(width, height, 3, pixels) }

  /// The picture set upright as ``exifOrientation`` says.
  public var upright: Image {
    switch exifOrientation {
    case 2: image.flippedHorizontally()
    case 3: image.rotatedClockwise(quarterTurns: 2)
    case 4: image.flippedVertically()
    case 5: image.transposed()
    case 6: image.rotatedClockwise(quarterTurns: 1)
    case 7: image.transposed().rotatedClockwise(quarterTurns: 2)
    case 8: image.rotatedClockwise(quarterTurns: 3)
    default: image
    }
  }
}

/// What a picture's file may ask for.
enum PictureLimit {
  /// The most scans of a JPEG of a size: 100, and no more than two billion pixels in all of them.
  ///
  /// Encoders make 1 to about 20. Ten bytes of a hostile file are one more pass over all pixels.
  static func scans(width: Int, height: Int) -> Int {
    min(100, 20 * pixelLimit / max(1, width * height))
  }

  /// The refusal of a picture that claims too many pixels or none.
  static func error(width: Int, height: Int, file: String) -> PreprocessError {
    width == 0 || height == 0
      ? PreprocessError(
        .corruptPicture, file: file,
        "claims a size of \(width)×\(height); a picture has at least one pixel: leave it out")
      : PreprocessError(
        .tooLarge, file: file,
        "claims \(width)×\(height) pixels, the limit is \(pixelLimit); make the picture smaller")
  }
}
