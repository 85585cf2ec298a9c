/// A JSON value; numbers keep their text, so that 64-bit integers stay exact.
enum JSONValue: Hashable {
  case object([String: JSONValue])
  case array([JSONValue])
  case string(String)
  case number(String)
  case bool(Bool)
  case null

  /// Reads one value, at most 32 levels deep.
  init(parsing bytes: [UInt8]) throws(Fault) {
    var parser = JSONParser(bytes)
    self = try parser.document()
  }

  subscript(key: String) -> JSONValue? {
    guard case .object(let members) = self else { return nil }
    return members[key]
  }

  var items: [JSONValue]? {
    guard case .array(let items) = self else { return nil }
    return items
  }

  func text(_ key: String) throws(Fault) -> String {
    guard case .string(let text) = self[key] else { throw Fault("lacks the text \(key)") }
    return text
  }

  func optionalText(_ key: String) throws(Fault) -> String? {
    switch self[key] {
    case nil, .null: return nil
    default: return try text(key)
    }
  }

  func integer<Value: FixedWidthInteger>(_ key: String) throws(Fault) -> Value {
    guard case .number(let digits) = self[key], let number = Value(digits) else {
      throw Fault("lacks the whole number \(key), or it is out of range")
    }
    return number
  }

  /// A text as JSON writes it, in quotes.
  static func quote(_ text: String) -> String {
    let digits = Array("0123456789abcdef".utf8)
    var bytes: [UInt8] = [UInt8(ascii: "\"")]
    for byte in text.utf8 {
      switch byte {
      case UInt8(ascii: "\""), UInt8(ascii: "\\"): bytes += [UInt8(ascii: "\\"), byte]
      case 0..<0x20:
        bytes += "\\u00".utf8
        bytes += [digits[Int(byte >> 4)], digits[Int(byte & 15)]]
      default: bytes.append(byte)
      }
    }
    bytes.append(UInt8(ascii: "\""))
    return String(decoding: bytes, as: UTF8.self)
  }
}

/// Reads JSON text (RFC 8259) that may be hostile: bounded depth, no member twice, errors with their place.
struct JSONParser {
  private let bytes: [UInt8]
  private var position = 0

  init(_ bytes: [UInt8]) { self.bytes = bytes }

  mutating func document() throws(Fault) -> JSONValue {
    let value = try value(depth: 0)
    skipSpace()
    guard position == bytes.count else { throw unexpected() }
    return value
  }

  private mutating func value(depth: Int) throws(Fault) -> JSONValue {
    guard depth < 32 else { throw Fault("is JSON nested more than 32 deep") }
    skipSpace()
    switch peek {
    case UInt8(ascii: "{"): return try object(depth)
    case UInt8(ascii: "["): return try array(depth)
    case UInt8(ascii: "\""): return .string(try string())
    case UInt8(ascii: "t"): return try word("true", .bool(true))
    case UInt8(ascii: "f"): return try word("false", .bool(false))
    case UInt8(ascii: "n"): return try word("null", .null)
    default: return try number()
    }
  }

  private mutating func object(_ depth: Int) throws(Fault) -> JSONValue {
    var members: [String: JSONValue] = [:]
    position += 1
    skipSpace()
    if take("}") { return .object(members) }
    repeat {
      skipSpace()
      let key = try string()
      skipSpace()
      guard take(":") else { throw unexpected() }
      let member = try value(depth: depth + 1)
      guard members.updateValue(member, forKey: key) == nil else {
        throw Fault("is JSON with the member \(key.prefix(40)) twice")
      }
      skipSpace()
    } while take(",")
    guard take("}") else { throw unexpected() }
    return .object(members)
  }

  private mutating func array(_ depth: Int) throws(Fault) -> JSONValue {
    var items: [JSONValue] = []
    position += 1
    skipSpace()
    if take("]") { return .array(items) }
    repeat {
      items.append(try value(depth: depth + 1))
      skipSpace()
    } while take(",")
    guard take("]") else { throw unexpected() }
    return .array(items)
  }

  private mutating func string() throws(Fault) -> String {
    guard take("\"") else { throw unexpected() }
    var text: [UInt8] = []
    while let byte = peek {
      switch byte {
      case UInt8(ascii: "\""):
        position += 1
        guard let result = String(validating: text, as: UTF8.self) else {
          throw Fault("is JSON with text that is not UTF-8")
        }
        return result
      case UInt8(ascii: "\\"):
        position += 1
        try escape(into: &text)
      case 0..<0x20: throw unexpected()
      default:
        text.append(byte)
        position += 1
      }
    }
    throw unexpected()
  }

  private mutating func escape(into text: inout [UInt8]) throws(Fault) {
    guard let byte = peek else { throw unexpected() }
    position += 1
    switch byte {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): text.append(byte)
    case UInt8(ascii: "b"): text.append(8)
    case UInt8(ascii: "f"): text.append(12)
    case UInt8(ascii: "n"): text.append(10)
    case UInt8(ascii: "r"): text.append(13)
    case UInt8(ascii: "t"): text.append(9)
    case UInt8(ascii: "u"):
      var code = try hexadecimal()
      if (0xD800..<0xDC00).contains(code) {
        guard take("\\"), take("u") else { throw unexpected() }
        let low = try hexadecimal()
        guard (0xDC00..<0xE000).contains(low) else { throw unexpected() }
        code = 0x10000 + (code - 0xD800) << 10 + (low - 0xDC00)
      }
      guard let scalar = Unicode.Scalar(code) else { throw unexpected() }
      text.append(contentsOf: String(Character(scalar)).utf8)
    default: throw unexpected()
    }
  }

  private mutating func hexadecimal() throws(Fault) -> UInt32 {
    guard bytes.count - position >= 4 else { throw unexpected() }
    var code: UInt32 = 0
    for _ in 0..<4 {
      guard let digit = Character(Unicode.Scalar(bytes[position])).hexDigitValue else {
        throw unexpected()
      }
      code = code << 4 | UInt32(digit)
      position += 1
    }
    return code
  }

  private mutating func number() throws(Fault) -> JSONValue {
    let start = position
    while let byte = peek,
      (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) || "+-.eE".utf8.contains(byte)
    { position += 1 }
    let text = String(decoding: bytes[start..<position], as: UTF8.self)
    guard let value = Double(text), value.isFinite else {
      position = start
      throw unexpected()
    }
    return .number(text)
  }

  private mutating func word(_ text: String, _ value: JSONValue) throws(Fault) -> JSONValue {
    guard bytes[position...].starts(with: text.utf8) else { throw unexpected() }
    position += text.utf8.count
    return value
  }

  private var peek: UInt8? { position < bytes.count ? bytes[position] : nil }

  private mutating func take(_ character: Unicode.Scalar) -> Bool {
    guard peek == UInt8(ascii: character) else { return false }
    position += 1
    return true
  }

  private mutating func skipSpace() {
    while let byte = peek, byte == 0x20 || byte == 0x09 || byte == 0x0A || byte == 0x0D {
      position += 1
    }
  }

  private func unexpected() -> Fault {
    Fault(
      "is JSON with \(peek.map { "byte \($0)" } ?? "its end") where something else must follow,"
        + " at \(position) of \(bytes.count)")
  }
}
