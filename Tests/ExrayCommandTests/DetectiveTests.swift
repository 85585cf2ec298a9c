import EXrayTestKit
import Foundation
import Testing

/// The first 200 cases of the detective's suite (`Documentation/detective-suite.md`), made by other libraries.
@Suite(.enabled(if: SharedData.isAvailable && Requirements.python != nil || Requirements.areStrict))
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

  @Test func `faults are named, unrelated inputs are unexplained, healthy ones raise nothing`()
    throws
  {
    try withTemporaryFolder { folder in
      let file = folder.appending(path: "score.json")
      let outcome = try BuiltTool.run(
        Requirements.packageRoot.appending(path: "Scripts/detective.sh"),
        ["--cases", "200", "--threshold", "0.99", "--json", file.path],
        environment: ["EXRAY": BuiltTool.url.path, "EXRAY_DATA": try SharedData.path("")])
      // Exit 1 where recall or precision of a cause, or the answers to the others, are below 99 %.
      #expect(outcome.status == 0, "\(outcome.output)\(outcome.errors.suffix(2000))")
      let score = try JSONDecoder().decode(Score.self, from: Data(contentsOf: file))
      #expect(score.causes.count == 11)
      #expect(Set(score.kinds.keys) == ["faulty", "healthy", "unexplained"])
    }
  }
}
