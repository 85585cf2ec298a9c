import EXrayTestKit
import EXrayText
import Testing

@Suite struct TextRecipeTests {
  private static let start = #""length":8,"vocabulary":{"file":"v.txt"}"#

  @Test(arguments: [
    (#"{\#(start),"lowercas":"none"}"#, TextError.Code.unknownKey, "lowercas"),
    (#"{\#(start),"exrayTextRecipe":2}"#, .invalidRecipe, "exrayTextRecipe"),
    (#"{\#(start),"lowercase":"turkish"}"#, .invalidRecipe, "lowercase"),
    (#"{\#(start),"tokens":{"words":"z-a"}}"#, .invalidRecipe, "tokens.words"),
    (#"{\#(start),"tokens":{"marks":"\\"}}"#, .invalidRecipe, "tokens.marks"),
    (#"{\#(start),"tokens":{"word":"a"}}"#, .unknownKey, "tokens.word"),
    (#"{\#(start),"unknown":"none"}"#, .invalidRecipe, "unknown"),
    (#"{\#(start),"start":1e300}"#, .invalidRecipe, "start"),
    (#"{\#(start),"truncation":{"limit":9}}"#, .invalidRecipe, "truncation.limit"),
    (#"{\#(start),"padding":{"id":1000000000000}}"#, .invalidRecipe, "padding.id"),
    (#"{\#(start),"element":"bool"}"#, .invalidRecipe, "element"),
    (#"{"length":8}"#, .invalidRecipe, "vocabulary"),
    (#"{"vocabulary":{"file":"v.txt"}}"#, .invalidRecipe, "length"),
    (#"{"length":100000,"vocabulary":{"file":"v.txt"}}"#, .invalidRecipe, "length"),
    (#"[]"#, .invalidRecipe, ""),
  ])
  func recipesThatCannotBeMeantNameTheKey(json: String, code: TextError.Code, key: String) {
    let error = #expect(throws: TextError.self) {
      try TextRecipe(json: Array(json.utf8), file: "recipe.json")
    }
    #expect(error?.code == code)
    #expect(error?.key == key)
    #expect(error?.description.hasPrefix("recipe.json, byte ") == true)
  }

  @Test(
    arguments: [
      ("a\na\n", "words", 2, "line 1 has it"), ("a\n\nb\n", "words", 2, "is empty"),
      ("a 1\nb 1\n", "pairs", 2, "gives the id 1 again"),
      ("a 1\na 2\n", "pairs", 2, "has the word 'a'"),
      ("a -1\n", "pairs", 1, "the id '-1'"),
      ("a 99999999999999999999\n", "pairs", 1, "whole number"),
      ("a 1\nb 1.5\n", "pairs", 2, "the id '1.5'"), ("a\n", "pairs", 1, "is no word and its id"),
      ("", "words", nil, "has no words"), ("a\n\u{FEFF}\n\u{0}", "words", nil, ""),
    ] as [(String, String, Int?, String)])
  func vocabulariesThatGiveNoWordAnIDOfItsOwnNameTheLine(
    text: String, format: String, line: Int?, words: String
  ) throws {
    let format = try #require(TextRecipe.WordList.Format(rawValue: format))
    guard !words.isEmpty else {
      #expect(try Vocabulary(bytes: Array(text.utf8), format: format, file: "v").ids.count == 3)
      return
    }
    let error = #expect(throws: TextError.self) {
      try Vocabulary(bytes: Array(text.utf8), format: format, file: "v")
    }
    #expect(error?.line == line)
    #expect(error?.message.contains(words) == true, "\(String(describing: error))")
  }

  @Test func linesEndWithOrWithoutCarriageReturnsAndHaveNoByteOrderMark() throws {
    let lines = try TextLines(bytes: Array("\u{FEFF}a\r\n\r\nb".utf8), file: "t", limit: 100)
    #expect((0..<lines.count).map { lines.text($0) } == ["a", "", "b"])
    #expect(throws: TextError.self) {
      try TextLines(bytes: [0x61, 0x0A, 0xFF, 0xFE], file: "t", limit: 100)
    }
  }

  @Test(arguments: 0..<6 as Range<UInt64>)
  func damagedRecipesAndVocabulariesAreRefusedOrRead(seed: UInt64) {
    var random = SplitMix64(seed: seed)
    let recipe = TextRecipe(vocabulary: .init(file: "v.txt", format: .pairs), length: 8).json()
    for whole in [Array(recipe.utf8), Array("the 1\na 2\nmovie 3\n".utf8)] {
      for _ in 0..<1_000 {
        var bytes = Array(whole.prefix(Int.random(in: 0...whole.count, using: &random)))
        for _ in 0..<Int.random(in: 0...3, using: &random) where !bytes.isEmpty {
          bytes[Int.random(in: 0..<bytes.count, using: &random)] = UInt8.random(
            in: 0...255, using: &random)
        }
        if let read = try? TextRecipe(json: bytes, file: "r") { #expect(read.length > 0) }
        if let read = try? Vocabulary(bytes: bytes, format: .pairs, file: "v") {
          #expect(!read.ids.isEmpty)
        }
      }
    }
  }
}
