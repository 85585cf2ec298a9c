extension JSONTree {
  /// Reads one value that fills all of a text, strictly as RFC 8259 has it.
  ///
  /// - Parameters:
  ///   - bytes: UTF-8; a byte order mark at its start is skipped.
  ///   - limits: How long and how deep the text may be.
  /// - Throws: ``JSONError`` with the byte. Refused beyond what the RFC demands: a key that its object has
  ///   already (compared as Swift compares strings), halves of surrogate pairs, numbers that overflow a
  ///   double or take more than 1024 bytes. Numbers too small for a double are kept as they are spelled.
  /// - Complexity: O(*n*) time and space.
  public init(parsing bytes: [UInt8], limits: JSONLimits = JSONLimits()) throws(JSONError) {
    guard bytes.count <= limits.byteCount else {
      throw JSONError(
        .tooLarge, at: limits.byteCount,
        "\(bytes.count) bytes where at most \(limits.byteCount) are read",
        remedy: "shorten the text")
    }
    var parser = JSONParser(bytes, depthLimit: min(limits.depth, JSONLimits.greatestDepth))
    self = try parser.document()
  }
}

/// The state of reading one text.
private struct JSONParser {
  private let bytes: [UInt8]
  private let depthLimit: Int
  private var offset = 0

  init(_ bytes: [UInt8], depthLimit: Int) {
    self.bytes = bytes
    self.depthLimit = depthLimit
    if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { offset = 3 }
  }

  mutating func document() throws(JSONError) -> JSONTree {
    let tree = try value(depth: 0)
    skipSpace()
    guard offset == bytes.count else { throw unexpected("remove what follows the JSON value") }
    return tree
  }

  private mutating func value(depth: Int) throws(JSONError) -> JSONTree {
    skipSpace()
    let start = offset
    guard depth < depthLimit else {
      throw JSONError(
        .tooDeep, at: offset, "values nested more than \(depthLimit) deep", remedy: "flatten them")
    }
    let value: JSONTree.Value
    switch next {
    case UInt8(ascii: "{"): value = .object(try object(depth: depth))
    case UInt8(ascii: "["): value = .array(try array(depth: depth))
    case UInt8(ascii: "\""): value = .string(try string())
    case UInt8(ascii: "-"), (0x30...0x39)?: value = .number(try number())
    case UInt8(ascii: "t"): value = try word("true", .bool(true))
    case UInt8(ascii: "f"): value = try word("false", .bool(false))
    case UInt8(ascii: "n"): value = try word("null", .null)
    default: throw unexpected("write a JSON value here")
    }
    return JSONTree(value, offset: start)
  }

  private mutating func word(
    _ text: String, _ value: JSONTree.Value
  ) throws(JSONError) -> JSONTree.Value {
    guard bytes[offset...].starts(with: text.utf8) else { throw unexpected("write \(text)") }
    offset += text.utf8.count
    return value
  }

  private mutating func object(depth: Int) throws(JSONError) -> [JSONTree.Member] {
    var members: [JSONTree.Member] = []
    // Searching few members is faster than hashing them, searching many would take quadratic time.
    var seen: Set<String> = []
    offset += 1
    skipSpace()
    if take("}") { return [] }
    while true {
      skipSpace()
      let start = offset
      guard next == UInt8(ascii: "\"") else { throw unexpected("write a key in double quotes") }
      let key = try string()
      if members.count == 16 { seen = Set(members.map(\.key)) }
      let isNew =
        members.count < 16 ? !members.contains { $0.key == key } : seen.insert(key).inserted
      guard isNew else {
        throw JSONError(
          .duplicateKey, at: start, "the key \"\(key.prefix(40))\" twice", remedy: "remove one")
      }
      skipSpace()
      guard take(":") else { throw unexpected("write a colon after the key") }
      members.append(.init(key: key, offset: start, value: try value(depth: depth + 1)))
      skipSpace()
      if take("}") { return members }
      guard take(",") else { throw unexpected("write a comma or }") }
    }
  }

  private mutating func array(depth: Int) throws(JSONError) -> [JSONTree] {
    var elements: [JSONTree] = []
    offset += 1
    skipSpace()
    if take("]") { return [] }
    while true {
      elements.append(try value(depth: depth + 1))
      skipSpace()
      if take("]") { return elements }
      guard take(",") else { throw unexpected("write a comma or ]") }
    }
  }
}

// MARK: Numbers

