import EXrayCore
import EXrayPreprocess
import EXrayTestKit
import EXrayValidation
import Testing

/// The preprocessing detective on drawn pictures, so that it is tested without any real data.
struct DetectiveTests {
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
  ) throws -> [PreprocessDetective.Sample] {
    try (0..<3).map { index in
      let picture = try picture(seed: seed * 100 + UInt64(index))
      func values(_ recipe: Recipe) throws -> [Float] {
        let resolved = try recipe.resolved(for: Self.input)
        return resolved.realValues(of: try resolved.image(from: picture))
      }
      return .init(
        picture: keepPictures ? picture : nil, candidate: try values(recipe),
        reference: try values(Self.intended))
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
    let detective = try #require(
      PreprocessDetective(intended: Self.intended, input: Self.input))
    let explanation = detective.explain(try samples(recipe, seed: seed))
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
    let detective = try #require(
      PreprocessDetective(intended: Self.intended, input: Self.input))
    let explanation = detective.explain(try samples(recipe, seed: seed, keepPictures: false))
    #expect(explanation.differences.map(\.cause) == fault.causes)
    #expect(!explanation.hadPictures)
  }

  @Test(arguments: 0..<6 as Range<UInt64>)
  func `unrelated inputs are unexplained`(seed: UInt64) throws {
    var generator = SplitMix64(seed: seed)
    let detective = try #require(
      PreprocessDetective(intended: Self.intended, input: Self.input))
    let honest = try samples(Self.intended, seed: seed)
    let others = try samples(Self.intended, seed: seed + 50)
    let noise = honest.map { sample in
      var sample = sample
      sample.candidate = sample.candidate.map { _ in Float.random(in: -1...1, using: &generator) }
      return sample
    }
    #expect(!detective.explain(noise).isExplained)
    let swapped = zip(honest, others).map { sample, other in
      var sample = sample
      sample.candidate = other.candidate
      return sample
    }
    #expect(!detective.explain(swapped).isExplained)
    #expect(!detective.explain([]).isExplained)
  }

  @Test func `inputs that saturate an int8 tensor are still recognised as not normalised`() throws {
    let quantized = TensorDescription(
      name: "input", elementType: .int8, shape: [1, 48, 48, 3],
      quantization: Quantization(scales: [0.007_843_138], zeroPoints: [-1]))
    var recipe = Self.intended
    recipe.normalize = .none
    let detective = try #require(PreprocessDetective(intended: Self.intended, input: quantized))
    let cut = try samples(recipe, seed: 9).map { sample in
      var sample = sample
      let bytes = try quantized.storedBytes(for: sample.candidate)
      sample.candidate = try #require(unsafe quantized.realValues(in: bytes.span.bytes))
      return sample
    }
    #expect(detective.explain(cut).differences.map(\.cause) == [.normalization])
  }

  @Test func `a zero point 128 steps off is a fault of quantization, not of normalisation`() throws
  {
    let quantized = TensorDescription(
      name: "input", elementType: .uint8, shape: [1, 48, 48, 3],
      quantization: Quantization(scales: [0.02], zeroPoints: [128]))
    let detective = try #require(PreprocessDetective(intended: Self.intended, input: quantized))
    let shifted = try samples(Self.intended, seed: 3).map { sample in
      var sample = sample
      let bytes = try quantized.storedBytes(for: sample.candidate.map { $0 + 128 * 0.02 })
      sample.candidate = try #require(unsafe quantized.realValues(in: bytes.span.bytes))
      return sample
    }
    #expect(detective.explain(shifted).differences.map(\.cause) == [.inputQuantization])
  }

  @Test func `inputs that are no pictures have no detective`() {
    let vector = TensorDescription(name: "v", elementType: .float32, shape: [1, 640])
    #expect(PreprocessDetective(intended: Self.intended, input: vector) == nil)
  }
}
