import EXrayTestKit
import Foundation
import Testing

/// Sounds, recipes and arrays that `exray identify` cannot use: one line, exit 2, little memory.
struct SoundTests {
  /// A mono WAV file of 16-bit samples; the header can claim what is not there.
  private static func wav(
    samples: Int = 16_000, rate: UInt32 = 16_000, channels: UInt16 = 1, align: UInt16? = nil,
    claims: UInt32? = nil, code: UInt16 = 1, bits: UInt16 = 16
  ) -> [UInt8] {
    func little(_ value: some FixedWidthInteger) -> [UInt8] {
      (0..<(value.bitWidth / 8)).map { UInt8(truncatingIfNeeded: value >> ($0 * 8)) }
    }
    let values = (0..<samples).flatMap { index in
      little(Int16(truncatingIfNeeded: (index &* 7_919) % 20_011 - 10_000))
    }
    let count = claims ?? UInt32(values.count)
    var bytes = Array("RIFF".utf8) + little(UInt32(truncatingIfNeeded: 36 + values.count))
    bytes += Array("WAVEfmt ".utf8) + little(UInt32(16)) + little(code) + little(channels)
    bytes += little(rate) + little(rate &* 2) + little(align ?? channels &* (bits / 8))
    bytes += little(bits) + Array("data".utf8) + little(count)
    return bytes + values
  }

