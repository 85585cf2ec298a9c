import EXrayTestKit
import Foundation
import Testing

/// Files that are not what they should be, refused before any runtime is needed.
struct BadFileTests {
  private static let tflite = Array("TFL3".utf8)
  private static let mcap: [UInt8] = [0x89] + Array("MCAP0\r\n".utf8)

  static let models: [BadInput] = [
    BadInput("an empty model", says: "m.tflite: byte 0", "0 bytes", "give a .tflite file") {
      ["inspect", try $0.file("m.tflite", [])]
    },
    BadInput("a model of one byte", says: "m.tflite: byte", "give a .tflite file") {
      ["inspect", try $0.file("m.tflite", [7])]
    },
    BadInput("a text as model", says: "m.tflite: byte 4", "should read TFL3") {
      ["inspect", try $0.file("m.tflite", "This is no model at all.\n")]
    },
    BadInput("a model that is a header alone", says: "m.tflite: byte", "export the model again") {
      ["inspect", try $0.file("m.tflite", [8, 0, 0, 0] + Self.tflite)]
    },
    BadInput("a model whose root lies outside", says: "m.tflite: byte 0", "leaves the file") {
      ["inspect", try $0.file("m.tflite", [255, 255, 255, 255] + Self.tflite + [0, 0, 0, 0])]
    },
    BadInput("a model whose root is itself", says: "m.tflite: byte", "export the model again") {
      ["inspect", try $0.file("m.tflite", [0, 0, 0, 0] + Self.tflite + [0, 0, 0, 0])]
    },
    BadInput("a model of 0xFF after its name", says: "m.tflite: byte") {
      let rest = [UInt8](repeating: 255, count: 4096)
      return ["inspect", try $0.file("m.tflite", [8, 0, 0, 0] + Self.tflite + rest)]
    },
    BadInput("a missing model", says: "m.tflite: no such file", "check the path") {
      ["inspect", $0.path("m.tflite")]
    },
    BadInput("a path through a file", says: "m.tflite/x: no such file") {
      ["inspect", try $0.file("m.tflite", "x") + "/x"]
    },
    BadInput("a folder as model", says: "m.tflite: is a folder", "name a file") {
      ["inspect", try $0.folder("m.tflite")]
    },
    BadInput("a device as model", says: "m.tflite: is not a regular file", "name a file") {
      ["inspect", try $0.link("m.tflite", to: "/dev/zero")]
    },
    BadInput("a pipe as model", says: "m.tflite: is not a regular file", "name a file") {
      let path = $0.path("m.tflite")
      #expect(unsafe mkfifo(path, 0o600) == 0)
      return ["inspect", path]
    },
    BadInput("a link to nowhere", says: "m.tflite: no such file") {
      ["inspect", try $0.link("m.tflite", to: "nowhere")]
    },
    BadInput("a link to itself", says: "m.tflite: cannot be opened", "check the path") {
      ["inspect", try $0.link("m.tflite", to: $0.path("m.tflite"))]
    },
    BadInput("a name that no file can have", says: "cannot be opened", "check the path") {
      ["inspect", $0.path(String(repeating: "n", count: 300))]
    },
    BadInput("no name", says: "'': no such file") { _ in ["inspect", ""] },
    BadInput("a name of two lines", says: "no such file") {
      ["inspect", $0.path("a\nb\u{1b}[31m")]
    },
    BadInput("an empty model to run", says: "m.tflite: byte 0") {
      [
        "run", try $0.file("m.tflite", []), "--input", try $0.zeros("x.npy", [1, 1]), "--output",
        $0.output + "/t.mcap",
      ]
    },
    BadInput("an empty model to validate", says: "m.tflite: byte 0") {
      [
        "validate", "--candidate-model", try $0.file("m.tflite", []), "--input",
        try $0.zeros("x.npy", [1, 1]), "--report", $0.output + "/report",
      ]
    },
  ]

  static let traces: [BadInput] = [
    BadInput("an empty trace", says: "t.mcap: byte 0", "give an .mcap file") {
      ["compare", try $0.file("t.mcap", []), $0.path("u.mcap")]
    },
    BadInput("a text as trace", says: "t.mcap: byte 0", "give an .mcap file") {
      ["compare", try $0.file("t.mcap", "hello, I am no trace, really\n"), $0.path("u.mcap")]
    },
    BadInput("a trace that is a start alone", says: "t.mcap: byte 8", "record it again") {
      ["inspect", try $0.file("t.mcap", Self.mcap)]
    },
    BadInput("a trace of noise", says: "t.mcap: ") {
      var random = SplitMix64(seed: 5)
      let noise = (0..<4096).map { _ in UInt8.random(in: 0...255, using: &random) }
      return ["inspect", try $0.file("t.mcap", Self.mcap + noise)]
    },
    BadInput("a trace whose first record claims 2⁶⁴ bytes", says: "t.mcap: byte 8", "56 remain") {
      ["inspect", try $0.file("t.mcap", Self.mcap + [1] + [UInt8](repeating: 255, count: 64))]
    },
    BadInput("a missing trace", says: "t.mcap: ", "check that the file exists") {
      ["compare", $0.path("t.mcap"), $0.path("u.mcap")]
    },
    BadInput("a folder as trace", says: "t.mcap: is a folder", "name a file") {
      ["compare", try $0.folder("t.mcap"), $0.path("u.mcap")]
    },
    BadInput(
      "a report in a folder that is not there", says: "no/r.html: cannot be written",
      "make its folder"
    ) {
      ["compare", "a.mcap", "b.mcap", "--html", $0.output + "/no/r.html"]
    },
    BadInput("a report in place of a folder", says: "folder: is a folder", "name of a file") {
      ["compare", "a.mcap", "b.mcap", "--junit", try $0.folder("folder")]
    },
  ]

