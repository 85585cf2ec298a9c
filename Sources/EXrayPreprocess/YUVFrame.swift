/// A camera's frame of 8-bit luma and of colour at half the resolution, as its bytes are arranged.
///
/// Traces name it by a media type, as `image/x-nv12;width=640;height=480`; where rows are padded, with
/// `;stride=704`, and where that does not say the padding of colour, with `;chroma-stride=704`.
public struct YUVFrame: Sendable, Hashable {
  /// The order of the planes.
  public enum Format: String, Sendable, Hashable, CaseIterable {
    /// Luma, then pairs of U and V.
    case nv12
    /// Luma, then pairs of V and U: Android's `NV21`.
    case nv21
    /// Luma, then U, then V.
    case i420
    /// Luma, then V, then U.
    case yv12
  }

  /// The order of the planes.
  public var format: Format
  /// Pixels a row; even.
  public var width: Int
  /// Rows; even.
  public var height: Int

  /// Bytes from one row of luma to the next; at least ``width``.
  public var stride: Int
  /// Bytes from one row of a plane of colour to the next.
  public var chromaStride: Int

  /// Creates a description.
  ///
  /// - Parameters:
  ///   - stride: By default the width.
  ///   - chromaStride: By default that of luma where U and V come in pairs, else half of it.
  public init(
    format: Format, width: Int, height: Int, stride: Int? = nil, chromaStride: Int? = nil
  ) {
    self.format = format
    self.width = width
    self.height = height
    self.stride = stride ?? width
    self.chromaStride =
      chromaStride ?? Self.chromaStride(format, stride: stride ?? width)
  }

  private static func chromaStride(_ format: Format, stride: Int) -> Int {
    format == .nv12 || format == .nv21 ? stride : stride / 2
  }

  /// The media type, as raw inputs in traces carry it.
  public var mediaType: String {
    var type = "image/x-\(format.rawValue);width=\(width);height=\(height)"
    if stride != width { type += ";stride=\(stride)" }
    if chromaStride != Self.chromaStride(format, stride: stride) {
      type += ";chroma-stride=\(chromaStride)"
    }
    return type
  }

  /// Reads a media type; nil where it is not one of these formats.
  ///
  /// - Parameter file: What messages call the frame.
  /// - Throws: ``PreprocessError`` `.unsupportedFormat` where the size is missing or cannot be.
  public init?(mediaType: String, file: String) throws(PreprocessError) {
    var parts = mediaType.lowercased().split(separator: ";")
      .map { $0.filter { $0 != " " && $0 != "\"" } }
    guard let type = parts.first, type.hasPrefix("image/x-"),
      let format = Format(rawValue: String(type.dropFirst(8)))
    else { return nil }
    parts.removeFirst()
    func side(_ name: String) -> Int? {
      guard let part = parts.first(where: { $0.hasPrefix("\(name)=") }) else { return nil }
      // What is no number is no size either.
      return Int(part.dropFirst(name.utf8.count + 1)) ?? -1
    }
    guard let width = side("width"), let height = side("height"), width % 2 == 0, height % 2 == 0,
      isWithinPixelLimit(width: width, height: height)
    else {
      throw PreprocessError(
        .unsupportedFormat, file: file,
        "the media type \"\(mediaType.prefix(80))\" has no size that a frame can have; write it as "
          + "image/x-\(format.rawValue);width=640;height=480, with even numbers and at most "
          + "\(pixelLimit) pixels")
    }
    self.init(
      format: format, width: width, height: height, stride: side("stride"),
      chromaStride: side("chroma-stride"))
    guard areStridesValid else {
      throw PreprocessError(
        .unsupportedFormat, file: file,
        "the media type \"\(mediaType.prefix(120))\" has rows of \(stride) and \(self.chromaStride) bytes, which "
          + "do not hold \(width) pixels; correct stride and chroma-stride, or leave them out")
    }
  }

  /// Whether rows hold the width, and the frame is of a size that memory can hold.
  fileprivate var areStridesValid: Bool {
    stride >= width && chromaStride >= chromaRow
      && isWithinPixelLimit(width: stride, height: height)
      && isWithinPixelLimit(width: chromaStride, height: height)
  }

  /// Planes that hold colour, and bytes of a row of one without padding.
  private var chromaPlanes: Int { format == .nv12 || format == .nv21 ? 1 : 2 }
  private var chromaRow: Int { chromaPlanes == 1 ? width : width / 2 }

  /// Bytes of a frame, the padding of every row included.
  public var byteCount: Int { stride * height + chromaPlanes * chromaStride * (height / 2) }

  /// Whether a buffer can be such a frame: cameras may leave out the padding of the last row.
  fileprivate func fits(byteCount: Int) -> Bool {
    (self.byteCount - (chromaStride - chromaRow)...self.byteCount).contains(byteCount)
  }

