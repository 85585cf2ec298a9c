import EXraySound
import EXrayTestKit
import Testing

@Suite struct SoundTests {
  /// A mono 16-bit file of a few samples.
  private static let small: [UInt8] =
    Array("RIFF".utf8) + [44, 0, 0, 0] + Array("WAVEfmt ".utf8) + [16, 0, 0, 0]
    + [1, 0, 1, 0, 0x80, 0x3E, 0, 0, 0, 0x7D, 0, 0, 2, 0, 16, 0]
    + Array("data".utf8) + [8, 0, 0, 0, 1, 0, 0xFF, 0xFF, 0, 0x80, 0xFF, 0x7F]

  @Test func aSmallFileIsRead() throws {
    let sound = try WAVFile(bytes: Self.small, file: "small")
    #expect(sound.sampleRate == 16_000)
    #expect(sound.samples(channel: 0) == [1, -1, -32_768, 32_767])
    #expect(sound.samples(channel: 0, isSwapped: true) == [256, -1, 128, -129])
  }

  @Test(
    arguments: [
      (0, UInt8(0), SoundError.Code.unsupportedFormat, 0), (20, 2, .unsupportedFormat, 20),
      (22, 0, .corruptSound, 22), (24 + 3, 0x80, .corruptSound, 24), (32, 3, .corruptSound, 22),
      (34, 12, .unsupportedFormat, 20), (40, 7, .corruptSound, 40), (40, 9, .corruptSound, 40),
      (43, 0xFF, .corruptSound, 40), (16, 15, .corruptSound, 20), (36, 0, .corruptSound, 52),
    ] as [(Int, UInt8, SoundError.Code?, Int)])
  func oneWrongByteIsOneErrorWithItsPlace(
    at place: Int, value: UInt8, code: SoundError.Code?, offset: Int
  ) {
    var bytes = Self.small
    bytes[place] = value
    do throws(SoundError) {
      _ = try WAVFile(bytes: bytes, file: "wrong")
      #expect(code == nil)
    } catch {
      #expect(error.code == code)
      #expect(error.offset == offset)
      #expect(error.description.hasPrefix("wrong, byte \(offset): "))
    }
  }

  @Test(arguments: 0..<8 as Range<UInt64>)
  func damagedFilesAreRefusedOrRead(seed: UInt64) {
    var random = SplitMix64(seed: seed)
    for _ in 0..<2_000 {
      var bytes = Array(Self.small.prefix(Int.random(in: 0...Self.small.count, using: &random)))
      for _ in 0..<Int.random(in: 0...3, using: &random) where !bytes.isEmpty {
        bytes[Int.random(in: 0..<bytes.count, using: &random)] = UInt8.random(
          in: 0...255, using: &random)
      }
      guard let sound = try? WAVFile(bytes: bytes, file: "damaged") else { continue }
      #expect(sound.bytes.count <= bytes.count)
      #expect(sound.samples(channel: sound.channelCount - 1).count == sound.sampleCount)
    }
  }

  @Test(arguments: [
    (#"{"mel":{"hihg":1}}"#, SoundError.Code.unknownKey, "mel.hihg"),
    (#"{"exraySoundRecipe":2}"#, .invalidRecipe, "exraySoundRecipe"),
    (#"{"frames":{"length":512,"fft":256}}"#, .invalidRecipe, "frames.fft"),
    (#"{"mel":{"low":9000}}"#, .invalidRecipe, "mel.low"),
    (#"{"mfcc":{"count":3}}"#, .invalidRecipe, "mfcc.count"),
    (#"{"mel":{"bands":20},"mfcc":{"count":21}}"#, .invalidRecipe, "mfcc.count"),
    (#"{"log":{"kind":"ln"}}"#, .invalidRecipe, "log.offset"),
    (#"{"signal":{"scale":"loud"}}"#, .invalidRecipe, "signal.scale"),
    (#"{"mel":{},"normalize":{"mean":[1,2]}}"#, .invalidRecipe, "normalize.mean"),
  ])
  func recipesThatCannotBeMeantNameTheKey(json: String, code: SoundError.Code, key: String) {
    let error = #expect(throws: SoundError.self) {
      try SoundRecipe(json: Array(json.utf8), file: "recipe.json")
    }
    #expect(error?.code == code)
    #expect(error?.key == key)
  }

  @Test func aSoundShorterThanAFrameIsRefused() throws {
    let sound = try WAVFile(bytes: Self.small, file: "small")
    let error = #expect(throws: SoundError.self) { try SoundRecipe().features(of: sound) }
    #expect(error?.code == .unsuitableSound)
  }

  /// Clips whose int8 features MLPerf Tiny published: floor(MFCC / scale + zero point), all 490 values.
  @Test(
    .enabled(if: SharedData.isAvailable || Requirements.areStrict),
    arguments: [
      ("down_563aa4e6_nohash_2", 363), ("tflm_no_1000ms", 195), ("on_563aa4e6_nohash_2", 513),
      ("stop_97f4c236_nohash_2", 179), ("right_563aa4e6_nohash_2", 326),
    ])
  func theKeywordRecipeMakesThePublishedFeatures(clip: String, index: Int) throws {
    var recipe = SoundRecipe(name: "MLPerf Tiny keyword spotting")
    recipe.signal.scale = .max
    recipe.signal.length = 16_000
    recipe.mel = .init()
    recipe.log = .init(.ln, offset: 1e-6)
    recipe.mfcc = .init(count: 10)
    let path = try SharedData.path("data/speech_wav/clips/\(clip).wav")
    let features = try recipe.features(of: WAVFile(path: path)).values
    let all = try SharedData.bytes("data/kws_mfcc_1000/features_int8_1000x49x10.bin")
    let published = all[(index * 490)..<(index * 490 + 490)].map { Int(Int8(bitPattern: $0)) }
    #expect(features.map { Int(($0 / 0.5847029089927673 + 83).rounded(.down)) } == published)
  }
}
