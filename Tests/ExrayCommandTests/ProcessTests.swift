import EXrayTestKit
import Foundation
import Testing

/// The tool among other programs: signals, closed and full streams, odd file names, an absent runtime.
@Suite(.enabled(if: SharedData.isAvailable && LiteRTLibrary.isAvailable))
struct ProcessTests {
  private static let model = "models/misc/hello_world_float.tflite"

  /// A run that takes seconds, and what it leaves and says.
  private final class LongRun {
    let mark = UUID().uuidString
    let process = Process()
    private let sandbox: Sandbox
    private let errors: String

    init(_ sandbox: Sandbox, _ more: String...) throws {
      self.sandbox = sandbox
      errors = try sandbox.file("errors", "")
      process.executableURL = BuiltTool.url
      process.arguments =
        [
          "run", try SharedData.path("models/imagenet/mobilenet_v1_025_224_float.tflite"),
          "--input", try SharedData.path("data/imagenet_100/images"), "--recipe",
          "Examples/recipes/mobilenet-v1-0.25.json", "--capture", "layers", "--output",
          sandbox.output + "/t.mcap",
        ] + more
      process.currentDirectoryURL = Requirements.packageRoot
      process.environment = ProcessInfo.processInfo.environment
        .merging(["EXRAY_TEST_MARK": mark]) { $1 }
      process.standardOutput = FileHandle.nullDevice
      process.standardError = try FileHandle(forWritingTo: URL(filePath: errors))
      try process.run()
      // What follows happens in the middle of the run.
      while process.isRunning, try sandbox.written.isEmpty { usleep(5_000) }
      #expect(try sandbox.written.allSatisfy { $0.hasSuffix(".partial") })
    }

    /// The process that runs the model.
    var child: Int32? {
      BuiltTool.processes(with: mark).compactMap { Int32($0) }
        .first { $0 != process.processIdentifier }
    }

    /// Waits for the end; returns it, what the run said and whether anything of it is left.
    func finish() throws -> (end: ProcessEnd, words: String, isClean: Bool) {
      let end = try process.end()
      // The child ends as soon as its parent is gone.
      for _ in 0..<200 where !BuiltTool.processes(with: mark).isEmpty { usleep(10_000) }
      let isClean = try BuiltTool.processes(with: mark).isEmpty && sandbox.written.isEmpty
      return (end, try String(contentsOf: URL(filePath: errors), encoding: .utf8), isClean)
    }
  }

  @Test(arguments: [SIGINT, SIGTERM, SIGHUP])
  func `a signal ends a run, and nothing is left`(signal: Int32) throws {
    try withSandbox { sandbox in
      let run = try LongRun(sandbox)
      kill(run.process.processIdentifier, signal)
      let (end, words, isClean) = try run.finish()
      #expect(end.signal == signal, "\(words)")
      #expect(words == "")
      #expect(isClean)
    }
  }

