import EXrayTestKit
import EXrayText
import Foundation
import Testing

/// `exray identify` on sentences and token ids.
@Suite struct TextTests {
  static let recipe =
    #"{"exrayTextRecipe":1,"tokens":{"words":"a-z0-9'"},"vocabulary":{"file":"v.txt"},"unknown":1,"length":4}"#

  static func int32(_ values: [Int32]) -> [UInt8] {
    values.flatMap { value in
      (0..<4).map { UInt8(truncatingIfNeeded: UInt32(bitPattern: value) >> (8 * UInt32($0))) }
    }
  }

  static func float32(_ values: [Float]) -> [UInt8] {
    int32(values.map { Int32(bitPattern: $0.bitPattern) })
  }

  /// Arguments for two sentences of which everything not given is as it should be.
  private static func identify(
    _ sandbox: Sandbox, text: [UInt8] = Array("a good film\nThe film\n".utf8),
    vocabulary: String? = "<PAD>\n<UNK>\nthe\na\ngood\nfilm\n", recipe: String = Self.recipe,
    array: [UInt8] = Sandbox.array([2, 4], "<i4", int32([3, 4, 5, 0, 2, 5, 0, 0])),
    more: String...
  ) throws -> [String] {
    if let vocabulary { _ = try sandbox.file("v.txt", vocabulary) }
    return [
      "identify", "--raw", try sandbox.file("s.txt", text),
      "--model-input", try sandbox.file("t.npy", array),
      "--intended", try sandbox.file("r.json", recipe), "--json", sandbox.output + "/found.json",
    ] + more
  }

  static let bad: [BadInput] = [
    BadInput("an empty text", says: "s.txt", "is empty", "one sentence on each line") {
      try Self.identify($0, text: [])
    },
    BadInput("a text that is no UTF-8", says: "s.txt, line 2", "not UTF-8") {
      try Self.identify($0, text: Array("a\n".utf8) + [0x62, 0xC3, 0x28, 0x0A])
    },
    BadInput("a line of 100 MB", says: "s.txt", "100000000 bytes", "give a smaller one") {
      try Self.identify($0, text: [UInt8](repeating: 0x61, count: 100_000_000))
    },
    BadInput("a line of 2 MB", says: "s.txt, line 2", "2000000 bytes", "one sentence on a line") {
      try Self.identify($0, text: [0x61, 0x0A] + [UInt8](repeating: 0x61, count: 2_000_000))
    },
    BadInput("more sentences than rows", says: "t.npy", "2 model inputs for 3 sentences") {
      try Self.identify($0, text: Array("a\nb\nc".utf8))
    },
    BadInput("a vocabulary that is not there", says: "\"vocabulary.file\"", "no v.txt") {
      try Self.identify($0, vocabulary: nil)
    },
    BadInput("an empty vocabulary", says: "v.txt", "has no words") {
      try Self.identify($0, vocabulary: "")
    },
    BadInput("a word twice", says: "v.txt, line 3", "'the' again, line 1 has it") {
      try Self.identify($0, vocabulary: "the\na\nthe\n")
    },
    BadInput("an id twice", says: "v.txt, line 2", "gives the id 4 again, line 1 has it") {
      try Self.identify($0, vocabulary: "the 4\na 4\n", recipe: pairs)
    },
    BadInput("a negative id", says: "v.txt, line 1", "the id '-4'", "from 0 to 100000000") {
      try Self.identify($0, vocabulary: "the -4\n", recipe: pairs)
    },
    BadInput("a huge id", says: "v.txt, line 1", "the id '18446744073709551616'") {
      try Self.identify($0, vocabulary: "the 18446744073709551616\n", recipe: pairs)
    },
    BadInput("a recipe with an unknown key", says: "r.json", "\"lower\"", "allowed: ") {
      try Self.identify($0, recipe: Self.recipe.replacingOccurrences(of: "unknown", with: "lower"))
    },
    BadInput("a recipe of 2 MB", says: "r.json", "2000000 bytes") {
      try Self.identify($0, recipe: String(repeating: " ", count: 2_000_000))
    },
    BadInput("a recipe of 10⁹ tokens", says: "r.json", "\"length\"", "from 1 to 65536") {
      try Self.identify(
        $0,
        recipe: Self.recipe.replacingOccurrences(of: "\"length\":4", with: "\"length\":1000000000"))
    },
    BadInput("NaN for an id", says: "t.npy", "sentence 2 has nan at position 3") {
      try Self.identify(
        $0, array: Sandbox.array([2, 4], "<f4", float32([3, 4, 5, 0, 2, 5, .nan, 0])))
    },
    BadInput("half an id", says: "t.npy", "sentence 1 has 3.5 at position 1", "no token id") {
      try Self.identify(
        $0, array: Sandbox.array([2, 4], "<f4", float32([3.5, 4, 5, 0, 2, 5, 0, 0])))
    },
    BadInput("ids of 2⁶³", says: "t.npy", "sentence 1 has 9223372036854775807") {
      try Self.identify(
        $0,
        array: Sandbox.array(
          [2, 1], "<i8", [UInt8](repeating: 255, count: 7) + [127] + [UInt8](repeating: 0, count: 8)
        ))
    },
    BadInput("complex numbers", says: "t.npy", "complex64, which are no token ids") {
      try Self.identify($0, array: Sandbox.array([2, 1], "<c8", [UInt8](repeating: 0, count: 16)))
    },
    BadInput("an array without values", says: "t.npy", "holds no sentences") {
      try Self.identify($0, array: Sandbox.array([2, 0], "<i4", []))
    },
    BadInput("an array that is cut off", says: "t.npy", "cut off") {
      try Self.identify($0, array: Sandbox.array([2, 4], "<i4", [1, 2, 3]))
    },
    BadInput("no intended recipe", says: "s.txt", "without a vocabulary", "--intended") {
      let arguments = try Self.identify($0)
      return Array(arguments.prefix(5)) + arguments.suffix(2)
    },
    BadInput("a scale", says: "s.txt", "have no scale", "leave out --scale") {
      try Self.identify($0, more: "--scale=2")
    },
    BadInput("a text and a picture", says: "p.jpg: is a picture", "raw files of one kind") {
      var arguments = try Self.identify($0)
      arguments.insert("p.jpg", at: 3)
      return arguments
    },
  ]

