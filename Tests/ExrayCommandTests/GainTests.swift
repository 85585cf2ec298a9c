import EXrayPipeline
import EXrayTestKit
import EXrayValidation
import Foundation
import Testing

@Suite("What a fix gains")
struct GainTests {
  /// Runs over the same frames from the right answers of each: `1` right, `0` wrong.
  private func measurement(_ answers: [Int], labelled: Bool = true) throws -> FrameMeasurement {
    try #require(
      FrameMeasurement(
        answers.enumerated().map { index, isRight in
          var outcome = FrameOutcome(
            name: "\(index)", label: labelled ? 3 : nil, candidate: nil, reference: nil,
            areScores: true)
          outcome.reference = 3
          outcome.candidate = isRight == 1 ? 3 : 0
          return outcome
        }))
  }

  @Test("The interval of paired proportions has the published values")
  func agrestiMin() {
    // Airway hyper-responsiveness, Newcombe 1998, table II: 36 right both times, 12 and 2 once, 0 never.
    // Worked by hand after Agresti & Min 2005: (10/52) ± 1.96·√(15 − 10²/52)/52.
    let interval = PairedInterval.proportions(won: 12, lost: 2, pairs: 50)
    #expect(abs(interval[0] - 0.05600) < 1e-4 && abs(interval[1] - 0.32861) < 1e-4, "\(interval)")
  }

  @Test("Without any change the interval still has a width, and it stays within −1 and 1")
  func noChange() {
    let none = PairedInterval.proportions(won: 0, lost: 0, pairs: 100)
    #expect(none[0] < 0 && none[1] > 0 && none[1] < 0.03)
    for count in [1, 2, 7] {
      let all = PairedInterval.proportions(won: count, lost: 0, pairs: count)
      #expect(all[0] >= -1 && all[1] <= 1 && all[0] < all[1])
    }
  }

  @Test(
    "Intervals hold the true gain in about 95 of 100 experiments",
    arguments: [(40, 0.30, 0.05), (100, 0.18, 0.02), (100, 0.05, 0.05), (400, 0.02, 0.01)])
  func coverage(frames: Int, winning: Double, losing: Double) throws {
    var random = SplitMix64(seed: UInt64(frames) ^ 0x6a1)
    var held = (exact: 0, drawn: 0)
    let experiments = (exact: 2000, drawn: 120)
    for experiment in 0..<experiments.exact {
      let changes = (0..<frames).map { _ -> Int in
        let draw = Double.random(in: 0..<1, using: &random)
        return draw < winning ? 1 : draw < winning + losing ? -1 : 0
      }
      let truth = winning - losing
      let interval = PairedInterval.proportions(
        won: changes.count { $0 > 0 }, lost: changes.count { $0 < 0 }, pairs: frames)
      held.exact += interval[0] <= truth && truth <= interval[1] ? 1 : 0
      if experiment < experiments.drawn {
        let drawn = try #require(
          PairedInterval.bootstrap(frames: frames, runs: 2) { indices in
            Double(indices.reduce(0) { $0 + changes[$1] }) / Double(frames)
          })
        held.drawn += drawn[0] <= truth && truth <= drawn[1] ? 1 : 0
      }
    }
    let share = Double(held.exact) / Double(experiments.exact)
    #expect(share > 0.93 && share < 0.995, "held \(share)")
    let drawn = Double(held.drawn) / Double(experiments.drawn)
    #expect(drawn > 0.85, "bootstrap held \(drawn)")
  }

  @Test("The bootstrap gives the same interval each time, and none for one frame")
  func reproducible() {
    let values = (0..<50).map { Double($0 * $0 % 17) }
    let intervals = (0..<2).map { _ in
      PairedInterval.bootstrap(frames: 50, runs: 1) { $0.reduce(0) { $0 + values[$1] } / 50 }
    }
    #expect(intervals[0] == intervals[1])
    #expect(intervals[0] != nil)
    #expect(PairedInterval.bootstrap(frames: 1, runs: 1) { _ in 1 } == nil)
  }

  @Test("A gain is measured by labels, else by equal answers, else by likeness")
  func metrics() throws {
    let labelled = try measurement([1, 0, 0, 1]).gain(of: measurement([1, 1, 1, 1]))
    #expect(labelled?.metric == "accuracy.top1")
    #expect(labelled?.before == 0.5 && labelled?.after == 1 && labelled?.frames == 4)
    #expect(labelled?.method == "agresti-min")
    let agreeing = try measurement([1, 0], labelled: false).gain(
      of: measurement([1, 1], labelled: false))
    #expect(agreeing?.metric == "top1_agreement")
    let outcomes = [[Float(1), 0], [1, 1], [0, 2]].map {
      FrameOutcome(name: "", label: 1, candidate: $0, reference: [1, 1], areScores: false)
    }
    let same = [Float](repeating: 1, count: 2)
    let right = outcomes.map { _ in
      FrameOutcome(name: "", label: 1, candidate: same, reference: same, areScores: false)
    }
    let (before, after) = (FrameMeasurement(outcomes), try #require(FrameMeasurement(right)))
    let alike = try #require(before?.gain(of: after))
    #expect(alike.metric == "cosine_similarity")
    // Σ both 1 + 2 + 2, Σ candidate² 1 + 2 + 4, Σ reference² 6.
    #expect(abs(alike.before - 5 / 42.0.squareRoot()) < 1e-12 && abs(alike.after - 1) < 1e-12)
    #expect(alike.method == "paired-bootstrap")
  }

  @Test("Fixes interact exactly where single gains do not add up")
  func interaction() throws {
    let start = try measurement([0, 0, 0, 0, 1])
    let (first, second) = (try measurement([1, 0, 0, 0, 1]), try measurement([0, 1, 0, 0, 1]))
    let added = start.interaction(
      of: [first, second], all: try measurement([1, 1, 0, 0, 1]))
    #expect(abs(try #require(added).excess) < 1e-12)
    #expect(abs(try #require(added).sum - 0.4) < 1e-12)
    let more = try #require(
      start.interaction(of: [first, second], all: measurement([1, 1, 1, 1, 1])))
    #expect(abs(more.excess - 0.4) < 1e-12)
    #expect(start.interaction(of: [first], all: try measurement([1, 1])) == nil)
  }
}

