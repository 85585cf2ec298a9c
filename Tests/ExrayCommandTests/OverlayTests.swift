import EXrayTestKit
import Foundation
import Testing

/// Reports for other tools, as the program writes them.
@Suite(.enabled(if: SharedData.isAvailable || Requirements.areStrict))
struct OverlayTests {
  private static let metrics = ["excess", "inherited", "nrmse", "own", "share", "steps"]

  private func models() throws -> (candidate: String, reference: String, pictures: String) {
    (
      try SharedData.path("models/known_bad/mbv1_int8_clip_conv7_x0.3.tflite"),
      try SharedData.path("models/imagenet/mobilenet_v1_025_224_float.tflite"),
      try SharedData.path("data/imagenet_100/images/ILSVRC2012_val_00000001.JPEG")
    )
  }

  private func validate(
    _ folder: URL, _ more: [String] = [], environment: [String: String] = [:]
  ) throws -> BuiltTool.Outcome {
    let models = try models()
    return try BuiltTool.run(
      [
        "validate", "--candidate-model", models.candidate, "--reference-model", models.reference,
        "--candidate-recipe", "Examples/recipes/mobilenet-v1-0.25.json", "--input", models.pictures,
      ] + more, environment: ["GITHUB_ACTIONS": ""].merging(environment) { $1 })
  }

  private func everything(_ folder: URL) -> [String] {
    [
      "--report", folder.path + "/report", "--sarif", folder.path + "/exray.sarif",
      "--model-explorer", folder.path + "/overlay", "--github",
    ]
  }

  private func annotations(_ outcome: BuiltTool.Outcome) -> [Substring] {
    outcome.output.split(separator: "\n").filter { $0.hasPrefix("::error") }
  }

  @Test func `validate writes every file, twice the same`() throws {
    try withTemporaryFolder { folder in
      var runs: [[String: Data]] = []
      for _ in 0..<2 {
        let outcome = try validate(folder, everything(folder))
        #expect(outcome.status == 1, "\(outcome.errors)")
        #expect(
          annotations(outcome).map { $0.prefix(46) }
            == ["::error title=quantization.range-too-narrow%3A layer"].map { $0.prefix(46) })
        var files: [String: Data] = [:]
        let names =
          ["exray.sarif"] + Self.metrics.map { "overlay/\($0).json" }
        for name in names { files[name] = try Data(contentsOf: folder.appending(path: name)) }
        runs.append(files)
      }
      #expect(runs[0] == runs[1])
      let page = String(
        decoding: try Data(contentsOf: folder.appending(path: "report/report.html")),
        as: UTF8.self)
      for heading in ["Whose error", "Model graph", "Values of the worst layers"] {
        #expect(page.contains(heading))
      }
      let sarif = String(decoding: try #require(runs[0]["exray.sarif"]), as: UTF8.self)
      #expect(sarif.contains("\"ruleId\": \"quantization.range-too-narrow\""))
      #expect(sarif.contains("\"fullyQualifiedName\": \"op 14 CONV_2D\""))
      #expect(
        try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted() == [
          "exray.sarif", "overlay", "report",
        ])
    }
  }

  @Test func `dissect writes the page and the overlays`() throws {
    try withTemporaryFolder { folder in
      let models = try models()
      let html = folder.appending(path: "layers.html")
      let outcome = try BuiltTool.run(
        [
          "dissect", models.candidate, "--reference", models.reference, "--recipe",
          "Examples/recipes/mobilenet-v1-0.25.json", "--input", models.pictures, "--html",
          html.path, "--sarif", folder.path + "/exray.sarif", "--model-explorer",
          folder.path + "/overlay", "--no-github",
        ], environment: ["GITHUB_ACTIONS": "true"])
      #expect(outcome.status == 1 && !outcome.output.contains("::"), "\(outcome.errors)")
      let page = String(decoding: try Data(contentsOf: html), as: UTF8.self)
      #expect(page.contains("Model graph") && page.contains("Drift per layer"))
      for name in Self.metrics {
        #expect(FileManager.default.fileExists(atPath: "\(folder.path)/overlay/\(name).json"))
      }
    }
  }

  @Test func `compare draws layers of traces in order, and counts their values`() throws {
    try withTemporaryFolder { folder in
      let run = try validate(
        folder, ["--report", folder.path, "--keep-traces", "--fail-on", "never"])
      #expect(run.status == 0, "\(run.errors)")
      let html = folder.appending(path: "compare.html")
      let outcome = try BuiltTool.run(
        [
          "compare", folder.path + "/candidate.mcap", folder.path + "/reference.mcap", "--html",
          html.path, "--model-explorer", folder.path + "/overlay",
        ], environment: ["GITHUB_ACTIONS": "true"])
      #expect(annotations(outcome).isEmpty == (outcome.status == 0), "\(outcome.output)")
      let page = String(decoding: try Data(contentsOf: html), as: UTF8.self)
      #expect(page.contains("layers are drawn in execution order"))
      #expect(page.matches(of: /<figure class="histogram"/).count == 5)
      #expect(
        try FileManager.default.contentsOfDirectory(atPath: folder.path + "/overlay")
          == ["nrmse.json"])
    }
  }

  @Test(arguments: [
    ["--sarif", "/no/such/folder/x.sarif"], ["--sarif", "/"],
    ["--model-explorer", "/proc/no/folder"], ["--model-explorer", "/dev/null"],
  ])
  func `places that cannot be written are refused before the work, in one line`(
    arguments: [String]
  ) throws {
    try withTemporaryFolder { folder in
      let outcome = try validate(folder, ["--report", folder.path + "/report"] + arguments)
      #expect(outcome.status == 2)
      #expect(outcome.errors.split(separator: "\n").count == 1, "\(outcome.errors)")
      #expect(outcome.output.isEmpty)
      #expect(!FileManager.default.fileExists(atPath: folder.path + "/report"))
    }
  }
}
