internal import EXrayJSON

/// One JSON object of a sound recipe, read key by key; every complaint names the key and the byte.
struct SoundRecipeReader {
  private let tree: JSONTree
  private let path: String
  private let file: String?

  /// Opens an object that may have these keys and no others.
  init(_ tree: JSONTree, path: String, keys: [String], file: String?) throws(SoundError) {
    guard case .object(let members) = tree.value else {
      throw SoundError(
        .invalidRecipe, file: file, offset: tree.offset, key: path,
        "must be an object with keys \(keys.joined(separator: ", ")), found \(tree.kind)")
    }
    for member in members where !keys.contains(member.key) {
      throw SoundError(
        .unknownKey, file: file, offset: member.offset,
        key: path.isEmpty ? member.key : "\(path).\(member.key)",
        "is not a key that sound recipes of version \(SoundRecipe.version) know; here are allowed: "
          + keys.joined(separator: ", "))
    }
    self.tree = tree
    self.path = path
    self.file = file
  }

  /// An error about a key.
  func error(_ key: String, _ message: String) -> SoundError {
    SoundError(
      .invalidRecipe, file: file, offset: tree[key]?.offset,
      key: path.isEmpty ? key : "\(path).\(key)", message)
  }

  /// The reader of a nested object, or nil where the key is absent.
  func object(_ key: String, keys: [String]) throws(SoundError) -> SoundRecipeReader? {
    guard let nested = tree[key] else { return nil }
    return try SoundRecipeReader(
      nested, path: path.isEmpty ? key : "\(path).\(key)", keys: keys, file: file)
  }

  func string(_ key: String) throws(SoundError) -> String? {
    guard let found = tree[key] else { return nil }
    guard case .string(let text) = found.value else {
      throw error(key, "must be a string, found \(found.kind)")
    }
    return text
  }

  /// One of the spellings of an enumeration.
  func choice<Choice: RawRepresentable & CaseIterable>(
    _ key: String, _ choice: inout Choice
  ) throws(SoundError) where Choice.RawValue == String {
    guard let text = try string(key) else { return }
    guard let found = Choice(rawValue: text) else {
      let all = Choice.allCases.map { "\"\($0.rawValue)\"" }.joined(separator: ", ")
      throw error(key, "cannot be \"\(text.prefix(60))\"; it is one of \(all)")
    }
    choice = found
  }

  func integer(_ key: String, _ range: ClosedRange<Int>) throws(SoundError) -> Int? {
    guard let found = tree[key] else { return nil }
    guard case .number(let spelling) = found.value, let value = Int(spelling), range.contains(value)
    else {
      throw error(
        key, "must be a whole number from \(range.lowerBound) to \(range.upperBound)")
    }
    return value
  }

  /// A number that satisfies a condition, which the message states in words.
  func number(
    _ key: String, _ condition: String, _ isValid: (Double) -> Bool
  ) throws(SoundError) -> Double? {
    guard let found = tree[key] else { return nil }
    guard case .number(let spelling) = found.value, let value = Double(spelling),
      value.isFinite, isValid(value)
    else { throw error(key, "must be a number \(condition)") }
    return value
  }

  /// One number, or a list with one a feature.
  func numbers(
    _ key: String, _ condition: String, _ isValid: (Double) -> Bool
  ) throws(SoundError) -> [Double]? {
    guard let found = tree[key] else { return nil }
    let trees: [JSONTree]
    if case .array(let elements) = found.value { trees = elements } else { trees = [found] }
    var values: [Double] = []
    for element in trees {
      guard case .number(let spelling) = element.value, let value = Double(spelling),
        value.isFinite, isValid(value)
      else { throw error(key, "must hold numbers \(condition)") }
      values.append(value)
    }
    guard !values.isEmpty else { throw error(key, "must hold a number, or one a feature") }
    return values
  }
}
