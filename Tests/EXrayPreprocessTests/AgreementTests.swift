import EXrayCore
import EXrayPreprocess
import EXrayTestKit
import Foundation
import Testing

/// Agreement to the bit with Pillow, OpenCV and NumPy.
@Suite struct AgreementTests {
  /// Runs cases and returns what differs, with the methods that were seen.
  private func check(_ json: Data, folder: URL?) throws -> (count: Int, seen: Set<String>) {
    let cases = try JSONDecoder().decode([PreprocessCase].self, from: json)
    var seen: Set<String> = []
    for one in cases {
      let found = try one.run(folder: folder)
      #expect(found == one.digest, "\(one)")
      seen.insert(one.recipe.resize.method.rawValue)
    }
    return (cases.count, seen)
  }

  @Test func recordedDigestsOfOtherLibrariesAreReproduced() throws {
    let (count, seen) = try check(Data(recordedCases.utf8), folder: nil)
    #expect(count > 150)
    #expect(seen.count == Recipe.Resize.Method.allCases.count - 1)
  }

  @Test(.enabled(if: Requirements.python != nil || Requirements.areStrict))
  func otherLibrariesOnThisMachineAgreeToTheBit() throws {
    let folder = FileManager.default.temporaryDirectory
      .appending(path: "exray-preprocess-\(ProcessInfo.processInfo.processIdentifier)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let outcome = try BuiltTool.run(
      script: "check_preprocess.py",
      [folder.path] + (SharedData.root.map { ["--data", $0.path] } ?? []))
    #expect(outcome.status == 0, "\(outcome.errors)")
    let json = try Data(contentsOf: folder.appending(path: "cases.json"))
    let (count, _) = try check(json, folder: folder.appending(path: "x"))
    #expect(count > 1500)
  }

  /// Golden model inputs: float32 values of one picture, made by Pillow and NumPy.
  @Test(
    .enabled(if: SharedData.isAvailable || Requirements.areStrict),
    arguments: [
      ("mb", "mobilenet-v1-0.25", "imagenet_100/images/ILSVRC2012_val_00000001.JPEG", 224),
      ("lite", "efficientnet-lite0", "imagenet_100/images/ILSVRC2012_val_00000001.JPEG", 224),
      ("vww", "vww-96", "coco_val_64/images/000000000139.jpg", 96),
      ("cifar", "resnet8-cifar10", "cifar10_200/images/airplane_0000.jpg", 32),
    ])
  func exampleRecipesMakeTheGoldenInputs(
    golden: String, recipe: String, picture: String, side: Int
  ) throws {
    let recipe = try ExampleRecipes.load(recipe)
    let encoded = try SharedData.bytes("data/\(picture)")
    let input = TensorDescription(
      name: "input", elementType: .float32, shape: [1, side, side, 3])
    let prepared = try unsafe recipe.prepare(encoded.span.bytes, file: picture, for: input)
    #expect(prepared.bytes == (try SharedData.bytes("golden/inputs/\(golden).f32")))
  }
}
