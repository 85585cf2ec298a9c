import EXrayTestKit
import Foundation
import Testing

/// `exray identify` as a command: what it answers, and what it does with files that mean harm.
///
/// Harmful files run under limits, so that one that takes memory or time without bound ends the tool by a signal.
struct IdentifyTests {
  static let intended =
    #"{"exrayRecipe": 1, "resize": {"width": 40, "height": 32}, "normalize": "[-1,1]"}"#

  /// The levels of a picture of 40×32 pixels without symmetry, from a seed.
  static let levels: [UInt8] = {
    var random = SplitMix64(seed: 41)
    // Few cells, so that neighbours are alike as in a photo.
    let cells = (0..<(11 * 9 * 3)).map { _ in Double.random(in: 10...245, using: &random) }
    return (0..<(32 * 40 * 3)).map { index in
      let (x, y, c) = (index / 3 % 40, index / 120, index % 3)
      func cell(_ dx: Int, _ dy: Int) -> Double { cells[((y / 4 + dy) * 11 + x / 4 + dx) * 3 + c] }
      let (u, v) = (Double(x % 4) / 4, Double(y % 4) / 4)
      let upper = cell(0, 0) * (1 - u) + cell(1, 0) * u
      let lower = cell(0, 1) * (1 - u) + cell(1, 1) * u
      return UInt8(upper * (1 - v) + lower * v)
    }
  }()

  private static func rows(_ levels: [UInt8]) -> [[UInt8]] {
    stride(from: 0, to: levels.count, by: 120).map { Array(levels[$0..<($0 + 120)]) }
  }

  static let picture = PictureBytes.png(width: 40, height: 32, rows: rows(levels))

  /// The same with chunks beside the pixels.
  static let richPicture = PictureBytes.png(
    width: 40, height: 32, rows: rows(levels),
    extra: PictureBytes.chunk("gAMA", [0, 0, 0xB1, 0x8F])
      + PictureBytes.chunk("tRNS", [0, 1, 0, 2, 0, 3])
      + PictureBytes.chunk("eXIf", PictureBytes.exif(orientation: 6))
      + PictureBytes.chunk("tEXt", Array("key\0".utf8) + [UInt8](repeating: 0x61, count: 240)))

  /// An array of the picture's size.
  static func input(_ value: (Int) -> Float) -> [UInt8] {
    PictureBytes.npy("<f4", "(1, 32, 40, 3)", PictureBytes.bytes((0..<levels.count).map(value)))
  }

  /// What the intended recipe makes of the picture.
  static let healthy = input { Float(levels[$0]) / 127.5 - 1 }

