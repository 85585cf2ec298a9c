import EXrayCore
import EXrayPreprocess
import EXrayTestKit
import EXrayValidation
import Testing

/// How the inputs of two runs are explained, on drawn pictures, so that no real data is needed.
struct ExplanationTests {
  private static let input = TensorDescription(
    name: "input", elementType: .float32, shape: [1, 48, 48, 3])
  private static let intended = Recipe(
    crop: .centerFraction(0.875), resize: .init(width: 48, height: 48), normalize: .minusOneToOne)

  /// A picture of smooth colour waves with a few hard edges; different for each seed.
  private func picture(seed: UInt64) throws -> Picture {
    var generator = SplitMix64(seed: seed)
    let (width, height) = (
      Int.random(in: 90...150, using: &generator), Int.random(in: 70...120, using: &generator)
    )
    var pixels = [UInt8](repeating: 0, count: width * height * 3)
    for channel in 0..<3 {
      let (a, b) = (
        Double.random(in: 0.02...0.2, using: &generator),
        Double.random(in: 0.02...0.2, using: &generator)
      )
      let edge = Int.random(in: 20...width - 20, using: &generator)
      let shift = Double.random(in: 0...6, using: &generator)
      for y in 0..<height {
        for x in 0..<width {
          let wave = triangle(Double(x) * a + Double(y) * b + shift)
          let level = 40 + 150 * wave + (x > edge ? 45 : 0) + (y * 3 > height * 2 ? 20 : 0)
          pixels[(y * width + x) * 3 + channel] = UInt8(max(0, min(255, level)))
        }
      }
    }
    return try Picture(width: width, height: height, pixels: pixels, exifOrientation: 1)
  }

  private func triangle(_ phase: Double) -> Double {
    let fraction = phase - phase.rounded(.down)
    return fraction < 0.5 ? 2 * fraction : 2 - 2 * fraction
  }

  private func samples(
    _ recipe: Recipe, seed: UInt64, keepPictures: Bool = true
  ) throws -> [RecipeSearch.Sample] {
    try (0..<3).map { index in
      let picture = try picture(seed: seed * 100 + UInt64(index))
      return .init(
        name: "drawn", candidate: try values(recipe, of: picture),
        reference: try values(Self.intended, of: picture),
        raw: keepPictures ? .init { _ in picture } : nil)
    }
  }

  struct Fault: Sendable, CustomTestStringConvertible {
    var testDescription: String
    var change: @Sendable (inout Recipe) -> Void
    var causes: [Cause]
    var isSeenWithoutPictures = true
  }

  static let faults = [
    Fault(testDescription: "BGR", change: { $0.color = .bgr }, causes: [.channelOrder]),
    Fault(testDescription: "grey", change: { $0.color = .gray3 }, causes: [.grayscale]),
    Fault(
      testDescription: "[0,1]", change: { $0.normalize = .zeroToOne }, causes: [.normalization]),
    Fault(
      testDescription: "ImageNet", change: { $0.normalize = .imageNet }, causes: [.normalization]),
    Fault(
      testDescription: "an unknown affine",
      change: { $0.normalize = .init(mean: [90, 100, 110], std: [50, 60, 70]) },
      causes: [.normalization]),
    Fault(
      testDescription: "a quarter", change: { $0.orient.rotate = .quarter }, causes: [.rotation]),
    Fault(testDescription: "a half", change: { $0.orient.rotate = .half }, causes: [.rotation]),
    Fault(testDescription: "mirrored", change: { $0.orient.flip = .horizontal }, causes: [.flip]),
    Fault(
      testDescription: "upside down mirrored", change: { $0.orient.flip = .vertical },
      causes: [.flip]),
    Fault(testDescription: "CHW as HWC", change: { $0.layout = .chwAsHWC }, causes: [.layout]),
    Fault(
      testDescription: "squashed", change: { $0.crop = .none }, causes: [.crop],
      isSeenWithoutPictures: false),
    Fault(
      testDescription: "nearest", change: { $0.resize.method = .nearestPillow }, causes: [.resize],
      isSeenWithoutPictures: false),
    Fault(
      testDescription: "OpenCV", change: { $0.resize.method = .bilinearOpenCV },
      causes: [.resize], isSeenWithoutPictures: false),
    Fault(
      testDescription: "BGR, [0,1] and nearest at once",
      change: {
        $0.color = .bgr
        $0.normalize = .zeroToOne
        $0.resize.method = .nearestPillow
      }, causes: [.resize, .channelOrder, .normalization], isSeenWithoutPictures: false),
    Fault(
      testDescription: "mirrored, squashed and grey at once",
      change: {
        $0.orient = .init(flip: .horizontal, when: .afterResize)
        $0.crop = .none
        $0.color = .gray3
      }, causes: [.flip, .crop, .grayscale], isSeenWithoutPictures: false),
  ]

