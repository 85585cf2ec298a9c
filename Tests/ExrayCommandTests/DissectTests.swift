import EXrayTestKit
import Foundation
import Testing

/// `exray dissect` on real models.
@Suite(.enabled(if: SharedData.isAvailable || Requirements.areStrict))
struct DissectTests {
  private struct Report: Decodable {
    struct Errors: Decodable {
      var own: Double
      var share: Double?
      var excess: Double
    }
    struct Layer: Decodable {
      var op: Int
      var errors: Errors
    }
    struct Finding: Decodable {
      struct Place: Decodable { var op: Int? }
      var cause: String
      var `where`: Place
    }
    var verdict: String
    var layers: [Layer]
    var findings: [Finding]
    var inputShare: Double?
    var notes: [String]
  }

  private func dissect(
    _ arguments: [String], folder: URL
  ) throws -> (outcome: BuiltTool.Outcome, report: Report) {
    let file = folder.appending(path: "layers.json")
    let outcome = try BuiltTool.run(["dissect"] + arguments + ["--json", file.path])
    return (
      outcome, try JSONDecoder().decode(Report.self, from: Data(contentsOf: file))
    )
  }

  private func mobileNet(_ model: String) throws -> [String] {
    [
      try SharedData.path("models/\(model).tflite"), "--reference",
      try SharedData.path("models/imagenet/mobilenet_v1_025_224_float.tflite"), "--recipe",
      "Examples/recipes/mobilenet-v1-0.25.json", "--frames", "2", "--input",
      try SharedData.path("data/imagenet_100/images"),
    ]
  }

  @Test func `the damaged op has the share, the excess and the finding`() throws {
    try withTemporaryFolder { folder in
      let (outcome, report) = try dissect(
        mobileNet("known_bad/mbv1_int8_clip_conv7_x0.3"), folder: folder)
      #expect(outcome.status == 1, "\(outcome.errors)")
      #expect(report.verdict == "fail")
      #expect(report.findings.map(\.cause) == ["quantization.range-too-narrow"])
      #expect(report.findings.first?.where.op == 14)
      #expect(outcome.output.contains("✗ op 14 CONV_2D: the range of the result is too narrow"))
      let sum = report.layers.compactMap(\.errors.share).reduce(report.inputShare ?? 0, +)
      #expect(abs(sum - 1) < 1e-6, "\(sum)")
      for layer in report.layers where layer.op != 14 {
        #expect(layer.errors.excess < 3, "op \(layer.op)")
      }
    }
  }

  @Test func `a model of many ops needs no more processes at once than one of few`() throws {
    try withTemporaryFolder { folder in
      let file = folder.appending(path: "layers.json").path
      // A process takes four files; this model is cut at thirty places.
      let outcome = try BuiltTool.run(
        URL(filePath: "/bin/sh"),
        [
          "-c", "ulimit -n 40; exec \"$@\"", "sh", BuiltTool.url.path, "dissect", "--json", file,
        ] + mobileNet("known_bad/mbv1_int8_clip_conv7_x0.3"))
      #expect(outcome.status == 1, "\(outcome.output)\(outcome.errors)")
      #expect(outcome.output.contains("the range of the result is too narrow"))
      #expect(!outcome.output.contains("could not be"), "\(outcome.output)")
    }
  }

  @Test func `healthy int8 weights are rounding and nothing else`() throws {
    try withTemporaryFolder { folder in
      let (outcome, report) = try dissect(
        mobileNet("imagenet/mobilenet_v1_025_224_int8"), folder: folder)
      #expect(outcome.status == 0, "\(outcome.output)")
      #expect(report.verdict == "pass" && report.findings.isEmpty)
      #expect(report.layers.count == 31)
      #expect(report.notes.contains { $0.contains("accumulated rounding") }, "\(report.notes)")
    }
  }

  @Test func `other kernels that round otherwise are told from wrong ones`() throws {
    try withTemporaryFolder { folder in
      let (outcome, report) = try dissect(
        [
          try SharedData.path("models/cifar10/resnet8_int8.tflite"), "--reference-kernels",
          "builtin", "--recipe", "Examples/recipes/resnet8-cifar10.json", "--input",
          try SharedData.path("data/cifar10_200/images"),
        ], folder: folder)
      #expect(outcome.status == 0, "\(outcome.output)")
      #expect(
        report.notes.contains { $0.hasPrefix("op 0 CONV_2D is the first op that rounds") },
        "\(report.notes)")
      #expect(report.notes.contains { $0.contains("at most 1 anywhere") }, "\(report.notes)")
    }
  }

  @Test func `a result in 64-bit integers is measured like others`() throws {
    try withTemporaryFolder { folder in
      let (outcome, report) = try dissect(
        [
          try SharedData.path("models/segmentation/deeplabv3_mnv2_dm05_513_uint8.tflite"),
          "--reference-kernels", "builtin", "--recipe", "Examples/recipes/deeplabv3-513.json",
          "--frames", "1", "--input",
          try SharedData.path("data/imagenet_100/images/ILSVRC2012_val_00000001.JPEG"),
        ], folder: folder)
      #expect(outcome.status <= 1, "\(outcome.errors)")
      #expect(report.layers.count > 60)
    }
  }

  @Test func `models that share no layer are inconclusive or refused, in words`() throws {
    try withTemporaryFolder { folder in
      let outcome = try BuiltTool.run([
        "dissect", try SharedData.path("models/misc/hello_world_int8.tflite"), "--reference",
        try SharedData.path("models/anomaly/ad01_float.tflite"), "--input",
        try SharedData.path("data/mnist_10/sample0.png"),
      ])
      #expect(outcome.status == 2, "\(outcome.output)")
      #expect(outcome.errors.split(separator: "\n").count == 1, "\(outcome.errors)")
    }
  }

  @Test(arguments: [
    ["dissect", "/no/such.tflite", "--input", "x.npy"],
    ["dissect", "README.md", "--input", "x.npy"],
    ["dissect", "README.md", "--frames", "0", "--input", "x.npy"],
  ])
  func `what cannot be used is refused`(arguments: [String]) throws {
    let outcome = try BuiltTool.run(arguments)
    #expect(outcome.status == 2)
    #expect(!outcome.errors.isEmpty && outcome.output.isEmpty)
  }
}
