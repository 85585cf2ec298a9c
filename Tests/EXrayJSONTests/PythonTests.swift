import EXrayJSON
import EXrayTestKit
import Foundation
import Testing

/// An independent reader and writer: Python's `json`, made as strict by `Scripts/check_json.py`.
@Suite(
  "Python's json module", .enabled(if: Requirements.python != nil || Requirements.areStrict))
struct PythonTests {
  /// What Python makes of each text: compact with ASCII only, and with all of Unicode; nil where it refuses it.
  private func answers(_ texts: [[UInt8]]) throws -> [(ascii: String, unicode: String)?] {
    let python = try #require(Requirements.python, "no .deps/python; run Scripts/setup.sh test")
    return try withTemporaryFolder { folder in
      let file = folder.appending(path: "texts")
      let digits = Array("0123456789abcdef".utf8)
      let lines = texts.map { text in
        String(
          decoding: text.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
      }
      try Data(lines.map { $0 + "\n" }.joined().utf8).write(to: file)
      let outcome = try BuiltTool.run(
        python, [Requirements.packageRoot.appending(path: "Scripts/check_json.py").path, file.path])
      #expect(outcome.status == 0, "\(outcome.errors)")
      let answers = outcome.output.split(separator: "\n").map { line in
        let parts = line.split(separator: "\t")
        return parts.count == 2 ? (ascii: String(parts[0]), unicode: String(parts[1])) : nil
      }
      try #require(answers.count == texts.count)
      return answers
    }
  }

  @Test("Reads what we write, and we read what it writes, number for number")
  func randomTrees() throws {
    var texts: [[UInt8]] = []
    var trees: [JSONTree] = []
    for seed in 0..<500 as Range<UInt64> {
      var generator = TreeGenerator(seed: seed)
      trees.append(generator.tree())
      let style = JSONStyle(
        isPretty: seed % 2 == 0, escapes: [.numeric, .short, .shortAndInvisible][Int(seed) % 3])
      texts.append(Array(trees[Int(seed)].text(style).utf8))
    }
    for (seed, answer) in try answers(texts).enumerated() {
      let answer = try #require(answer, "seed \(seed) is refused")
      #expect(try parse(answer.ascii) == trees[seed], "seed \(seed)")
      #expect(try parse(answer.unicode) == trees[seed], "seed \(seed)")
      if !answer.unicode.contains("\\b") {
        #expect(trees[seed].text() == answer.unicode, "seed \(seed)")
      }
    }
  }

  @Test("Accepts and refuses the same damaged texts, and makes the same of them")
  func damagedTexts() throws {
    let tables = ParseTests.valid.map(\.text) + ParseTests.invalid.map(\.text)
    // Python compares keys by their bytes.
    var texts = tables.filter { !$0.contains("e\u{301}") }.map { Array($0.utf8) }
    let alphabet = Array("\"\\{}[]:,0123456789.eE+-u ndtrue\u{1}é".utf8)
    for seed in 0..<4000 as Range<UInt64> {
      var generator = TreeGenerator(seed: seed)
      var bytes = Array(generator.tree(depth: 2).text().utf8)
      for _ in 0..<Int.random(in: 1...3, using: &generator.random) {
        let place = Int.random(in: 0..<bytes.count, using: &generator.random)
        let byte = alphabet[Int.random(in: 0..<alphabet.count, using: &generator.random)]
        switch Int.random(in: 0..<3, using: &generator.random) {
        case 0: bytes[place] = byte
        case 1: bytes.insert(byte, at: place)
        default: if bytes.count > 1 { bytes.remove(at: place) }
        }
      }
      texts.append(bytes)
    }
    var accepted = 0
    for (text, answer) in zip(texts, try answers(texts)) {
      let words = Comment(rawValue: String(decoding: text, as: UTF8.self))
      let ours = try? JSONTree(parsing: text)
      #expect((ours == nil) == (answer == nil), words)
      guard let ours, let answer else { continue }
      accepted += 1
      #expect(try canonical(parse(answer.ascii)) == canonical(ours), words)
    }
    #expect((texts.count / 10...texts.count * 9 / 10).contains(accepted), "\(accepted) accepted")
  }

  /// The tree with sorted keys, and numbers that differ only in spelling spelled alike.
  private func canonical(_ tree: JSONTree) -> JSONTree {
    switch tree.value {
    case .number(let spelling):
      if let integer = Int64(spelling) { return .integer(integer) }
      return Double(spelling).map { .number($0) } ?? tree
    case .array(let elements): return .array(elements.map(canonical))
    case .object(let members):
      return .object(Dictionary(members.map { ($0.key, canonical($0.value)) }) { $1 })
    default: return tree
    }
  }
}
