import EXrayCore
import EXrayPreprocess
import EXrayTestKit
import Foundation
import Testing

/// The recipes that the project ships.
enum ExampleRecipes {
  static let folder = Requirements.packageRoot.appending(path: "Examples/recipes")

  static let names: [String] = {
    let files = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
    return files.filter { $0.hasSuffix(".json") }.map { String($0.dropLast(5)) }.sorted()
  }()

  static func bytes(_ name: String) throws -> [UInt8] {
    [UInt8](try Data(contentsOf: folder.appending(path: "\(name).json")))
  }

  static func load(_ name: String) throws -> Recipe {
    try Recipe(json: try bytes(name), file: "\(name).json")
  }
}

@Suite struct RecipeTests {
  private func parse(_ text: String) throws(PreprocessError) -> Recipe {
    try Recipe(json: Array(text.utf8), file: "r.json")
  }

  private func input(
    _ shape: Shape, _ type: ElementType = .float32
  ) -> TensorDescription {
    TensorDescription(name: "in", elementType: type, shape: shape)
  }

  @Test func thereAreExamples() { #expect(ExampleRecipes.names.count >= 14) }

  @Test(arguments: ExampleRecipes.names)
  func exampleRecipesSurviveARoundTrip(name: String) throws {
    let recipe = try ExampleRecipes.load(name)
    #expect(recipe.name != nil)
    #expect(try parse(recipe.json()) == recipe)
    #expect(try parse(recipe.json(isPretty: true)) == recipe)
    #expect(try parse(recipe.json()).json() == recipe.json())
    let coded = try JSONEncoder().encode(recipe)
    #expect(try JSONDecoder().decode(Recipe.self, from: coded) == recipe)
  }

  @Test func anEmptyObjectIsTheRecipeThatDoesTheLeast() throws {
    #expect(try parse("{}") == Recipe())
    #expect(
      try parse("{}").json()
        == """
        {"color":"RGB","crop":{"mode":"none"},"decode":{"dct":"accurate","upsampling":"fancy"},\
        "exrayRecipe":1,"layout":"NHWC","normalize":"none",\
        "orient":{"exif":"ignore","flip":"none","rotate":0,"when":"before-crop"},\
        "resize":{"method":"bilinear/pillow"}}
        """)
  }

