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

  struct Damage: Sendable, CustomTestStringConvertible {
    var model: String
    var reference: String
    var recipe: String
    var labelOffset: Int
    var cause: String
    /// Right answers in 100 of the model that was not damaged, of TensorFlow's own converter.
    var undamaged: Double
    var testDescription: String { model }
  }

  static let damages = [
    Damage(
      model: "lite0_int8_wscale_b5dw_x1.5", reference: "efficientnet_lite0_float",
      recipe: "efficientnet-lite0", labelOffset: 0, cause: "quantization.weight-scale",
      undamaged: 0.77),
    Damage(
      model: "mbv1_int8_clip_conv7_x0.3", reference: "mobilenet_v1_025_224_float",
      recipe: "mobilenet-v1-0.25", labelOffset: 1, cause: "quantization.range-too-narrow",
      undamaged: 0.52),
  ]

  @Test(arguments: damages)
  func `a damaged op is valued by a replay with the op put right`(_ damage: Damage) throws {
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
        SharedData.path("models/known_bad/\(damage.model).tflite"), "--reference-model",
        SharedData.path("models/imagenet/\(damage.reference).tflite"), "--candidate-recipe",
        "Examples/recipes/\(damage.recipe).json", "--reference-recipe",
        "Examples/recipes/\(damage.recipe).json", "--report", folder.path, "--labels",
        SharedData.path("data/imagenet_100/labels.txt"), "--label-offset",
        "\(damage.labelOffset)", "--input", SharedData.path("data/imagenet_100/images"),
      ])
      #expect(outcome.status == 1, "\(outcome.output)\(outcome.errors)")
      let report = try JSONDecoder().decode(
        Gains.self, from: Data(contentsOf: folder.appending(path: "report.json")))
      let finding = try #require(report.findings.first)
      #expect(finding.cause == damage.cause)
      let gain = try #require(finding.gain)
      #expect(gain.metric == "accuracy.top1" && gain.frames == 100)
      // One op or two in float answer about as well as the model that was never damaged.
      #expect(gain.after > gain.before + 0.1, "\(gain)")
      #expect(abs(gain.after - damage.undamaged) <= 0.06, "\(gain)")
    }
  }
}