  static let pairs = recipe.replacingOccurrences(
    of: "\"file\"", with: "\"format\":\"pairs\",\"file\"")

  @Test(arguments: bad)
  func `what cannot be used is one line and exit 2`(_ input: BadInput) throws {
    try input.check()
  }

  struct Found: Decodable {
    struct Difference: Decodable {
      var cause: String
      var foundLine: String
      var line: String
    }
    struct Ambiguity: Decodable {
      var candidates: [String]
      var reason: String
    }
    var verdict: String
    var explainedVariance: Double
    var residualInLSB: Double?
    var differences: [Difference]
    var ambiguous: [Ambiguity]
    var ruledOut: [String]
  }

  private static func found(_ sandbox: Sandbox, _ arguments: [String], exit: Int32) throws -> Found
  {
    let outcome = try BuiltTool.run(arguments)
    #expect(outcome.status == exit, "\(outcome.errors)\(outcome.output)")
    return try JSONDecoder().decode(
      Found.self, from: Data(contentsOf: URL(filePath: sandbox.output + "/found.json")))
  }

  @Test func `ids as intended raise nothing, and what these sentences cannot tell is said`() throws
  {
    try withSandbox { sandbox in
      let found = try Self.found(sandbox, Self.identify(sandbox), exit: 0)
      #expect(found.verdict == "as-intended")
      #expect(found.explainedVariance == 1)
      #expect(found.residualInLSB == nil)
      #expect(found.ambiguous.contains { $0.reason == "no sentence is cut" })
      #expect(found.ambiguous.contains { $0.reason == "no word in these sentences is unknown" })
      // "The" has a capital, so that lower-casing can be told.
      #expect(!found.ambiguous.contains { $0.candidates.contains("none lower case") })
    }
  }

