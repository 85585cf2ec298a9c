/// A JSON document as a value, written in one way only.
enum JSONValue: Codable, Hashable {
  case null
  case bool(Bool)
  case integer(Int64)
  case unsigned(UInt64)
  case number(Double)
  case string(String)
  case array([JSONValue])
  case object([String: JSONValue])

  init(from decoder: any Decoder) throws {
    if let container = try? decoder.container(keyedBy: AnyKey.self) {
      var members: [String: JSONValue] = [:]
      for key in container.allKeys {
        members[key.stringValue] = try container.decode(JSONValue.self, forKey: key)
      }
      self = .object(members)
    } else if var container = try? decoder.unkeyedContainer() {
      var elements: [JSONValue] = []
      while !container.isAtEnd { elements.append(try container.decode(JSONValue.self)) }
      self = .array(elements)
    } else {
      self = try Self.scalar(from: decoder.singleValueContainer())
    }
  }

  private static func scalar(from container: any SingleValueDecodingContainer) throws -> JSONValue {
    if container.decodeNil() { return .null }
    if let value = try? container.decode(String.self) { return .string(value) }
    if let value = try? container.decode(Bool.self) { return .bool(value) }
    if let value = try? container.decode(Int64.self) { return .integer(value) }
    if let value = try? container.decode(UInt64.self) { return .unsigned(value) }
    return .number(try container.decode(Double.self))
  }

  func encode(to encoder: any Encoder) throws {
    switch self {
    case .object(let members):
      var container = encoder.container(keyedBy: AnyKey.self)
      for (key, value) in members.sorted(by: { $0.key < $1.key }) {
        try container.encode(value, forKey: AnyKey(stringValue: key))
      }
    case .array(let elements):
      var container = encoder.unkeyedContainer()
      for element in elements { try container.encode(element) }
    case .null:
      var container = encoder.singleValueContainer()
      try container.encodeNil()
    case .bool(let value): try Self.encode(value, to: encoder)
    case .integer(let value): try Self.encode(value, to: encoder)
    case .unsigned(let value): try Self.encode(value, to: encoder)
    case .number(let value): try Self.encode(value, to: encoder)
    case .string(let value): try Self.encode(value, to: encoder)
    }
  }

  private static func encode(_ value: some Encodable, to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(value)
  }

  private struct AnyKey: CodingKey {
    var stringValue: String
    var intValue: Int? { nil }
    init(stringValue: String) { self.stringValue = stringValue }
    init?(intValue: Int) { nil }
  }

  /// The document with sorted keys, two spaces a level, short arrays of numbers on one line.
  func text(indent: String = "") -> String {
    var result = ""
    write(into: &result, indent: indent)
    return result
  }

  private func write(into result: inout String, indent: String) {
    let inner = indent + "  "
    switch self {
    case .null: result += "null"
    case .bool(let value): result += value ? "true" : "false"
    case .integer(let value): result += value.description
    case .unsigned(let value): result += value.description
    case .number(let value): result += value.isFinite ? value.description : "null"
    case .string(let value): Self.write(value, into: &result)
    case .array(let elements) where elements.allSatisfy(\.isNumber):
      result += "["
      for (index, element) in elements.enumerated() {
        if index > 0 { result += ", " }
        element.write(into: &result, indent: inner)
      }
      result += "]"
    case .array(let elements):
      result += "[\n"
      for (index, element) in elements.enumerated() {
        result += inner
        element.write(into: &result, indent: inner)
        result += index + 1 < elements.count ? ",\n" : "\n"
      }
      result += indent + "]"
    case .object(let members) where members.isEmpty:
      result += "{}"
    case .object(let members):
      result += "{\n"
      let sorted = members.sorted { $0.key < $1.key }
      for (index, member) in sorted.enumerated() {
        result += inner
        Self.write(member.key, into: &result)
        result += ": "
        member.value.write(into: &result, indent: inner)
        result += index + 1 < sorted.count ? ",\n" : "\n"
      }
      result += indent + "}"
    }
  }

  private var isNumber: Bool {
    switch self {
    case .null, .integer, .unsigned, .number: true
    default: false
    }
  }

  private static func write(_ text: String, into result: inout String) {
    let digits = Array("0123456789abcdef".unicodeScalars)
    result += "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"": result += "\\\""
      case "\\": result += "\\\\"
      case "\n": result += "\\n"
      case "\r": result += "\\r"
      case "\t": result += "\\t"
      case "\u{0}"..."\u{1f}", "\u{7f}"..."\u{9f}", "\u{2028}", "\u{2029}":
        result += "\\u"
        for shift in [12, 8, 4, 0] {
          result.unicodeScalars.append(digits[Int(scalar.value >> UInt32(shift)) & 15])
        }
      default: result.unicodeScalars.append(scalar)
      }
    }
    result += "\""
  }
}
