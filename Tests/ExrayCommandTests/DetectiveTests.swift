import EXrayTestKit
import Foundation
import Testing

/// The first 200 cases of the detective's suite (`Documentation/detective-suite.md`), made by other libraries.
@Suite(.enabled(if: Requirements.runsLongTests))
struct DetectiveTests {
  /// What `score_detective.py --json` writes.
  struct Score: Decodable {
    struct Row: Decodable {
      var cause: String
      var recall: Double?
      var precision: Double?
    }
    var causes: [Row]
    /// Share of right answers by kind of case.
    var kinds: [String: Double]
  }

  /// Measured, in percent; the goal is 99 everywhere.
  static let floors: [String: (recall: Double, precision: Double)] = [
    "preprocess.channel-order": (95.0, 100.0),
    "preprocess.crop": (96.4, 100.0),
    "preprocess.decode": (71.4, 100.0),
    "preprocess.flip": (100.0, 100.0),
    "preprocess.grayscale": (94.4, 100.0),
    "preprocess.layout": (96.4, 100.0),
    "preprocess.normalization": (92.8, 66.6),
    "preprocess.quantization": (95.2, 100.0),
    "preprocess.resize": (100.0, 96.6),
    "preprocess.rotation": (93.9, 100.0),
  ]

  @Test func `faults are named, unrelated inputs are unexplained, healthy ones raise nothing`()
    throws
  {
    try withTemporaryFolder { folder in
      let file = folder.appending(path: "score.json")
      let outcome = try BuiltTool.run(
        Requirements.packageRoot.appending(path: "Scripts/detective.sh"),
        ["--cases", "200", "--threshold", "0", "--json", file.path],
        environment: ["EXRAY": BuiltTool.url.path, "EXRAY_DATA": try SharedData.path("")])
      try #require(outcome.status == 0, "\(outcome.errors.suffix(2000))")
      let score = try JSONDecoder().decode(Score.self, from: Data(contentsOf: file))
      #expect(Set(score.causes.map(\.cause)) == Set(Self.floors.keys), "\(outcome.output)")
      for row in score.causes {
        let floor = try #require(Self.floors[row.cause])
        #expect((row.recall ?? 0) * 100 >= floor.recall, "\(row)\n\(outcome.output)")
        #expect((row.precision ?? 0) * 100 >= floor.precision, "\(row)\n\(outcome.output)")
      }
      #expect((score.kinds["unexplained"] ?? 0) * 100 >= 100.0, "\(outcome.output)")
      #expect((score.kinds["healthy"] ?? 0) * 100 >= 92.8, "\(outcome.output)")
    }
  }
}