  @Test func `one file a sentence is as good as one line a sentence`() throws {
    try withSandbox { sandbox in
      let files = [
        try sandbox.file("1.txt", "a good\nfilm\n"), try sandbox.file("2.txt", "The film"),
      ]
      // Padded before the text.
      var arguments = try Self.identify(
        sandbox, array: Sandbox.array([2, 4], "<i4", Self.int32([0, 3, 4, 5, 0, 0, 2, 5])))
      arguments.replaceSubrange(2...2, with: files)
      let found = try Self.found(sandbox, arguments, exit: 1)
      #expect(found.differences.map(\.cause) == ["preprocess.text.padding"])
      #expect(found.differences.first?.foundLine == #""padding": {"id":0,"side":"start"}"#)
      #expect(found.differences.first?.line == #""padding": {"id":0,"side":"end"}"#)
    }
  }

  @Test func `ids of other sentences are unexplained`() throws {
    try withSandbox { sandbox in
      let text = "a good film\nThe film\na the good film\ngood good film\n"
      let rows: [Int32] = [5, 5, 5, 2, 4, 3, 2, 4, 5, 3, 0, 0, 2, 0, 0, 0]
      let arguments = try Self.identify(
        sandbox, text: Array(text.utf8), array: Sandbox.array([4, 4], "<i4", Self.int32(rows)))
      let found = try Self.found(sandbox, arguments, exit: 3)
      #expect(found.verdict == "unexplained")
      #expect(found.differences.isEmpty)
      #expect(!found.ruledOut.isEmpty)
    }
  }
}

/// The sentiment model of the shared data, right and wrong tokens through LiteRT.
@Suite(.enabled(if: SharedData.isAvailable && LiteRTLibrary.isAvailable))
struct SentimentTests {
  private struct Summary: Decodable {
    struct Accuracy: Decodable { var top1: Double }
    var accuracy: Accuracy
  }

  /// An app's own tokeniser, written without the library.
  private struct App {
    var lowers = true
    var offset = 0
    var keepsUnknown = true

    func ids(_ text: String, _ vocabulary: [String: Int32]) -> [Int32] {
      let allowed = Set("abcdefghijklmnopqrstuvwxyz0123456789'".unicodeScalars)
      let scalars = (lowers ? text.lowercased() : text).unicodeScalars
      let words = scalars.split { !allowed.contains($0) }.map { String($0) }
      var ids: [Int32] = words.compactMap { word in
        vocabulary[word].map { $0 + Int32(offset) } ?? (keepsUnknown ? 1 : nil)
      }
      ids = Array(ids.prefix(48))
      return ids + [Int32](repeating: 0, count: 48 - ids.count)
    }
  }

  static let recipe = """
    {"exrayTextRecipe": 1, "tokens": {"words": "a-z0-9'"}, "vocabulary": {"file": "vocab.txt"},
     "unknown": 1, "length": 48, "element": "int32"}
    """

  /// What the app does wrong, the accuracy that the model then has at most, and what must be named.
  static let faults:
    [(lowers: Bool, offset: Int, keepsUnknown: Bool, most: Double, causes: [String])] =
      [
        (true, 0, true, 1, []),
        (false, 0, true, 0.70, ["preprocess.text.lower-case"]),
        (true, -1, true, 0.60, ["preprocess.text.vocabulary"]),
        (
          false, 1, false, 0.60,
          ["preprocess.text.lower-case", "preprocess.text.vocabulary", "preprocess.text.unknown"]
        ),
      ]