  @Test(arguments: [(SIGSEGV, "runtime.crash: ", "SIGSEGV"), (SIGSTOP, "runtime.timeout: ", "2.0")])
  func `a runtime that dies or hangs is a finding, and nothing is left`(
    signal: Int32, cause: String, word: String
  ) throws {
    try withSandbox { sandbox in
      let run = try LongRun(sandbox, "--time-limit", "2")
      kill(try #require(run.child), signal)
      let (end, words, isClean) = try run.finish()
      #expect(end == ProcessEnd(code: 1), "\(words)")
      #expect(words.hasPrefix("exray: \(cause)"), "\(words)")
      #expect(words.contains(word) && words.contains("mobilenet_v1_025_224_float.tflite"))
      #expect(words.split(separator: "\n").count == 1)
      #expect(isClean)
    }
  }

  @Test func `a reader who has seen enough is no failure`() throws {
    // The second command reports the exit code of the first: sh has no PIPESTATUS.
    let outcome = try BuiltTool.shell(
      #"{ "$exray" inspect "$1"; echo "code $?" >&2; } | head -1"#, [SharedData.path(Self.model)])
    #expect(outcome.output.split(separator: "\n").count == 1)
    #expect(outcome.errors == "code 0\n")
  }

  @Test func `standard output that cannot be written is said`() throws {
    let outcome = try BuiltTool.shell(
      #"exec "$exray" inspect "$1" > /dev/full"#, [SharedData.path(Self.model)])
    #expect(outcome.status == 2)
    #expect(outcome.faults() == [], "\(outcome.errors)")
    #expect(outcome.errors.contains("standard output: cannot be written"))
  }

  @Test(arguments: [
    ("", ">&-", 0), ("", "2>&-", 0), ("", "<&- >&- 2>&-", 0), ("nowhere/", "2>&-", 2),
    ("nowhere/", "2>/dev/full", 2),
  ])
  func `closed streams do not end the tool and never become a file`(
    folder: String, redirection: String, code: Int32
  ) throws {
    try withSandbox { sandbox in
      let outcome = try BuiltTool.shell(
        #"exec "$exray" run "$1" --input "$2" --output "$3" "# + redirection,
        [
          SharedData.path(Self.model), sandbox.zeros("x.npy", [2, 1]),
          sandbox.output + "/\(folder)t.mcap",
        ])
      #expect(outcome.status == code)
      #expect(try sandbox.written == (code == 0 ? ["t.mcap"] : []))
      if code == 0 {
        let listing = try BuiltTool.run(["inspect", sandbox.output + "/t.mcap"])
        #expect(listing.output.contains("2 frames"), "\(listing.errors)")
      }
    }
  }

  @Test(arguments: [
    "with a space", "--output", "-", "naïve 模型 🩻", "tab\tand\nnew line", "quote'\"$(x)`",
    String(repeating: "long", count: 60), "%20%s",
  ])
  func `files of any name are read and written`(name: String) throws {
    try withSandbox { sandbox in
      let folder = try sandbox.folder(name)
      let model = try sandbox.file("\(name)/\(name).tflite", SharedData.bytes(Self.model))
      let input = try sandbox.zeros("\(name)/\(name).npy", [2, 1])
      let outcome = try BuiltTool.run([
        "run", "--input", input, "--output", "\(folder)/\(name).mcap", "--json",
        "\(folder)/\(name).json", "--", model,
      ])
      #expect(outcome.status == 0, "\(outcome.errors)")
      let written = try FileManager.default.contentsOfDirectory(atPath: folder)
      #expect(written.sorted() == ["json", "mcap", "npy", "tflite"].map { "\(name).\($0)" })
      let listing = try BuiltTool.run(["inspect", "--", "\(folder)/\(name).mcap"])
      #expect(listing.status == 0, "\(listing.errors)")
    }
  }

  @Test(arguments: ["-model.tflite", "--help"])
  func `a name that begins with a dash follows two dashes`(name: String) throws {
    try withSandbox { sandbox in
      _ = try sandbox.file(name, SharedData.bytes(Self.model))
      let outcome = try BuiltTool.shell(
        #"cd "$1" && exec "$exray" inspect -- "$2""#, [sandbox.folder.path, name])
      #expect(outcome.status == 0, "\(outcome.errors)")
      #expect(outcome.output.hasPrefix(name))
    }
  }

  // MARK: The runtime

  /// A library that is named but cannot be used.
  struct BadLibrary: Sendable, CustomTestStringConvertible {
    var testDescription: String
    var word: String
    var path: @Sendable (Sandbox) throws -> String
  }

  static let badLibraries = [
    BadLibrary(testDescription: "one that is not there", word: "was not found") { _ in
      "/nonexistent/libLiteRt.so"
    },
    BadLibrary(testDescription: "a folder", word: "was not found") { $0.output },
    BadLibrary(testDescription: "a text", word: "cannot be used") {
      try $0.file("libLiteRt.so", "no library")
    },
    BadLibrary(testDescription: "an empty file", word: "cannot be used") {
      try $0.file("libLiteRt.so", "")
    },
  ]

  @Test(arguments: badLibraries, [true, false])
  func `a runtime that cannot be used is said with what to install`(
    _ library: BadLibrary, isVariable: Bool
  ) throws {
    try withSandbox { sandbox in
      let path = try library.path(sandbox)
      for more in [[], ["--in-process"]] {
        let outcome = try BuiltTool.run(
          [
            "run", SharedData.path(Self.model), "--input", sandbox.zeros("x.npy", [1, 1]),
            "--output", sandbox.output + "/t.mcap",
          ] + more + (isVariable ? [] : ["--library", path]),
          environment: isVariable ? ["EXRAY_LITERT_LIBRARY": path] : [:])
        #expect(outcome.status == 2)
        for word in [library.word, path, "make setup", "ai-edge-litert==2.3.0"] {
          #expect(outcome.errors.contains(word), "\(outcome.errors)")
        }
        #expect(try sandbox.written == [])
      }
    }
  }

  /// Whether this machine has LiteRT in a folder of the whole system.
  private static let isInSystem: Bool = {
    ["/usr/lib", "/usr/local/lib", "/opt/homebrew/lib"].contains { lib in
      let versions = (try? FileManager.default.contentsOfDirectory(atPath: lib)) ?? []
      return versions.contains { version in
        ["site-packages", "dist-packages"].contains {
          FileManager.default.fileExists(atPath: "\(lib)/\(version)/\($0)/ai_edge_litert")
        }
      }
    }
  }()

  @Test(.enabled(if: !isInSystem))
  func `a runtime that is nowhere: every place tried is listed`() throws {
    try withSandbox { sandbox in
      let copy = sandbox.path("exray")
      try FileManager.default.copyItem(atPath: BuiltTool.url.path, toPath: copy)
      for more in ["run \"$2\" --input \"$3\" --output \"$4/t.mcap\"", "doctor"] {
        let outcome = try BuiltTool.shell(
          #"cd "$1" && exec env -i "$1/exray" "# + more,
          [
            sandbox.folder.path, SharedData.path(Self.model), sandbox.zeros("x.npy", [1, 1]),
            sandbox.output,
          ])
        let text = outcome.errors + outcome.output
        #expect(outcome.status == (more == "doctor" ? 1 : 2), "\(text)")
        for place in [
          "\(sandbox.folder.path)/.deps/litert/libLiteRt.so", "/.deps/litert/libLiteRt.so",
          "loader", "make setup",
        ] {
          #expect(text.contains(place), "\(text)")
        }
        #expect(try sandbox.written == [])
      }
    }
  }
}
