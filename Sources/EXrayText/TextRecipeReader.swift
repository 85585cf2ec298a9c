internal import EXrayJSON

/// One JSON object of a text recipe, read key by key; every complaint names the key and the byte.
struct TextRecipeReader {
  private let tree: JSONTree
  private let path: String
  private let file: String?

  /// Opens an object that may have these keys and no others.
  init(_ tree: JSONTree, path: String, keys: [String], file: String?) throws(TextError) {
    guard case .object(let members) = tree.value else {
      throw TextError(
        .invalidRecipe, file: file, offset: tree.offset, key: path,
        "must be an object with keys \(keys.joined(separator: ", ")), found \(tree.kind)")
    }
    for member in members where !keys.contains(member.key) {
      let key = String(member.key.prefix(60))
      throw TextError(
        .unknownKey, file: file, offset: member.offset, key: path.isEmpty ? key : "\(path).\(key)",
        "is not a key that text recipes of version \(TextRecipe.version) know; here are allowed: "
          + keys.joined(separator: ", "))
    }
    self.tree = tree
    self.path = path
    self.file = file
  }

  private func full(_ key: String) -> String { path.isEmpty ? key : "\(path).\(key)" }

  /// An error about a key.
  func error(_ key: String, _ message: String) -> TextError {
    TextError(
      .invalidRecipe, file: file, offset: (tree[key] ?? tree).offset, key: full(key), message)
  }

  /// The reader of a nested object, or nil where the key is absent.
  func object(_ key: String, keys: [String]) throws(TextError) -> TextRecipeReader? {
    guard let nested = tree[key] else { return nil }
    return try TextRecipeReader(nested, path: full(key), keys: keys, file: file)
  }

  func string(_ key: String) throws(TextError) -> String? {
    guard let found = tree[key] else { return nil }
    guard case .string(let text) = found.value else {
      throw error(key, "must be a string, found \(found.kind)")
    }
    return text
  }

  /// One of the spellings of an enumeration.
  func choice<Choice: RawRepresentable & CaseIterable>(
    _ key: String, _ choice: inout Choice
  ) throws(TextError) where Choice.RawValue == String {
    guard let text = try string(key) else { return }
    guard let found = Choice(rawValue: text) else {
      let all = Choice.allCases.map { "\"\($0.rawValue)\"" }.joined(separator: ", ")
      throw error(key, "cannot be \"\(text.prefix(60))\"; it is one of \(all)")
    }
    choice = found
  }

  func integer(_ key: String, _ range: ClosedRange<Int>) throws(TextError) -> Int? {
    guard let found = tree[key] else { return nil }
    guard case .number(let spelling) = found.value, let value = Int(spelling), range.contains(value)
    else {
      throw error(
        key, "must be a whole number from \(range.lowerBound) to \(range.upperBound)")
    }
    return value
  }

  /// A set of characters.
  func characters(_ key: String) throws(TextError) -> CharacterClass? {
    guard let text = try string(key) else { return nil }
    guard text.utf8.count <= 1000, let found = CharacterClass(text) else {
      throw error(
        key,
        "is no set of characters; write it as between the brackets of a regular expression, as \"a-z0-9'\""
      )
    }
    return found
  }

  /// An id, or a word that stands for its absence.
  func id(_ key: String, orWord word: String) throws(TextError) -> Int?? {
    guard let found = tree[key] else { return .none }
    if case .string(word) = found.value { return .some(nil) }
    guard case .number(let spelling) = found.value, let value = Int(spelling),
      (-TextRecipe.idLimit...TextRecipe.idLimit).contains(value)
    else { throw error(key, "must be an id up to \(TextRecipe.idLimit), or \"\(word)\"") }
    return .some(value)
  }
}