@Suite(
  "Fixes replayed one by one", .enabled(if: SharedData.isAvailable && LiteRTLibrary.isAvailable))
struct ReplayedGainTests {
  private func validate(
    _ model: String, candidate: String, reference: String, input: String, labels: String? = nil,
    offset: Int = 0
  ) throws -> (report: [String: Any], text: String) {
    try withSandbox { sandbox in
      let wrong = try sandbox.file("wrong.json", candidate)
      let report = sandbox.path("report")
      var arguments = [
        "validate", "--candidate-model", try SharedData.path(model), "--candidate-recipe", wrong,
        "--reference-recipe", reference, "--capture", "io", "--report", report, "--input",
        try SharedData.path(input),
      ]
      if let labels {
        arguments += ["--labels", try SharedData.path(labels), "--label-offset", "\(offset)"]
      }
      var forms: [Data] = []
      var text = ""
      for _ in 0..<2 {
        let outcome = try BuiltTool.run(arguments)
        text = outcome.output
        #expect(outcome.status == 1, "\(outcome.output)\n\(outcome.errors)")
        forms.append(try Data(contentsOf: URL(filePath: report + "/report.json")))
      }
      let reports = try forms.map {
        try #require(JSONSerialization.jsonObject(with: $0) as? [String: Any])
      }
      // Times differ from run to run; what fixes gain does not.
      let proofs = try reports.map { report in
        let proof = ["findings", "allFixes", "notes"].map { report[$0] ?? NSNull() }
        return try JSONSerialization.data(withJSONObject: proof, options: .sortedKeys)
      }
      #expect(proofs[0] == proofs[1])
      return (reports[0], text)
    }
  }

  @Test("Each of three fixes and all together have their gain and its interval")
  func compound() throws {
    let (report, text) = try validate(
      "models/imagenet/mobilenet_v1_025_224_float.tflite",
      candidate:
        #"{"exrayRecipe":1,"color":"BGR","resize":{"method":"bilinear/pillow"},"normalize":"[0,1]"}"#,
      reference: "Examples/recipes/mobilenet-v1-0.25.json", input: "data/imagenet_100/images",
      labels: "data/imagenet_100/labels.txt", offset: 1)
    let findings = try #require(report["findings"] as? [[String: Any]])
    let gains = findings.compactMap { $0["gain"] as? [String: Any] }
    #expect(gains.count >= 2, "\(text)")
    let all = try #require(report["allFixes"] as? [String: Any])
    for gain in gains + [all] {
      let interval = try #require(gain["interval"] as? [Double])
      let (before, after) = (gain["before"] as? Double, gain["after"] as? Double)
      let change = try #require(after) - (try #require(before))
      #expect(interval[0] <= change && change <= interval[1])
      #expect(gain["metric"] as? String == "accuracy.top1")
      #expect(gain["frames"] as? Int == 100)
    }
    // The reference is right in 54 of 100, and the candidate with all fixes is the reference.
    let accuracy = try #require(report["accuracy"] as? [String: Any])
    let reference = try #require(accuracy["reference"] as? [String: Any])
    #expect(all["after"] as? Double == reference["top1"] as? Double)
    #expect(gains.allSatisfy { $0["after"] as? Double != all["after"] as? Double })
    #expect(text.contains("all fixes"))
    #expect((report["notes"] as? [String])?.contains { $0.hasPrefix("The fixes interact") } == true)
  }

  @Test("One fix is replayed once, and is not reported a second time as all fixes")
  func single() throws {
    let (report, text) = try validate(
      "models/vww/vww_96_int8.tflite",
      candidate:
        #"{"exrayRecipe":1,"color":"BGR","resize":{"method":"bilinear/pillow"},"normalize":"[0,1]"}"#,
      reference: "Examples/recipes/vww-96.json", input: "data/coco_val_64/images")
    #expect(report["allFixes"] is NSNull)
    let findings = try #require(report["findings"] as? [[String: Any]])
    let gain = try #require(findings.first?["gain"] as? [String: Any])
    #expect(gain["metric"] as? String == "top1_agreement")
    #expect(gain["after"] as? Double == 1)
    #expect(text.contains("proven") && text.contains("95\u{a0}%"))
  }
}
