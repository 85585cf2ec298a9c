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
    BadInput("a line of 100 MB", says: "s.txt", "100000000 bytes", "smaller file") {
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
    BadInput("a text and a picture", says: "is a sentence", "raw files of one kind") {
      let picture = try $0.file("p.jpg", [0xFF, 0xD8])
      var arguments = try Self.identify($0)
      arguments.insert(picture, at: 2)
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
      var stage: String
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
      #expect(!found.ambiguous.contains { $0.stage == "lowercase" })
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
