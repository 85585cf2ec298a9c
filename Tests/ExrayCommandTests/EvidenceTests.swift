import EXrayTestKit
import Foundation
import Testing

/// What `exray validate` says about the worth of its own evidence, with the real runtime.
@Suite(.enabled(if: SharedData.isAvailable || Requirements.areStrict))
struct EvidenceTests {
  private struct Report: Decodable {
    struct Item: Decodable {
      var subject: String
      var worth: String
      var detail: String
    }
    var verdict: String
    var evidence: [Item]
  }

  @Test(arguments: [
    ("mobilenet_v1_025_224_int8", "mobilenet_v1_025_224_float", "mobilenet-v1-0.25"),
    ("efficientnet_lite0_int8", "efficientnet_lite0_float", "efficientnet-lite0"),
  ])
  func `capturing changes no output, and nothing is random`(
    candidate: String, reference: String, recipe: String
  ) throws {
    try withTemporaryFolder { folder in
      let pictures = try SharedData.path("data/imagenet_100/images")
      let names = try FileManager.default.contentsOfDirectory(atPath: pictures).sorted().prefix(5)
      let outcome = try BuiltTool.run(
        [
          "validate", "--candidate-model", SharedData.path("models/imagenet/\(candidate).tflite"),
          "--reference-model", SharedData.path("models/imagenet/\(reference).tflite"),
          "--candidate-recipe", "Examples/recipes/\(recipe).json", "--reference-recipe",
          "Examples/recipes/\(recipe).json", "--report", folder.path, "--input",
        ] + names.map { "\(pictures)/\($0)" })
      #expect(outcome.status == 0, "\(outcome.output)\(outcome.errors)")
      let report = try JSONDecoder().decode(
        Report.self, from: Data(contentsOf: folder.appending(path: "report.json")))
      #expect(report.evidence.allSatisfy { $0.worth == "sound" }, "\(report.evidence)")
      #expect(
        Set(report.evidence.map(\.subject)).isSuperset(
          of: ["coverage", "stale-layers", "output-values", "capture", "repeatability"]))
    }
  }

  @Test func `a damaged op is valued by a replay with the op put right`() throws {
    struct Gains: Decodable {
      struct Finding: Decodable {
        struct Gain: Decodable {
          var metric: String
          var before: Double
          var after: Double
          var frames: Int
        }
        var cause: String
        var gain: Gain?
      }
      var findings: [Finding]
    }
    try withTemporaryFolder { folder in
      let outcome = try BuiltTool.run([
        "validate", "--candidate-model",
        SharedData.path("models/known_bad/lite0_int8_wscale_b5dw_x1.5.tflite"),
        "--reference-model", SharedData.path("models/imagenet/efficientnet_lite0_float.tflite"),
        "--candidate-recipe", "Examples/recipes/efficientnet-lite0.json", "--reference-recipe",
        "Examples/recipes/efficientnet-lite0.json", "--report", folder.path, "--labels",
        SharedData.path("data/imagenet_100/labels.txt"), "--input",
        SharedData.path("data/imagenet_100/images"),
      ])
      #expect(outcome.status == 1, "\(outcome.output)\(outcome.errors)")
      let report = try JSONDecoder().decode(
        Gains.self, from: Data(contentsOf: folder.appending(path: "report.json")))
      let finding = try #require(report.findings.first)
      #expect(finding.cause == "quantization.weight-scale")
      let gain = try #require(finding.gain)
      #expect(gain.metric == "accuracy.top1" && gain.frames == 100)
      #expect(gain.after >= gain.before, "\(gain)")
    }
  }
}