extension JSONParser {
  private mutating func number() throws(JSONError) -> String {
    let start = offset
    _ = take("-")
    let isZero = next == UInt8(ascii: "0")
    let count = digits()
    var isValid = count > 0 && !(isZero && count > 1)
    if take(".") { isValid = digits() > 0 && isValid }
    let hasExponent = take("e") || take("E")
    if hasExponent {
      if !take("+") { _ = take("-") }
      isValid = digits() > 0 && isValid
    }
    let length = offset - start
    guard length <= JSONLimits.numberByteCount else {
      throw JSONError(
        .invalidNumber, at: start,
        "a number of \(length) bytes where at most \(JSONLimits.numberByteCount) are read",
        remedy: "write fewer digits")
    }
    let spelling = String(decoding: bytes[start..<offset], as: UTF8.self)
    guard isValid else {
      throw JSONError(
        .invalidNumber, at: start, "\(spelling.prefix(40)), which is not a JSON number",
        remedy: "correct it")
    }
    // Only an exponent or more than 300 digits can exceed a double.
    guard !hasExponent && length <= 300 || Double(spelling).map(\.isFinite) == true else {
      throw JSONError(
        .invalidNumber, at: start, "\(spelling.prefix(40)), which no 64-bit number can hold",
        remedy: "write a smaller number")
    }
    return spelling
  }

  private mutating func digits() -> Int {
    let start = offset
    while let byte = next, byte >= 0x30, byte <= 0x39 { offset += 1 }
    return offset - start
  }
}

// MARK: Strings

extension JSONParser {
  private mutating func string() throws(JSONError) -> String {
    let start = offset
    offset += 1
    var text: [UInt8] = []
    var plain = offset
    while let byte = next {
      switch byte {
      case UInt8(ascii: "\""):
        let rest = bytes[plain..<offset]
        offset += 1
        let string =
          text.isEmpty
          ? String(validating: rest, as: UTF8.self)
          : String(validating: text + rest, as: UTF8.self)
        guard let string else {
          throw JSONError(
            .invalidString, at: start, "a string that is not UTF-8",
            remedy: "save the text as UTF-8")
        }
        return string
      case UInt8(ascii: "\\"):
        text += bytes[plain..<offset]
        offset += 1
        text += UTF8.encode(try escape()).map(Array.init) ?? []
        plain = offset
      case 0..<0x20:
        throw JSONError(
          .invalidString, at: offset, "the control character \(byte) within a string",
          remedy: "escape it")
      default: offset += 1
      }
    }
    throw JSONError(
      .unexpectedEnd, at: start, "a string without its closing quote", remedy: "add the quote")
  }

  private mutating func escape() throws(JSONError) -> Unicode.Scalar {
    let byte = next
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
      var code = try hexadecimal()
      if (0xD800..<0xDC00).contains(code), take("\\"), take("u") {
        let low = try hexadecimal()
        if (0xDC00..<0xE000).contains(low) {
          code = 0x10000 + (code - 0xD800) << 10 + (low - 0xDC00)
        }
      }
      guard let scalar = Unicode.Scalar(code) else {
        throw JSONError(
          .invalidString, at: offset, "half of a surrogate pair",
          remedy: "write the character itself")
      }
      return scalar
    default:
      offset -= 1
      guard byte != nil else { throw unexpected("complete the escape") }
      throw JSONError(
        .invalidString, at: offset, "an escape that JSON does not have",
        remedy: "write \\\\ for a backslash")
    }
  }

  private mutating func hexadecimal() throws(JSONError) -> UInt32 {
    var code: UInt32 = 0
    for _ in 0..<4 {
      let digit: UInt8
      switch next {
      case let byte? where (0x30...0x39).contains(byte): digit = byte - 0x30
      case let byte? where (0x41...0x46).contains(byte): digit = byte - 0x41 + 10
      case let byte? where (0x61...0x66).contains(byte): digit = byte - 0x61 + 10
      default: throw unexpected("write four hexadecimal digits after \\u")
      }
      code = code << 4 | UInt32(digit)
      offset += 1
    }
    return code
  }
}

// MARK: Bytes

extension JSONParser {
  private var next: UInt8? { offset < bytes.count ? bytes[offset] : nil }

  private mutating func take(_ character: Unicode.Scalar) -> Bool {
    guard next == UInt8(ascii: character) else { return false }
    offset += 1
    return true
  }

  private mutating func skipSpace() {
    while let byte = next, byte == 0x20 || byte == 0x09 || byte == 0x0A || byte == 0x0D {
      offset += 1
    }
  }

  private func unexpected(_ remedy: String) -> JSONError {
    guard let byte = next else {
      return JSONError(.unexpectedEnd, at: offset, "an early end", remedy: remedy)
    }
    let isPrintable = (0x21...0x7E).contains(byte)
    let shown = isPrintable ? "'\(Character(Unicode.Scalar(byte)))'" : "byte \(byte)"
    return JSONError(.unexpectedByte, at: offset, "an unexpected \(shown)", remedy: remedy)
  }
}
