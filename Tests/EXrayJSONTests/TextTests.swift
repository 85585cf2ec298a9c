import EXrayJSON
import EXrayTestKit
import Foundation
import Testing

@Suite("Writing JSON")
struct TextTests {
  @Test("What was written is read back as it was", arguments: 0..<200 as Range<UInt64>)
  func roundTrip(seed: UInt64) throws {
    var generator = TreeGenerator(seed: seed)
    let tree = generator.tree()
    for isPretty in [false, true] {
      for escapes in [JSONStyle.Escapes.numeric, .short, .shortAndInvisible] {
        let style = JSONStyle(isPretty: isPretty, sortsKeys: true, escapes: escapes)
        let text = tree.text(style)
        #expect(try parse(text) == tree, "seed \(seed)")
        #expect(try parse(text).text(style) == text, "seed \(seed)")
      }
    }
  }

  @Test("Trees travel through any coder, numbers as doubles")
  func codable() throws {
    let tree = try parse(#"[null,true,"1",[],{},{"a":[0.485,127.5,1,-1e-07,{"b":false}]},1e+300]"#)
    let coded = try JSONEncoder().encode(tree)
    #expect(try JSONDecoder().decode(JSONTree.self, from: coded) == tree)
    #expect(try JSONTree(parsing: [UInt8](coded)).text().contains("[0.485,127.5,1,"))
    #expect(
      try PropertyListDecoder().decode(JSONTree.self, from: PropertyListEncoder().encode(["a": 1]))
        == .object(["a": .integer(1)]))
  }

  @Test("Numbers are written as a person would")
  func numbers() {
    let doubles: [(Double, String)] = [
      (127.5, "127.5"), (0.485, "0.485"), (1, "1"), (-1, "-1"), (0, "0"),
      (0.1 + 0.2, "0.30000000000000004"),
      (1e-7, "1e-07"), (1e15, "1000000000000000"), (1e22, "1e+22"),
      (.greatestFiniteMagnitude, "1.7976931348623157e+308"),
      (.leastNonzeroMagnitude, "5e-324"), (.nan, "null"), (.infinity, "null"), (-.infinity, "null"),
    ]
    for (value, text) in doubles { #expect(JSONTree.number(value).text() == text) }
    #expect(JSONTree.number(Float(0.485)).text() == "0.485")
    #expect(JSONTree.number(Float.nan) == .null)
    #expect(JSONTree.integer(UInt64.max).text() == "18446744073709551615")
    #expect(JSONTree.integer(Int64.min).text() == "-9223372036854775808")
  }

  @Test("Any double is read back exactly", arguments: 0..<20 as Range<UInt64>)
  func doubles(seed: UInt64) throws {
    var random = SplitMix64(seed: seed)
    for _ in 0..<500 {
      let value = Double(bitPattern: random.next())
      guard value.isFinite else { continue }
      guard case .number(let spelling) = try parse(JSONTree.number(value).text()).value else {
        Issue.record("seed \(seed): \(value) is no number")
        continue
      }
      #expect(Double(spelling) == value, "seed \(seed)")
    }
  }

  @Test("Pretty text has a line for each member, and lists of numbers on one line")
  func pretty() throws {
    let tree = try parse(
      #"{"b":[1,2.50,null],"a":[{"c":[]},"x",[1]],"d":{},"e":true}"#)
    #expect(
      tree.text(JSONStyle(isPretty: true, sortsKeys: true)) == """
        {
          "a": [
            {
              "c": []
            },
            "x",
            [1]
          ],
          "b": [1, 2.50, null],
          "d": {},
          "e": true
        }
        """)
    #expect(tree.text() == #"{"b":[1,2.50,null],"a":[{"c":[]},"x",[1]],"d":{},"e":true}"#)
    #expect(tree.text(JSONStyle(sortsKeys: true)).hasPrefix(#"{"a":[{"c":[]}"#))
  }

  @Test("Objects made of a dictionary are sorted, and lack what is nil")
  func object() {
    let tree = JSONTree.object(["b": .integer(1), "a": .string("x"), "c": nil, "d": .null])
    #expect(tree.text() == #"{"a":"x","b":1,"d":null}"#)
  }

  @Test(
    "Each set of escapes writes its own",
    arguments: [
      (
        JSONStyle.Escapes.numeric,
        #""\"\\/\u000a\u000d\u0009\u0008\u001f"# + "\u{7F}\u{9F}\u{2028}é\""
      ),
      (.short, #""\"\\/\n\r\t\u0008\u001f"# + "\u{7F}\u{9F}\u{2028}é\""),
      (.shortAndInvisible, #""\"\\/\n\r\t\u0008\u001f\u007f\u009f\u2028é""#),
    ])
  func escapes(_ escapes: JSONStyle.Escapes, expected: String) throws {
    let text = "\"\\/\n\r\t\u{8}\u{1F}\u{7F}\u{9F}\u{2028}é"
    #expect(JSONTree.quoted(text, escapes: escapes) == expected)
    #expect(JSONTree.string(text).text(JSONStyle(escapes: escapes)) == expected)
    #expect(try parse(expected) == .string(text))
  }
}