  /// Runs the tool with 1.5 GiB of address space and 30 s of processor time.
  static func limited(_ arguments: [String]) throws -> BuiltTool.Outcome {
    try BuiltTool.shell(
      #"ulimit -v 1572864 && ulimit -t 30 && exec "$exray" "$@""#, arguments)
  }

  /// Arguments that identify `array` from `picture`.
  static func arguments(
    _ sandbox: Sandbox, picture: [UInt8] = picture, name: String = "p.png",
    array: [UInt8] = healthy, recipe: String? = intended
  ) throws -> [String] {
    [
      "identify", "--raw", try sandbox.file(name, picture), "--model-input",
      try sandbox.file("x.npy", array),
    ] + (try recipe.map { ["--intended", try sandbox.file("r.json", $0)] } ?? [])
  }

  // MARK: Answers

  struct Answer: Sendable, CustomTestStringConvertible {
    var testDescription: String
    var array: [UInt8]
    var recipe: String? = intended
    var picture = IdentifyTests.picture
    var status: Int32
    var verdict: String
    var causes: [String] = []
  }

  static let grey = PictureBytes.png(
    width: 40, height: 32, rows: rows(levels.indices.map { levels[$0 - $0 % 3] }))

  static let answers: [Answer] = [
    Answer(testDescription: "as intended", array: healthy, status: 0, verdict: "as-intended"),
    Answer(
      testDescription: "nothing intended", array: healthy, recipe: nil, status: 0,
      verdict: "identified"),
    Answer(
      testDescription: "BGR from 0 to 1",
      array: input { Float(levels[$0 - $0 % 3 + 2 - $0 % 3]) / 255 }, status: 1,
      verdict: "differs", causes: ["preprocess.channel-order", "preprocess.normalization"]),
    Answer(
      testDescription: "mirrored",
      array: input { Float(levels[$0 / 120 * 120 + 117 - $0 % 120 / 3 * 3 + $0 % 3]) / 127.5 - 1 },
      status: 1, verdict: "differs", causes: ["preprocess.flip"]),
    Answer(
      testDescription: "unrelated",
      array: {
        var random = SplitMix64(seed: 7)
        return input { _ in Float.random(in: -1...1, using: &random) }
      }(), status: 3, verdict: "unexplained"),
    Answer(
      testDescription: "a grey picture, nothing intended",
      array: input { Float(levels[$0 - $0 % 3]) }, recipe: nil, picture: grey, status: 3,
      verdict: "ambiguous"),
  ]

  @Test(arguments: answers)
  func `answers with a verdict, an exit code and JSON`(_ answer: Answer) throws {
    try withSandbox { sandbox in
      let json = sandbox.output + "/found.json"
      let outcome = try BuiltTool.run(
        Self.arguments(
          sandbox, picture: answer.picture, array: answer.array, recipe: answer.recipe)
          + ["--json", json])
      #expect(outcome.status == answer.status, "\(outcome.output)\(outcome.errors)")
      #expect(outcome.errors == "")
      #expect(try sandbox.written == ["found.json"])
      let tree = try JSONSerialization.jsonObject(with: Data(contentsOf: URL(filePath: json)))
      let report = try #require(tree as? [String: Any])
      #expect(report["exrayIdentify"] as? Int == 1)
      #expect(report["verdict"] as? String == answer.verdict, "\(report)")
      #expect((report["recipe"] == nil) == (answer.verdict == "unexplained"))
      #expect((report["explainedVariance"] as? Double).map { (0...1).contains($0) } == true)
      #expect(report["frames"] as? Int == 1 && report["searchedFrames"] as? Int == 1)
      let differences = try #require(report["differences"] as? [[String: Any]])
      #expect(differences.compactMap { $0["cause"] as? String }.sorted() == answer.causes)
      for difference in differences {
        for key in ["stage", "found", "intended", "foundLine", "line"] {
          #expect(difference[key] is String, "\(key) of \(difference)")
        }
      }
      let ambiguous = try #require(report["ambiguous"] as? [[String: Any]])
      #expect(ambiguous.allSatisfy { $0["stage"] is String && $0["reason"] is String })
      #expect(ambiguous.allSatisfy { ($0["candidates"] as? [String] ?? []).count > 1 })
      #expect(!ambiguous.isEmpty || answer.verdict != "ambiguous")
      let ruledOut = try #require(report["ruledOut"] as? [String])
      #expect(ruledOut.isEmpty == (answer.verdict != "unexplained"))
      if answer.verdict == "as-intended" {
        #expect((report["residualInLSB"] as? Double).map { $0 < 0.01 } == true)
        #expect((report["intendedResidualInLSB"] as? Double).map { $0 < 0.01 } == true)
      }
    }
  }

  /// Odd but whole pictures: what they hold is found.
  static let oddities: [(name: String, picture: [UInt8])] = {
    func exif(_ tiff: [UInt8]) -> [UInt8] {
      PictureBytes.png(
        width: 40, height: 32, rows: rows(levels), extra: PictureBytes.chunk("eXIf", tiff))
    }
    let wide: [[UInt8]] = rows(levels).map { row in row.flatMap { level in [level, 77] } }
    return [
      ("16 bits", PictureBytes.png(width: 40, height: 32, depth: 16, rows: wide)),
      (
        "EXIF whose directory follows itself, orientation 0",
        exif(PictureBytes.exif(orientation: 0))
      ),
      ("orientation 9", exif(PictureBytes.exif(orientation: 9))),
      ("65,535 entries", exif(PictureBytes.exif(orientation: 9, entries: 65_535))),
      ("an orientation of 2³² values", exif(PictureBytes.exif(orientation: 0, count: -1))),
      ("an orientation that is text", exif(PictureBytes.exif(orientation: 3, type: 2))),
      ("EXIF that is a start alone", exif(Array("MM".utf8) + [0, 42])),
      (
        "300 texts of 8 MB each",
        PictureBytes.png(
          width: 40, height: 32, rows: rows(levels),
          extra: [[UInt8]](
            repeating: PictureBytes.chunk(
              "zTXt", Array("key".utf8) + [0, 0] + PictureBytes.zeros(7_900_000)), count: 300
          ).flatMap(\.self))
      ),
      (
        "a profile of 500 MB",
        PictureBytes.png(
          width: 40, height: 32, rows: rows(levels),
          extra: PictureBytes.chunk(
            "iCCP", Array("key".utf8) + [0, 0] + PictureBytes.zeros(500_000_000)))
      ),
    ]
  }()

  @Test(arguments: oddities.indices)
  func `a picture with oddities is what its pixels say`(_ index: Int) throws {
    let recipe = Self.intended.replacing("{\"exray", with: #"{"orient": {"exif": "apply"}, "exray"#)
    try withSandbox { sandbox in
      let (name, picture) = Self.oddities[index]
      let outcome = try Self.limited(Self.arguments(sandbox, picture: picture, recipe: recipe))
      #expect(outcome.status == 0, "\(name): \(outcome.output)\(outcome.errors)")
      #expect(outcome.output.hasPrefix("as intended"))
    }
  }

  @Test func `an EXIF orientation of 3 is obeyed`() throws {
    let recipe = Self.intended.replacing("{\"exray", with: #"{"orient": {"exif": "apply"}, "exray"#)
    let tiff = PictureBytes.chunk("eXIf", PictureBytes.exif(orientation: 3))
    let picture = PictureBytes.png(
      width: 40, height: 32, rows: Self.rows(Self.levels), extra: tiff)
    let turned = Self.input { Float(Self.levels[(1279 - $0 / 3) * 3 + $0 % 3]) / 127.5 - 1 }
    try withSandbox { sandbox in
      let outcome = try BuiltTool.run(
        Self.arguments(sandbox, picture: picture, array: turned, recipe: recipe))
      #expect(outcome.status == 0, "\(outcome.output)\(outcome.errors)")
    }
  }

  /// Whole files that nothing explains, and numbers that are none.
  static let unexplained: [(name: String, picture: [UInt8], array: [UInt8])] = {
    let arithmetic = PictureBytes.jpeg(width: 16, height: 16, frame: 0xC9)
    func one(_ value: Float) -> [UInt8] {
      input { $0 == 100 ? value : Float(levels[$0]) / 127.5 - 1 }
    }
    return [
      ("NaN", picture, input { _ in .nan }), ("one NaN", picture, one(.nan)),
      ("one infinity", picture, one(.infinity)), ("all equal", picture, input { _ in 0.5 }),
      ("all 0", picture, input { _ in 0 }),
      ("the largest float32", picture, one(.greatestFiniteMagnitude)),
      ("arithmetic coding", arithmetic, healthy),
      (
        "a palette",
        PictureBytes.png(
          width: 16, height: 16, color: 3,
          extra: PictureBytes.chunk("PLTE", [1, 2, 3, 4, 5, 6])
            + PictureBytes.chunk("tRNS", [0])), healthy
      ),
      (
        "an interlaced picture", PictureBytes.png(width: 17, height: 9, isInterlaced: true), healthy
      ),
      ("100,000×1", PictureBytes.png(width: 100_000, height: 1), healthy),
      ("1×100,000", PictureBytes.png(width: 1, height: 100_000), healthy),
    ]
  }()

  @Test(arguments: unexplained.indices)
  func `what nothing explains is said with exit code 3`(_ index: Int) throws {
    let (name, picture, array) = Self.unexplained[index]
    try withSandbox { sandbox in
      for recipe in [nil, Self.intended] {
        let outcome = try Self.limited(
          Self.arguments(sandbox, picture: picture, array: array, recipe: recipe))
        #expect(outcome.status == 3, "\(name): \(outcome.output)\(outcome.errors)")
        #expect(outcome.output.hasPrefix("unexplained"), "\(name): \(outcome.output)")
      }
    }
  }
}