  @Test(arguments: faults, [UInt64(1), 2, 3])
  func `single and compound faults are named from raw pictures`(
    fault: Fault, seed: UInt64
  ) throws {
    var recipe = Self.intended
    fault.change(&recipe)
    let search = try #require(
      RecipeSearch(intended: Self.intended, input: Self.input))
    let explanation = search.explain(try samples(recipe, seed: seed))
    #expect(Set(explanation.differences.map(\.cause)) == Set(fault.causes))
    #expect(explanation.explainedVariance > 0.98)
  }

  @Test(arguments: faults.filter(\.isSeenWithoutPictures), [UInt64(4), 5])
  func `what needs no picture is named from the two inputs alone`(
    fault: Fault, seed: UInt64
  ) throws {
    var recipe = Self.intended
    fault.change(&recipe)
    recipe.orient.when = .afterResize
    let search = try #require(
      RecipeSearch(intended: Self.intended, input: Self.input))
    let explanation = search.explain(try samples(recipe, seed: seed, keepPictures: false))
    #expect(explanation.differences.map(\.cause) == fault.causes)
    #expect(!explanation.hadPictures)
  }

  @Test(arguments: 0..<6 as Range<UInt64>)
  func `unrelated inputs are unexplained`(seed: UInt64) throws {
    var generator = SplitMix64(seed: seed)
    let search = try #require(
      RecipeSearch(intended: Self.intended, input: Self.input))
    let honest = try samples(Self.intended, seed: seed)
    let others = try samples(Self.intended, seed: seed + 50)
    let noise = honest.map { sample in
      var sample = sample
      sample.candidate = sample.candidate.map { _ in Float.random(in: -1...1, using: &generator) }
      return sample
    }
    #expect(!search.explain(noise).isExplained)
    let swapped = zip(honest, others).map { sample, other in
      var sample = sample
      sample.candidate = other.candidate
      return sample
    }
    #expect(!search.explain(swapped).isExplained)
    #expect(!search.explain([]).isExplained)
  }

  @Test func `inputs that saturate an int8 tensor are still recognised as not normalised`() throws {
    let quantized = TensorDescription(
      name: "input", elementType: .int8, shape: [1, 48, 48, 3],
      quantization: Quantization(scales: [0.007_843_138], zeroPoints: [-1]))
    var recipe = Self.intended
    recipe.normalize = .none
    let search = try #require(RecipeSearch(intended: Self.intended, input: quantized))
    let cut = try samples(recipe, seed: 9).map { sample in
      var sample = sample
      let bytes = try quantized.storedBytes(for: sample.candidate)
      sample.candidate = try #require(unsafe quantized.realValues(in: bytes.span.bytes))
      return sample
    }
    #expect(search.explain(cut).differences.map(\.cause) == [.normalization])
  }

  @Test func `a zero point 128 steps off is a fault of quantization, not of normalisation`() throws
  {
    let quantized = TensorDescription(
      name: "input", elementType: .uint8, shape: [1, 48, 48, 3],
      quantization: Quantization(scales: [0.02], zeroPoints: [128]))
    let search = try #require(RecipeSearch(intended: Self.intended, input: quantized))
    let shifted = try samples(Self.intended, seed: 3).map { sample in
      var sample = sample
      let bytes = try quantized.storedBytes(for: sample.candidate.map { $0 + 128 * 0.02 })
      sample.candidate = try #require(unsafe quantized.realValues(in: bytes.span.bytes))
      return sample
    }
    #expect(search.explain(shifted).differences.map(\.cause) == [.inputQuantization])
  }

  // MARK: What cannot be told

  @Test func `of symmetrical pictures a turn and a mirror are one, and the explanation says so`()
    throws
  {
    var recipe = Self.intended
    recipe.orient = .init(rotate: .quarter, when: .afterResize)
    let samples = try (0..<2 as Range<UInt64>).map { seed in
      let half = try picture(seed: seed)
      let width = half.width * 2
      var pixels = [UInt8](repeating: 0, count: width * half.height * 3)
      for y in 0..<half.height {
        for x in 0..<width {
          let from = (y * half.width + min(x, width - 1 - x)) * 3
          for channel in 0..<3 {
            pixels[(y * width + x) * 3 + channel] = half.pixels[from + channel]
          }
        }
      }
      let whole = try Picture(width: width, height: half.height, pixels: pixels)
      return RecipeSearch.Sample(
        name: "symmetrical", candidate: try values(recipe, of: whole),
        reference: try values(Self.intended, of: whole), raw: .init { _ in whole })
    }
    let search = try #require(RecipeSearch(intended: Self.intended, input: Self.input))
    let explanation = search.explain(samples)
    #expect(explanation.differences.map(\.cause) == [.rotation])
    let doubt = try #require(explanation.ambiguous.first { $0.stage == "orient" })
    #expect(doubt.candidates.count == 2)
    let finding = try #require(try findings(explanation, samples).first)
    let line = try #require(finding.evidence.first { $0.hasPrefix("cannot be told apart: ") })
    #expect(doubt.candidates.allSatisfy(line.contains))
    #expect(finding.confidence < 0.7)
  }

  @Test(arguments: [UInt64(6), 7])
  func `an interpolation is only suspected without raw pictures, beside what is certain`(
    seed: UInt64
  ) throws {
    var recipe = Self.intended
    recipe.resize.method = .nearestPillow
    recipe.color = .bgr
    let search = try #require(RecipeSearch(intended: Self.intended, input: Self.input))
    let samples = try samples(recipe, seed: seed, keepPictures: false)
    let explanation = search.explain(samples)
    #expect(Set(explanation.differences.map(\.cause)) == [.channelOrder, .resize])
    #expect(explanation.recipe == nil)
    let found = try findings(explanation, samples)
    let resize = try #require(found.first { $0.cause == .resize })
    #expect(resize.evidence.contains { $0.contains("not distinguishable without raw inputs") })
    let color = try #require(found.first { $0.cause == .channelOrder })
    #expect(color.confidence > resize.confidence)
  }

  @Test func `another part of the picture is only suspected without raw pictures`() throws {
    var recipe = Self.intended
    recipe.crop = .centerFraction(0.86)
    let search = try #require(RecipeSearch(intended: Self.intended, input: Self.input))
    let explanation = search.explain(try samples(recipe, seed: 2, keepPictures: false))
    #expect(explanation.differences.map(\.cause) == [.crop])
    #expect(explanation.recipe == nil && explanation.isExplained)
    #expect(explanation.ambiguous.map(\.reason) == ["not distinguishable without raw inputs"])
  }

  @Test func `what both runs do and no recipe can say is taken from the reference's input`() throws
  {
    var recipe = Self.intended
    recipe.color = .bgr
    let samples = try (0..<3 as Range<UInt64>).map { seed in
      let raw = try picture(seed: seed)
      // A curve that folds levels: no line a channel undoes it.
      let folded = try Picture(
        width: raw.width, height: raw.height,
        pixels: raw.pixels.map { $0 > 127 ? 255 - $0 : $0 })
      return RecipeSearch.Sample(
        name: "folded", candidate: try values(recipe, of: folded),
        reference: try values(Self.intended, of: folded), raw: .init { _ in raw })
    }
    let search = try #require(RecipeSearch(intended: Self.intended, input: Self.input))
    let explanation = search.explain(samples)
    #expect(explanation.differences.map(\.cause) == [.channelOrder])
    #expect(!explanation.hadPictures && !explanation.ruledOut.isEmpty)
  }

  // MARK: What else is known

  @Test func `a crop that nobody uses is found where the candidate declares it`() throws {
    var recipe = Self.intended
    recipe.crop = .centerFraction(0.831)
    recipe.color = .bgr
    let samples = try samples(recipe, seed: 4)
    let search = try #require(RecipeSearch(intended: Self.intended, input: Self.input))
    let explanation = search.explain(samples, hints: [recipe])
    #expect(Set(explanation.differences.map(\.cause)) == [.crop, .channelOrder])
    #expect(explanation.recipe?.crop == recipe.crop)
    // A declared mirror that the inputs do not show is not believed.
    var wrong = recipe
    wrong.orient.flip = .horizontal
    #expect(!search.explain(samples, hints: [wrong]).differences.map(\.cause).contains(.flip))
  }

  @Test(arguments: [Recipe.Decode.YUV.bt601Full, .bt709Video, .bt709Full])
  func `a camera's frame that was read with another matrix is named`(yuv: Recipe.Decode.YUV) throws
  {
    var recipe = Self.intended
    recipe.decode.yuv = yuv
    let samples = try (0..<2 as Range<UInt64>).map { seed in
      let frame = YUVFrame(format: .nv21, width: 96, height: 72, stride: 128)
      var random = SplitMix64(seed: seed)
      var bytes = [UInt8](repeating: 0, count: frame.byteCount)
      for y in 0..<108 {
        for x in 0..<128 {
          let noise = Int.random(in: 0..<30, using: &random)
          bytes[y * 128 + x] = UInt8(y < 72 ? 40 + x + y / 2 + noise : 60 + y + x % 40 * 2 - noise)
        }
      }
      let planes = bytes
      let decode: @Sendable (Recipe.Decode) -> Picture? = { options in
        try? unsafe Picture.decode(
          planes.span.bytes, mediaType: frame.mediaType, file: "frame", options: options)
      }
      let right = try #require(decode(Self.intended.decode))
      let wrong = try #require(decode(recipe.decode))
      return RecipeSearch.Sample(
        name: "camera", candidate: try values(recipe, of: wrong),
        reference: try values(Self.intended, of: right),
        raw: .init(isCameraFrame: true, decode: decode))
    }
    let search = try #require(RecipeSearch(intended: Self.intended, input: Self.input))
    let explanation = search.explain(samples)
    #expect(explanation.differences.map(\.cause) == [.decode])
    #expect(explanation.differences.first?.found.contains(yuv.rawValue) == true)
    #expect(explanation.recipe?.decode.yuv == yuv)
  }

  @Test func `a reference without a recipe is identified from its raw pictures`() throws {
    let samples = try samples(Self.intended, seed: 1)
    #expect(RecipeSearch.recipeOfReference(samples, input: Self.input) == Self.intended)
    let blind = samples.map { sample in
      var sample = sample
      sample.raw = nil
      return sample
    }
    let assumed = try #require(RecipeSearch.recipeOfReference(blind, input: Self.input))
    #expect(assumed.normalize == .minusOneToOne)
  }

  @Test func `values that are nearly all cut off are explained by the normalisation alone`() throws
  {
    let quantized = TensorDescription(
      name: "input", elementType: .int8, shape: [1, 48, 48, 3],
      quantization: Quantization(scales: [0.007_843_138], zeroPoints: [-1]))
    var recipe = Self.intended
    recipe.normalize = .none
    let search = try #require(RecipeSearch(intended: Self.intended, input: quantized))
    let cut = try samples(recipe, seed: 8, keepPictures: false).map { sample in
      var sample = sample
      // A tenth of the picture is black: the only values that are not at the limit.
      let black = sample.candidate.count / 10
      sample.candidate = sample.candidate.enumerated().map { $0 < black ? 0 : $1 }
      sample.reference = sample.reference.enumerated().map { $0 < black ? -1 : $1 }
      let bytes = try quantized.storedBytes(for: sample.candidate)
      sample.candidate = try #require(unsafe quantized.realValues(in: bytes.span.bytes))
      return sample
    }
    let explanation = search.explain(cut)
    #expect(explanation.differences.map(\.cause) == [.normalization])
    #expect(explanation.differences.first?.found.hasPrefix("none") == true)
    // Where every channel is cut off alike, no order of colours can be told.
    #expect(explanation.ambiguous.contains { $0.stage == "color" })
  }

  @Test(arguments: Recipe.Resize.Precision.allCases)
  func `levels rounded where they should not be are a fault of the resize`(
    precision: Recipe.Resize.Precision
  ) throws {
    var (intended, used) = (Self.intended, Self.intended)
    intended.resize.precision = precision == .float ? .levels : .float
    used.resize.precision = precision
    let samples = try (0..<2 as Range<UInt64>).map { seed in
      let picture = try picture(seed: seed)
      return RecipeSearch.Sample(
        name: "drawn", candidate: try values(used, of: picture),
        reference: try values(intended, of: picture), raw: .init { _ in picture })
    }
    let search = try #require(RecipeSearch(intended: intended, input: Self.input))
    let explanation = search.explain(samples)
    #expect(explanation.differences.map(\.cause) == [.resize])
    #expect(
      explanation.differences.first?.found.contains(precision == .float ? "float32" : "8 bits")
        == true)
  }

  private func values(_ recipe: Recipe, of picture: Picture) throws -> [Float] {
    let resolved = try recipe.resolved(for: Self.input)
    if resolved.resize.precision == .float {
      return resolved.realValues(of: try resolved.floatImage(from: picture))
    }
    return resolved.realValues(of: try resolved.image(from: picture))
  }

  /// What the judge makes of an explanation.
  private func findings(
    _ explanation: Explanation, _ samples: [RecipeSearch.Sample]
  ) throws -> [Finding] {
    let tensor = RunComparison.Tensor(role: .input, op: nil, description: Self.input)
    var comparison = RunComparison(candidate: [tensor], reference: [tensor])
    for sample in samples {
      for pair in comparison.pairs {
        _ = unsafe comparison.add(
          pair, candidate: sample.candidate.span.bytes, reference: sample.reference.span.bytes,
          frame: sample.name)
      }
      comparison.endFrame(candidateScores: nil, referenceScores: nil, label: nil)
    }
    let run = RunSummary(
      model: "m", modelSHA256: "", runtime: "", kernels: "", threads: 1, recipe: nil,
      device: "")
    return Judge(context: .init(candidate: run, reference: run)).judge(
      comparison.evidence, explanation: explanation
    ).findings
  }

  @Test func `inputs that are no pictures are not searched`() {
    let vector = TensorDescription(name: "v", elementType: .float32, shape: [1, 640])
    #expect(RecipeSearch(intended: Self.intended, input: vector) == nil)
  }
}
