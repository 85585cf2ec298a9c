import EXrayCore
import EXrayPreprocess
import EXrayTestKit
import Testing

/// Stages that few recipes have: float levels, camera frames, transparency, curves, other quantising.
@Suite struct RareStagesTests {
  private func parse(_ text: String) throws(PreprocessError) -> Recipe {
    try Recipe(json: Array(text.utf8), file: "r.json")
  }

  @Test func rareKeysSurviveARoundTrip() throws {
    let recipe = Recipe(
      decode: .init(alpha: .white, yuv: .bt709Full),
      resize: .init(width: 8, height: 8, method: .bicubicPyTorchAntialias, precision: .float),
      color: .gbr, luma: .openCV, normalize: .init(divisor: 255, transfer: .sRGBToLinear),
      quantize: .init(rounding: .truncate, zeroPoint: .afterRounding, fault: .otherSign))
    #expect(try parse(recipe.json()) == recipe)
    for method in Recipe.Resize.Method.allCases {
      let recipe = Recipe(resize: .init(method: method))
      #expect(try parse(recipe.json()) == recipe)
    }
  }

  @Test(
    arguments: [
      (#"{"decode":{"alpha":"grey"}}"#, "decode.alpha"),
      (#"{"decode":{"yuv":"bt601"}}"#, "decode.yuv"),
      (#"{"resize":{"precision":16}}"#, "resize.precision"), (#"{"luma":"cv2"}"#, "luma"),
      (#"{"normalize":{"transfer":"gamma"}}"#, "normalize.transfer"),
      (#"{"quantize":{"fault":"thrice"}}"#, "quantize.fault"),
      (#"{"quantize":{"round":"floor"}}"#, "quantize.round"),
    ])
  func aBadRareKeyIsRefusedByName(text: String, key: String) {
    let error = #expect(throws: PreprocessError.self) { try parse(text) }
    #expect(error?.key == key)
  }

  @Test(arguments: YUVFrame.Format.allCases)
  func aMediaTypeOfACameraFrameSurvivesARoundTrip(format: YUVFrame.Format) throws {
    let frame = YUVFrame(format: format, width: 640, height: 480)
    #expect(try YUVFrame(mediaType: frame.mediaType, file: "f") == frame)
    #expect(try YUVFrame(mediaType: "image/jpeg", file: "f") == nil)
    #expect(try YUVFrame(mediaType: "", file: "f") == nil)
  }

  @Test(
    arguments: [
      "image/x-nv12", "image/x-nv12;width=0;height=2", "image/x-nv12;width=3;height=2",
      "image/x-nv12;width=-2;height=-2", "image/x-nv12;width=9223372036854775806;height=2",
      "image/x-i420;width=;height=2", "image/x-i420;width=99999999999999999999;height=2",
      "image/x-nv12;width=4;height=2;stride=3", "image/x-nv12;width=4;height=2;stride=wide",
      "image/x-nv12;width=4;height=2;stride=9223372036854775807",
      "image/x-i420;width=4;height=2;chroma-stride=1",
    ])
  func aCameraFrameOfAnImpossibleSizeIsRefused(mediaType: String) {
    let error = #expect(throws: PreprocessError.self) {
      try YUVFrame(mediaType: mediaType, file: "f")
    }
    #expect(error?.code == .unsupportedFormat)
  }

  @Test(arguments: YUVFrame.Format.allCases, [(10, nil), (10, 14), (6, 9)] as [(Int, Int?)])
  func paddedRowsOfACameraFrameAreSkipped(
    format: YUVFrame.Format, strides: (luma: Int, chroma: Int?)
  ) throws {
    let plain = YUVFrame(format: format, width: 6, height: 4)
    let padded = YUVFrame(
      format: format, width: 6, height: 4, stride: strides.luma, chromaStride: strides.chroma)
    #expect(try YUVFrame(mediaType: padded.mediaType, file: "f") == padded)
    var random = SplitMix64(seed: 5)
    let bytes = (0..<plain.byteCount).map { _ in UInt8.random(in: 0...255, using: &random) }
    // The rows one by one: luma, then colour as one plane of pairs or two planes.
    let isPaired = format == .nv12 || format == .nv21
    let luma = [(Int, Int)](repeating: (6, padded.stride), count: 4)
    let chroma = [(Int, Int)](
      repeating: (isPaired ? 6 : 3, padded.chromaStride), count: isPaired ? 2 : 4)
    let rows = luma + chroma
    var (start, spread) = (0, [UInt8]())
    for (count, stride) in rows {
      spread += bytes[start..<start + count]
      spread += (0..<stride - count).map { _ in UInt8.random(in: 0...255, using: &random) }
      start += count
    }
    #expect(spread.count == padded.byteCount)
    let last = rows[rows.count - 1]
    let wanted = try unsafe Picture(yuv: bytes.span.bytes, plain, file: "f")
    for missing in [0, last.1 - last.0] {
      let cut = Array(spread.dropLast(missing))
      let picture = try unsafe Picture.decode(
        cut.span.bytes, mediaType: padded.mediaType, file: "f")
      #expect(picture.pixels == wanted.pixels)
    }
    let short = Array(spread.dropLast(last.1 - last.0 + 1))
    #expect(throws: PreprocessError.self) {
      try unsafe Picture.decode(short.span.bytes, mediaType: padded.mediaType, file: "f")
    }
  }

  @Test(arguments: [0, 1, 5, 7, 100])
  func aCameraFrameOfTheWrongLengthIsRefused(byteCount: Int) {
    let bytes = [UInt8](repeating: 0, count: byteCount)
    let error = #expect(throws: PreprocessError.self) {
      try unsafe Picture.decode(
        bytes.span.bytes, mediaType: "image/x-nv21;width=2;height=2", file: "f")
    }
    #expect(error?.code == .corruptPicture)
  }

  @Test(arguments: Recipe.Resize.Method.allCases, [1, 2] as [UInt64])
  func floatLevelsRoundToTheEightBitResult(method: Recipe.Resize.Method, seed: UInt64) throws {
    // Far from 0 and 255, where the 8-bit passes would cut what overshoots.
    let noise = try PreprocessCase.seeded(seed, width: 41, height: 30)
    let picture = try Picture(
      width: 41, height: 30, pixels: noise.pixels.map { $0 / 4 + 96 })
    let size = method == .none ? (width: 41, height: 30) : (width: 17, height: 52)
    let resize = Recipe.Resize(width: size.width, height: size.height, method: method)
    let levels = try Recipe(resize: resize).image(from: picture)
    let floats = try Recipe(resize: resize).floatImage(from: picture)
    // Fixed point and a rounding between the passes cost at most two levels.
    for (level, float) in zip(levels.pixels, floats.pixels) {
      #expect(abs(Float(level) - max(0, min(255, float))) <= 2, "\(method) seed \(seed)")
    }
  }

  @Test func aFloatRecipeFillsAModelInputWithFractions() throws {
    let picture = try PreprocessCase.seeded(1, width: 41, height: 30)
    let input = TensorDescription(name: "in", elementType: .float32, shape: [1, 3, 9, 8])
    let recipe = Recipe(
      resize: .init(method: .bilinearTFAntialias, precision: .float), layout: .nchw,
      normalize: .zeroToOne)
    let encoded = try picture.image.png()
    let prepared = try unsafe recipe.prepare(encoded.span.bytes, file: "p", for: input)
    let floats = try recipe.resolved(for: input).floatImage(from: picture)
    #expect(prepared.realValues.count == 216)
    #expect(prepared.realValues[72 + 5] == floats.pixels[5 * 3 + 1] / 255)
    #expect(floats.pixels.contains { $0 != $0.rounded() })
    #expect(prepared.image == floats.rounded)
  }

  @Test func faultsOfQuantizingAreHarmlessToFloatsAndToNothing() throws {
    for fault in Recipe.Quantize.Fault.allCases {
      let how = Recipe.Quantize(fault: fault)
      let floats = TensorDescription(name: "in", elementType: .float32, shape: [1])
      #expect(try floats.storedBytes(for: [1.5], how) == floats.storedBytes(for: [1.5]))
      let empty = TensorDescription(name: "in", elementType: .int16, shape: [0])
      #expect(try empty.storedBytes(for: [], how) == [])
    }
  }
}
