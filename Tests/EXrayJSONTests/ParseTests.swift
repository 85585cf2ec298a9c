import EXrayJSON
import EXrayTestKit
import Testing

@Suite("Reading JSON")
struct ParseTests {
  /// Texts and what they are, as compact text that keeps every number's spelling.
  static let valid: [(text: String, compact: String)] = [
    ("null", "null"), ("true", "true"), (" false ", "false"), ("\t\r\n 1 \t\r\n", "1"),
    ("0", "0"), ("-0", "-0"), ("-1", "-1"), ("0.0", "0.0"), ("1e5", "1e5"), ("1E+05", "1E+05"),
    ("-0.5e-0", "-0.5e-0"), ("0e1", "0e1"), ("1.7976931348623157e308", "1.7976931348623157e308"),
    ("5e-324", "5e-324"), ("1e-999", "1e-999"), ("18446744073709551615", "18446744073709551615"),
    ("123456789012345678901234567890", "123456789012345678901234567890"),
    ("\"\"", "\"\""), ("\"a\"", "\"a\""), (#""\"\\\/\b\f\n\r\t""#, #""\"\\/\u0008\u000c\n\r\t""#),
    (#""\u0041\u00e9\u20AC""#, "\"Aé€\""), (#""\ud83d\uDE00""#, "\"😀\""), ("\"😀\"", "\"😀\""),
    (#""\u0000""#, #""\u0000""#), ("\"\u{7F}\u{2028}\"", "\"\u{7F}\u{2028}\""),
    (#""\uFFFF""#, "\"\u{FFFF}\""), (#""\\u0041""#, #""\\u0041""#),
    ("[]", "[]"), ("[ ]", "[]"), ("[1]", "[1]"), ("[1 , 2]", "[1,2]"), ("[[],[[]]]", "[[],[[]]]"),
    ("[null,true,\"\",{}]", "[null,true,\"\",{}]"),
    ("{}", "{}"), ("{ }", "{}"), ("{\"\":0}", "{\"\":0}"), (#"{"b":1,"a":2}"#, #"{"b":1,"a":2}"#),
    (#"{ "a" : { "a" : [ ] } }"#, #"{"a":{"a":[]}}"#), (#"{"\u0061":1}"#, #"{"a":1}"#),
    ("\u{FEFF}[]", "[]"),
  ]

  @Test("What RFC 8259 allows is read", arguments: valid.indices)
  func accepts(index: Int) throws {
    let (text, compact) = Self.valid[index]
    #expect(try parse(text).text() == compact)
    #expect(try parse(compact) == parse(text))
  }

  static let invalid: [(text: String, code: JSONError.Code, offset: Int)] = [
    ("", .unexpectedEnd, 0), ("  ", .unexpectedEnd, 2), ("\u{FEFF}", .unexpectedEnd, 3),
    ("nul", .unexpectedByte, 0), ("nulL", .unexpectedByte, 0), ("True", .unexpectedByte, 0),
    ("nullx", .unexpectedByte, 4), ("1 2", .unexpectedByte, 2), ("[]]", .unexpectedByte, 2),
    ("NaN", .unexpectedByte, 0), ("Infinity", .unexpectedByte, 0),
    ("-Infinity", .invalidNumber, 0), ("'a'", .unexpectedByte, 0), ("a", .unexpectedByte, 0),
    ("// x\n1", .unexpectedByte, 0), ("/**/1", .unexpectedByte, 0), ("#", .unexpectedByte, 0),
    ("\u{A0}1", .unexpectedByte, 0), ("\u{0}", .unexpectedByte, 0), ("1\u{0}", .unexpectedByte, 1),
    ("\u{C}1", .unexpectedByte, 0),
    ("01", .invalidNumber, 0), ("-", .invalidNumber, 0), ("-01", .invalidNumber, 0),
    ("+1", .unexpectedByte, 0), (".5", .unexpectedByte, 0), ("1.", .invalidNumber, 0),
    ("-.5", .invalidNumber, 0), ("1.e5", .invalidNumber, 0), ("1e", .invalidNumber, 0),
    ("[1e+]", .invalidNumber, 1), ("1e5.5", .unexpectedByte, 3), ("0x10", .unexpectedByte, 1),
    ("1_000", .unexpectedByte, 1), ("1e999", .invalidNumber, 0), ("[-1e400]", .invalidNumber, 1),
    ("--1", .invalidNumber, 0), ("٣", .unexpectedByte, 0),
    ("\"", .unexpectedEnd, 0), ("[\"a", .unexpectedEnd, 1), ("\"\\", .unexpectedEnd, 2),
    ("\"\\\"", .unexpectedEnd, 0), (#""\x41""#, .invalidString, 2), (#""\'""#, .invalidString, 2),
    (#""\a""#, .invalidString, 2), (#""\U0041""#, .invalidString, 2),
    (#""\u""#, .unexpectedByte, 3), (#""\u00g0""#, .unexpectedByte, 5),
    ("\"\\u00", .unexpectedEnd, 5),
    (#""\u+041""#, .unexpectedByte, 3), ("\"\\u００41\"", .unexpectedByte, 3),
    ("\"\t\"", .invalidString, 1), ("\"a\nb\"", .invalidString, 2),
    ("\"\u{0}\"", .invalidString, 1),
    (#""\ud800""#, .invalidString, 7), (#""\udc00""#, .invalidString, 7),
    (#""\ud800\ud800""#, .invalidString, 13), (#""\ud800\u0041""#, .invalidString, 13),
    (#""\ud83dx\ude00""#, .invalidString, 7), (#""\ud800\n""#, .invalidString, 8),
    ("[", .unexpectedEnd, 1), ("[1", .unexpectedEnd, 2), ("[1,", .unexpectedEnd, 3),
    ("[1,]", .unexpectedByte, 3), ("[,1]", .unexpectedByte, 1), ("[1 2]", .unexpectedByte, 3),
    ("[1;2]", .unexpectedByte, 2), ("[1}", .unexpectedByte, 2), ("]", .unexpectedByte, 0),
    ("{", .unexpectedEnd, 1), ("{\"a\"", .unexpectedEnd, 4), ("{\"a\":", .unexpectedEnd, 5),
    ("{\"a\":1", .unexpectedEnd, 6), ("{\"a\":1,}", .unexpectedByte, 7),
    ("{,}", .unexpectedByte, 1),
    ("{a:1}", .unexpectedByte, 1), ("{1:1}", .unexpectedByte, 1), ("{\"a\" 1}", .unexpectedByte, 5),
    ("{\"a\"=1}", .unexpectedByte, 4), ("{\"a\":1 \"b\":2}", .unexpectedByte, 7),
    ("{\"a\":1]", .unexpectedByte, 6), ("{null:1}", .unexpectedByte, 1),
    ("{[]:1}", .unexpectedByte, 1),
    (#"{"a":1,"a":1}"#, .duplicateKey, 7), (#"{"a":1,"\u0061":2}"#, .duplicateKey, 7),
    (#"[{"b":{"a":1, "a":1}}]"#, .duplicateKey, 14), ("{\"é\":1,\"e\u{301}\":2}", .duplicateKey, 8),
  ]

  @Test("Everything else is refused with its reason and byte", arguments: invalid.indices)
  func refuses(index: Int) {
    let (text, code, offset) = Self.invalid[index]
    let error = #expect(throws: JSONError.self, "\(text)") { try parse(text) }
    #expect(error?.code == code, "\(text)")
    #expect(error?.offset == offset, "\(text)")
    #expect(error?.description.contains("\n") == false && error?.remedy.isEmpty == false)
  }

  @Test(
    "Strings that are not UTF-8 are refused",
    arguments: [
      [0x80], [0xC0, 0xAF], [0xC3], [0xE2, 0x82], [0xED, 0xA0, 0x80], [0xF4, 0x90, 0x80, 0x80],
      [0xFF], [0xF8, 0x88, 0x80, 0x80, 0x80],
    ] as [[UInt8]])
  func notUTF8(bytes: [UInt8]) {
    for prefix in ["[\"a", "[\"\\n"] {
      let text = Array(prefix.utf8) + bytes + Array("b\"]".utf8)
      let error = #expect(throws: JSONError.self) { try JSONTree(parsing: text) }
      #expect(error?.code == .invalidString && error?.offset == 1)
    }
    #expect(throws: JSONError.self) { try JSONTree(parsing: bytes) }
  }

  @Test("Every value and every key knows its byte")
  func offsets() throws {
    let tree = try parse(#" {"a": [10, "x"],  "b" : {"c":null}} "#)
    #expect(tree.offset == 1)
    var (keys, elements): ([Int], [JSONTree]) = ([], [])
    if case .object(let members) = tree.value { keys = members.map(\.offset) }
    if case .array(let list) = tree["a"]?.value { elements = list }
    #expect(keys == [2, 19])
    try #require(elements.map(\.offset) == [8, 12])
    #expect(tree["b"]?.offset == 25 && tree["b"]?["c"]?.offset == 30)
    #expect(tree["c"] == nil && elements[0]["a"] == nil)
    #expect(tree == (try parse(#"{"a":[10,"x"],"b":{"c":null}}"#)))
  }

  @Test("Depth counts values inside one another", arguments: [1, 2, 32, 64])
  func depth(limit: Int) throws {
    let limits = JSONLimits(depth: limit)
    func nested(_ count: Int) -> [UInt8] {
      Array((String(repeating: "[", count: count) + String(repeating: "]", count: count)).utf8)
    }
    _ = try JSONTree(parsing: nested(limit), limits: limits)
    let error = #expect(throws: JSONError.self) {
      try JSONTree(parsing: nested(limit + 1), limits: limits)
    }
    #expect(error?.code == .tooDeep && error?.offset == limit)
    #expect(error?.problem == "values nested more than \(limit) deep")
  }

  @Test(
    "Hostile nesting is refused, whatever limit was asked for", arguments: ["[", "{\"a\":", "[[],"])
  func hostileNesting(part: String) {
    let text = Array(String(repeating: part, count: 100_000).utf8)
    for limits in [JSONLimits(), JSONLimits(depth: .max), JSONLimits(depth: .min)] {
      let error = #expect(throws: JSONError.self) { try JSONTree(parsing: text, limits: limits) }
      #expect(error?.code == .tooDeep)
    }
  }

  @Test("A text beyond the limit is not looked at")
  func size() throws {
    let text = Array("[1,2]".utf8)
    _ = try JSONTree(parsing: text, limits: JSONLimits(byteCount: 5))
    let error = #expect(throws: JSONError.self) {
      try JSONTree(parsing: text, limits: JSONLimits(byteCount: 4))
    }
    #expect(error?.code == .tooLarge && error?.offset == 4)
    #expect(error?.message == "5 bytes where at most 4 are read; shorten the text")
  }

  @Test("Huge numbers are refused without computing them")
  func hugeNumbers() throws {
    let digits = String(repeating: "9", count: 1 << 20)
    for text in [digits, "0.\(digits)", "1e\(digits)", "-\(digits)"] {
      let error = #expect(throws: JSONError.self) { try parse(text) }
      #expect(error?.code == .invalidNumber && error?.offset == 0)
    }
    #expect(throws: JSONError.self) { try parse(String(repeating: "9", count: 309)) }
    _ = try parse(String(repeating: "9", count: 308))
    _ = try parse("0." + String(repeating: "0", count: 1022))
  }

  @Test(
    "A text of a million elements is read", .timeLimit(.minutes(2)),
    arguments: ["[", "{", "\"\\n", "\"x", " "])
  func linear(kind: String) throws {
    func text(_ count: Int) -> [UInt8] {
      switch kind {
      case "[": Array(("[" + String(repeating: "0,", count: count) + "0]").utf8)
      case "{": Array(("{" + (0..<count).map { "\"\($0)\":0" }.joined(separator: ",") + "}").utf8)
      case " ": Array((String(repeating: " ", count: count) + "0").utf8)
      default: Array((kind + String(repeating: String(kind.dropFirst()), count: count) + "\"").utf8)
      }
    }
    // Where time were quadratic, this would not end within the time limit.
    _ = try JSONTree(parsing: text(1_000_000))
  }

  @Test("A key is found twice among many", arguments: [2, 15, 16, 17, 18, 40])
  func duplicates(count: Int) throws {
    let keys = (0..<count).map { "\"\($0)\":0" }
    _ = try parse("{\(keys.joined(separator: ","))}")
    for repeated in 0..<count {
      let error = #expect(throws: JSONError.self) {
        try parse("{\((keys + [keys[repeated]]).joined(separator: ","))}")
      }
      #expect(error?.code == .duplicateKey && error?.problem == "the key \"\(repeated)\" twice")
    }
  }

  @Test("Damaged texts throw or are read, and never trap", arguments: 0..<60 as Range<UInt64>)
  func fuzz(seed: UInt64) {
    var generator = TreeGenerator(seed: seed)
    let original = Array(generator.tree().text(JSONStyle(isPretty: seed % 2 == 0)).utf8)
    for count in 0..<original.count { read(Array(original[..<count]), seed) }
    for _ in 0..<300 {
      var bytes = original
      for _ in 0..<Int.random(in: 1...4, using: &generator.random) {
        let place = Int.random(in: 0..<bytes.count, using: &generator.random)
        switch Int.random(in: 0..<3, using: &generator.random) {
        case 0: bytes[place] = .random(in: 0...255, using: &generator.random)
        case 1: bytes.insert(.random(in: 0...255, using: &generator.random), at: place)
        default: bytes[place] ^= 1 << UInt8.random(in: 0..<8, using: &generator.random)
        }
      }
      read(bytes, seed)
    }
  }

  /// What is read survives being written; what is not has a place within the text.
  private func read(_ bytes: [UInt8], _ seed: UInt64) {
    do throws(JSONError) {
      let tree = try JSONTree(parsing: bytes)
      #expect(try parse(tree.text()) == tree, "seed \(seed)")
    } catch {
      #expect((0...bytes.count).contains(error.offset), "seed \(seed): \(error)")
    }
  }
}
