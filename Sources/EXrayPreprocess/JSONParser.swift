/// Reads JSON text into a ``JSONTree``, strictly (RFC 8259) and within bounds.
struct JSONParser {
  private let bytes: [UInt8]
  private let file: String
  private var offset = 0

  /// A recipe is a few hundred bytes; a megabyte is not one.
  static let byteLimit = 1 << 20
  private static let depthLimit = 16

  /// Reads one value that fills all of `bytes`.
  static func parse(_ bytes: [UInt8], file: String) throws(PreprocessError) -> JSONTree {
    guard bytes.count <= byteLimit else {
      throw PreprocessError(
        .invalidRecipe, file: file,
        "has \(bytes.count) bytes, a recipe has at most \(byteLimit); give a recipe's JSON file")
    }
    var parser = JSONParser(bytes: bytes, file: file)
    if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { parser.offset = 3 }
    let tree = try parser.value(depth: 0)
    parser.skipSpace()
    guard parser.offset == bytes.count else {
      throw parser.error("more text after the end of the JSON value; remove it")
    }
    return tree
  }

  private init(bytes: [UInt8], file: String) {
    self.bytes = bytes
    self.file = file
  }

  private func error(_ message: String, at position: Int? = nil) -> PreprocessError {
    PreprocessError(.invalidRecipe, file: file, offset: position ?? offset, message)
  }

  private var next: UInt8? { offset < bytes.count ? bytes[offset] : nil }

  private mutating func skipSpace() {
    while let byte = next, byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 {
      offset += 1
    }
  }

  private mutating func take(_ character: Unicode.Scalar) -> Bool {
    guard next == UInt8(ascii: character) else { return false }
    offset += 1
    return true
  }

  private mutating func value(depth: Int) throws(PreprocessError) -> JSONTree {
    skipSpace()
    let start = offset
    guard depth <= Self.depthLimit else {
      throw error("nested deeper than \(Self.depthLimit) levels; a recipe needs three")
    }
    guard let byte = next else { throw error("the text ends too early; complete the JSON") }
    switch byte {
    case UInt8(ascii: "{"): return JSONTree(try object(depth: depth), offset: start)
    case UInt8(ascii: "["): return JSONTree(try array(depth: depth), offset: start)
    case UInt8(ascii: "\""): return JSONTree(.string(try string()), offset: start)
    case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"):
      return JSONTree(.number(try number()), offset: start)
    default:
      for (word, meaning) in [
        ("true", JSONTree.Value.bool(true)), ("false", .bool(false)), ("null", .null),
      ] where bytes[offset...].starts(with: word.utf8) {
        offset += word.utf8.count
        return JSONTree(meaning, offset: start)
      }
      throw error("a JSON value cannot begin with byte \(byte); correct the JSON")
    }
  }

  private mutating func object(depth: Int) throws(PreprocessError) -> JSONTree.Value {
    offset += 1
    var members: [JSONTree.Member] = []
    var seen: Set<String> = []
    skipSpace()
    if take("}") { return .object([]) }
    while true {
      skipSpace()
      let start = offset
      guard next == UInt8(ascii: "\"") else {
        throw error("expected a key in double quotes; correct the JSON")
      }
      let key = try string()
      guard seen.insert(key).inserted else {
        throw error("the key \"\(key)\" is there twice; remove one", at: start)
      }
      skipSpace()
      guard take(":") else { throw error("expected a colon after \"\(key)\"; correct the JSON") }
      members.append(.init(key: key, offset: start, value: try value(depth: depth + 1)))
      skipSpace()
      if take("}") { return .object(members) }
      guard take(",") else { throw error("expected a comma or }; correct the JSON") }
    }
  }

  private mutating func array(depth: Int) throws(PreprocessError) -> JSONTree.Value {
    offset += 1
    var elements: [JSONTree] = []
    skipSpace()
    if take("]") { return .array([]) }
    while true {
      elements.append(try value(depth: depth + 1))
      skipSpace()
      if take("]") { return .array(elements) }
      guard take(",") else { throw error("expected a comma or ]; correct the JSON") }
    }
  }

  private mutating func digits() -> Int {
    let start = offset
    while let byte = next, byte >= 0x30, byte <= 0x39 { offset += 1 }
    return offset - start
  }

  private mutating func number() throws(PreprocessError) -> String {
    let start = offset
    _ = take("-")
    let isZero = next == 0x30
    let count = digits()
    var isValid = count > 0 && !(isZero && count > 1)
    if take(".") { isValid = digits() > 0 && isValid }
    if take("e") || take("E") {
      if !take("+") { _ = take("-") }
      isValid = digits() > 0 && isValid
    }
    let spelling = String(decoding: bytes[start..<offset], as: UTF8.self)
    guard isValid, let value = Double(spelling), value.isFinite else {
      throw error("\(spelling.prefix(40)) is not a JSON number; correct it", at: start)
    }
    return spelling
  }

  private mutating func string() throws(PreprocessError) -> String {
    let start = offset
    offset += 1
    var text: [UInt8] = []
    while let byte = next {
      offset += 1
      switch byte {
      case UInt8(ascii: "\""):
        guard let string = String(validating: text, as: UTF8.self) else {
          throw error("a string is not valid UTF-8; save the file as UTF-8", at: start)
        }
        return string
      case UInt8(ascii: "\\"): text += Array(String(try escape()).utf8)
      case 0..<0x20: throw error("a string holds a control character; escape it", at: offset - 1)
      default: text.append(byte)
      }
    }
    throw error("a string has no closing quote; add it", at: start)
  }

  private mutating func escape() throws(PreprocessError) -> Character {
    guard let byte = next else { throw error("the text ends in an escape; complete it") }
    offset += 1
    switch byte {
    case UInt8(ascii: "\""): return "\""
    case UInt8(ascii: "\\"): return "\\"
    case UInt8(ascii: "/"): return "/"
    case UInt8(ascii: "b"): return "\u{8}"
    case UInt8(ascii: "f"): return "\u{C}"
    case UInt8(ascii: "n"): return "\n"
    case UInt8(ascii: "r"): return "\r"
    case UInt8(ascii: "t"): return "\t"
    case UInt8(ascii: "u"):
      var unit = try hexadecimal()
      if (0xD800..<0xDC00).contains(unit), take("\\"), take("u") {
        let low = try hexadecimal()
        if (0xDC00..<0xE000).contains(low) {
          unit = 0x10000 + (unit - 0xD800) << 10 + (low - 0xDC00)
        }
      }
      guard let scalar = Unicode.Scalar(unit) else {
        throw error("half of a surrogate pair; write the character itself")
      }
      return Character(scalar)
    default: throw error("unknown escape in a string; correct it", at: offset - 1)
    }
  }

  private mutating func hexadecimal() throws(PreprocessError) -> UInt32 {
    var value: UInt32 = 0
    for _ in 0..<4 {
      guard let byte = next, let digit = Character(Unicode.Scalar(byte)).hexDigitValue else {
        throw error("\\u needs four hexadecimal digits; correct it")
      }
      value = value << 4 + UInt32(digit)
      offset += 1
    }
    return value
  }
}
