import EXrayCore
import EXrayModel
import EXrayTestKit
import EXrayValidation
import Foundation
import Testing

struct BaselineTests {
  /// The limit that a layer gets from these values of its nrmse, a report each.
  private static func limit(_ values: [Double]) -> Double? {
    let run = RunSummary(
      model: "m", modelSHA256: "", runtime: "r", kernels: "k", threads: 1, recipe: nil, device: "")
    let samples = values.map { value in
      Baseline.Sample(
        candidate: run, reference: run, verdict: .pass, frames: 1,
        layers: [
          .init(
            tensor: "t", op: .init(index: 0, type: "ADD"), nrmse: value, own: nil, excess: nil)
        ])
    }
    return Baseline(samples, tool: "test").layers[0].nrmse
  }

  @Test(arguments: [
    ([0.1], 0.2), ([0.1, 0.05], 0.2), ([0.1, 0.1, 0.1, 0.1], 0.2),
    ([0.1, 0.1, 0.1, 0.1, 0.1], 0.125),
    ([0.0001], 0.001), ([0, 0, 0, 0, 0], 0.001),
  ])
  func `limits are the documented ones`(values: [Double], limit: Double) throws {
    let learnt = try #require(Self.limit(values))
    #expect(abs(learnt - limit) < 1e-12)
  }

  @Test func `many reports give the tolerance limit of their logarithms`() throws {
    // Logarithms of mean −1 and deviations 0.0790569, 0.0079057 and 0.0237171; Natrella's factor for 5 values is 5.75.
    let values = [-1.1, -1.05, -1, -0.95, -0.9].map { Foundation.pow(10, $0) }
    #expect(try #require(Self.limit(values)) == 2 * values[4])
    let close = [-1.01, -1.005, -1, -0.995, -0.99].map { Foundation.pow(10, $0) }
    let learnt = try #require(Self.limit(close))
    #expect(learnt == 1.25 * close[4])
    let middle = [-1.03, -1.015, -1, -0.985, -0.97].map { Foundation.pow(10, $0) }
    let limit = try #require(Self.limit(middle))
    #expect(abs(log10(limit) - (-1 + 5.75 * 0.0237171)) < 1e-3, "\(log10(limit))")
  }

  @Test func `values that are no numbers are left out`() {
    #expect(Self.limit([.nan, .infinity]) == nil)
    #expect(Self.limit([.nan, 0.1]) == 0.2)
  }
}

/// `exray baseline` on real models.
@Suite(.enabled(if: SharedData.isAvailable || Requirements.areStrict))
struct BaselineCommandTests {
  private static func validate(
    _ model: String, _ reference: String, recipe: String, input: [String], report: String,
    baseline: String? = nil
  ) throws -> BuiltTool.Outcome {
    try BuiltTool.run(
      [
        "validate", "--candidate-model", model, "--reference-model",
        try SharedData.path("models/\(reference).tflite"), "--candidate-recipe",
        "Examples/recipes/\(recipe).json", "--report", report,
      ] + (baseline.map { ["--baseline", $0] } ?? []) + ["--input"] + input)
  }

  private static func digits(_ numbers: Range<Int>) throws -> [String] {
    try numbers.map { try SharedData.path("data/mnist_10/sample\($0).png") }
  }

  private static func photos(_ numbers: Range<Int>) throws -> [String] {
    let folder = try SharedData.path("data/imagenet_100/images")
    return try FileManager.default.contentsOfDirectory(atPath: folder).sorted()[numbers]
      .map { folder + "/" + $0 }
  }

  private static func make(_ reports: [String], _ output: String, _ more: [String] = []) throws
    -> BuiltTool.Outcome
  {
    try BuiltTool.run(["baseline", "make"] + reports + ["-o", output] + more)
  }

