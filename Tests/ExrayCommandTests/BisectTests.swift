import EXrayPipeline
import EXrayTestKit
import Foundation
import Testing

struct BisectTests {
  @Test(arguments: [1, 2, 3, 7, 31, 64, 100])
  func `every op is found in at most the logarithm of their number`(count: Int) {
    for culprit in 1...count {
      var search = BisectSearch(count: count)
      var steps = 0
      while let place = search.next {
        search.judge(place, place >= culprit ? .bad : .good)
        steps += 1
      }
      #expect(search.good == culprit - 1 && search.bad == culprit)
      #expect(Double(steps) <= log2(Double(count)).rounded(.up))
    }
  }

  @Test(arguments: 0..<50 as Range<UInt64>)
  func `places that cannot be judged leave the ops around them`(seed: UInt64) {
    var random = SplitMix64(seed: seed)
    let count = Int.random(in: 2...80, using: &random)
    let culprit = Int.random(in: 1...count, using: &random)
    let silent = Set((1..<count).filter { _ in Int.random(in: 0..<3, using: &random) == 0 })
    var search = BisectSearch(count: count)
    while let place = search.next {
      search.judge(
        place, silent.contains(place) ? .skipped : place >= culprit ? .bad : .good)
    }
    #expect(search.good < culprit && culprit <= search.bad)
    #expect((search.good + 1..<search.bad).allSatisfy(silent.contains))
  }

  // MARK: The command

  private static func photos() throws -> [String] {
    ["--input", try SharedData.path("data/imagenet_100/images")]
  }
  private static let recipe = ["--recipe", "Examples/recipes/mobilenet-v1-0.25.json"]

  @Test(.enabled(if: SharedData.isAvailable || Requirements.areStrict), arguments: [1e-6, 1e-3])
  func `a planted op is named without captured layers`(tolerance: Double) throws {
    try withSandbox { sandbox in
      let file = sandbox.output + "/bisect.json"
      let outcome = try BuiltTool.run(
        [
          "bisect", try SharedData.path("models/known_bad/mbv1_float_bgr_stem.tflite"),
          "--reference", try SharedData.path("models/imagenet/mobilenet_v1_025_224_float.tflite"),
          "--tolerance", "\(tolerance)", "--json", file,
        ] + Self.recipe + Self.photos())
      #expect(outcome.status == 1, "\(outcome.errors)")
      #expect(outcome.output.contains("op 0 CONV_2D is the first that goes wrong"))
      let json = try #require(
        JSONSerialization.jsonObject(with: Data(contentsOf: URL(filePath: file)))
          as? [String: Any])
      #expect((json["steps"] as? [Any])?.count ?? 99 <= 1 + 5)
      #expect(json["verdict"] as? String == "fail")
    }
  }

  @Test(.enabled(if: SharedData.isAvailable || Requirements.areStrict))
  func `other kernels of the same model are told apart`() throws {
    try withSandbox { sandbox in
      let recipe = try sandbox.file(
        "small.json", Array(#"{"exrayRecipe": 1, "resize": {"width": 32, "height": 32}}"#.utf8))
      let arguments =
        [
          "bisect", try SharedData.path("models/cifar10/resnet8_int8.tflite"), "--recipe", recipe,
          "--tolerance",
        ]
      let strict = try BuiltTool.run(arguments + ["1e-5"] + Self.photos())
      #expect(strict.status == 1, "\(strict.errors)")
      #expect(strict.output.contains("op 0 CONV_2D is the first"), "\(strict.output)")
      let lenient = try BuiltTool.run(arguments + ["0.05"] + Self.photos())
      #expect(lenient.status == 0, "\(lenient.errors)")
    }
  }

  @Test(
    .enabled(if: SharedData.isAvailable || Requirements.areStrict),
    arguments: [("[ ${EXRAY_OP%% *} -lt 13 ]", 1, "op 13 "), ("exit 0", 0, "does what it should")])
  func `a program of the user's judges each part`(script: String, code: Int32, words: String) throws
  {
    try withSandbox { sandbox in
      let program = try sandbox.file(
        "judge.sh",
        Array(
          "#!/bin/sh\n[ -s $EXRAY_MODEL ] && [ -s $EXRAY_INPUTS/0.npy ] && [ -s $EXRAY_REFERENCE/0.npy ] || exit 200\n\(script)\n"
            .utf8))
      try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: program)
      let outcome = try BuiltTool.run(
        [
          "bisect", try SharedData.path("models/imagenet/mobilenet_v1_025_224_int8.tflite"),
          "--check",
          program,
        ] + Self.recipe + Self.photos())
      #expect(outcome.status == code, "\(outcome.errors)")
      #expect(outcome.output.contains(words), "\(outcome.output)")
    }
  }

  @Test(
    .enabled(if: SharedData.isAvailable || Requirements.areStrict),
    arguments: ["/no/such/program", "sleep 30"])
  func `a program that gives no answer ends the search in one line`(command: String) throws {
    let outcome = try BuiltTool.run(
      [
        "bisect", try SharedData.path("models/imagenet/mobilenet_v1_025_224_int8.tflite"),
        "--check",
        command, "--check-timeout", "1",
      ] + Self.recipe + Self.photos())
    #expect(outcome.status == 2, "\(outcome.output)")
    #expect(outcome.errors.split(separator: "\n").count == 1, "\(outcome.errors)")
  }
}
