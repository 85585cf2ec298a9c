import EXrayTrace
import Foundation

/// Reads one `nativeLog` file of ML-EXray, as its Python and its C++ logger write them, item by item.
struct MLEXrayFrameText {
  /// What a log says.
  enum Item {
    /// The values of a tensor; its role is custom for what is no part of the model.
    case tensor(name: String, role: TensorRole, TextArray)
    /// A tensor whose values are not taken over, and why.
    case refused(name: String, reason: String)
    /// A number with its unit, as `ms` or nothing.
    case quantity(key: String, value: Double, unit: String)
    /// A line that says nothing that is known.
    case unknown
  }

  /// Names longer than this are none.
  private static let keyByteLimit = 64 << 10

  private enum Section { case top, pythonLayers, streamLayers }

  private var offset = 0
  private var section = Section.top
  /// What the line before says of the shape of the tensor to come.
  private var layerDimensions: Dimensions?
  private var embeddingDimensions: Dimensions?
  /// Whether the C++ logger wrote the file, whose times are milliseconds; else they are seconds.
  private(set) var isStream = false

  private enum Dimensions {
    case known([Int])
    case unreadable
  }

  /// The next item, or nil at the end.
  mutating func next(in text: Span<UInt8>) -> Item? {
    while offset < text.count {
      let line = offset..<Self.lineEnd(text, offset)
      offset = line.upperBound + 1
      if let item = read(line, text) { return item }
    }
    return nil
  }

  private mutating func read(_ line: Range<Int>, _ text: Span<UInt8>) -> Item? {
    let isBlank = Self.trimmed(line, text).isEmpty
    if isBlank {
      if section == .pythonLayers { section = .top }
      return nil
    }
    if Self.has("Layer id ", line, text) {
      (isStream, section) = (true, .streamLayers)
      layerDimensions = Self.dimensions(line, text)
      return nil
    }
    if let dimensions = layerDimensions {
      layerDimensions = nil
      let colon = Self.lastColon(line, text)
      guard let colon else { return .unknown }
      return tensor(
        Self.string(line.lowerBound..<colon, text), .layer, from: colon + 1, text, dimensions)
    }
    if section == .pythonLayers {
      guard let colon = Self.pythonColon(line, text) else { return .unknown }
      return tensor(
        Self.string(line.lowerBound..<colon, text), .layer, from: colon + 1, text, nil)
    }
    guard let colon = Self.lastColon(line, text) else { return words(line, text) }
    let key = Self.string(Self.trimmed(line.lowerBound..<colon, text), text)
    switch key {
    case "Layer Output":
      section = .pythonLayers
      return nil
    case "Layer Outputs":
      (isStream, section) = (true, .streamLayers)
      return nil
    case "Output": return tensor(key, .output, from: colon + 1, text, nil)
    case "Input": return tensor(key, .input, from: colon + 1, text, nil)
    case "Embeddings":
      defer { embeddingDimensions = nil }
      return tensor(key, .embedding, from: colon + 1, text, embeddingDimensions)
    case "RawInput": return tensor(key, .custom, from: colon + 1, text, nil)
    case "Embeddings Dims":
      isStream = true
      embeddingDimensions = Self.dimensions(line, text)
      return nil
    case "Inference memory usage":
      isStream = true
      return nil
    default:
      let value = Self.trimmed(colon + 1..<line.upperBound, text)
      if let first = value.first, text[first] == UInt8(ascii: "["), !key.isEmpty {
        return tensor(key, .custom, from: first, text, nil)
      }
      return quantity(key, value, text)
    }
  }

