import CImageCodecs

/// The module's only calls of C.
enum Codecs {
  /// The words that a C function left in its failure record.
  private static func words(_ failure: codecs_failure) -> String {
    unsafe withUnsafeBytes(of: failure.message) { bytes in
      let end = unsafe bytes.firstIndex(of: 0) ?? bytes.count
      return unsafe String(decoding: bytes[..<end], as: UTF8.self)
    }
  }

  private static func buffer(_ bytes: RawSpan, _ body: (UnsafePointer<UInt8>?, Int) -> Int32)
    -> Int32
  {
    unsafe bytes.withUnsafeBytes { raw in
      let typed = unsafe raw.bindMemory(to: UInt8.self)
      return unsafe body(typed.baseAddress, typed.count)
    }
  }

  /// Whether the last words of the decoder are a warning after which pixels are what the file says.
  ///
  /// The library reports an error that follows a warning as a warning, so the harmless ones are listed.
  private static func isHarmless(_ warning: String) -> Bool {
    let harmless = [
      "extraneous bytes before marker", "Unknown Adobe color transform code",
      "Invalid SOS parameters", "unknown JFIF revision number",
    ]
    return harmless.contains { warning.contains($0) }
  }

  static func decodeJPEG(
    _ bytes: RawSpan, file: String, options: Recipe.Decode
  ) throws(PreprocessError) -> (width: Int, height: Int, pixels: [UInt8]) {
    var header = codecs_jpeg_header()
    var failure = codecs_failure()
    let headerStatus = unsafe buffer(bytes) { data, count in
      unsafe codecs_read_jpeg_header(data, count, &header, &failure)
    }
    guard headerStatus == CODECS_OK else {
      throw PreprocessError(
        .corruptPicture, file: file, offset: 0,
        "the JPEG header cannot be read (\(words(failure))); save the picture again")
    }
    let (width, height) = (Int(header.width), Int(header.height))
    guard isWithinPixelLimit(width: width, height: height) else {
      throw PictureLimit.error(width: width, height: height, file: file)
    }
    let scans = unsafe buffer(bytes) { data, count in
      unsafe Int32(clamping: codecs_count_jpeg_scans(data, count))
    }
    let scanLimit = PictureLimit.scans(width: width, height: height)
    guard scans <= scanLimit else {
      throw PreprocessError(
        .tooLarge, file: file,
        "the JPEG of \(width)×\(height) has \(scans) scans, the limit for this size is "
          + "\(scanLimit); save the picture again")
    }
    let channels = header.is_cmyk != 0 ? 4 : 3
    var status = Int32(CODECS_ERROR)
    var pixels = unsafe [UInt8](unsafeUninitializedCapacity: width * height * channels) {
      target, initialized in
      unsafe target.initialize(repeating: 0)
      status = unsafe buffer(bytes) { data, count in
        unsafe codecs_decode_jpeg(
          data, count, &header, options.transform == .fast ? 1 : 0,
          options.upsampling == .plain ? 1 : 0, target.baseAddress, &failure)
      }
      initialized = width * height * channels
    }
    let words = words(failure)
    guard status == CODECS_OK || status == CODECS_WARNING && isHarmless(words) else {
      throw PreprocessError(
        .corruptPicture, file: file,
        "the JPEG of \(width)×\(height) cannot be decoded (\(words)); the file is damaged or cut "
          + "off at byte \(bytes.byteCount): fetch it again or leave it out")
    }
    if channels == 4 { pixels = Self.rgb(cmyk: pixels) }
    return (width, height, pixels)
  }

  /// RGB from the inverted CMYK that Adobe's programs write, with Pillow's arithmetic.
  private static func rgb(cmyk: [UInt8]) -> [UInt8] {
    var result = [UInt8](repeating: 0, count: cmyk.count / 4 * 3)
    for index in 0..<(cmyk.count / 4) {
      // Stored values are inverted: what is read as key is the white that remains.
      let white = Int(cmyk[4 * index + 3])
      for channel in 0..<3 {
        let product = (255 - Int(cmyk[4 * index + channel])) * white + 128
        result[3 * index + channel] = UInt8(max(0, white - ((product >> 8) + product) >> 8))
      }
    }
    return result
  }

  static func decodePNG(
    _ bytes: RawSpan, width: Int, height: Int, file: String, options: Recipe.Decode
  ) throws(PreprocessError) -> [UInt8] {
    let channels = options.alpha == .drop ? 3 : 4
    var failure = codecs_failure()
    var status = Int32(CODECS_ERROR)
    let pixels = unsafe [UInt8](unsafeUninitializedCapacity: width * height * channels) {
      target, initialized in
      unsafe target.initialize(repeating: 0)
      status = unsafe buffer(bytes) { data, count in
        unsafe codecs_decode_png(
          data, count, Int32(clamping: width), Int32(clamping: height), Int32(clamping: channels),
          target.baseAddress, &failure)
      }
      initialized = width * height * channels
    }
    guard status == CODECS_OK else {
      throw PreprocessError(
        .corruptPicture, file: file, offset: failure.offset,
        "the PNG of \(width)×\(height) cannot be decoded (\(words(failure))); the file is damaged "
          + "or cut off: fetch it again or leave it out")
    }
    switch options.alpha {
    case .drop: return pixels
    case .on(let red, let green, let blue):
      return Self.rgb(rgba: pixels, over: [UInt32(red), UInt32(green), UInt32(blue)])
    }
  }

  /// The picture laid on a colour, with the arithmetic of Pillow's `paste` under a mask.
  private static func rgb(rgba: [UInt8], over ground: [UInt32]) -> [UInt8] {
    var result: [UInt8] = []
    result.reserveCapacity(rgba.count / 4 * 3)
    for pixel in stride(from: 0, to: rgba.count, by: 4) {
      let alpha = UInt32(rgba[pixel + 3])
      for channel in 0..<3 {
        let sum = ground[channel] * (255 - alpha) + UInt32(rgba[pixel + channel]) * alpha + 128
        result.append(UInt8(truncatingIfNeeded: ((sum >> 8) + sum) >> 8))
      }
    }
    return result
  }

  static func encodePNG(_ image: Image) throws(PreprocessError) -> [UInt8] {
    var failure = codecs_failure()
    var encoded: UnsafeMutablePointer<UInt8>?
    var count = 0
    let status = unsafe image.pixels.withUnsafeBufferPointer { pixels in
      unsafe codecs_encode_png(
        pixels.baseAddress, Int32(clamping: image.width), Int32(clamping: image.height),
        Int32(clamping: image.channels), &encoded, &count, &failure)
    }
    guard status == CODECS_OK, let encoded = unsafe encoded else {
      throw PreprocessError(
        .unsuitablePicture,
        "a PNG of \(image.width)×\(image.height) cannot be written (\(words(failure))); "
          + "make the picture smaller")
    }
    defer { unsafe codecs_free(encoded) }
    return unsafe [UInt8](UnsafeBufferPointer(start: encoded, count: count))
  }
}
