import EXrayJSON

/// What is wrong with a description, as the rest of a sentence; whoever knows the place completes it.
struct Fault: Error {
  let text: String

  init(_ text: String) { self.text = text }
}

/// Typed access to the text entries of a metadata map.
struct Fields {
  private let entries: [String: String]

  init(_ entries: [String: String]) { self.entries = entries }

  func text(_ key: String) throws(Fault) -> String {
    guard let value = entries[key] else { throw Fault("lacks the entry \(key)") }
    return value
  }

  func integer<Value: FixedWidthInteger>(_ key: String) throws(Fault) -> Value {
    let value = try text(key)
    guard let number = Value(value) else {
      throw Fault("has \(key) \(value.prefix(40)), which is not a whole number in range")
    }
    return number
  }

  /// Values separated by commas; empty text is an empty list.
  func list<Value: LosslessStringConvertible>(_ key: String) throws(Fault) -> [Value] {
    var list: [Value] = []
    for part in try text(key).split(separator: ",", omittingEmptySubsequences: false)
    where try !text(key).isEmpty {
      guard let number = Value(String(part)) else {
        throw Fault("has \(part.prefix(40)) in \(key), which is not a number in range")
      }
      list.append(number)
    }
    return list
  }
}

/// Typed access to the members of a JSON object.
extension JSONTree {
  func text(_ key: String) throws(Fault) -> String {
    guard case .string(let text) = self[key]?.value else { throw Fault("lacks the text \(key)") }
    return text
  }

  func optionalText(_ key: String) throws(Fault) -> String? {
    switch self[key]?.value {
    case nil, .null: nil
    default: try text(key)
    }
  }

  func integer<Number: FixedWidthInteger>(_ key: String) throws(Fault) -> Number {
    guard case .number(let digits) = self[key]?.value, let number = Number(digits) else {
      throw Fault("lacks the whole number \(key), or it is out of range")
    }
    return number
  }

  /// A whole number, or nil where the key is absent or null.
  func optionalInteger<Number: FixedWidthInteger>(_ key: String) throws(Fault) -> Number? {
    switch self[key]?.value {
    case nil, .null: nil
    default: try integer(key)
    }
  }

  /// A number; text stands for what JSON has no number for.
  func number(_ key: String) throws(Fault) -> Double {
    switch self[key]?.value {
    case .number(let digits):
      if let number = Double(digits), number.isFinite { return number }
    case .string("NaN"): return .nan
    case .string("Infinity"): return .infinity
    case .string("-Infinity"): return -.infinity
    default: break
    }
    throw Fault("lacks the number \(key), or it is out of range")
  }
}
