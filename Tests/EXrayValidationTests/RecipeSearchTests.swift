import EXrayCore
import EXrayPreprocess
import EXrayTestKit
import EXrayValidation
import Testing

/// The search on drawn pictures; real ones made by other libraries are in the detective's suite.
struct RecipeSearchTests {
  private static let input = TensorDescription(
    name: "input", elementType: .float32, shape: [1, 48, 64, 3])
  private static let intended = Recipe(
    crop: .centerFraction(0.875), resize: .init(width: 64, height: 48), normalize: .minusOneToOne)

  /// Random patches of colour over a slope, so that no two turns look alike.
  private func picture(seed: UInt64, isGray: Bool = false) throws -> Picture {
    var generator = SplitMix64(seed: seed)
    let (width, height) = (150, 110)
    var pixels = (0..<width * height * 3).map { UInt8($0 / 3 % width / 4 + $0 / 3 / width / 2) }
    for _ in 0..<60 {
      let (x, y) = (
        Int.random(in: 0..<width - 12, using: &generator),
        Int.random(in: 0..<height - 12, using: &generator)
      )
      let colour = (0..<3).map { _ in UInt8.random(in: 0...255, using: &generator) }
      for row in y..<y + 12 {
        for column in x..<x + 12 {
          for channel in 0..<3 {
            pixels[(row * width + column) * 3 + channel] = colour[isGray ? 0 : channel]
          }
        }
      }
    }
    return try Picture(width: width, height: height, pixels: pixels)
  }

  private func identify(
    _ recipe: Recipe, seed: UInt64, isGray: Bool = false, intended: Recipe? = Self.intended
  ) throws -> Identification {
    let search = try #require(RecipeSearch(intended: intended, input: Self.input))
    let picture = try picture(seed: seed, isGray: isGray)
    let recipe = try recipe.resolved(for: Self.input)
    let values = recipe.realValues(of: try recipe.image(from: picture))
    return search.identify([.init(name: "drawn", picture: picture, values: values)])
  }

  @Test(arguments: 0..<4 as Range<UInt64>)
  func `the intended recipe is recognised`(seed: UInt64) throws {
    let found = try identify(Self.intended, seed: seed)
    #expect(found.recipe == Self.intended)
    #expect(found.differences.isEmpty)
    #expect(found.residualInLSB < 0.01)
  }