  @Test func namedNormalisationsEqualTheirNumbers() throws {
    let spelled = try parse(#"{"normalize":{"divisor":127.5,"mean":[1]}}"#)
    #expect(spelled == (try parse(#"{"normalize":"[-1,1]"}"#)))
    #expect(spelled.json().contains(#""normalize":"[-1,1]""#))
    #expect(try parse(#"{"normalize":"imagenet"}"#).normalize.mean == [0.485, 0.456, 0.406])
  }

  @Test(
    arguments: [
      (#"{"crop":{"fracton":0.5}}"#, "crop.fracton", 9),
      (#"{"crop":{"mode":"center-fraction"}}"#, "crop.fraction", nil),
      (#"{"crop":{"mode":"none","fraction":1}}"#, "crop.fraction", 34),
      (#"{"crop":{"mode":"center-fraction","fraction":1.5}}"#, "crop.fraction", 45),
      (#"{"crop":{"mode":"center-pixels","width":0}}"#, "crop.width", 40),
      (#"{"crop":{"mode":"letterbox","pad":[1,2]}}"#, "crop.pad", 34),
      (#"{"crop":{"mode":"letterbox","pad":[1,2,256]}}"#, "crop.pad", 34),
      (#"{"crop":"none"}"#, "crop", 8),
      (#"{"resize":{"method":"bilinear"}}"#, "resize.method", 20),
      (#"{"resize":{"width":1e9}}"#, "resize.width", 19),
      (#"{"orient":{"rotate":45}}"#, "orient.rotate", 20),
      (#"{"orient":{"rotate":null}}"#, "orient.rotate", 20),
      (#"{"color":"CMYK"}"#, "color", 9),
      (#"{"layout":"HWC"}"#, "layout", 10),
      (#"{"normalize":{"std":0}}"#, "normalize.std", 20),
      (#"{"normalize":{"std":1e-60}}"#, "normalize.std", 20),
      (#"{"normalize":{"mean":[]}}"#, "normalize.mean", 21),
      (#"{"normalize":{"mean":1e40}}"#, "normalize.mean", 21),
      (#"{"normalize":"[0;1]"}"#, "normalize", 13),
      (#"{"exrayRecipe":2}"#, "exrayRecipe", 15),
      (#"{"colour":"RGB"}"#, "colour", 1),
      (#"{"name":3}"#, "name", 8),
      (#"[1]"#, "", 0),
      (#"{"name":"a","name":"b"}"#, nil, 12),
      (#"{"name":"a""#, nil, 11),
      (#"{"name":"\x"}"#, nil, 10),
      (#"{"name":"\ud800"}"#, nil, 15),
      (#"{"name":01}"#, nil, 8),
      (#"{} {}"#, nil, 3),
      (#""#, nil, 0),
      (String(repeating: "[", count: 100_000), nil, 17),
    ] as [(String, String?, Int?)])
  func aBadRecipeIsRefusedWithKeyAndByte(text: String, key: String?, offset: Int?) throws {
    let error = #expect(throws: PreprocessError.self) { try parse(text) }
    #expect(error?.key == key)
    #expect(error?.offset == offset)
    #expect(error?.file == "r.json")
    #expect(error?.description.contains("\n") == false)
  }

  @Test(arguments: 0..<40 as Range<UInt64>)
  func damagedRecipesThrowAndNeverTrap(seed: UInt64) throws {
    var generator = SplitMix64(seed: seed)
    let names = ExampleRecipes.names
    let original = try ExampleRecipes.bytes(names[Int(seed) % names.count])
    for _ in 0..<50 {
      var bytes = original
      for _ in 0..<Int.random(in: 1...4, using: &generator) {
        bytes[Int.random(in: bytes.indices, using: &generator)] = .random(
          in: 0...255, using: &generator)
      }
      if Bool.random(using: &generator) {
        bytes.removeLast(Int.random(in: 0...bytes.count, using: &generator))
      }
      // Either still a recipe, which then survives a round trip, or a clean error.
      if let recipe = try? Recipe(json: bytes, file: "r.json") {
        #expect(try parse(recipe.json()) == recipe, "seed \(seed)")
      }
    }
  }

  @Test func openSizesComeFromTheModel() throws {
    let recipe = Recipe(crop: Recipe.Crop(mode: .centerPixels))
    let resolved = try recipe.resolved(for: input([1, 40, 60, 3]))
    #expect(resolved.resize.width == 60)
    #expect(resolved.resize.height == 40)
    #expect(resolved.crop.width == 60)
    #expect(resolved.crop.height == 40)
    let planes = try Recipe(layout: .nchw).resolved(for: input([1, 3, 40, 60]))
    #expect(planes.resize.width == 60)
    let gray = try Recipe(color: .gray).resolved(for: input([1, 28, 30]))
    #expect(gray.resize.height == 28)
    #expect(gray.resize.width == 30)
  }

  @Test(
    arguments: [
      (Recipe(resize: .init(width: 99)), [1, 40, 60, 3] as Shape, "resize.width"),
      (Recipe(layout: .nchw), [1, 40, 60, 3], "layout"),
      (Recipe(), [1, 3, 40, 60], "layout"),
      (Recipe(), [1, 40, 60, 1], "color"),
      (Recipe(color: .gray), [1, 40, 60, 3], "color"),
      (Recipe(), [8, 40, 60, 3], "layout"),
      (Recipe(), [1, 1960], "layout"),
      (Recipe(), [1, -1, 60, 3], "resize.height"),
      (Recipe(), [], "layout"),
      (Recipe(normalize: .init(mean: [1, 2])), [1, 40, 60, 3], "normalize.mean"),
      (Recipe(color: .gray, normalize: .imageNet), [1, 40, 60, 1], "normalize.mean"),
    ] as [(Recipe, Shape, String)])
  func aRecipeThatCannotFitTheModelIsRefusedByStage(recipe: Recipe, shape: Shape, key: String) {
    let error = #expect(throws: PreprocessError.self) { try recipe.resolved(for: input(shape)) }
    #expect(error?.key == key)
    #expect(error?.code == .unsuitableRecipe)
  }

  @Test(
    arguments: [
      (
        Recipe(crop: .letterbox, resize: .init(width: 1, height: 65_535)),
        PreprocessError.Code.tooLarge
      ),
      (
        Recipe(
          crop: .centerPixels(width: 65_535, height: 65_535), resize: .init(width: 9, height: 9)),
        .tooLarge
      ),
      (Recipe(crop: .shortSide(65_535), resize: .init(width: 9, height: 9)), .tooLarge),
      (Recipe(resize: .init(width: 65_535, height: 65_535)), .tooLarge),
      (Recipe(resize: .init(width: 9, height: 9, method: .none)), .unsuitablePicture),
      (Recipe(), .unsuitableRecipe),
    ] as [(Recipe, PreprocessError.Code)])
  func aRecipeThatWouldMakeTooManyPixelsIsRefused(
    recipe: Recipe, code: PreprocessError.Code
  ) throws {
    let picture = try PreprocessCase.seeded(2, width: 5000, height: 2)
    let error = #expect(throws: PreprocessError.self) { try recipe.image(from: picture) }
    #expect(error?.code == code)
  }

  @Test func turningAnOrientationEqualsTurningThePicture() throws {
    let picture = try PreprocessCase.seeded(1, width: 6, height: 6)
    for turn in Recipe.Orient.Turn.allCases {
      for flip in Recipe.Orient.Flip.allCases {
        let recipe = Recipe(
          orient: .init(rotate: turn, flip: flip), resize: .init(width: 6, height: 6))
        for quarterTurns in 0..<4 {
          for isMirrored in [false, true] {
            var turned = recipe
            turned.orient = recipe.orient.turned(
              quarterTurns: quarterTurns, mirrored: isMirrored)
            var expected = try recipe.image(from: picture)
              .rotatedClockwise(quarterTurns: quarterTurns)
            if isMirrored { expected = expected.flippedHorizontally() }
            #expect(try turned.image(from: picture) == expected, "\(turned.orient)")
          }
        }
      }
    }
  }
}