  @Test(arguments: faults.indices)
  func `wrong tokens cost accuracy, are named, and are made again by the recipe found`(
    index: Int
  ) throws {
    let fault = Self.faults[index]
    let lines = String(
      decoding: try SharedData.bytes("data/text/rt_polarity_test_1000.tsv"), as: UTF8.self
    ).split(separator: "\n")
    let labels = lines.map { $0.prefix(1) }
    // The data are in lower case; people begin words with capitals.
    let texts = lines.map { line in
      line.dropFirst(2).split(separator: " ", omittingEmptySubsequences: false).map {
        $0.prefix(1).uppercased() + $0.dropFirst()
      }.joined(separator: " ")
    }
    let words = String(decoding: try SharedData.bytes("data/text/vocab.txt"), as: UTF8.self)
    var vocabulary: [String: Int32] = [:]
    for (id, word) in words.split(separator: "\n").enumerated() {
      vocabulary[String(word)] = Int32(id)
    }
    let app = App(lowers: fault.lowers, offset: fault.offset, keepsUnknown: fault.keepsUnknown)
    let rows = texts.map { app.ids($0, vocabulary) }
    try withSandbox { sandbox in
      let tokens = try sandbox.file(
        "tokens.npy",
        Sandbox.array([rows.count, 48], "<i4", TextTests.int32(Array(rows.joined()))))
      let truth = labels.enumerated().map { "tokens.npy[\($0)] \($1)\n" }.joined()
      let run = try BuiltTool.run([
        "run", try SharedData.path("models/text/sentiment_cnn_float.tflite"), "--input", tokens,
        "--labels", try sandbox.file("labels.txt", truth), "--capture", "none",
        "--json", sandbox.path("summary.json"),
      ])
      try #require(run.status == 0, "\(run.errors)")
      let top1 = try JSONDecoder().decode(
        Summary.self, from: Data(contentsOf: URL(filePath: sandbox.path("summary.json")))
      ).accuracy.top1
      // The manifest's figure; faults must cost what they cost with Python, with some room.
      if fault.causes.isEmpty { #expect(top1 == 0.768) } else { #expect(top1 < fault.most) }

      _ = try sandbox.file("vocab.txt", words)
      let identify = try BuiltTool.run([
        "identify", "--raw", try sandbox.file("texts.txt", texts.joined(separator: "\n")),
        "--model-input", tokens, "--intended", try sandbox.file("recipe.json", Self.recipe),
        "--json", sandbox.path("found.json"),
      ])
      #expect(identify.status == (fault.causes.isEmpty ? 0 : 1), "\(identify.output)")
      let data = try Data(contentsOf: URL(filePath: sandbox.path("found.json")))
      let found = try JSONDecoder().decode(TextTests.Found.self, from: data)
      #expect(found.differences.map(\.cause) == fault.causes)
      let tree = try #require(JSONSerialization.jsonObject(with: data) as? [String: Any])
      let json = try JSONSerialization.data(withJSONObject: try #require(tree["recipe"]))
      let recipe = try TextRecipe(json: Array(json), file: "found")
      let encoder = TextEncoder(
        recipe, try Vocabulary(bytes: Array(words.utf8), format: .words, file: "vocab.txt"))
      for (text, row) in zip(texts, rows) {
        #expect(encoder.ids(of: text) == row.map(Int.init), "\(text)")
      }
    }
  }
}

/// The detective's suite for texts, made by plain Python (`Documentation/detective-suite.md`).
@Suite(.enabled(if: SharedData.isAvailable && Requirements.python != nil || Requirements.areStrict))
struct TextSuiteTests {
  @Test func `every fault of 50 cases is named and nothing else is`() throws {
    try withTemporaryFolder { folder in
      let file = folder.appending(path: "score.json")
      let outcome = try BuiltTool.run(
        Requirements.packageRoot.appending(path: "Scripts/detective.sh"),
        ["text", "--threshold", "0.99", "--json", file.path],
        environment: ["EXRAY": BuiltTool.url.path, "EXRAY_DATA": try SharedData.path("")])
      #expect(outcome.status == 0, "\(outcome.output)\(outcome.errors.suffix(2000))")
      let score = try JSONDecoder().decode(
        DetectiveTests.Score.self, from: Data(contentsOf: file))
      #expect(score.causes.count == 10)
      #expect(score.kinds["faulty"] == 1, "\(outcome.output)")
    }
  }
}
