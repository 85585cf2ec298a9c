import EXrayTestKit
import Foundation
import Testing

/// The wrong preprocessings of the manifest's sensitivity table, each named by the command line tool.
@Suite(.enabled(if: SharedData.isAvailable && LiteRTLibrary.isAvailable))
struct SensitivityTests {
  struct Fault: Sendable, CustomTestStringConvertible {
    var name: String
    /// What to change in the right recipe, as JSON members.
    var change: String
    /// Causes that must be named, no others beside ``tolerated``.
    var causes: Set<String>
    /// Causes that are right for one of the two models only.
    var tolerated: Set<String> = []
    var testDescription: String { name }
  }

  static let faults = [
    Fault(name: "bgr", change: #""color":"BGR""#, causes: ["preprocess.channel-order"]),
    Fault(
      name: "norm_0_1", change: #""normalize":"[0,1]""#, causes: ["preprocess.normalization"]),
    Fault(
      name: "norm_0_255", change: #""normalize":"none""#, causes: ["preprocess.normalization"]),
    Fault(
      name: "norm_imagenet_meanstd", change: #""normalize":"imagenet""#,
      causes: ["preprocess.normalization"]),
    Fault(
      name: "rot90", change: #""orient":{"rotate":270,"when":"after-resize"}"#,
      causes: ["preprocess.rotation"]),
    Fault(
      name: "rot180", change: #""orient":{"rotate":180,"when":"after-resize"}"#,
      causes: ["preprocess.rotation"]),
    Fault(
      name: "flip_lr", change: #""orient":{"flip":"horizontal","when":"after-resize"}"#,
      causes: ["preprocess.flip"]),
    // EfficientNet-Lite0 is trained with bicubic interpolation, so bilinear is a fault of its own there.
    Fault(
      name: "squash_no_crop_bilinear",
      change: #""crop":{"mode":"none"},"resize":{"method":"bilinear/pillow"}"#,
      causes: ["preprocess.crop"], tolerated: ["preprocess.resize"]),
    Fault(
      name: "squash_nearest",
      change: #""crop":{"mode":"none"},"resize":{"method":"nearest/pillow"}"#,
      causes: ["preprocess.crop", "preprocess.resize"]),
    Fault(
      name: "crop_nearest", change: #""resize":{"method":"nearest/pillow"}"#,
      causes: ["preprocess.resize"]),
    Fault(
      name: "center_crop_224_no_resize",
      change: #""crop":{"mode":"center-pixels"},"resize":{"method":"none"}"#,
      causes: ["preprocess.crop"]),
    Fault(
      name: "chw_bytes_as_hwc", change: #""layout":"CHW-as-HWC""#, causes: ["preprocess.layout"]),
    Fault(name: "gray", change: #""color":"GRAY3""#, causes: ["preprocess.grayscale"]),
    Fault(
      name: "transposed_xy",
      change: #""orient":{"rotate":90,"flip":"horizontal","when":"after-resize"}"#,
      causes: ["preprocess.rotation"]),
  ]

  struct Pair: Sendable, CustomTestStringConvertible {
    var candidate: String
    var reference: String
    var recipe: String
    var testDescription: String { candidate }
  }

  static let pairs = [
    Pair(
      candidate: "imagenet/efficientnet_lite0_int8", reference: "imagenet/efficientnet_lite0_float",
      recipe: "efficientnet-lite0"),
    Pair(
      candidate: "imagenet/mobilenet_v1_025_224_float",
      reference: "imagenet/mobilenet_v1_025_224_float", recipe: "mobilenet-v1-0.25"),
  ]

  @Test(arguments: faults, pairs)
  func `a faulty recipe is named, and the fix makes the inputs equal`(
    _ fault: Fault, _ pair: Pair
  ) throws {
    try withTemporaryFolder { folder in
      let right = Requirements.packageRoot.appending(path: "Examples/recipes/\(pair.recipe).json")
      var members = try #require(
        JSONSerialization.jsonObject(with: Data(contentsOf: right)) as? [String: Any])
      let change = try #require(
        JSONSerialization.jsonObject(with: Data("{\(fault.change)}".utf8)) as? [String: Any])
      members.merge(change) { $1 }
      let wrong = folder.appending(path: "wrong.json")
      try JSONSerialization.data(withJSONObject: members).write(to: wrong)
      let report = try validate(
        pair, recipe: wrong.path, reference: right.path, pictures: Self.pictures(10),
        folder: folder)
      let causes = Set(report.findings.map(\.cause))
      #expect(fault.causes.isSubset(of: causes), "found \(causes)")
      #expect(causes.isSubset(of: fault.causes.union(fault.tolerated)), "found \(causes)")
      #expect(report.verdict == "fail")
      // Where there are several fixes, each was also replayed alone, and brings only its part.
      for finding in report.findings {
        let gain = try #require(finding.gain)
        #expect((report.allFixes ?? gain).after > 0.79)
      }
      #expect(report.notes.contains { $0.hasSuffix("nothing else is found.") }, "\(report.notes)")
    }
  }

  @Test(.enabled(if: Requirements.python != nil))
  func `inputs made by Pillow and NumPy are explained from the traces alone`() throws {
    try withTemporaryFolder { folder in
      let python = try #require(Requirements.python)
      let made = try BuiltTool.run(
        python,
        [
          "Scripts/make_faulty_inputs.py", try SharedData.path("data/imagenet_100/images"), "8",
          folder.path,
        ])
      #expect(made.status == 0, "\(made.errors)")
      let reference = folder.appending(path: "reference.mcap").path
      try expectSuccess(
        [
          "run", try SharedData.path("models/imagenet/mobilenet_v1_025_224_float.tflite"),
          "--recipe", "Examples/recipes/mobilenet-v1-0.25.json", "--output", reference, "--input",
        ] + Self.pictures(8))
      let candidate = folder.appending(path: "candidate.mcap").path
      let json = folder.appending(path: "report.json")
      let healthy = Fault(name: "healthy", change: "", causes: [])
      for fault in [healthy] + Self.faults {
        try expectSuccess([
          "run", try SharedData.path("models/imagenet/mobilenet_v1_025_224_int8.tflite"),
          "--input", folder.appending(path: "\(fault.name).npy").path, "--output", candidate,
        ])
        _ = try BuiltTool.run(["compare", candidate, reference, "--json", json.path])
        let report = try JSONDecoder().decode(Report.self, from: Data(contentsOf: json))
        #expect(Set(report.findings.map(\.cause)) == fault.causes, "\(fault.name)")
      }
    }
  }

  /// Float and int8 files of the same model, whose differences are rounding alone.
  static let healthy: [(pair: Pair, pictures: String)] = [
    (
      Pair(
        candidate: "imagenet/efficientnet_lite0_int8",
        reference: "imagenet/efficientnet_lite0_float", recipe: "efficientnet-lite0"),
      "imagenet_100/images"
    ),
    (
      Pair(
        candidate: "imagenet/mobilenet_v1_025_224_int8",
        reference: "imagenet/mobilenet_v1_025_224_float", recipe: "mobilenet-v1-0.25"),
      "imagenet_100/images"
    ),
    (
      Pair(
        candidate: "cifar10/resnet8_int8", reference: "cifar10/resnet8_float",
        recipe: "resnet8-cifar10"), "cifar10_200/images"
    ),
    (
      Pair(candidate: "vww/vww_96_int8", reference: "vww/vww_96_float", recipe: "vww-96"),
      "coco_val_64/images"
    ),
  ]

  @Test(arguments: healthy)
  func `nothing is found on a healthy float and int8 pair`(_ item: (pair: Pair, pictures: String))
    throws
  {
    try withTemporaryFolder { folder in
      let recipe = "Examples/recipes/\(item.pair.recipe).json"
      let report = try validate(
        item.pair, recipe: recipe, reference: recipe,
        pictures: [try SharedData.path("data/\(item.pictures)")], folder: folder)
      #expect(report.verdict == "pass")
      #expect(report.findings.isEmpty, "\(report.findings)")
      #expect(report.layers.count > 10)
    }
  }

  /// Healthy pairs that take arrays, by the name that `Scripts/mutant_models.py` draws their inputs under.
  static let fedByArrays = [
    (name: "kws", model: "audio/kws_dscnn", frames: 64),
    (name: "ad01", model: "anomaly/ad01", frames: 64),
    (name: "mnist", model: "misc/mnist_lstm", frames: 10),
    (name: "sentiment", model: "text/sentiment_cnn", frames: 64),
  ]

  @Test(.enabled(if: Requirements.python != nil), arguments: fedByArrays)
  func `nothing is found on a healthy pair that hears, listens for faults, reads or keeps state`(
    _ item: (name: String, model: String, frames: Int)
  ) throws {
    try withTemporaryFolder { folder in
      let inputs = folder.appending(path: "inputs.npy").path
      let drawn = try BuiltTool.run(
        try #require(Requirements.python),
        [
          "-c",
          "import pathlib, sys, numpy; sys.path.insert(0, 'Scripts'); from mutant_models import Pair; "
            + "rng = numpy.random.default_rng(1); pair = Pair(pathlib.Path(sys.argv[1]), sys.argv[2]); "
            + "numpy.save(sys.argv[4], pair.draw(rng, int(sys.argv[3]))[1])",
          try SharedData.path("."), item.name, "\(item.frames)", inputs,
        ])
      #expect(drawn.status == 0, "\(drawn.errors)")
      let outcome = try BuiltTool.run([
        "validate", "--candidate-model", try SharedData.path("models/\(item.model)_int8.tflite"),
        "--reference-model", try SharedData.path("models/\(item.model)_float.tflite"), "--input",
        inputs, "--report", folder.path,
      ])
      #expect(outcome.status == 0, "\(outcome.errors)")
      let report = try JSONDecoder().decode(
        Report.self, from: Data(contentsOf: folder.appending(path: "report.json")))
      #expect(report.verdict == "pass")
      #expect(report.findings.isEmpty, "\(report.findings)")
      #expect(report.layers.count >= 4)
    }
  }

  /// A damaged model, and the op and the mechanism that the first finding must name; no op where the input is to blame.
  struct Damage: Sendable {
    var model: String
    var op: Int?
    var cause: String
    var reference = "mobilenet_v1_025_224_float"
    var recipe = "mobilenet-v1-0.25"
  }

  static let damaged = [
    Damage(model: "mbv1_float_bgr_stem", op: 0, cause: "layer.channel-order"),
    Damage(model: "mbv1_int8_bgr_stem", op: 0, cause: "layer.channel-order"),
    Damage(model: "mbv1_int8_bad_calibration", op: nil, cause: "quantization.calibration"),
    Damage(model: "mbv1_int8_biasscale_conv7_x0.85", op: 15, cause: "quantization.bias-scale"),
    Damage(model: "mbv1_int8_clip_conv7_x0.3", op: 14, cause: "quantization.range-too-narrow"),
    Damage(model: "mbv1_int8_per_tensor_ptq", op: 1, cause: "quantization.per-tensor-weights"),
    Damage(model: "mbv1_int8_wscale_dw5_x1.15", op: 9, cause: "quantization.weight-scale"),
    Damage(
      model: "lite0_int8_wscale_b5dw_x1.5", op: 18, cause: "quantization.weight-scale",
      reference: "efficientnet_lite0_float", recipe: "efficientnet-lite0"),
  ]

  @Test(arguments: damaged)
  func `a damaged model fails at the op that was damaged, by the mechanism that damaged it`(
    _ item: Damage
  ) throws {
    try withTemporaryFolder { folder in
      let recipe = "Examples/recipes/\(item.recipe).json"
      let report = try validate(
        Pair(
          candidate: "known_bad/\(item.model)", reference: "imagenet/\(item.reference)",
          recipe: item.recipe), recipe: recipe, reference: recipe,
        pictures: [try SharedData.path("data/imagenet_100/images")], folder: folder)
      #expect(report.verdict == "fail")
      #expect(report.findings.first?.where.op == item.op, "\(report.findings)")
      #expect(report.findings.first?.cause == item.cause, "\(report.findings)")
      #expect(report.findings.count == 1, "\(report.findings)")
    }
  }

  // MARK: Running the tool

  private struct Report: Decodable {
    struct Gain: Decodable { var after: Double }
    struct Finding: Decodable {
      struct Location: Decodable { var op: Int? }
      var cause: String
      var gain: Gain?
      var `where`: Location
    }
    struct Layer: Decodable { var index: Int }
    var verdict: String
    var findings: [Finding]
    var allFixes: Gain?
    var layers: [Layer]
    var notes: [String]
  }

  private func validate(
    _ pair: Pair, recipe: String, reference: String, pictures: [String], folder: URL
  ) throws -> Report {
    let outcome = try BuiltTool.run(
      [
        "validate", "--candidate-model", try SharedData.path("models/\(pair.candidate).tflite"),
        "--candidate-recipe", recipe, "--reference-model",
        try SharedData.path("models/\(pair.reference).tflite"), "--reference-recipe", reference,
        "--report", folder.path, "--input",
      ] + pictures)
    #expect(outcome.status < 2, "\(outcome.errors)")
    return try JSONDecoder().decode(
      Report.self, from: Data(contentsOf: folder.appending(path: "report.json")))
  }

  private func expectSuccess(_ arguments: [String]) throws {
    let outcome = try BuiltTool.run(arguments)
    #expect(outcome.status == 0, "\(outcome.errors)")
  }

  private static func pictures(_ count: Int) throws -> [String] {
    let folder = try SharedData.path("data/imagenet_100/images")
    return try FileManager.default.contentsOfDirectory(atPath: folder).sorted().prefix(count)
      .map { "\(folder)/\($0)" }
  }
}
