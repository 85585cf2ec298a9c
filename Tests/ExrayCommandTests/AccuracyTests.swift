import EXrayTestKit
import Foundation
import Testing

/// `exray run` against the accuracies and the answers that were measured with Python.
@Suite(.enabled(if: SharedData.isAvailable && LiteRTLibrary.isAvailable))
struct AccuracyTests {
  struct Case: Sendable, CustomTestStringConvertible {
    var model: String
    var recipe: String
    var offset: Int
    var top1: Double
    var top5: Double
    var testDescription: String { model }
  }

  /// Accuracies of the manifest.
  static let cases = [
    Case(
      model: "imagenet/efficientnet_lite0_float", recipe: "efficientnet-lite0", offset: 0,
      top1: 0.79, top5: 0.97),
    Case(
      model: "imagenet/efficientnet_lite0_int8", recipe: "efficientnet-lite0", offset: 0,
      top1: 0.77, top5: 0.96),
    Case(
      model: "imagenet/mobilenet_v1_025_224_float", recipe: "mobilenet-v1-0.25", offset: 1,
      top1: 0.54, top5: 0.77),
    Case(
      model: "imagenet/mobilenet_v1_025_224_int8", recipe: "mobilenet-v1-0.25", offset: 1,
      top1: 0.52, top5: 0.75),
    Case(
      model: "imagenet/mobilenet_v2_100_224_uint8_qat", recipe: "mobilenet-v2", offset: 1,
      top1: 0.77, top5: 0.95),
  ]

  private struct Summary: Decodable {
    struct Accuracy: Decodable {
      var top1: Double
      var top5: Double
    }
    struct Answer: Decodable {
      struct Score: Decodable {
        var `class`: Int
        var score: Double
      }
      var top5: [Score]
    }
    var frames: Int
    var accuracy: Accuracy
    var answers: [Answer]
  }

  @Test(arguments: cases)
  func `100 pictures give the measured accuracy and the recorded answers`(_ item: Case) throws {
    try withTemporaryFolder { folder in
      let json = folder.appending(path: "summary.json")
      let outcome = try BuiltTool.run([
        "run", try SharedData.path("models/\(item.model).tflite"),
        "--recipe", "Examples/recipes/\(item.recipe).json",
        "--input", try SharedData.path("data/imagenet_100/images"),
        "--labels", try SharedData.path("data/imagenet_100/labels.txt"),
        "--label-offset", "\(item.offset)", "--capture", "none", "--json", json.path,
      ])
      #expect(outcome.status == 0, "\(outcome.errors)")
      let summary = try JSONDecoder().decode(Summary.self, from: Data(contentsOf: json))
      #expect(summary.frames == 100)
      #expect(summary.accuracy.top1 == item.top1)
      #expect(summary.accuracy.top5 == item.top5)

      let name = item.model.replacingOccurrences(of: "/", with: "__")
      let golden = try JSONDecoder().decode(
        [[[Double]]].self,
        from: Data(
          contentsOf: URL(
            filePath: try SharedData.path("golden/predictions/\(name).tflite.json"))))
      for (frame, expected) in zip(summary.answers, golden) {
        for (answer, wanted) in zip(frame.top5, expected) {
          #expect(answer.class == Int(wanted[0]))
          #expect(abs(answer.score - wanted[1]) < 2e-5)
        }
      }
    }
  }
}

/// The runtime that `make test` fetches.
enum LiteRTLibrary {
  static let isAvailable: Bool = {
    let folder = Requirements.dependencies.appending(path: "litert")
    return ["libLiteRt.so", "libLiteRt.dylib"].contains {
      FileManager.default.fileExists(atPath: folder.appending(path: $0).path)
    }
  }()
}
