/// A JSON value that remembers where each part was, so that a complaint can name the byte.
///
/// Numbers keep their spelling: 0.485 stays 0.485, and 64-bit integers stay exact. Trees are equal where
/// their values are, wherever those stood.
public struct JSONTree: Sendable, Equatable {
  /// What a tree is.
  public enum Value: Sendable, Equatable {
    case null
    case bool(Bool)
    /// A number as JSON spells it.
    case number(String)
    case string(String)
    case array([JSONTree])
    /// Members in the order they have; a parsed object has no key twice.
    case object([Member])
  }

  /// A key and its value.
  public struct Member: Sendable, Equatable {
    /// The name.
    public var key: String
    /// Bytes from the start of the text to the key's opening quote; 0 where there is no text.
    public var offset: Int
    /// What the name stands for.
    public var value: JSONTree

    /// Creates a member.
    public init(key: String, offset: Int = 0, value: JSONTree) {
      self.key = key
      self.offset = offset
      self.value = value
    }

    /// Whether keys and values are equal.
    public static func == (left: Self, right: Self) -> Bool {
      left.key == right.key && left.value == right.value
    }
  }

  /// What the tree is.
  public var value: Value
  /// Bytes from the start of the text to the value; 0 where there is no text.
  public var offset: Int

  /// Creates a tree.
  public init(_ value: Value, offset: Int = 0) {
    self.value = value
    self.offset = offset
  }

  /// Whether values are equal.
  public static func == (left: Self, right: Self) -> Bool { left.value == right.value }

  /// The value of a key, or nil where this is no object or lacks the key.
  ///
  /// - Complexity: O(*n*) in the members.
  public subscript(key: String) -> JSONTree? {
    guard case .object(let members) = value else { return nil }
    return members.first { $0.key == key }?.value
  }

  /// The kind of value, for messages.
  public var kind: String {
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

// MARK: Making trees

extension JSONTree {
  /// The absence of a value.
  public static var null: JSONTree { JSONTree(.null) }

  /// A text.
  public static func string(_ text: String) -> JSONTree { JSONTree(.string(text)) }

  /// A list.
  public static func array(_ elements: [JSONTree]) -> JSONTree { JSONTree(.array(elements)) }

  /// A whole number.
  public static func integer(_ value: some FixedWidthInteger) -> JSONTree {
    JSONTree(.number(String(value)))
  }

  /// A number as a person would write it, in the fewest digits that give it back; null where it is not finite.
  ///
  /// 127.5, 0.485, 1 rather than 1.0.
  public static func number(
    _ value: some BinaryFloatingPoint & CustomStringConvertible
  ) -> JSONTree {
    guard value.isFinite else { return null }
    let text = value.description
    return JSONTree(.number(text.hasSuffix(".0") ? String(text.dropLast(2)) : text))
  }

  /// An object with sorted keys; those whose value is nil are left out.
  public static func object(_ members: [String: JSONTree?]) -> JSONTree {
    JSONTree(
      .object(
        members.sorted { $0.key < $1.key }
          .compactMap { key, value in value.map { Member(key: key, value: $0) } }))
  }
}
