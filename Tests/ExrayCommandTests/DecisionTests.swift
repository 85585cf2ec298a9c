import EXrayTestKit
import Foundation
import Testing

/// Ties inside the graphs of real models.
@Suite(.enabled(if: SharedData.isAvailable || Requirements.areStrict))
struct DecisionTests {
  private struct Report: Decodable {
    struct Decisions: Decodable {
      var op: Int
      var type: String
      var decisions: Int
      var changed: Int
      var equal: Int
      var knifeEdges: Int
    }
    var verdict: String
    var decisions: [Decisions]
    var notes: [String]
  }

  private func validate(_ arguments: [String]) throws -> Report {
    try withTemporaryFolder { folder in
      let outcome = try BuiltTool.run(["validate", "--report", folder.path] + arguments)
      #expect(outcome.status == 0, "\(outcome.errors)")
      return try JSONDecoder().decode(
        Report.self, from: Data(contentsOf: folder.appending(path: "report.json")))
    }
  }

  private func pictures(_ count: Int) throws -> [String] {
    let folder = try SharedData.path("data/coco_val_64/images")
    return try FileManager.default.contentsOfDirectory(atPath: folder).sorted().prefix(count)
      .flatMap { ["--input", folder + "/" + $0] }
  }

  @Test func `pixels that other kernels label otherwise are knife-edges`() throws {
    let report = try validate(
      [
        "--candidate-model",
        try SharedData.path("models/segmentation/deeplabv3_mnv2_dm05_513_uint8.tflite"),
        "--candidate-recipe", "Examples/recipes/deeplabv3-513.json", "--reference-kernels",
        "builtin",
      ] + pictures(2))
    let choice = try #require(report.decisions.first)
    #expect(report.verdict == "pass" && report.decisions.count == 1)
    #expect(choice.op == 71 && choice.type == "ARG_MAX")
    #expect(choice.decisions == 2 * 513 * 513)
    #expect(choice.changed > 100 && choice.equal > 0)
    #expect(choice.equal + choice.knifeEdges > choice.changed * 99 / 100)
    #expect(report.notes.contains { $0.contains("knife-edges") })
  }

  @Test func `boxes that a quantized detector keeps otherwise are counted`() throws {
    let report = try validate(
      [
        "--candidate-model",
        try SharedData.path("models/detection/ssd_mobilenet_v1_300_uint8_qat.tflite"),
        "--candidate-recipe", "Examples/recipes/ssd-mobilenet-v1-uint8.json",
        "--reference-model",
        try SharedData.path("models/detection/ssd_mobilenet_v1_300_floattwin_fp16w.tflite"),
      ] + pictures(8))
    let choice = try #require(report.decisions.first)
    #expect(report.verdict == "pass" && report.decisions.count == 1)
    #expect(choice.type == "TFLite_Detection_PostProcess" && choice.decisions == 80)
    #expect((1...20).contains(choice.changed))
    #expect(choice.knifeEdges >= choice.changed / 2)
  }
}
