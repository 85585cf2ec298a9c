import EXrayJSON

/// One JSON object of a recipe, read key by key; every complaint names the key and the byte.
struct RecipeReader {
  private let members: [String: JSONTree]
  private let path: String
  private let file: String?

  /// Opens an object that may have these keys and no others.
  init(
    _ tree: JSONTree, path: String, keys: [String], file: String?
  ) throws(PreprocessError) {
    guard case .object(let members) = tree.value else {
      throw PreprocessError(
        .invalidRecipe, file: file, offset: tree.offset, key: path,
        "must be an object with keys \(keys.joined(separator: ", ")), found \(tree.kind)")
    }
    self.path = path
    self.file = file
    var known: [String: JSONTree] = [:]
    for member in members {
      guard keys.contains(member.key) else {
        throw PreprocessError(
          .unknownKey, file: file, offset: member.offset,
          key: path.isEmpty ? member.key : "\(path).\(member.key)",
          "is not a key that recipes of version \(Recipe.version) know; here are allowed: "
            + keys.joined(separator: ", "))
      }
      known[member.key] = member.value
    }
    self.members = known
  }

  /// The value of a key, if it is there.
  subscript(key: String) -> JSONTree? { members[key] }

  private func name(_ key: String) -> String { path.isEmpty ? key : "\(path).\(key)" }

  /// An error about a key.
  func error(_ key: String, _ message: String) -> PreprocessError {
    PreprocessError(
      .invalidRecipe, file: file, offset: members[key]?.offset, key: name(key), message)
  }

  /// The reader of a nested object, or nil where the key is absent.
  func object(_ key: String, keys: [String]) throws(PreprocessError) -> RecipeReader? {
    guard let tree = members[key] else { return nil }
    return try RecipeReader(tree, path: name(key), keys: keys, file: file)
  }

  func string(_ key: String) throws(PreprocessError) -> String? {
    guard let tree = members[key] else { return nil }
    guard case .string(let text) = tree.value else {
      throw error(key, "must be a string, found \(tree.kind)")
    }
    return text
  }

  /// One of the spellings of an enumeration.
  func choice<Choice: RawRepresentable & CaseIterable>(
    _ key: String, _: Choice.Type
  ) throws(PreprocessError) -> Choice? where Choice.RawValue == String {
    guard let text = try string(key) else { return nil }
    guard let choice = Choice(rawValue: text) else {
      let all = Choice.allCases.map { "\"\($0.rawValue)\"" }.joined(separator: ", ")
      throw error(key, "cannot be \"\(text.prefix(60))\"; it is one of \(all)")
    }
    return choice
  }

  func integer(_ key: String, in range: ClosedRange<Int>) throws(PreprocessError) -> Int? {
    guard let tree = members[key] else { return nil }
    guard case .number(let spelling) = tree.value, let value = Int(spelling), range.contains(value)
    else {
      throw error(
        key,
        "must be a whole number from \(range.lowerBound) to \(range.upperBound), found "
          + Self.words(tree))
    }
    return value
  }

  /// A number that satisfies a condition, which the message states in words.
  func number(
    _ key: String, _ condition: String, _ isValid: (Double) -> Bool
  ) throws(PreprocessError) -> Double? {
    guard let tree = members[key] else { return nil }
    guard case .number(let spelling) = tree.value, let value = Double(spelling), isValid(value)
    else { throw error(key, "must be a number \(condition), found \(Self.words(tree))") }
    return value
  }

  /// One number, or a list of one to four.
  func numbers(
    _ key: String, _ condition: String, _ isValid: (Double) -> Bool
  ) throws(PreprocessError) -> [Double]? {
    guard let tree = members[key] else { return nil }
    let trees: [JSONTree]
    if case .array(let elements) = tree.value { trees = elements } else { trees = [tree] }
    var values: [Double] = []
    for tree in trees {
      guard case .number(let spelling) = tree.value, let value = Double(spelling), isValid(value)
      else { throw error(key, "must hold numbers \(condition), found \(Self.words(tree))") }
      values.append(value)
    }
    guard (1...4).contains(values.count) else {
      throw error(key, "must be one number or a list with one a channel, found \(values.count)")
    }
    return values
  }

  private static func words(_ tree: JSONTree) -> String {
    switch tree.value {
    case .number(let spelling): String(spelling.prefix(40))
    case .string(let text): "the string \"\(text.prefix(40))\""
    default: tree.kind
    }
  }
}