  @Test(arguments: models + traces)
  func `is refused in one clear line`(_ input: BadInput) throws { try input.check() }

  struct Usage: Sendable, CustomTestStringConvertible {
    var arguments: [String]
    var word: String
    var testDescription: String { arguments.joined(separator: " ") }
  }

  static let usages: [Usage] = [
    Usage(arguments: ["run"], word: "<model>"),
    Usage(arguments: ["run", "m.tflite"], word: "--input"),
    Usage(arguments: ["run", "m.tflite", "--input"], word: "--input"),
    Usage(arguments: ["run", "m.tflite", "--input", "x.npy"], word: "--output"),
    Usage(
      arguments: ["run", "m.tflite", "--input", "x", "--capture", "none", "--colour"],
      word: "--colour"),
    Usage(
      arguments: ["run", "m.tflite", "--input", "x", "--capture", "none", "--threads", "0"],
      word: "--threads takes 1 to 256, not 0"),
    Usage(
      arguments: ["run", "m.tflite", "--input", "x", "--capture", "none", "--threads", "two"],
      word: "'two'"),
    Usage(
      arguments: ["run", "m.tflite", "--input", "x", "--capture", "none", "--time-limit", "0"],
      word: "--time-limit takes 1 to 86400"),
    Usage(
      arguments: ["run", "m.tflite", "--input", "x", "--capture", "none", "--label-offset", "one"],
      word: "'one'"),
    Usage(
      arguments: [
        "run", "m.tflite", "--input", "x", "--capture", "none", "--label-offset",
        "9223372036854775807",
      ], word: "--label-offset takes"),
    Usage(
      arguments: ["run", "m.tflite", "--input", "x", "--capture", "everything"],
      word: "'everything'"),
    Usage(
      arguments: ["run", "m.tflite", "--input", "x", "--capture", "none", "--kernels", "fast"],
      word: "'fast'"),
    Usage(
      arguments: ["run", "m.tflite", "--input", "x", "--capture", "none", "--runtime", "other"],
      word: "'other'"),
    Usage(arguments: ["compare", "a.mcap"], word: "<reference>"),
    Usage(arguments: ["compare", "a.mcap", "b.mcap", "--fail-on", "nonsense"], word: "'nonsense'"),
    Usage(arguments: ["compare", "a.mcap", "b.mcap", "--fail-on", ""], word: "--fail-on"),
    Usage(arguments: ["compare", "a.mcap", "b.mcap", "--fail-on", "p"], word: "'p'"),
    Usage(
      arguments: ["compare", "a.mcap", "b.mcap", "--fail-on", "nrmse=nan"], word: "'nrmse=nan'"),
    Usage(
      arguments: ["validate", "--candidate-model", "m.tflite", "--input", "x", "--keep-traces"],
      word: "--report"),
    Usage(
      arguments: ["validate", "--candidate-model", "m", "--input", "x", "--capture", "none"],
      word: "nothing to compare"),
    Usage(arguments: ["replay", "x.npy", "--model", "m", "--capture", "none"], word: ".mcap"),
    Usage(arguments: ["paint"], word: "paint"),
    Usage(arguments: ["inspect", "a", "b"], word: "b"),
  ]

  @Test(arguments: usages)
  func `wrong usage says what is wrong and where help is`(_ usage: Usage) throws {
    let outcome = try BuiltTool.run(usage.arguments)
    #expect(outcome.status == 2)
    #expect(outcome.output == "")
    #expect(outcome.errors.hasPrefix("Error: "), "\(outcome.errors)")
    #expect(outcome.errors.contains(usage.word), "\(outcome.errors)")
    #expect(outcome.errors.contains("--help"), "\(outcome.errors)")
  }

  @Test(arguments: [
    [], ["--help"], ["help", "run"], ["run", "--help"], ["replay", "--help"], ["compare", "-h"],
    ["validate", "--help"], ["inspect", "--help"], ["demo", "--help"], ["doctor", "--help"],
    ["--version"],
  ])
  func `help and version go to standard output with exit code 0`(_ arguments: [String]) throws {
    let outcome = try BuiltTool.run(arguments)
    #expect(outcome.status == 0)
    #expect(outcome.errors == "")
    #expect(outcome.output.contains(arguments == ["--version"] ? "." : "USAGE"))
  }
}