  /// Where U and V of the first block lie, and how far the next block's are.
  fileprivate var chroma: (u: Int, v: Int, step: Int) {
    let luma = stride * height
    let plane = chromaStride * (height / 2)
    return switch format {
    case .nv12: (luma, luma + 1, 2)
    case .nv21: (luma + 1, luma, 2)
    case .i420: (luma, luma + plane, 1)
    case .yv12: (luma + plane, luma, 1)
    }
  }
}

extension Picture {
  /// Converts a camera's frame to RGB; the four pixels of a block have the same colour.
  ///
  /// `bt601/video` is OpenCV's `cvtColor` (`COLOR_YUV2RGB_NV12` and its like) to the bit: 20-bit fixed
  /// point. Source: OpenCV, modules/imgproc/src/color_yuv.simd.hpp. The others are the formulas of
  /// ITU-R BT.601 and BT.709 in float64, rounded half to even.
  ///
  /// - Parameters:
  ///   - bytes: The planes.
  ///   - frame: How they are arranged.
  ///   - options: The colour matrix and the range.
  ///   - file: What messages call it.
  /// - Throws: ``PreprocessError`` `.corruptPicture` where the bytes are not as many as the size needs.
  public init(
    yuv bytes: RawSpan, _ frame: YUVFrame, options: Recipe.Decode = .init(), file: String
  ) throws(PreprocessError) {
    let (width, height) = (frame.width, frame.height)
    guard isWithinPixelLimit(width: width, height: height), width % 2 == 0, height % 2 == 0,
      frame.areStridesValid, frame.fits(byteCount: bytes.byteCount)
    else {
      throw PreprocessError(
        .corruptPicture, file: file,
        "\(bytes.byteCount) bytes are no \(frame.format.rawValue) frame of \(width)×\(height); that "
          + "has even sides and 1.5 bytes a pixel: correct the size, or say stride=… where rows are padded"
      )
    }
    let reader = ByteReader(bytes)
    let convert = YUVConversion(options.yuv)
    let chroma = frame.chroma
    var pixels = [UInt8](repeating: 0, count: width * height * 3)
    for y in 0..<height {
      for x in 0..<width {
        let block = (y / 2) * frame.chromaStride + x / 2 * chroma.step
        let (red, green, blue) = convert(
          Int(reader[y * frame.stride + x] ?? 0), Int(reader[chroma.u + block] ?? 0) - 128,
          Int(reader[chroma.v + block] ?? 0) - 128)
        let target = (y * width + x) * 3
        pixels[target] = red
        pixels[target + 1] = green
        pixels[target + 2] = blue
      }
    }
    try self.init(width: width, height: height, pixels: pixels)
  }

  /// Unpacks a picture of a known media type: a YUV frame by its size, anything else by its bytes.
  ///
  /// - Throws: As ``decode(_:file:options:)`` and ``init(yuv:_:options:file:)``.
  public static func decode(
    _ encoded: RawSpan, mediaType: String?, file: String, options: Recipe.Decode = .init()
  ) throws(PreprocessError) -> Picture {
    if let mediaType, let frame = try YUVFrame(mediaType: mediaType, file: file) {
      return try Picture(yuv: encoded, frame, options: options, file: file)
    }
    return try decode(encoded, file: file, options: options)
  }
}

/// One way from luma and colour differences to red, green and blue.
private struct YUVConversion {
  private let isOpenCV: Bool
  private let black: Double
  private let lumaScale: Double
  private let chromaScale: Double
  private let redWeight: Double
  private let blueWeight: Double

  init(_ standard: Recipe.Decode.YUV) {
    let isVideo = standard == .bt601Video || standard == .bt709Video
    let is601 = standard == .bt601Video || standard == .bt601Full
    isOpenCV = standard == .bt601Video
    black = isVideo ? 16 : 0
    lumaScale = isVideo ? 255.0 / 219 : 1
    chromaScale = isVideo ? 255.0 / 224 : 1
    redWeight = is601 ? 0.299 : 0.2126
    blueWeight = is601 ? 0.114 : 0.0722
  }

  @inline(__always)
  func callAsFunction(_ y: Int, _ u: Int, _ v: Int) -> (UInt8, UInt8, UInt8) {
    if isOpenCV {
      let luma = max(0, y - 16) * 1_220_542 + 1 << 19
      return (
        UInt8(clamping: (luma + 1_673_527 * v) >> 20),
        UInt8(clamping: (luma - 852_492 * v - 409_993 * u) >> 20),
        UInt8(clamping: (luma + 2_116_026 * u) >> 20)
      )
    }
    let luma = (Double(y) - black) * lumaScale
    let red = luma + 2 * (1 - redWeight) * chromaScale * Double(v)
    let blue = luma + 2 * (1 - blueWeight) * chromaScale * Double(u)
    let green = (luma - redWeight * red - blueWeight * blue) / (1 - redWeight - blueWeight)
    return (level(red), level(green), level(blue))
  }

  private func level(_ value: Double) -> UInt8 {
    UInt8(max(0, min(255, value.rounded(.toNearestOrEven))))
  }
}
