/// Collects the values of one printed list.
struct TextListReader<Value: TextElement> {
  private(set) var values: [Value] = []
  private(set) var booleanCount = 0
  private let spelling: TextArray.Spelling

  /// Elements seen in each bracket that is open.
  private var counts: [Int] = []
  /// Elements of each nesting, once one of its brackets has closed.
  private var extents: [Int?] = []
  /// The number of brackets around the values.
  private var valueDepth: Int?
  /// For each parenthesis that is open, whether it belongs to a float64.
  private var parentheses: [Bool] = []
  private var isClosed = false

  /// Brackets inside one another that are followed.
  private static var depthLimit: Int { 32 }

  init(spelling: TextArray.Spelling) { self.spelling = spelling }

  /// The extents, or nil where there was no value and no list.
  var shape: [Int]? {
    if isClosed { return extents.map { $0 ?? 0 } }
    return values.isEmpty ? nil : (spelling == .python && values.count == 1 ? [] : [values.count])
  }

  /// Reads to the list's end, or where there is none to the line's.
  mutating func read(_ text: Span<UInt8>, at offset: inout Int) throws(TextRetry) {
    while offset < text.count {
      switch text[offset] {
      case UInt8(ascii: " "), UInt8(ascii: ","), UInt8(ascii: "\t"), UInt8(ascii: "\r"):
        offset += 1
      case UInt8(ascii: "\n"):
        if counts.isEmpty, parentheses.isEmpty { return }
        offset += 1
      case UInt8(ascii: "["):
        guard !isClosed, valueDepth.map({ counts.count < $0 }) ?? true else {
          throw fault("is a ragged list")
        }
        guard counts.count < Self.depthLimit else { throw fault("nests too many lists") }
        counts.append(0)
        if extents.count < counts.count { extents.append(nil) }
        offset += 1
      case UInt8(ascii: "]"):
        try close()
        offset += 1
      case UInt8(ascii: ")") where !parentheses.isEmpty:
        parentheses.removeLast()
        offset += 1
      case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "-"),
        UInt8(ascii: "+"):
        try readNumber(text, at: &offset)
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"):
        try readWord(text, at: &offset, isNegative: false)
      default:
        throw unexpected(text[offset])
      }
    }
    guard counts.isEmpty, parentheses.isEmpty else {
      throw fault("has no closing bracket; the log was cut off")
    }
  }

  private static var elided: String {
    "was abbreviated with ... when it was printed; log all of its values"
  }

  /// Dots, or the one character of three, where a number or its end should be.
  private func unexpected(_ byte: UInt8) -> TextRetry {
    fault(
      byte == UInt8(ascii: ".") || byte == 0xE2 ? Self.elided : "holds text where numbers belong")
  }

  private func fault(_ text: String) -> TextRetry { .fault(TextFault(text)) }

  private mutating func close() throws(TextRetry) {
    guard let count = counts.popLast() else { throw fault("has a bracket too many") }
    let depth = counts.count
    if let extent = extents[depth], extent != count { throw fault("is a ragged list") }
    extents[depth] = count
    if depth > 0 { counts[depth - 1] += 1 } else { isClosed = true }
  }

  private mutating func readNumber(
    _ text: Span<UInt8>, at offset: inout Int
  ) throws(TextRetry) {
    guard let number = DecimalNumber(text, at: &offset) else {
      if text[offset] == UInt8(ascii: ".") { throw fault(Self.elided) }
      let isNegative = text[offset] == UInt8(ascii: "-")
      offset += 1
      guard offset < text.count, text[offset] | 0x20 >= UInt8(ascii: "a"),
        text[offset] | 0x20 <= UInt8(ascii: "z")
      else { throw fault("holds a sign without a number") }
      return try readWord(text, at: &offset, isNegative: isNegative)
    }
    if offset < text.count {
      switch text[offset] {
      case UInt8(ascii: " "), UInt8(ascii: ","), UInt8(ascii: "\t"), UInt8(ascii: "\r"),
        UInt8(ascii: "\n"), UInt8(ascii: "]"), UInt8(ascii: ")"):
        break
      case let other: throw unexpected(other)
      }
    }
    try append(Value(number, text, spelling, isWide: parentheses.last ?? false))
  }

  private mutating func append(_ value: Value) throws(TextRetry) {
    guard !isClosed, valueDepth ?? counts.count == counts.count,
      counts.isEmpty || counts.count == extents.count
    else { throw fault("is a ragged list") }
    valueDepth = counts.count
    if !counts.isEmpty { counts[counts.count - 1] += 1 }
    values.append(value)
  }

  /// Reads `nan`, `True`, or a type's name with its parenthesis; `, dtype=float32` is passed over.
  private mutating func readWord(
    _ text: Span<UInt8>, at offset: inout Int, isNegative: Bool
  ) throws(TextRetry) {
    var word = ""
    while offset < text.count, word.utf8.count < 40 {
      let letter = Unicode.Scalar(text[offset])
      guard
        letter.properties.isAlphabetic && letter.isASCII
          || "0123456789._".contains(Character(letter))
      else { break }
      word.unicodeScalars.append(letter)
      offset += 1
    }
    let name = word.split(separator: ".").last.map(String.init) ?? ""
    if offset < text.count, text[offset] == UInt8(ascii: "("), !isNegative {
      guard Self.types.contains(name) else { throw fault("holds \(word)(…) where numbers belong") }
      guard parentheses.count < Self.depthLimit else { throw fault("nests too many lists") }
      parentheses.append(["float64", "double", "longdouble"].contains(name))
      offset += 1
      return
    }
    if name == "dtype", offset < text.count, text[offset] == UInt8(ascii: "="), !isNegative {
      while offset < text.count, text[offset] != UInt8(ascii: ")"),
        text[offset] != UInt8(ascii: "\n")
      { offset += 1 }
      return
    }
    switch name.lowercased() {
    case "nan": try append(Value(special: .nan))
    case "inf", "infinity": try append(Value(special: isNegative ? -.infinity : .infinity))
    case "true" where !isNegative, "true_" where !isNegative:
      try append(Value(truth: true))
      booleanCount += 1
    case "false" where !isNegative, "false_" where !isNegative:
      try append(Value(truth: false))
      booleanCount += 1
    default: throw fault("holds \(word) where numbers belong")
    }
  }

  private static var types: Set<String> {
    [
      "array", "tensor", "Tensor", "float", "int", "bool", "bool_", "double", "longdouble",
      "float16", "float32", "float64", "bfloat16", "int8", "int16", "int32", "int64", "uint8",
      "uint16", "uint32", "uint64", "intp", "longlong",
    ]
  }
}