  @Test func `a model that no theory is about is held to its healthy runs`() throws {
    try withSandbox { sandbox in
      let model = try SharedData.path("models/misc/mnist_lstm_int8.tflite")
      func run(
        _ model: String, _ digits: Range<Int>, _ name: String, _ baseline: String? = nil
      ) throws -> BuiltTool.Outcome {
        try Self.validate(
          model, "misc/mnist_lstm_float", recipe: "mnist-lstm", input: Self.digits(digits),
          report: sandbox.path(name), baseline: baseline)
      }
      _ = try run(model, 0..<3, "first")
      _ = try run(model, 3..<6, "second")
      let baseline = sandbox.path("baseline.json")
      let made = try Self.make(
        [sandbox.path("first/report.json"), sandbox.path("second/report.json")], baseline,
        ["--accept-findings"])
      #expect(made.status == 0, "\(made.errors)")
      let healthy = try run(model, 6..<10, "healthy", baseline)
      #expect(healthy.status == 0, "\(healthy.output)\(healthy.errors)")

      var bytes = try SharedData.bytes("models/misc/mnist_lstm_int8.tflite")
      let graph = try Model(bytes).primary
      let op = try #require(graph.ops.first { $0.type.contains("LSTM") })
      for place in try #require(graph.tensors[op.inputs[3]].constantBytes) {
        bytes[place] = UInt8(bitPattern: Int8(bitPattern: bytes[place]) / 2)
      }
      let bad = try sandbox.file("bad.tflite", bytes)
      let found = try run(bad, 6..<10, "bad", baseline)
      #expect(found.status == 1, "\(found.output)\(found.errors)")
      #expect(found.output.contains("layer.beyond-baseline"), "\(found.output)")
      #expect(found.output.contains("op \(op.index) \(op.type) goes further"), "\(found.output)")
    }
  }

  @Test func `traces are held to a baseline as well, and a damaged model passes it`() throws {
    try withSandbox { sandbox in
      func trace(_ model: String, _ photos: Range<Int>, _ name: String) throws -> String {
        let path = sandbox.path(name + ".mcap")
        let outcome = try BuiltTool.run(
          [
            "run", try SharedData.path("models/\(model).tflite"), "--recipe",
            "Examples/recipes/mobilenet-v1-0.25.json", "--capture", "layers", "--output", path,
            "--input",
          ] + Self.photos(photos))
        #expect(outcome.status == 0, "\(outcome.errors)")
        return path
      }
      func compare(
        _ candidate: String, _ reference: String, _ name: String, _ baseline: [String] = []
      ) throws -> BuiltTool.Outcome {
        try BuiltTool.run(
          ["compare", candidate, reference, "--json", sandbox.path(name + ".json")] + baseline)
      }
      let (healthy, float) = (
        "imagenet/mobilenet_v1_025_224_int8", "imagenet/mobilenet_v1_025_224_float"
      )
      let learning = try compare(
        trace(healthy, 0..<4, "own"), trace(float, 0..<4, "trusted"), "learning")
      #expect(learning.status == 0, "\(learning.output)")
      let baseline = sandbox.path("baseline.json")
      let made = try Self.make([sandbox.path("learning.json")], baseline)
      #expect(made.status == 0, "\(made.errors)")
      let trusted = try trace(float, 4..<8, "trusted2")
      let use = ["--baseline", baseline]
      let same = try compare(trace(healthy, 4..<8, "own2"), trusted, "same", use)
      #expect(same.status == 0, "\(same.output)")
      let damaged = try compare(
        trace("known_bad/mbv1_int8_clip_conv7_x0.3", 4..<8, "bad"), trusted, "damaged", use)
      #expect(damaged.status == 1, "\(damaged.output)")
      // Traces have no own errors: the op at fault, 14, is before the first whose nrmse shows it.
      let place = try #require(
        damaged.output.firstMatch(of: /op ([0-9]+) [A-Z_0-9]+ goes further than in healthy runs/))
      #expect(try #require(Int(place.1)) >= 14, "\(damaged.output)")
      #expect(damaged.output.contains("layer.beyond-baseline"))
      // The distances of another reference are others.
      let other = try compare(trusted, sandbox.path("own2.mcap"), "other", use)
      #expect(other.status == 2 && other.faults().isEmpty, "\(other.errors)")
    }
  }

  @Test func `reports of dissect are taken, mixed and failing ones are refused`() throws {
    try withSandbox { sandbox in
      func dissect(_ model: String, _ name: String) throws -> String {
        let path = sandbox.path(name + ".json")
        _ = try BuiltTool.run(
          [
            "dissect", try SharedData.path("models/\(model).tflite"), "--reference",
            try SharedData.path("models/imagenet/mobilenet_v1_025_224_float.tflite"), "--recipe",
            "Examples/recipes/mobilenet-v1-0.25.json", "--frames", "2", "--json", path, "--input",
          ] + Self.photos(0..<2))
        return path
      }
      let healthy = try dissect("imagenet/mobilenet_v1_025_224_int8", "healthy")
      let bad = try dissect("known_bad/mbv1_int8_clip_conv7_x0.3", "bad")
      let made = try Self.make([healthy], sandbox.output + "/healthy.json")
      #expect(made.status == 0, "\(made.errors)")
      #expect(made.output.hasPrefix("31 layers from 1 report, 2 frames"), "\(made.output)")
      for reports in [[bad], [healthy, bad]] {
        let refused = try Self.make(reports, sandbox.output + "/none.json")
        #expect(refused.status == 2 && refused.faults().isEmpty, "\(refused.errors)")
      }
      let mixed = try Self.make(
        [healthy, bad], sandbox.output + "/none.json", ["--accept-findings"])
      #expect(mixed.status == 2 && mixed.faults().isEmpty, "\(mixed.errors)")
      #expect(mixed.errors.contains("another model"))
      #expect(try sandbox.written == ["healthy.json"])
    }
  }

  @Test func `a hostile baseline is one clear line`() throws {
    try withSandbox { sandbox in
      let run = #"""
        {"device": "", "kernels": "xnnpack", "model": "m", "modelSHA256": "00", "runtime": "r", "threads": 1}
        """#
      let sound = #"""
        {"schemaVersion": 1, "tool": "t", "reports": 1, "frames": 1, "candidate": RUN, "reference": RUN,
         "layers": [{"tensor": "t", "op": {"index": 0, "type": "ADD"}, "nrmse": 0.1}], "outputs": []}
        """#.replacing("RUN", with: run)
      let texts = [
        "", "[]", "null", sound.replacing("0.1", with: "-1"), sound.replacing("0.1", with: "1e999"),
        sound.replacing("0.1", with: #""NaN""#),
        sound.replacing(#""schemaVersion": 1"#, with: #""schemaVersion": 9"#),
        sound.replacing("\"layers\"", with: "\"tool\""),
        sound.replacing("{\"index\": 0, ", with: "{"),
        String(repeating: "[", count: 100_000), String(sound.dropLast(3)),
        // Sound, but of another reference.
        sound,
      ]
      for (number, text) in texts.enumerated() {
        let path = try sandbox.file("\(number).json", Array(text.utf8))
        let outcome = try Self.validate(
          try SharedData.path("models/misc/mnist_lstm_int8.tflite"), "misc/mnist_lstm_float",
          recipe: "mnist-lstm", input: Self.digits(0..<1), report: sandbox.output + "/report",
          baseline: path)
        #expect(outcome.status == 2, "\(number): \(outcome.output)")
        #expect(outcome.faults().isEmpty, "\(number): \(outcome.faults()) \(outcome.errors)")
      }
      let report = try sandbox.file("report.json", Array(sound.utf8))
      let made = try Self.make([report], sandbox.output + "/none.json")
      #expect(made.status == 2 && made.faults().isEmpty, "\(made.errors)")
    }
  }
}
