import EXrayTestKit
import Foundation
import Testing

/// Models and traces whose layers have other names, another order and other axes than the reference's.
@Suite(.enabled(if: SharedData.isAvailable && Requirements.python != nil || Requirements.areStrict))
struct LayoutTests {
  private struct Report: Decodable {
    struct Side: Decodable {
      struct Op: Decodable { var type: String }
      var shape: [Int]
      var op: Op?
    }
    struct Metrics: Decodable { var nrmse: Double? }
    struct Row: Decodable {
      var status: String
      var candidate: Side?
      var reference: Side?
      var metrics: Metrics?
      var confidence: Double?
      var matchedBy: [String]?

      private enum CodingKeys: String, CodingKey {
        case status, candidate, reference, metrics, confidence
        case matchedBy = "matched_by"
      }
    }
    var verdict: String
    var inputs: [Row]
    var layers: [Row]
    var outputs: [Row]
    var notes: [String]
  }

  private func report(_ file: URL) throws -> Report {
    try JSONDecoder().decode(Report.self, from: Data(contentsOf: file))
  }

  /// Makes the copy of the float ResNet8 with channels first, and its recipe.
  private func makeCopy(in folder: URL) throws -> (model: String, recipe: String) {
    let data = try #require(SharedData.root)
    let made = try BuiltTool.run(
      script: "make_matching_suite.py",
      [data.path, folder.path, "--kinds", "nchw", "--models", "resnet8_float"])
    #expect(made.status == 0, "\(made.errors)")
    let recipe = folder.appending(path: "recipe.json")
    let original = Requirements.packageRoot.appending(path: "Examples/recipes/resnet8-cifar10.json")
    try String(decoding: Data(contentsOf: original), as: UTF8.self)
      .replacing("\"NHWC\"", with: "\"NCHW\"").write(to: recipe, atomically: true, encoding: .utf8)
    return (folder.appending(path: "resnet8_float.nchw.tflite").path, recipe.path)
  }

  @Test func `a copy with channels first compares as equal, layer by layer`() throws {
    try withTemporaryFolder { folder in
      let (model, recipe) = try makeCopy(in: folder)
      let found = folder.appending(path: "report")
      let sides = [
        "--candidate-model", model, "--candidate-recipe", recipe, "--reference-model",
        try SharedData.path("models/cifar10/resnet8_float.tflite"), "--reference-recipe",
        "Examples/recipes/resnet8-cifar10.json",
      ]
      let pictures = try FileManager.default.contentsOfDirectory(
        atPath: SharedData.path("data/cifar10_200/images")
      ).sorted().prefix(4).flatMap {
        ["--input", try SharedData.path("data/cifar10_200/images/\($0)")]
      }
      let outcome = try BuiltTool.run(
        ["validate"] + sides + pictures + ["--report", found.path, "--keep-traces"])
      #expect(outcome.status == 0, "\(outcome.output) \(outcome.errors)")
      let validated = try report(found.appending(path: "report.json"))
      #expect(validated.verdict == "pass")
      for row in validated.inputs + validated.outputs {
        #expect(row.metrics?.nrmse ?? 1 < 1e-5, "\(row)")
      }
      let mapped = validated.layers.filter { $0.reference != nil && $0.candidate != nil }
      #expect(mapped.count == 16)
      #expect(validated.layers.allSatisfy { $0.candidate != nil })
      #expect(mapped.allSatisfy { ($0.metrics?.nrmse ?? 1) < 1e-5 })
      #expect(mapped.allSatisfy { ($0.confidence ?? 0) > 0.9 && $0.matchedBy?.isEmpty == false })
      let turned = mapped.filter { $0.candidate?.shape != $0.reference?.shape }
      #expect(turned.count >= 7, "\(turned.count)")

      // Traces have no graph; names are of no use, and values tell most layers.
      let compared = folder.appending(path: "compared.json")
      let traces = try BuiltTool.run([
        "compare", found.appending(path: "candidate.mcap").path,
        found.appending(path: "reference.mcap").path, "--json", compared.path,
      ])
      #expect(traces.status == 0, "\(traces.output) \(traces.errors)")
      let rows = try report(compared).layers.filter { $0.reference != nil && $0.candidate != nil }
      #expect(rows.count >= 12, "\(rows.count)")
      #expect(rows.allSatisfy { ($0.metrics?.nrmse ?? 1) < 1e-5 })
    }
  }

  @Test func `taking apart a model of other axes measures no error of its ops`() throws {
    try withTemporaryFolder { folder in
      let data = try #require(SharedData.root)
      let copies = try BuiltTool.run(
        script: "make_matching_suite.py",
        [data.path, folder.path, "--kinds", "nchw", "--models", "kws_dscnn_float"])
      #expect(copies.status == 0, "\(copies.errors)")
      let inputs = folder.appending(path: "features.npy")
      let write =
        "import numpy as np, sys; np.save(sys.argv[1], np.random.default_rng(1)"
        + ".normal(0, 20, (3, 49, 10, 1)).astype('float32'))"
      let made = try BuiltTool.run(
        try #require(Requirements.python), ["-c", write, inputs.path])
      #expect(made.status == 0, "\(made.errors)")
      let file = folder.appending(path: "layers.json")
      let outcome = try BuiltTool.run([
        "dissect", folder.appending(path: "kws_dscnn_float.nchw.tflite").path, "--reference",
        try SharedData.path("models/audio/kws_dscnn_float.tflite"), "--input", inputs.path,
        "--json", file.path,
      ])
      #expect(outcome.status == 0, "\(outcome.output) \(outcome.errors)")
      let found = try JSONDecoder().decode(Layers.self, from: Data(contentsOf: file))
      #expect(found.verdict == "pass" && found.layers.count >= 12, "\(found)")
      #expect(found.layers.allSatisfy { $0.errors.own < 1e-4 && $0.errors.inherited < 1e-4 })
    }
  }

  private struct Layers: Decodable {
    struct Errors: Decodable {
      var own: Double
      var inherited: Double
    }
    struct Layer: Decodable { var errors: Errors }
    var verdict: String
    var layers: [Layer]
  }
}
