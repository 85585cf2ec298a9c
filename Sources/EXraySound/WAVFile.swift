import Foundation

/// A WAV file (RIFF, little-endian): PCM of 8, 16, 24 or 32 bits, or float32, plain or extensible.
///
/// Source: Microsoft and IBM, Multimedia Programming Interface and Data Specifications 1.0, 1991;
/// Microsoft, `WAVEFORMATEXTENSIBLE`.
public struct WAVFile: Sendable, Hashable {
  /// How one sample value is stored.
  public enum Encoding: String, Sendable, Hashable, CaseIterable {
    /// Unsigned, 128 is silence.
    case pcm8
    case pcm16
    case pcm24
    case pcm32
    case float32

    /// Bytes of one value.
    public var byteCount: Int {
      switch self {
      case .pcm8: 1
      case .pcm16: 2
      case .pcm24: 3
      case .pcm32, .float32: 4
      }
    }
  }

  /// How one sample value is stored.
  public let encoding: Encoding
  /// Samples a second.
  public let sampleRate: Int
  /// Values at each moment.
  public let channelCount: Int
  /// Moments.
  public let sampleCount: Int
  /// The values as stored, channels interleaved.
  public let bytes: [UInt8]
  /// What messages call the file.
  public let file: String

  /// The most bytes of a file: four for each of ``soundValueLimit`` values and a header.
  public static let byteLimit = 4 * soundValueLimit + 65_536

  /// Reads a file from disk.
  ///
  /// - Throws: ``SoundError`` `.unreadable`, `.tooLarge`, `.unsupportedFormat` or `.corruptSound`.
  public init(path: String) throws(SoundError) {
    let data: Data
    do {
      let size = try FileManager.default.attributesOfItem(atPath: path)[.size] as? NSNumber
      guard (size?.intValue ?? 0) <= Self.byteLimit else {
        throw SoundError(
          .tooLarge, file: path,
          "has more than \(Self.byteLimit) bytes; cut it into shorter clips")
      }
      data = try Data(contentsOf: URL(filePath: path))
    } catch let error as SoundError {
      throw error
    } catch {
      throw SoundError(
        .unreadable, file: path, "cannot be read (\(error)); check the path and permissions")
    }
    try self.init(bytes: [UInt8](data), file: path)
  }

  /// Reads a file's bytes.
  ///
  /// - Parameters:
  ///   - bytes: The whole file.
  ///   - file: What messages call it.
  /// - Throws: ``SoundError`` with the byte offset.
  public init(bytes: [UInt8], file: String) throws(SoundError) {
    let reader = WAVReader(bytes: bytes, file: file)
    let format = try reader.read()
    self.file = file
    encoding = format.encoding
    sampleRate = format.sampleRate
    channelCount = format.channelCount
    sampleCount = format.data.count / (format.channelCount * format.encoding.byteCount)
    self.bytes = Array(bytes[format.data])
  }

  /// The values of one channel in units of an int16 step: full scale is ±32,768.
  ///
  /// - Parameters:
  ///   - channel: From 0 to ``channelCount`` − 1.
  ///   - isSwapped: Whether the bytes of each value are read in the wrong order.
  public func samples(channel: Int, isSwapped: Bool = false) -> [Double] {
    precondition((0..<channelCount).contains(channel), "no channel \(channel)")
    let size = encoding.byteCount
    return (0..<sampleCount).map { index in
      let start = (index * channelCount + channel) * size
      var word: UInt32 = 0
      for byte in 0..<size {
        word |= UInt32(bytes[start + byte]) << UInt32(8 * (isSwapped ? size - 1 - byte : byte))
      }
      return value(word)
    }
  }

  private func value(_ word: UInt32) -> Double {
    switch encoding {
    case .pcm8: Double(Int(word) - 128) * 256
    case .pcm16: Double(Int16(truncatingIfNeeded: word))
    case .pcm24: Double(Int32(bitPattern: word << 8) >> 8) / 256
    case .pcm32: Double(Int32(bitPattern: word)) / 65_536
    case .float32: Double(Float(bitPattern: word)) * 32_768
    }
  }
}

/// The chunks of a WAV file, every length checked against what is there.
private struct WAVReader {
  let bytes: [UInt8]
  let file: String

  struct Format {
    var encoding: WAVFile.Encoding
    var channelCount: Int
    var sampleRate: Int
    var data: Range<Int>
  }

