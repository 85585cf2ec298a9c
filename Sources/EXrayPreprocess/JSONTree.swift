/// A JSON value that remembers where each part was, so that a complaint can name the byte.
///
/// Numbers keep their spelling: 0.485 stays 0.485 whatever precision it is used in.
struct JSONTree: Sendable, Hashable {
  indirect enum Value: Sendable, Hashable {
    case null
    case bool(Bool)
    case number(String)
    case string(String)
    case array([JSONTree])
    case object([Member])
  }

  struct Member: Sendable, Hashable {
    var key: String
    var offset: Int
    var value: JSONTree
  }

  var value: Value
  var offset = 0

  init(_ value: Value, offset: Int = 0) {
    self.value = value
    self.offset = offset
  }

  /// The kind of value, for messages.
  var kind: String {
    switch value {
    case .null: "null"
    case .bool: "true or false"
    case .number: "a number"
    case .string: "a string"
    case .array: "a list"
    case .object: "an object"
    }
  }
}

// MARK: Writing

extension JSONTree {
  static func string(_ text: String) -> JSONTree { JSONTree(.string(text)) }
  static func integer(_ value: Int) -> JSONTree { JSONTree(.number(String(value))) }

  /// A number as a person would write it: 127.5, 0.485, 1 rather than 1.0.
  static func number(_ value: Double) -> JSONTree { JSONTree(.number(plain("\(value)"))) }
  static func number(_ value: Float) -> JSONTree { JSONTree(.number(plain("\(value)"))) }

  private static func plain(_ text: String) -> String {
    text.hasSuffix(".0") ? String(text.dropLast(2)) : text
  }

  static func object(_ members: [String: JSONTree?]) -> JSONTree {
    let sorted = members.sorted { $0.key < $1.key }
    return JSONTree(
      .object(
        sorted.compactMap { key, value in value.map { Member(key: key, offset: 0, value: $0) } }))
  }

  /// The value as JSON text, members in the order they have.
  func text(isPretty: Bool, indentation: Int = 0) -> String {
    let inner = String(repeating: "  ", count: indentation + 1)
    let outer = String(repeating: "  ", count: indentation)
    switch value {
    case .null: return "null"
    case .bool(let flag): return flag ? "true" : "false"
    case .number(let spelling): return spelling
    case .string(let text): return Self.quoted(text)
    case .array(let elements):
      let parts = elements.map { $0.text(isPretty: false) }
      return "[" + parts.joined(separator: isPretty ? ", " : ",") + "]"
    case .object(let members):
      let parts = members.map {
        Self.quoted($0.key) + (isPretty ? ": " : ":")
          + $0.value.text(isPretty: isPretty, indentation: indentation + 1)
      }
      if parts.isEmpty { return "{}" }
      return isPretty
        ? "{\n" + parts.map { inner + $0 }.joined(separator: ",\n") + "\n\(outer)}"
        : "{" + parts.joined(separator: ",") + "}"
    }
  }

  private static func quoted(_ text: String) -> String {
    var result = "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"": result += "\\\""
      case "\\": result += "\\\\"
      case "\n": result += "\\n"
      case "\t": result += "\\t"
      case "\r": result += "\\r"
      case _ where scalar.value < 0x20:
        let digits = String(scalar.value, radix: 16)
        result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result + "\""
  }
}

// MARK: Codable

/// A key of any name.
private struct AnyKey: CodingKey {
  var stringValue: String
  var intValue: Int? { nil }
  init(stringValue: String) { self.stringValue = stringValue }
  init?(intValue: Int) { nil }
}

extension JSONTree: Codable {
  init(from decoder: any Decoder) throws {
    if let container = try? decoder.container(keyedBy: AnyKey.self) {
      let members = try container.allKeys.map {
        Member(
          key: $0.stringValue, offset: 0, value: try container.decode(JSONTree.self, forKey: $0))
      }
      self.init(.object(members.sorted { $0.key < $1.key }))
      return
    }
    if var container = try? decoder.unkeyedContainer() {
      var elements: [JSONTree] = []
      while !container.isAtEnd { elements.append(try container.decode(JSONTree.self)) }
      self.init(.array(elements))
      return
    }
    let container = try decoder.singleValueContainer()
    if container.decodeNil() {
      self.init(.null)
    } else if let flag = try? container.decode(Bool.self) {
      self.init(.bool(flag))
    } else if let number = try? container.decode(Double.self) {
      self = .number(number)
    } else {
      self.init(.string(try container.decode(String.self)))
    }
  }

  func encode(to encoder: any Encoder) throws {
    switch value {
    case .object(let members):
      var container = encoder.container(keyedBy: AnyKey.self)
      for member in members {
        try container.encode(member.value, forKey: AnyKey(stringValue: member.key))
      }
    case .array(let elements):
      var container = encoder.unkeyedContainer()
      for element in elements { try container.encode(element) }
    case .null:
      var container = encoder.singleValueContainer()
      try container.encodeNil()
    case .bool(let flag):
      var container = encoder.singleValueContainer()
      try container.encode(flag)
    case .number(let spelling):
      var container = encoder.singleValueContainer()
      if let integer = Int(spelling) {
        try container.encode(integer)
      } else {
        try container.encode(Double(spelling) ?? .nan)
      }
    case .string(let text):
      var container = encoder.singleValueContainer()
      try container.encode(text)
    }
  }
}
