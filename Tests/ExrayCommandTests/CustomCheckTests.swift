import EXrayCore
import EXrayPipeline
import EXrayTestKit
import EXrayTrace
import EXrayValidation
import Foundation
import Testing

/// Programs and closures of a user's own that judge a comparison.
@Suite("Custom checks")
struct CustomCheckTests {
  /// Two traces of one frame a sample, with a dense class output, and the report of their comparison.
  private func compare(
    _ sandbox: Sandbox, _ arguments: [String], differ: Bool = false
  ) throws -> (outcome: BuiltTool.Outcome, report: [String: Any]) {
    let traces = try ["a.mcap", "b.mcap"].map { name in
      try sandbox.scores(name, answers: differ && name == "a.mcap" ? [0, 1, 1] : [0, 1, 2])
    }
    let json = sandbox.path("report.json")
    let outcome = try BuiltTool.run(
      ["compare", traces[0], traces[1], "--json", json] + arguments)
    let data = FileManager.default.contents(atPath: json) ?? Data()
    let report = try? JSONSerialization.jsonObject(with: data) as? [String: Any]
    return (outcome, report ?? [:])
  }

  private func script(_ sandbox: Sandbox, _ body: String, name: String = "check.sh") throws
    -> String
  {
    let path = try sandbox.file(name, "#!/bin/sh\n" + body + "\n")
    try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: path)
    return path
  }

  private func checks(_ report: [String: Any]) throws -> [[String: Any]] {
    try #require(report["checks"] as? [[String: Any]])
  }

  @Test(
    "The outcome of a program decides verdict and exit code",
    arguments: [("pass", 0), ("fail", 1), ("inconclusive", 3)] as [(String, Int32)])
  func outcomes(outcome: String, status: Int32) throws {
    try withSandbox { sandbox in
      let program = try script(
        sandbox,
        #"cat > /dev/null; echo '{"outcome":"\#(outcome)","message":"seen","evidence":{"n":3,"worst":[1.5,"x"]}}'"#
      )
      let result = try compare(sandbox, ["--check", program])
      #expect(result.outcome.status == status, "\(result.outcome)")
      let check = try #require(checks(result.report).first)
      #expect(check["name"] as? String == program)
      #expect(check["outcome"] as? String == outcome)
      #expect(check["message"] as? String == "seen")
      #expect(check["evidence"] as? [String] == ["n: 3", "worst: [1.5, x]"])
      #expect(result.report["verdict"] as? String == outcome)
      #expect(result.outcome.output.contains("check"))
    }
  }

  @Test("Several programs run in order; one that fails counts more than one without an answer")
  func several() throws {
    try withSandbox { sandbox in
      let names = try [("pass", 0), ("inconclusive", 1), ("fail", 2)].map { outcome, index in
        try script(sandbox, "echo '{\"outcome\":\"\(outcome)\"}'", name: "\(index).sh")
      }
      let all = names.flatMap { ["--check", $0] }
      let result = try compare(sandbox, all)
      #expect(result.outcome.status == 1)
      #expect(try checks(result.report).map { $0["name"] as? String } == names)
      #expect(try compare(sandbox, all + ["--fail-on", "never"]).outcome.status == 0)
      #expect(try compare(sandbox, all + ["--fail-on", "kernel"]).outcome.status == 1)
      #expect(
        try compare(sandbox, ["--check", names[1], "--fail-on", "kernel"]).outcome.status == 3)
    }
  }

  @Test("A signal ends a check and removes its files", arguments: [SIGINT, SIGTERM])
  func signal(number: Int32) throws {
    try withSandbox { sandbox in
      let temporary = try sandbox.folder("tmp")
      let started = sandbox.path("started")
      let program = try script(
        sandbox, "echo $$ > \(started).new; mv \(started).new \(started); exec sleep 60")
      let process = Process()
      process.executableURL = BuiltTool.url
      process.arguments =
        try ["a.mcap", "b.mcap"].map { try sandbox.scores($0, answers: [0, 1]) }
        + ["--check", program, "--check-tensors", "output"]
      process.arguments?.insert("compare", at: 0)
      process.environment = ProcessInfo.processInfo.environment.merging(["TMPDIR": temporary]) {
        $1
      }
      process.standardOutput = FileHandle.nullDevice
      process.standardError = FileHandle.nullDevice
      try process.run()
      while process.isRunning, !FileManager.default.fileExists(atPath: started) { usleep(5_000) }
      let check = try #require(
        Int32(try String(contentsOfFile: started, encoding: .utf8).dropLast()))
      // One folder of the check's own, one of the values that it asked for.
      let folders = try FileManager.default.contentsOfDirectory(atPath: temporary)
      #expect(folders.filter { $0.hasPrefix("exray-check-") }.count == 2, "\(folders)")
      kill(process.processIdentifier, number)
      #expect(try process.end().signal == number)
      #expect(try FileManager.default.contentsOfDirectory(atPath: temporary) == [])
      // An ended process is there until somebody asks how it ended: then it has no command line.
      func command() -> Data? { FileManager.default.contents(atPath: "/proc/\(check)/cmdline") }
      for _ in 0..<200 where command()?.isEmpty == false { usleep(10_000) }
      #expect(command()?.isEmpty ?? true)
    }
  }

  static let misbehaviours: [(body: String, words: String)] = [
    ("exit 7", "exited with 7"), ("echo no good >&2; exit 1", "exited with 1: no good"),
    ("kill -9 $$", "died of signal 9"), ("", "printed nothing"),
    ("echo hello", "printed no JSON object with an outcome, but: hello"),
    ("echo '[1]'", "printed no JSON object"), ("echo '{}'", "printed no JSON object"),
    ("echo '{\"outcome\":\"maybe\"}'", "gave the outcome 'maybe'"),
    ("echo '{\"outcome\":\"pass\"} more'", "printed no JSON object"),
    ("yes", "printed more than 1 MiB"), ("yes >&2", "printed more than 1 MiB"),
    ("exec sleep 30", "did not answer within 1 s"),
    ("trap '' TERM INT; while :; do sleep 0.1; done", "did not answer within 1 s"),
  ]

  @Test("Whatever a program does wrong is inconclusive, in bounded words", arguments: misbehaviours)
  func misbehaviour(body: String, words: String) throws {
    try withSandbox { sandbox in
      let result = try compare(
        sandbox, ["--check", try script(sandbox, body), "--check-timeout", "1"])
      #expect(result.outcome.status == 3, "\(result.outcome)")
      let check = try #require(checks(result.report).first)
      #expect(check["outcome"] as? String == "inconclusive")
      let message = try #require(check["message"] as? String)
      #expect(message.hasPrefix(words), "\(message)")
      #expect(message.count <= 500)
    }
  }

  @Test("A program that leaves another one behind with its pipes is not waited for")
  func background() throws {
    try withSandbox { sandbox in
      let program = try script(sandbox, "sleep 20 & echo '{\"outcome\":\"pass\"}'")
      let result = try compare(sandbox, ["--check", program, "--check-timeout", "10"])
      #expect(result.outcome.status == 0, "\(result.outcome)")
    }
  }

  @Test(
    "A command that cannot be executed is refused before any work",
    arguments: ["", "  ", "/nowhere/check", "no-such-program-here", "/tmp"])
  func refused(command: String) throws {
    try withSandbox { sandbox in
      let outcome = try BuiltTool.run([
        "compare", "/nowhere/a.mcap", "/nowhere/b.mcap", "--check", command,
      ])
      #expect(outcome.status == 2)
      #expect(outcome.faults() == [], "\(outcome.errors)")
    }
  }

  @Test("No shell reads the command")
  func noShell() throws {
    try withSandbox { sandbox in
      let program = try script(
        sandbox, #"printf '{"outcome":"pass","message":"%s|%s|%s"}' "$#" "$1" "$2""#)
      let result = try compare(sandbox, ["--check", "\(program)  $HOME ;ls"])
      #expect(try checks(result.report).first?["message"] as? String == "2|$HOME|;ls")
    }
  }

  @Test(
    "Python reads the document and the values of every frame",
    .enabled(if: Requirements.python != nil))
  func document() throws {
    try withSandbox { sandbox in
      let program = try sandbox.file(
        "check.py",
        """
        import json, sys, numpy
        d = json.load(sys.stdin)
        assert d["exrayCheck"] == 1 and d["job"] == "compare", d
        assert d["report"]["schemaVersion"] == 1 and d["report"]["checks"] == []
        assert d["candidate"]["trace"].endswith("a.mcap")
        assert [f["candidateAnswer"] for f in d["frames"]] == [0, 1, 1], d["frames"]
        assert [f["referenceAnswer"] for f in d["frames"]] == [0, 1, 2]
        assert d["omittedFrames"] == d["omittedTensors"] == 0
        assert [t["side"] for t in d["tensors"]] == ["candidate", "reference"]
        first, second = [numpy.load(t["path"]) for t in d["tensors"]]
        assert first.shape == second.shape == (3, 1, 4) and first.dtype == numpy.float32
        assert first.argmax(-1).ravel().tolist() == [0, 1, 1]
        changed = int((first != second).any(-1).sum())
        print(json.dumps({"outcome": "fail" if changed else "pass",
                          "message": f"{changed} of {len(first)} frames differ",
                          "evidence": {"path": d["tensors"][0]["path"]}}))
        """)
      let python = try #require(Requirements.python).path
      let result = try compare(
        sandbox, ["--check", "\(python) \(program)", "--check-tensors", "output"], differ: true)
      let check = try #require(checks(result.report).first)
      #expect(check["message"] as? String == "1 of 3 frames differ", "\(check)")
      #expect(result.outcome.status == 1)
      // The files are gone with the job.
      let evidence = try #require((check["evidence"] as? [String])?.first)
      let path = String(evidence.dropFirst("path: ".count))
      #expect(path.hasSuffix(".npy") && !FileManager.default.fileExists(atPath: path))
    }
  }

  @Test("A closure judges in Swift, and what it throws is inconclusive")
  func closures() throws {
    struct Refusal: Error, CustomStringConvertible { var description = "no opinion" }
    try withSandbox { sandbox in
      let job = try CompareJob(
        candidate: try sandbox.scores("a.mcap", answers: [0, 1]),
        reference: try sandbox.scores("b.mcap", answers: [0, 1]),
        labels: LabelSpecification(), tool: "test",
        checks: [
          CustomCheck(name: "agreement", tensors: [.output]) { context in
            let isThere = context.tensors.allSatisfy {
              FileManager.default.fileExists(atPath: $0.path)
            }
            let share = context.report.answers?.top1Agreement ?? 0
            return .init(
              share == 1 && isThere ? .pass : .fail, "\(context.frames.count) frames",
              evidence: [String](repeating: String(repeating: "x", count: 1000), count: 100))
          },
          CustomCheck(name: "silent") { _ in throw Refusal() },
        ])
      let report = try job.run(observer: nil).report
      #expect(report.checks.map(\.outcome) == [.pass, .inconclusive])
      #expect(report.checks[0].message == "2 frames")
      #expect(report.checks[0].evidence.count == 32)
      #expect(report.checks[0].evidence[0].count == 300)
      #expect(report.checks[1].message == "gave no answer: no opinion")
      #expect(report.verdict == .inconclusive)
    }
  }

  @Test(
    "validate hands its models and layers to a check",
    .enabled(
      if: SharedData.isAvailable && LiteRTLibrary.isAvailable && Requirements.python != nil))
  func validate() throws {
    try withSandbox { sandbox in
      let program = try sandbox.file(
        "check.py",
        """
        import json, sys, numpy
        d = json.load(sys.stdin)
        assert d["job"] == "validate" and d["candidate"]["model"].endswith(".tflite")
        assert "trace" not in d["candidate"]
        roles = sorted({t["role"] for t in d["tensors"]})
        assert roles == ["input", "layer"], roles
        for t in d["tensors"]:
            assert list(numpy.load(t["path"], mmap_mode="r").shape) == [1] + t["shape"], t
        print(json.dumps({"outcome": "pass", "message": f"{len(d['tensors'])} files"}))
        """)
      let python = try #require(Requirements.python).path
      let outcome = try BuiltTool.run([
        "validate", "--candidate-model", try SharedData.path("models/vww/vww_96_int8.tflite"),
        "--reference-model", try SharedData.path("models/vww/vww_96_float.tflite"),
        "--candidate-recipe", "Examples/recipes/vww-96.json", "--check", "\(python) \(program)",
        "--check-tensors", "layer", "--check-tensors", "input", "--input",
        try SharedData.path("data/photos/grace_hopper.png"),
      ])
      #expect(outcome.status == 0, "\(outcome.output)\n\(outcome.errors)")
      #expect(outcome.output.contains("files"))
    }
  }
}

extension Sandbox {
  /// A trace whose frames answer these of four classes; returns its path.
  fileprivate func scores(_ name: String, answers: [Int]) throws -> String {
    var maker = TraceMaker(frames: 0)
    maker.tensors = []
    maker.add(.input, "image", [1, 8])
    maker.add(.output, "scores", [1, 4])
    maker.frames = answers.enumerated().map { index, answer in
      let scores = (0..<4).map { Float($0 == answer ? 0.9 : 0.1 * Float(index + 1)) }
      return TraceMaker.Frame(
        name: "frame \(index)", label: nil,
        values: [
          TraceMaker.bytes((0..<8).map { Float($0 + index) }), TraceMaker.bytes(scores),
        ])
    }
    return try maker.write(path(name))
  }
}
