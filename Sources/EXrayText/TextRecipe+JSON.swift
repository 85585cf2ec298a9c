internal import EXrayJSON

extension TextRecipe {
  private static let keys = [
    "exrayTextRecipe", "name", "lowercase", "tokens", "order", "vocabulary", "unknown", "start",
    "end", "truncation", "padding", "length", "shift", "element",
  ]

  /// Reads a recipe.
  ///
  /// - Parameters:
  ///   - json: The text as UTF-8.
  ///   - file: What messages call it.
  /// - Throws: ``TextError`` `.invalidRecipe` or `.unknownKey`, with the key and the byte.
  public init(json: [UInt8], file: String) throws(TextError) {
    let tree: JSONTree
    do throws(JSONError) {
      tree = try JSONTree(parsing: json, limits: JSONLimits(byteCount: 1 << 20, depth: 17))
    } catch {
      throw TextError(.invalidRecipe, file: file, offset: error.offset, error.message)
    }
    let reader = try TextRecipeReader(tree, path: "", keys: Self.keys, file: file)
    if let version = try reader.integer("exrayTextRecipe", 0...Int(Int32.max)),
      version != Self.version
    {
      throw reader.error(
        "exrayTextRecipe",
        "is version \(version), this exray reads version \(Self.version); install a newer exray")
    }
    guard let length = try reader.integer("length", 1...Self.lengthLimit) else {
      throw reader.error("length", "is missing; say how many ids the model takes")
    }
    self.init(
      name: try reader.string("name"), vocabulary: try Self.wordList(reader), length: length)
    try reader.choice("lowercase", &lowercase)
    try readTokens(reader)
    try reader.choice("order", &order)
    if let id = try reader.id("unknown", orWord: "dropped") {
      unknown = id.map(Unknown.id) ?? .dropped
    }
    start = try reader.id("start", orWord: "none") ?? nil
    end = try reader.id("end", orWord: "none") ?? nil
    try readTruncation(reader)
    if let padding = try reader.object("padding", keys: ["id", "side"]) {
      self.padding.id = try padding.integer("id", -Self.idLimit...Self.idLimit) ?? self.padding.id
      try padding.choice("side", &self.padding.side)
    }
    shift = try reader.integer("shift", -Self.idLimit...Self.idLimit) ?? 0
    if try reader.string("element") != nil {
      var choice = Element.int32
      try reader.choice("element", &choice)
      element = choice
    }
  }

  private static func wordList(_ recipe: TextRecipeReader) throws(TextError) -> WordList {
    let keys = ["file", "format", "order", "offset", "size"]
    guard let reader = try recipe.object("vocabulary", keys: keys),
      let file = try reader.string("file"), !file.isEmpty
    else {
      throw recipe.error(
        "vocabulary", "must name a file: {\"file\": \"vocab.txt\"}, relative to the recipe")
    }
    guard !file.utf8.contains(0) else {
      throw reader.error("file", "holds a zero byte; name a file")
    }
    var list = WordList(file: file)
    try reader.choice("format", &list.format)
    try reader.choice("order", &list.order)
    list.offset = try reader.integer("offset", -idLimit...idLimit) ?? 0
    list.size = try reader.integer("size", 0...idLimit)
    return list
  }

  private mutating func readTokens(_ recipe: TextRecipeReader) throws(TextError) {
    let keys = ["words", "marks", "others", "contractions"]
    guard let reader = try recipe.object("tokens", keys: keys) else { return }
    tokens.words = try reader.characters("words") ?? tokens.words
    tokens.marks = try reader.characters("marks") ?? tokens.marks
    try reader.choice("others", &tokens.others)
    try reader.choice("contractions", &tokens.contractions)
  }

  private mutating func readTruncation(_ recipe: TextRecipeReader) throws(TextError) {
    let keys = ["keep", "limit", "specials"]
    guard let reader = try recipe.object("truncation", keys: keys) else { return }
    try reader.choice("keep", &truncation.keep)
    truncation.limit = try reader.integer("limit", 1...length)
    try reader.choice("specials", &truncation.specials)
  }

  /// The recipe as JSON: every stage spelled out, keys sorted, the same text for equal recipes.
  ///
  /// - Parameter isPretty: Whether the text is laid out on several lines.
  public func json(isPretty: Bool = false) -> String {
    tree.text(JSONStyle(isPretty: isPretty, sortsKeys: true)) + (isPretty ? "\n" : "")
  }

  private var tree: JSONTree {
    .object([
      "exrayTextRecipe": .integer(Self.version), "name": name.map(JSONTree.string),
      "lowercase": .string(lowercase.rawValue),
      "tokens": .object([
        "words": .string(tokens.words.spelling), "marks": .string(tokens.marks.spelling),
        "others": .string(tokens.others.rawValue),
        "contractions": .string(tokens.contractions.rawValue),
      ]),
      "order": .string(order.rawValue),
      "vocabulary": .object([
        "file": .string(vocabulary.file), "format": .string(vocabulary.format.rawValue),
        "order": .string(vocabulary.order.rawValue), "offset": .integer(vocabulary.offset),
        "size": vocabulary.size.map { .integer($0) },
      ]),
      "unknown": unknown.id.map { .integer($0) } ?? .string("dropped"),
      "start": start.map { .integer($0) } ?? .string("none"),
      "end": end.map { .integer($0) } ?? .string("none"),
      "truncation": .object([
        "keep": .string(truncation.keep.rawValue), "limit": truncation.limit.map { .integer($0) },
        "specials": .string(truncation.specials.rawValue),
      ]),
      "padding": .object(["id": .integer(padding.id), "side": .string(padding.side.rawValue)]),
      "length": .integer(length), "shift": .integer(shift),
      "element": element.map { .string($0.rawValue) },
    ])
  }
}

extension TextRecipe.Unknown {
  /// The id, or nil where unknown words are dropped.
  public var id: Int? {
    switch self {
    case .id(let id): id
    case .dropped: nil
    }
  }
}