  @Test(arguments: 0..<4 as Range<UInt64>)
  func `BGR, [0,1], nearest, a half turn and another crop are found together`(
    seed: UInt64
  ) throws {
    var recipe = Self.intended
    recipe.color = .bgr
    recipe.normalize = .zeroToOne
    recipe.resize.method = .nearestPillow
    recipe.orient.rotate = .half
    recipe.crop = .none
    let found = try identify(recipe, seed: seed)
    #expect(
      Set(found.differences.map(\.cause)) == [
        .channelOrder, .normalization, .resize, .rotation, .crop,
      ])
    #expect(found.recipe?.crop.mode == Recipe.Crop.Mode.none)
    #expect(found.recipe?.color == .bgr)
    #expect(found.recipe?.normalize == .zeroToOne)
    #expect(found.residualInLSB < 0.01)
  }

  @Test(arguments: [
    Recipe.Crop(mode: .box, width: 100, height: 98, x: 31, y: 4),
    Recipe.Crop(mode: .box, width: 139, height: 101, x: 7, y: 5),
  ])
  func `a rectangle that no crop has a name for is found`(crop: Recipe.Crop) throws {
    var recipe = Self.intended
    recipe.crop = crop
    recipe.resize.method = .bilinearOpenCV
    let found = try identify(recipe, seed: 8)
    #expect(found.recipe?.crop == crop)
    #expect(found.differences.map(\.cause) == [.crop, .resize])
  }

  @Test(arguments: [Recipe.Normalize.Transfer.sRGBToLinear, .linearToSRGB])
  func `a transfer curve is found beside another fault`(
    transfer: Recipe.Normalize.Transfer
  ) throws {
    var recipe = Self.intended
    recipe.normalize.transfer = transfer
    recipe.color = .bgr
    let found = try identify(recipe, seed: 3)
    #expect(found.recipe?.normalize == recipe.normalize)
    #expect(found.differences.map(\.cause) == [.channelOrder, .transfer])
  }

  @Test(arguments: [Recipe.Quantize.Fault.otherSign, .twice, .missing, .missingWrapped])
  func `the recipe found stores the same bytes as a pipeline that stores wrongly`(
    fault: Recipe.Quantize.Fault
  ) throws {
    let input = TensorDescription(
      name: "input", elementType: .uint8, shape: Self.input.shape,
      quantization: Quantization(scales: [0.02], zeroPoints: [114]))
    var faulty = Self.intended
    faulty.normalize = .imageNet
    let picture = try picture(seed: 6)
    let image = try faulty.image(from: picture)
    func stored(_ recipe: Recipe) throws -> [UInt8] {
      try input.storedBytes(for: recipe.realValues(of: image), recipe.quantize)
    }
    let search = try #require(RecipeSearch(intended: faulty, input: input))
    faulty.quantize.fault = fault
    let bytes = try stored(faulty)
    let others = bytes.map { $0 ^ 0x80 }
    let values = try #require(unsafe input.realValues(in: bytes.span.bytes))
    let otherValues = try #require(unsafe input.realValues(in: others.span.bytes))
    let found = search.identify([
      .init(name: "drawn", picture: picture, values: values, valuesOfOtherSign: otherValues)
    ])
    #expect(found.differences.map(\.cause) == [.inputQuantization])
    #expect(try stored(#require(found.recipe)) == bytes)
  }

  @Test(arguments: [Recipe.Color.rgb, .bgr])
  func `levels that another library leaves in float32 are told from rounded ones`(
    color: Recipe.Color
  ) throws {
    var intended = Self.intended
    intended.resize.method = .bilinearOpenCV
    var used = intended
    (used.resize.method, used.resize.precision) = (.bilinearTFHalfPixel, .float)
    used.color = color
    let picture = try picture(seed: 9)
    let values = used.realValues(of: try used.floatImage(from: picture))
    let search = try #require(RecipeSearch(intended: intended, input: Self.input))
    let found = search.identify([.init(name: "drawn", picture: picture, values: values)])
    #expect(
      found.differences.map(\.cause) == (color == .rgb ? [.resize] : [.resize, .channelOrder]))
    #expect(found.recipe?.resize.precision == .float)
    #expect(found.residualInLSB < 0.01)
  }

  /// Integers of scale 1 where levels become a few steps.
  private func identifyCoarse(_ normalize: Recipe.Normalize) throws -> Identification {
    let input = TensorDescription(
      name: "input", elementType: .uint8, shape: Self.input.shape,
      quantization: Quantization(scales: [1], zeroPoints: [0]))
    var intended = Self.intended
    intended.normalize = .none
    var used = intended
    used.normalize = normalize
    let picture = try picture(seed: 10)
    let bytes = try input.storedBytes(for: used.realValues(of: used.image(from: picture)))
    let others = bytes.map { $0 ^ 0x80 }
    let search = try #require(RecipeSearch(intended: intended, input: input))
    return search.identify([
      .init(
        name: "drawn", picture: picture,
        values: try #require(unsafe input.realValues(in: bytes.span.bytes)),
        valuesOfOtherSign: try #require(unsafe input.realValues(in: others.span.bytes)))
    ])
  }

  @Test(arguments: Recipe.Normalize.Transfer.allCases)
  func `a few steps of integers tell a curve from a line that has no name`(
    transfer: Recipe.Normalize.Transfer
  ) throws {
    let found = try identifyCoarse(
      .init(divisor: 255, mean: [0.23], std: [0.17], transfer: transfer))
    #expect(
      found.differences.map(\.cause)
        == (transfer == .none ? [.normalization] : [.transfer, .normalization]))
    #expect(found.recipe?.normalize.transfer == transfer)
    #expect(!found.ambiguous.contains { $0.stage == "normalize" })
  }

  @Test func `two steps of integers do not tell a curve from a line, which is said`() throws {
    let found = try identifyCoarse(
      .init(divisor: 255, mean: [0.38], std: [0.52], transfer: .sRGBToLinear))
    #expect(found.differences.map(\.cause) == [.normalization])
    let normalize = found.ambiguous.first { $0.stage == "normalize" }
    #expect(
      normalize?.candidates
        == Recipe.Normalize.Transfer.allCases.map { "transfer \($0.rawValue)" })
  }

  @Test(arguments: [(1, 0), (0, -1), (-1, 1)])
  func `a crop that is off by a pixel is found`(dx: Int, dy: Int) throws {
    var recipe = Self.intended
    recipe.crop = Recipe.Crop(mode: .box, width: 96, height: 96, x: 27 + dx, y: 7 + dy)
    let found = try identify(recipe, seed: 5)
    #expect(found.differences.map(\.cause) == [.crop])
    #expect(found.recipe?.crop == recipe.crop)
  }

  @Test func `without an intended recipe the recipe itself is told`() throws {
    var recipe = Self.intended
    recipe.orient.flip = .horizontal
    recipe.normalize = .imageNet
    let found = try identify(recipe, seed: 6, intended: nil)
    #expect(found.differences.isEmpty)
    #expect(found.recipe?.crop == recipe.crop)
    #expect(found.recipe?.orient.flip == .horizontal)
    #expect(found.recipe?.normalize == .imageNet)
  }

  @Test func `on a grey picture the order of colours cannot be told`() throws {
    let found = try identify(Self.intended, seed: 7, isGray: true)
    #expect(found.differences.isEmpty)
    let color = found.ambiguous.first { $0.stage == "color" }
    #expect(color?.candidates.contains("BGR") == true)
    #expect(color?.candidates.first == "RGB")
  }

  @Test(arguments: 0..<6 as Range<UInt64>)
  func `noise, another picture and one level everywhere are unexplained`(seed: UInt64) throws {
    let search = try #require(RecipeSearch(intended: Self.intended, input: Self.input))
    var generator = SplitMix64(seed: seed)
    let shown = try picture(seed: seed)
    let recipe = try Self.intended.resolved(for: Self.input)
    let other = recipe.realValues(of: try recipe.image(from: picture(seed: seed + 100)))
    let noise = other.map { _ in Float.random(in: -1...1, using: &generator) }
    let flat = other.map { _ in Float(0.5) }
    let broken = other.map { $0 > 0 ? Float.nan : $0 }
    for values in [other, noise, flat, broken] {
      let found = search.identify([.init(name: "drawn", picture: shown, values: values)])
      #expect(!found.isExplained)
      #expect(!found.ruledOut.isEmpty)
    }
  }

  @Test func `bytes of uint8 in an int8 tensor are seen`() throws {
    let quantized = TensorDescription(
      name: "input", elementType: .int8, shape: Self.input.shape,
      quantization: Quantization(scales: [2 / 255], zeroPoints: [-1]))
    let search = try #require(RecipeSearch(intended: Self.intended, input: quantized))
    let picture = try picture(seed: 8)
    let recipe = try Self.intended.resolved(for: quantized)
    let right = try quantized.storedBytes(for: recipe.realValues(of: recipe.image(from: picture)))
    func identify(_ bytes: [UInt8]) throws -> Identification {
      let values = try #require(unsafe quantized.realValues(in: bytes.span.bytes))
      let other = bytes.map { $0 ^ 0x80 }
      return search.identify([
        .init(
          name: "drawn", picture: picture, values: values,
          valuesOfOtherSign: try #require(unsafe quantized.realValues(in: other.span.bytes)))
      ])
    }
    #expect(try identify(right).differences.isEmpty)
    #expect(
      try identify(right.map { $0 ^ 0x80 }).differences.map(\.cause) == [.inputQuantization])
  }
}
