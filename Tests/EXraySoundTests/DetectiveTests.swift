import EXraySound
import EXrayTestKit
import Foundation
import Testing

@Suite(.enabled(if: Requirements.runsLongTests))
struct SoundDetectiveTests {
  private struct Case: Decodable {
    var kind: String
    var causes: [String]
    var intended: RecipeInCase
    var step: Double
    var files: [String]
    var features: [String]
  }

  /// What the detective says of one case, as short cause names.
  private func answer(_ item: Case, _ python: PythonCases) throws -> SoundExplanation {
    let samples = try zip(item.files, item.features).map {
      SoundDetective.Sample(
        sound: try WAVFile(path: python.path($0)), features: try python.floats($1))
    }
    return try SoundDetective(intended: item.intended.recipe, step: item.step).explain(samples)
  }

  private func names(_ differences: [SoundDifference]) -> [String] {
    Set(differences.map { String($0.cause.rawValue.dropFirst("preprocess.sound.".count)) }).sorted()
  }

  @Test func faultyPipelinesAreSolvedUnrelatedOnesAreNotAndHealthyOnesRaiseNothing() throws {
    let python = try PythonCases.withClips.get()
    let cases = try python.list("faulty.json", of: Case.self)
    var (right, total, certain) = ([String: Int](), [String: Int](), 0)
    for (index, item) in cases.enumerated() {
      let found = try answer(item, python)
      total[item.kind, default: 0] += 1
      let isRight: Bool
      if item.kind == "unrelated" {
        isRight = !found.isExplained
      } else {
        let answers = [found.differences] + found.ambiguous
        isRight = found.isExplained && answers.contains { names($0) == item.causes }
        if names(found.differences) == item.causes, item.kind == "faulty" { certain += 1 }
      }
      if isRight { right[item.kind, default: 0] += 1 }
      if !isRight || names(found.differences) != item.causes {
        print(
          "case \(index) \(item.intended.recipe.name ?? "") \(item.kind) \(item.causes)",
          isRight ? "ambiguous" : "WRONG", found.isExplained, found.explainedVariance,
          found.differences.map { "\($0.key): \($0.intended) -> \($0.found)" },
          found.ambiguous.map(names), found.triedCount)
      }
    }
    print("solved \(right) of \(total), \(certain) as the first answer")
    let faulty = try #require(total["faulty"])
    #expect(faulty >= 50)
    #expect(20 * (right["faulty"] ?? 0) >= 19 * faulty)
    #expect(right["unrelated"] == total["unrelated"])
    #expect(right["healthy"] == total["healthy"])
  }
}