  /// The tensor whose values begin at `start`; nil where the log has its name only, as where it was not logged.
  private mutating func tensor(
    _ name: String, _ role: TensorRole, from start: Int, _ text: Span<UInt8>,
    _ dimensions: Dimensions?
  ) -> Item? {
    var position = start
    while position < text.count, text[position] == UInt8(ascii: " ") { position += 1 }
    let first = position < text.count ? text[position] : UInt8(ascii: "\n")
    let isLetter = (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(first)
    let isNotANumber = first == UInt8(ascii: "n") || first == UInt8(ascii: "i")
    let isPython =
      dimensions == nil && (first == UInt8(ascii: "[") || isLetter && !isNotANumber)
    do throws(TextFault) {
      guard
        var array = try TextArray(
          text, at: &position, spelling: isPython ? .python : .stream)
      else {
        // Python's logger writes an empty text for what it was not given.
        return role == .layer ? .refused(name: name, reason: "has no values in the log") : nil
      }
      offset = max(offset, position)
      switch dimensions {
      case .known(let extents):
        let product = extents.reduce(Int?(1)) { product, extent in
          product.flatMap { value -> Int? in
            let (result, overflow) = value.multipliedReportingOverflow(by: extent)
            return overflow ? nil : result
          }
        }
        let count = array.dimensions.first ?? 1
        guard product == count else {
          return .refused(
            name: name,
            reason: "has \(count) values and the extents \(extents.prefix(8)), which are"
              + " \(product.map(String.init) ?? "too many"); ML-EXray's C++ logger prints as many"
              + " numbers of each tensor as the model has tensors, so that values are missing or"
              + " are not the tensor's")
        }
        array.dimensions = extents
      case .unreadable:
        return .refused(
          name: name,
          reason: "has extents that are not whole numbers; the logger printed stray"
            + " memory")
      case nil: break
      }
      return .tensor(name: name, role: role, array)
    } catch {
      return .refused(name: name, reason: error.text)
    }
  }

  private func quantity(_ key: String, _ value: Range<Int>, _ text: Span<UInt8>) -> Item {
    var position = value.lowerBound
    guard let number = DecimalNumber(text, at: &position), position <= value.upperBound,
      !key.isEmpty
    else { return .unknown }
    var unit = Self.string(Self.trimmed(position..<value.upperBound, text), text)
    if unit.hasSuffix(".") { unit.removeLast() }
    guard ["", "ms", "us", "s"].contains(unit) else { return .unknown }
    return .quantity(key: key, value: number.value(in: text), unit: unit)
  }

  /// A line without a colon, as `max resident set size = 1.2 MB, total malloc-ed size = 3 MB`.
  private func words(_ line: Range<Int>, _ text: Span<UInt8>) -> Item {
    guard Self.has("max resident set size", line, text),
      let sign = line.first(where: { text[$0] == UInt8(ascii: "=") })
    else { return .unknown }
    var position = sign + 1
    while position < line.upperBound, text[position] == UInt8(ascii: " ") { position += 1 }
    guard let number = DecimalNumber(text, at: &position),
      Self.has(" MB", position..<line.upperBound, text)
    else { return .unknown }
    return .quantity(key: "max resident set size", value: number.value(in: text), unit: "MB")
  }

  // MARK: Lines

  /// The place of the line's end, or the text's.
  static func lineEnd(_ text: Span<UInt8>, _ start: Int) -> Int {
    let length = unsafe text.withUnsafeBufferPointer { buffer -> Int? in
      guard let base = buffer.baseAddress,
        let end = unsafe memchr(base + start, Int32(UInt8(ascii: "\n")), buffer.count - start)
      else { return nil }
      return unsafe UnsafeRawPointer(end) - UnsafeRawPointer(base)
    }
    return length ?? text.count
  }

  static func string(_ range: Range<Int>, _ text: Span<UInt8>) -> String {
    String(decoding: range.prefix(keyByteLimit).map { text[$0] }, as: UTF8.self)
  }

  static func trimmed(_ range: Range<Int>, _ text: Span<UInt8>) -> Range<Int> {
    func isSpace(_ index: Int) -> Bool { text[index] == 0x20 || (9...13).contains(text[index]) }
    var (start, end) = (range.lowerBound, range.upperBound)
    while start < end, isSpace(start) { start += 1 }
    while end > start, isSpace(end - 1) { end -= 1 }
    return start..<end
  }

  private static func has(_ prefix: String, _ line: Range<Int>, _ text: Span<UInt8>) -> Bool {
    line.count >= prefix.utf8.count
      && zip(prefix.utf8, line).allSatisfy { text[$1] == $0 }
  }

  /// Names may hold colons, values do not.
  private static func lastColon(_ line: Range<Int>, _ text: Span<UInt8>) -> Int? {
    line.prefix(keyByteLimit).last { text[$0] == UInt8(ascii: ":") }
  }

  /// The colon before a list, else the last.
  private static func pythonColon(_ line: Range<Int>, _ text: Span<UInt8>) -> Int? {
    line.prefix(keyByteLimit).first { has(": [", $0..<line.upperBound, text) }
      ?? lastColon(line, text)
  }

  /// The numbers between a line's brackets.
  private static func dimensions(_ line: Range<Int>, _ text: Span<UInt8>) -> Dimensions {
    guard let open = line.first(where: { text[$0] == UInt8(ascii: "[") }),
      let close = line.last(where: { text[$0] == UInt8(ascii: "]") }), open < close
    else { return .unreadable }
    var extents: [Int] = []
    var position = open + 1
    while true {
      while position < close, text[position] == UInt8(ascii: " ") { position += 1 }
      if position == close { return .known(extents) }
      guard let number = DecimalNumber(text, at: &position),
        let extent = Int(exactly: number.value(in: text) as Double), extent >= 0
      else { return .unreadable }
      extents.append(extent)
    }
  }
}