  /// The most samples a second that recipes know.
  static let fastestRate = 768_000

  func error(_ code: SoundError.Code, _ offset: Int, _ message: String) -> SoundError {
    SoundError(code, file: file, offset: offset, message)
  }

  func integer(at offset: Int, byteCount: Int) -> Int {
    (0..<byteCount).reduce(0) { $0 | Int(bytes[offset + $1]) << (8 * $1) }
  }

  func tag(at offset: Int) -> String {
    String(decoding: bytes[offset..<(offset + 4)], as: UTF8.self)
  }

  func read() throws(SoundError) -> Format {
    guard bytes.count >= 12 else {
      throw error(
        .corruptSound, bytes.count,
        "has \(bytes.count) bytes, a WAV header has at least 12; record it again")
    }
    guard tag(at: 0) == "RIFF", tag(at: 8) == "WAVE" else {
      throw error(.unsupportedFormat, 0, "is no RIFF WAVE file; convert it to WAV with PCM samples")
    }
    var format: Format?
    var position = 12
    while position + 8 <= bytes.count {
      let size = integer(at: position + 4, byteCount: 4)
      let body = position + 8
      guard size <= bytes.count - body else {
        throw error(
          .corruptSound, position + 4,
          "a chunk claims \(size) bytes, \(bytes.count - body) remain; the file is cut off: "
            + "record it again")
      }
      switch tag(at: position) {
      case "fmt ": format = try readFormat(body..<(body + size))
      case "data":
        guard var format else {
          throw error(.corruptSound, position, "has samples before their format; save it again")
        }
        let step = format.channelCount * format.encoding.byteCount
        guard size % step == 0 else {
          throw error(
            .corruptSound, position + 4,
            "has \(size) bytes of samples, no multiple of \(step) bytes a moment; save it again")
        }
        guard size / format.encoding.byteCount <= soundValueLimit else {
          throw error(
            .tooLarge, position + 4,
            "has more than \(soundValueLimit) values; cut it into shorter clips")
        }
        format.data = body..<(body + size)
        return format
      default: break
      }
      position = body + size + size % 2
    }
    throw error(
      .corruptSound, min(position, bytes.count),
      "ends without a chunk of samples; the file is cut off: record it again")
  }

  func readFormat(_ range: Range<Int>) throws(SoundError) -> Format {
    guard range.count >= 16 else {
      throw error(
        .corruptSound, range.lowerBound,
        "describes its format in \(range.count) bytes, at least 16 are needed; save it again")
    }
    let start = range.lowerBound
    var code = integer(at: start, byteCount: 2)
    let channels = integer(at: start + 2, byteCount: 2)
    let rate = integer(at: start + 4, byteCount: 4)
    let align = integer(at: start + 12, byteCount: 2)
    let bits = integer(at: start + 14, byteCount: 2)
    if code == 0xFFFE {
      let tail: [UInt8] = [0, 0, 0, 0, 16, 0, 128, 0, 0, 170, 0, 56, 155, 113]
      guard range.count >= 40, Array(bytes[(start + 26)..<(start + 40)]) == tail else {
        throw error(
          .unsupportedFormat, start,
          "has an extensible format that is neither PCM nor float; convert it to 16-bit PCM")
      }
      code = integer(at: start + 24, byteCount: 2)
    }
    let encoding: WAVFile.Encoding
    switch (code, bits) {
    case (1, 8): encoding = .pcm8
    case (1, 16): encoding = .pcm16
    case (1, 24): encoding = .pcm24
    case (1, 32): encoding = .pcm32
    case (3, 32): encoding = .float32
    default:
      throw error(
        .unsupportedFormat, start,
        "holds format \(code) with \(bits) bits; PCM of 8, 16, 24 or 32 bits and float of 32 bits "
          + "can be read: convert it")
    }
    guard channels > 0, rate > 0, align == channels * encoding.byteCount else {
      throw error(
        .corruptSound, start + 2,
        "claims \(channels) channels, \(rate) samples a second and \(align) bytes a moment, which "
          + "do not fit together; save it again")
    }
    guard rate <= Self.fastestRate else {
      throw error(
        .corruptSound, start + 4,
        "claims \(rate) samples a second, at most \(Self.fastestRate) can be meant; save it again")
    }
    return Format(encoding: encoding, channelCount: channels, sampleRate: rate, data: 0..<0)
  }
}
