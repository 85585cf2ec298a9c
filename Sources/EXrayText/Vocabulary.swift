/// The words that a model knows, with an id each.
public struct Vocabulary: Sendable {
  /// The largest file that is read, in bytes.
  public static let fileLimit = 64 << 20
  /// The most words.
  public static let wordLimit = 4_000_000

  /// Ids by word.
  public let ids: [Word: Int]
  /// What messages call the file.
  public let file: String

  /// Reads a vocabulary.
  ///
  /// - Parameters:
  ///   - bytes: The whole file as UTF-8; lines end with LF or CR LF.
  ///   - format: What a line holds.
  ///   - file: What messages call it.
  /// - Throws: ``TextError`` with the line: where a word or an id comes twice, an id is no number from 0 to
  ///   ``TextRecipe/idLimit``, a line is empty, or the bytes are no UTF-8.
  public init(
    bytes: [UInt8], format: TextRecipe.WordList.Format, file: String
  ) throws(TextError) {
    self.file = file
    let lines = try TextLines(bytes: bytes, file: file, limit: Self.fileLimit)
    guard lines.count <= Self.wordLimit else {
      throw TextError(
        .tooLarge, file: file,
        "has \(lines.count) lines, at most \(Self.wordLimit) are read; "
          + "name the vocabulary of the model")
    }
    var ids: [Word: Int] = [:]
    ids.reserveCapacity(lines.count)
    var lineOfID: [Int: Int] = [:]
    var lineOfWord: [Word: Int] = [:]
    for index in 0..<lines.count {
      let line = lines[index]
      func invalid(_ message: String) -> TextError {
        TextError(.invalidVocabulary, file: file, line: index + 1, message)
      }
      guard !line.isEmpty else { throw invalid("is empty; give every word a line, and no others") }
      var (word, id) = (line, index)
      if format == .pairs {
        guard let space = line.lastIndex(where: { $0 == 0x20 || $0 == 0x09 }),
          space > line.startIndex
        else {
          throw invalid("is no word and its id; write \"the 4\", or say \"format\": \"words\"")
        }
        let digits = String(decoding: line[(space + 1)...], as: UTF8.self)
        guard let number = Int(digits), (0...TextRecipe.idLimit).contains(number) else {
          throw invalid(
            "has the id '\(digits.prefix(40))'; give a whole number from 0 to \(TextRecipe.idLimit)"
          )
        }
        (word, id) = (line[..<space], number)
        if let first = lineOfID.updateValue(index + 1, forKey: id) {
          throw invalid("gives the id \(id) again, line \(first) has it; give each word its own")
        }
      }
      let key = Word(utf8: Array(word))
      if let first = lineOfWord.updateValue(index + 1, forKey: key) {
        throw invalid(
          "has the word '\(key.text.prefix(40))' again, line \(first) has it; remove one of them")
      }
      ids[key] = id
    }
    guard !ids.isEmpty else {
      throw TextError(.invalidVocabulary, file: file, "has no words; name the model's vocabulary")
    }
    self.ids = ids
  }

  /// The same ids, given to the words in the order of their code points; words in `<>` or `[]` keep theirs.
  func sorted() -> [Word: Int] {
    var result = ids
    let words = ids.keys.filter { !$0.isSpecial }
    for (word, id) in zip(words.sorted(), words.compactMap { ids[$0] }.sorted()) {
      result[word] = id
    }
    return result
  }
}

extension Word {
  /// Whether the word is one like `<PAD>` or `[CLS]`.
  var isSpecial: Bool {
    guard utf8.count > 2, let first = utf8.first, let last = utf8.last else { return false }
    return first == 0x3C && last == 0x3E || first == 0x5B && last == 0x5D
  }
}

/// The lines of a text file.
public struct TextLines: Sendable {
  /// The longest line that is read, in bytes.
  public static let lineLimit = 1 << 20

  private let bytes: [UInt8]
  private let ranges: [Range<Int>]

  /// Cuts a file into lines.
  ///
  /// A byte order mark, and a line end at the end, are not part of any line.
  ///
  /// - Parameters:
  ///   - bytes: The whole file; lines end with LF or CR LF.
  ///   - file: What messages call it.
  ///   - limit: Bytes that the file may have.
  /// - Throws: ``TextError`` `.notUnicode` or `.tooLarge`, with the line.
  public init(bytes: [UInt8], file: String, limit: Int) throws(TextError) {
    guard bytes.count <= limit else {
      throw TextError(
        .tooLarge, file: file,
        "has \(bytes.count) bytes, at most \(limit) are read; give fewer or shorter lines")
    }
    var ranges: [Range<Int>] = []
    var start = bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? 3 : 0
    while start < bytes.count {
      let end = bytes[start...].firstIndex(of: 0x0A) ?? bytes.count
      let line = start..<(end > start && bytes[end - 1] == 0x0D ? end - 1 : end)
      guard line.count <= Self.lineLimit else {
        throw TextError(
          .tooLarge, file: file, line: ranges.count + 1,
          "has \(line.count) bytes, at most \(Self.lineLimit) are read; put one sentence on a line")
      }
      ranges.append(line)
      start = end + 1
    }
    self.bytes = bytes
    self.ranges = ranges
    guard String(validating: bytes, as: UTF8.self) != nil else {
      let line = ranges.firstIndex { String(validating: bytes[$0], as: UTF8.self) == nil }
      throw TextError(
        .notUnicode, file: file, line: line.map { $0 + 1 }, "is not UTF-8; save it as UTF-8 text")
    }
  }

  /// How many lines there are.
  public var count: Int { ranges.count }

  /// The bytes of a line, counted from 0.
  public subscript(index: Int) -> ArraySlice<UInt8> { bytes[ranges[index]] }

  /// A line as text, counted from 0.
  public func text(_ index: Int) -> String { String(decoding: self[index], as: UTF8.self) }
}