  private static let keywords = #"""
    {"signal": {"scale": "max", "length": 16000}, "mel": {"low": 20, "high": 4000},
     "log": {"kind": "ln", "offset": 1e-6}, "mfcc": {"count": 10}}
    """#

  private static func identify(
    _ sandbox: Sandbox, _ sound: [UInt8], recipe: String = keywords, shape: [Int] = [49, 10],
    descriptor: String = "<f4", size: Int = 4, _ more: String...
  ) throws -> [String] {
    [
      "identify", "--raw", try sandbox.file("a.wav", sound), "--model-input",
      try sandbox.zeros("x.npy", shape, descriptor: descriptor, size: size), "--intended",
      try sandbox.file("r.json", recipe), "--json", sandbox.output + "/found.json",
    ] + more
  }

  static let badSounds: [BadInput] = [
    BadInput("an empty file", says: "a.wav", "byte 0", "has 0 bytes") { try identify($0, []) },
    BadInput("a text", says: "a.wav", "byte 0", "RIFF WAVE") {
      try identify($0, Array("this is no sound at all".utf8))
    },
    BadInput("half a file", says: "a.wav", "byte 40", "32000 bytes", "cut off") {
      try identify($0, Array(wav().prefix(9_000)))
    },
    BadInput("half a header", says: "a.wav", "cut off") {
      try identify($0, Array(wav().prefix(30)))
    },
    BadInput("no samples", says: "a.wav", "0 samples") {
      try identify(
        $0, wav(samples: 0), recipe: keywords.replacing(#", "length": 16000"#, with: ""))
    },
    BadInput("a claim of 4 GB", says: "a.wav", "byte 40", "4294967294 bytes") {
      try identify($0, wav(claims: 0xFFFF_FFFE))
    },
    BadInput("65535 channels", says: "a.wav", "byte 22", "65535 channels") {
      try identify($0, wav(channels: 65_535, align: 65_534))
    },
    BadInput("no channels", says: "a.wav", "byte 22", "0 channels") {
      try identify($0, wav(channels: 0))
    },
    BadInput("a rate of 0", says: "a.wav", "byte 22", "0 samples a second") {
      try identify($0, wav(rate: 0))
    },
    BadInput("a rate of a billion", says: "a.wav", "byte 24", "1000000000") {
      try identify($0, wav(rate: 1_000_000_000))
    },
    BadInput("compressed samples", says: "a.wav", "format 85", "convert it") {
      try identify($0, wav(code: 85))
    },
    BadInput("12 bits", says: "a.wav", "12 bits", "convert it") { try identify($0, wav(bits: 12)) },
    BadInput("samples that are not numbers", says: "a.wav", "not numbers") {
      var bytes = wav(samples: 32_000, align: 4, code: 3, bits: 32)
      for index in 44..<48 { bytes[index] = 0xFF }
      return try identify($0, bytes)
    },
    BadInput("a missing file", says: "b.wav", "no such file") {
      [
        "identify", "--raw", $0.path("b.wav"), "--model-input", try $0.zeros("x.npy", [49, 10]),
        "--intended", try $0.file("r.json", keywords),
      ]
    },
    BadInput("a sound and a picture", says: "p.jpg", "a picture", "a.wav a sound", "one kind") {
      [
        "identify", "--raw", try $0.file("a.wav", wav()), try $0.file("p.jpg", []),
        "--model-input", try $0.zeros("x.npy", [49, 10]),
      ]
    },
  ]

  static let badRecipes: [BadInput] = [
    BadInput("an FFT of 2^30", says: "r.json", "frames.fft", "65536") {
      try identify($0, wav(), recipe: #"{"frames": {"fft": 1073741824}}"#)
    },
    BadInput("frames of 10^18 samples", says: "r.json", "frames.length") {
      try identify($0, wav(), recipe: #"{"frames": {"length": 1000000000000000000}}"#)
    },
    BadInput("a signal of 10^12 samples", says: "r.json", "signal.length") {
      try identify($0, wav(), recipe: #"{"signal": {"length": 1000000000000}}"#)
    },
    BadInput("more values than memory should hold", says: "a.wav", "frames of", "hop") {
      let recipe =
        #"{"signal": {"length": 8388608}, "frames": {"length": 65536, "hop": 1, "fft": 65536}}"#
      return try identify($0, wav(), recipe: recipe)
    },
    BadInput("a hop of 0", says: "r.json", "frames.hop") {
      try identify($0, wav(), recipe: #"{"frames": {"hop": 0}}"#)
    },
    BadInput("a million bands", says: "r.json", "mel.bands") {
      try identify($0, wav(), recipe: #"{"mel": {"bands": 1000000}}"#)
    },
    BadInput("a key of pictures", says: "r.json", "resize", "not a key") {
      try identify($0, wav(), recipe: #"{"resize": {"width": 96}}"#)
    },
    BadInput("a recipe that ends", says: "r.json", "byte 10") {
      try identify($0, wav(), recipe: #"{"signal":"#)
    },
    BadInput("nested lists", says: "r.json", "byte") {
      try identify($0, wav(), recipe: String(repeating: "[", count: 100_000))
    },
  ]

  static let badArrays: [BadInput] = [
    BadInput("integers that nobody explains", says: "x.npy", "int8", "--scale") {
      try identify($0, wav(), descriptor: "|i1", size: 1)
    },
    BadInput("too few features", says: "a.wav", "7 features", "49 frames of 10") {
      try identify($0, wav(), shape: [7])
    },
    BadInput("no features", says: "x.npy", "holds no sounds") {
      try identify($0, wav(), shape: [0, 10])
    },
    BadInput("two inputs for one sound", says: "x.npy", "2 model inputs for 1 sound") {
      try identify($0, wav(), "--model-input", try $0.zeros("y.npy", [49, 10]))
    },
    BadInput("complex numbers", says: "x.npy", "complex64") {
      try identify($0, wav(), descriptor: "<c8", size: 8)
    },
  ]

  @Test(arguments: badSounds + badRecipes + badArrays)
  func `what cannot be used is one clear line and exit code 2`(_ input: BadInput) throws {
    try input.check()
  }

  /// 400 MB of address space are enough for the program itself and not for what headers claim.
  @Test(arguments: badSounds + badRecipes)
  func `what headers and recipes claim takes no memory`(_ input: BadInput) throws {
    try withSandbox { sandbox in
      let outcome = try BuiltTool.shell(
        #"ulimit -v 400000; "$exray" "$@""#, try input.arguments(sandbox))
      #expect(outcome.status == 2, "\(outcome.errors)")
      #expect(outcome.errors.split(separator: "\n").count == 1, "\(outcome.errors)")
    }
  }

  @Test func `features of zeros are unexplained, with and without an intended recipe`() throws {
    try withSandbox { sandbox in
      var arguments = try Self.identify(sandbox, Self.wav())
      #expect(try BuiltTool.run(arguments).status == 3)
      arguments.removeSubrange(5...6)
      let outcome = try BuiltTool.run(arguments)
      #expect(outcome.status == 3, "\(outcome.output) \(outcome.errors)")
    }
  }
}

/// Faults that NumPy and SciPy plant in the features of MLPerf Tiny's keyword models, from WAV file to answer.
@Suite(.enabled(if: SharedData.isAvailable && LiteRTLibrary.isAvailable))
struct KeywordTests {
  /// What Scripts/make_keyword_inputs.py wrote, made once a run.
  private static let folder = Result {
    let folder = FileManager.default.temporaryDirectory
      .appending(path: "exray-keywords-\(ProcessInfo.processInfo.processIdentifier)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    guard let python = Requirements.python else { throw MissingResource(name: "Python") }
    let script = Requirements.packageRoot.appending(path: "Scripts/make_keyword_inputs.py").path
    let outcome = try BuiltTool.run(python, [script, try SharedData.path(""), folder.path])
    try #require(outcome.status == 0, "\(outcome.errors)")
    return folder
  }

  private struct Summary: Decodable {
    struct Accuracy: Decodable { var top1: Double }
    var accuracy: Accuracy
  }

  private struct Found: Decodable {
    struct Difference: Decodable {
      var cause: String
      var line: String?
    }
    var verdict: String
    var differences: [Difference]
  }

  private static func path(_ name: String) throws -> String {
    try folder.get().appending(path: name).path
  }

  /// The share of the 84 clips that a model names rightly.
  private static func accuracy(_ kind: String, _ fault: String) throws -> Double {
    try withSandbox { sandbox in
      let json = sandbox.path("summary.json")
      let outcome = try BuiltTool.run([
        "run", try SharedData.path("models/audio/kws_dscnn_\(kind).tflite"), "--input",
        try path("\(kind)/\(fault).npy"), "--labels", try path("labels.txt"), "--capture", "none",
        "--output", sandbox.output + "/t.mcap", "--json", json,
      ])
      try #require(outcome.status == 0, "\(outcome.errors)")
      return try JSONDecoder().decode(Summary.self, from: Data(contentsOf: URL(filePath: json)))
        .accuracy.top1
    }
  }

  private static func identify(
    _ array: String, _ sounds: [String], _ more: [String]
  ) throws -> (status: Int32, found: Found, output: String) {
    try withSandbox { sandbox in
      let json = sandbox.path("found.json")
      let outcome = try BuiltTool.run(
        ["identify", "--raw"] + sounds + ["--model-input", try path(array), "--json", json] + more)
      let data = try Data(contentsOf: URL(filePath: json))
      return (
        outcome.status, try JSONDecoder().decode(Found.self, from: data), outcome.output
      )
    }
  }

  private static func sounds() throws -> [String] {
    try String(contentsOfFile: path("sounds.txt"), encoding: .utf8).split(separator: "\n")
      .map(String.init)
  }

  private static func model(_ name: String) throws -> [String] {
    ["--model", try SharedData.path("models/audio/\(name).tflite")]
  }

  @Test(arguments: ["int8", "float"])
  func `right features give the measured accuracy and are as intended`(kind: String) throws {
    // Measured with LiteRT 2.3.0: 79 of 84 clips.
    #expect(try Self.accuracy(kind, "healthy") >= 0.94)
    let answer = try Self.identify(
      "\(kind)/healthy.npy", Self.sounds(),
      ["--intended", Self.path("intended.json")] + Self.model("kws_dscnn_\(kind)"))
    #expect(answer.status == 0)
    #expect(answer.found.verdict == "as-intended")
    #expect(answer.found.differences.isEmpty, "\(answer.output)")
  }

  @Test(
    arguments: ["int8", "float"],
    [
      ("byte-order", #""signal": {"byteOrder": "little"}"#),
      ("sample-rate", #""signal": {"sampleRate": 16000}"#),
      ("mel-range", #""mel": {"high": 4000}"#), ("log", #""log": {"kind": "ln"}"#),
      ("mfcc", #""mfcc": {"first": 0}"#),
    ])
  func `a fault loses answers, and its line is named`(
    kind: String, fault: (cause: String, line: String)
  ) throws {
    // Measured: 5 % to 55 %.
    #expect(try Self.accuracy(kind, fault.cause) <= 0.6)
    let answer = try Self.identify(
      "\(kind)/\(fault.cause).npy", Self.sounds(),
      ["--intended", Self.path("intended.json")] + Self.model("kws_dscnn_\(kind)"))
    #expect(answer.status == 1)
    #expect(answer.found.differences.map(\.cause) == ["preprocess.sound.\(fault.cause)"])
    #expect(answer.found.differences.map(\.line) == [fault.line], "\(answer.output)")
  }

  @Test func `without an intended recipe a common one is found`() throws {
    let answer = try Self.identify(
      "int8/healthy.npy", Self.sounds(), Self.model("kws_dscnn_int8"))
    #expect(answer.status == 0)
    #expect(answer.found.verdict == "identified")
    #expect(answer.output.contains("MLPerf Tiny keyword spotting"), "\(answer.output)")
  }

  /// The fixed-point front end of tflite-micro is no recipe: the honest answer is that nothing explains it.
  @Test func `features of micro_speech are unexplained`() throws {
    let sounds = try ["yes", "no", "noise", "silence"].map {
      try SharedData.path("data/speech_wav/clips/tflm_\($0)_1000ms.wav")
    }
    let answer = try Self.identify(
      "micro_speech.npy", sounds,
      ["--intended", Self.path("intended.json")] + Self.model("micro_speech_int8"))
    #expect(answer.status == 3, "\(answer.output)")
  }
}
