import EXrayTrace

/// One `log/N.log` of ML-EXray: times and result of an inference, and what its Android app's sensors said.
struct MLEXrayAppLog {
  /// What one sensor said at one time.
  struct Reading {
    /// The sensor's name, as its maker gave it.
    var sensor: String
    /// Nanoseconds since the machine started.
    var nanoseconds: UInt64
    var values: [Double]
  }

  /// When inference began, since 1970 in a log of Python and since the machine's start in one of Android.
  private(set) var startNanoseconds: UInt64?
  private(set) var inferenceNanoseconds: UInt64?
  /// The best classes and their scores, where they are numbers.
  private(set) var result: TextArray?
  private(set) var readings: [Reading] = []
  private(set) var unknownLines = 0

  init(_ text: Span<UInt8>) {
    var offset = 0
    var sensor: String?
    while offset < text.count {
      let line = offset..<MLEXrayFrameText.lineEnd(text, offset)
      offset = line.upperBound + 1
      let trimmed = MLEXrayFrameText.trimmed(line, text)
      guard let first = trimmed.first else { continue }
      guard let colon = trimmed.prefix(4096).first(where: { text[$0] == UInt8(ascii: ":") }) else {
        sensor = MLEXrayFrameText.string(trimmed.prefix(200), text)
        continue
      }
      let key = MLEXrayFrameText.string(trimmed.lowerBound..<colon, text)
      var position = min(colon + 2, text.count)
      switch key {
      case "Inference Start Time": startNanoseconds = Self.nanoseconds(text, &position)
      case "Inference Time": inferenceNanoseconds = Self.nanoseconds(text, &position)
      case "Inference Result":
        guard position < text.count, text[position] == UInt8(ascii: "[") else { continue }
        // What an app's classes print as text begins with a bracket too.
        result = (try? TextArray(text, at: &position, spelling: .python)) ?? nil
        if result != nil { offset = max(offset, position) }
      default:
        guard text[line.lowerBound] == UInt8(ascii: "\t"), first < colon, let sensor,
          let time = UInt64(key), let values = Self.doubles(text, &position)
        else {
          unknownLines += 1
          continue
        }
        readings.append(Reading(sensor: sensor, nanoseconds: time, values: values))
      }
    }
  }

  /// A time: Android's whole numbers are milliseconds, and Python's fractions seconds, whatever unit follows.
  private static func nanoseconds(_ text: Span<UInt8>, _ position: inout Int) -> UInt64? {
    guard let number = DecimalNumber(text, at: &position) else { return nil }
    if let milliseconds = number.integer {
      let (result, overflow) = milliseconds.multipliedReportingOverflow(by: 1_000_000)
      return overflow ? nil : UInt64(exactly: result)
    }
    return nanoseconds(seconds: number.value(in: text))
  }

  /// Nanoseconds of a count of seconds that a clock can have, else nil.
  static func nanoseconds(seconds: Double) -> UInt64? {
    guard seconds >= 0, seconds < 1e10 else { return nil }
    // Whole seconds apart: since 1970, nanoseconds take more digits than a Double has.
    let whole = seconds.rounded(.down)
    return UInt64(whole) * 1_000_000_000 + UInt64(((seconds - whole) * 1e9).rounded())
  }

  private static func doubles(_ text: Span<UInt8>, _ position: inout Int) -> [Double]? {
    switch (try? TextArray(text, at: &position, spelling: .python))??.values {
    case .float32(let values): values.map(Double.init)
    case .float64(let values): values
    case .int32(let values): values.map(Double.init)
    default: nil
    }
  }
}

extension MLEXrayAppLog.Reading {
  /// The reading with its type, or nil for a sensor that a trace has no type for.
  ///
  /// Makers name their sensors as they like; the words that Android's documentation uses are looked for.
  var typed: SensorReading? {
    let name = sensor.lowercased()
    func has(_ word: String) -> Bool { name.contains(word) }
    if has("uncalibrated") || has("linear") || has("geomagnetic") || has("game") { return nil }
    if has("accelerometer"), values.count >= 3 {
      return .accelerometer(x: values[0], y: values[1], z: values[2])
    }
    if has("gyroscope"), values.count >= 3 {
      return .gyroscope(x: values[0], y: values[1], z: values[2])
    }
    if has("rotation vector"), values.count >= 4 {
      return .orientation(x: values[0], y: values[1], z: values[2], w: values[3])
    }
    guard let first = values.first else { return nil }
    if has("light") { return .light(first) }
    return has("temperature") ? .temperature(first) : nil
  }
}
