import EXrayTestKit
import EXrayText
import Foundation
import Testing

/// Words and ids against plain Python, `Scripts/check_text.py`.
@Suite(.enabled(if: Requirements.python != nil || Requirements.areStrict))
struct TextAgreementTests {
  private struct Cases: Decodable {
    struct Character: Decodable {
      var scalar: UInt32
      var space: Bool
      var word: Bool
      var lower: [UInt32]
    }
    struct Words: Decodable {
      struct Text: Decodable {
        var text: String
        var words: [String]
      }
      var name: String
      var lower: String
      var words: String
      var marks: String
      var others: String
      var contractions: String
      var texts: [Text]
    }
    struct IDs: Decodable {
      var recipe: String
      var format: String
      var vocabulary: String
      var texts: [String]
      var ids: [[Int]]
    }
    var characters: [Character]
    var words: [Words]
    var ids: [IDs]
  }

  private static let folder = FileManager.default.temporaryDirectory.appending(
    path: "exray-text-\(ProcessInfo.processInfo.processIdentifier)")

  private static let cases = Result {
    guard let python = Requirements.python else { throw MissingResource(name: "Python") }
    let outcome = try BuiltTool.run(
      python,
      [Requirements.packageRoot.appending(path: "Scripts/check_text.py").path, folder.path]
        + (SharedData.root.map { ["--data", $0.path] } ?? []))
    guard outcome.status == 0 else { throw MissingResource(name: outcome.errors) }
    return try JSONDecoder().decode(
      Cases.self, from: Data(contentsOf: folder.appending(path: "cases.json")))
  }

  private static func recipe(
    lower: String, words: String, marks: String = "", others: String = "space",
    contractions: String = "kept"
  ) throws -> TextRecipe {
    var recipe = TextRecipe(vocabulary: .init(file: "none"), length: 1)
    recipe.lowercase = try #require(.init(rawValue: lower))
    let sets = (words: CharacterClass(words), marks: CharacterClass(marks))
    let set: CharacterClass = try #require(sets.words)
    recipe.tokens = .init(
      words: set, marks: try #require(sets.marks),
      others: try #require(.init(rawValue: others)),
      contractions: try #require(.init(rawValue: contractions)))
    return recipe
  }

  /// Unicode grows: a letter that is new to one of the two may differ, and no more than these.
  private static let tolerated = 64

  @Test func charactersAreSpacesWordsAndCapitalsAsPythonSays() throws {
    let characters = try Self.cases.get().characters
    #expect(characters.count > 50_000)
    let set = CharacterClass("\\w")
    let words = try #require(set)
    let everything = CharacterClass.everything
    let lower = try Self.recipe(lower: "unicode", words: "\\S")
    var wrong: [String] = []
    for item in characters {
      let scalar = try #require(Unicode.Scalar(item.scalar))
      let code = String(item.scalar, radix: 16)
      #expect(everything.contains(scalar) != item.space, "space \(code)")
      if words.contains(scalar) != item.word { wrong.append("word \(code)") }
      guard !item.space else { continue }
      let found = lower.words(of: String(scalar)).first.map { $0.unicodeScalars.map(\.value) } ?? []
      if found != item.lower { wrong.append("lower \(code)") }
    }
    #expect(wrong.count <= Self.tolerated, "\(wrong)")
  }

  @Test func wordsAreThoseOfPythonAndOfThePublishedPreprocessing() throws {
    let cases = try Self.cases.get().words
    #expect(cases.count == 42)
    for item in cases {
      let recipe = try Self.recipe(
        lower: item.lower, words: item.words, marks: item.marks, others: item.others,
        contractions: item.contractions)
      for text in item.texts {
        let (found, wanted) = (recipe.words(of: text.text), text.words)
        // Not ==, which takes two spellings of é for one.
        #expect(
          found.map { Array($0.utf8) } == wanted.map { Array($0.utf8) },
          "\(item.name), \(item.lower): \(text.text) gives \(found), not \(wanted)")
      }
    }
  }

  @Test func idsAreThoseOfPython() throws {
    let cases = try Self.cases.get().ids
    #expect(cases.count == 78)
    for item in cases {
      let recipe = try TextRecipe(json: Array(item.recipe.utf8), file: "case")
      let file = Self.folder.appending(path: item.vocabulary)
      let vocabulary = try Vocabulary(
        bytes: [UInt8](Data(contentsOf: file)), format: recipe.vocabulary.format, file: "vocabulary"
      )
      let encoder = TextEncoder(recipe, vocabulary)
      for (text, ids) in zip(item.texts, item.ids) {
        #expect(encoder.ids(of: text) == ids, "\(text) by \(item.recipe)")
      }
      #expect(try TextRecipe(json: Array(recipe.json().utf8), file: "again") == recipe)
    }
  }
}
