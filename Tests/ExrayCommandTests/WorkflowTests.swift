import EXrayTestKit
import EXrayTrace
import Foundation
import Testing

/// Whole ways through the command line tool, with a real runtime and real pictures.
@Suite(.enabled(if: SharedData.isAvailable && LiteRTLibrary.isAvailable))
struct WorkflowTests {
  private static let model = "models/vww/vww_96_int8.tflite"
  private static let floatModel = "models/vww/vww_96_float.tflite"
  private static let recipe = "Examples/recipes/vww-96.json"

  @discardableResult
  private func exray(_ arguments: String..., expecting status: Int32 = 0) throws
    -> BuiltTool.Outcome
  {
    let outcome = try BuiltTool.run(arguments)
    #expect(outcome.status == status, "\(arguments.joined(separator: " "))\n\(outcome.errors)")
    return outcome
  }

  private func run(_ model: String, to trace: URL, _ more: String...) throws {
    let outcome = try BuiltTool.run(
      [
        "run", try SharedData.path(model), "--recipe", Self.recipe, "--output", trace.path,
        "--input", try SharedData.path("data/coco_val_64/images"),
      ] + more)
    #expect(outcome.status == 0, "\(outcome.errors)")
  }

  @Test func `a run is replayed and compared, and reports are the same bytes each time`() throws {
    try withTemporaryFolder { folder in
      let candidate = folder.appending(path: "candidate.mcap")
      let reference = folder.appending(path: "reference.mcap")
      try run(Self.model, to: candidate, "--capture", "layers")
      try exray(
        "replay", candidate.path, "--model", try SharedData.path(Self.floatModel), "--recipe",
        Self.recipe, "--capture", "layers", "--output", reference.path)
      var reports: [[Data]] = []
      for attempt in 0..<2 {
        let files = ["json", "html", "xml", "md"].map { folder.appending(path: "\(attempt).\($0)") }
        try exray(
          "compare", candidate.path, reference.path, "--json", files[0].path, "--html",
          files[1].path, "--junit", files[2].path, "--markdown", files[3].path)
        reports.append(try files.map { try Data(contentsOf: $0) })
      }
      #expect(reports[0] == reports[1])
      #expect(reports[0].allSatisfy { !$0.isEmpty })
      let report = try #require(
        JSONSerialization.jsonObject(with: reports[0][0]) as? [String: Any])
      #expect(report["verdict"] as? String == "pass")
      #expect(report["frames"] as? Int == 64)
      #expect((report["layers"] as? [Any])?.count == 31)
    }
  }

  @Test func `a child process and this process give the same values`() throws {
    try withTemporaryFolder { folder in
      let hosted = folder.appending(path: "hosted.mcap")
      let inProcess = folder.appending(path: "in-process.mcap")
      try run(Self.model, to: hosted, "--capture", "layers")
      try run(Self.model, to: inProcess, "--capture", "layers", "--in-process")
      let (first, second) = (
        try TraceReader(path: hosted.path), try TraceReader(path: inProcess.path)
      )
      #expect(first.tensors == second.tensors)
      #expect(first.frames.count == 64)
      for frame in first.frames.indices {
        for stream in first.tensors.indices {
          let bytes = try [first, second].map { trace in
            try trace.withTensor(stream, frame: frame) { bytes in
              unsafe bytes.withUnsafeBytes { unsafe Data($0) }
            }
          }
          #expect(bytes[0] == bytes[1], "frame \(frame), stream \(stream)")
          #expect(bytes[0] != nil)
        }
      }
    }
  }

  @Test(.enabled(if: Requirements.python != nil))
  func `the ten lines of Python read a real trace`() throws {
    try withTemporaryFolder { folder in
      let trace = folder.appending(path: "run.mcap")
      try run(Self.model, to: trace, "--capture", "layers")
      let outcome = try BuiltTool.run(
        try #require(Requirements.python), ["Scripts/read_trace.py", trace.path])
      #expect(outcome.status == 0, "\(outcome.errors)")
      #expect(outcome.output.contains("/layers/"), "\(outcome.output.prefix(500))")
    }
  }

  @Test func `traces are kept only where asked for`() throws {
    for (more, expected) in [
      ([], ["junit.xml", "report.html", "report.json", "report.md"]),
      (
        ["--keep-traces"],
        [
          "candidate.mcap", "junit.xml", "reference.mcap", "report.html", "report.json",
          "report.md",
        ]
      ),
    ] {
      try withTemporaryFolder { folder in
        let report = folder.appending(path: "report")
        let outcome = try BuiltTool.run(
          [
            "validate", "--candidate-model", try SharedData.path(Self.model), "--reference-model",
            try SharedData.path(Self.floatModel), "--candidate-recipe", Self.recipe, "--report",
            report.path, "--input", try SharedData.path("data/photos/grace_hopper.png"),
          ] + more)
        #expect(outcome.status == 0, "\(outcome.errors)")
        let files = try FileManager.default.contentsOfDirectory(atPath: report.path).sorted()
        #expect(files == expected)
      }
    }
  }

  @Test func `the gate decides the exit code`() throws {
    try withTemporaryFolder { folder in
      let right = folder.appending(path: "right.mcap")
      let wrong = folder.appending(path: "wrong.mcap")
      try run(Self.model, to: right)
      let recipe = folder.appending(path: "bgr.json")
      try Data(
        #"{"exrayRecipe":1,"color":"BGR","resize":{"method":"bilinear/pillow"},"normalize":"[0,1]"}"#
          .utf8
      ).write(to: recipe)
      try exray(
        "replay", right.path, "--model", try SharedData.path(Self.model), "--recipe", recipe.path,
        "--output", wrong.path)
      try exray("compare", wrong.path, right.path, expecting: 1)
      try exray("compare", wrong.path, right.path, "--fail-on", "never")
      try exray("compare", wrong.path, right.path, "--fail-on", "preprocess", expecting: 1)
      try exray("compare", wrong.path, right.path, "--fail-on", "kernel")
      try exray("compare", wrong.path, right.path, "--fail-on", "agreement=0.1")
      try exray("compare", wrong.path, right.path, "--fail-on", "agreement=1", expecting: 1)
      try exray("compare", right.path, right.path, "--fail-on", "nrmse=0")
    }
  }

  @Test func `runs without a common frame are inconclusive`() throws {
    try withTemporaryFolder { folder in
      let traces = ["a", "b"].map { folder.appending(path: "\($0).mcap") }
      for (trace, pictures) in zip(
        traces, [["grace_hopper.png"], ["chelsea_cat.png", "burger.jpg"]])
      {
        let outcome = try BuiltTool.run(
          [
            "run", try SharedData.path(Self.model), "--recipe", Self.recipe, "--output",
            trace.path, "--input",
          ] + pictures.map { try SharedData.path("data/photos/\($0)") })
        #expect(outcome.status == 0, "\(outcome.errors)")
      }
      try exray("compare", traces[0].path, traces[1].path, expecting: 3)
    }
  }

  #if os(Linux)
    @Test func `a child process that dies is a finding`() throws {
      try withTemporaryFolder { folder in
        let process = Process()
        process.executableURL = BuiltTool.url
        process.currentDirectoryURL = Requirements.packageRoot
        process.arguments = [
          "validate", "--candidate-model",
          try SharedData.path("models/imagenet/efficientnet_lite0_float.tflite"),
          "--candidate-kernels", "reference", "--reference-kernels", "reference",
          "--candidate-recipe", "Examples/recipes/efficientnet-lite0.json", "--report",
          folder.path, "--input", try SharedData.path("data/imagenet_100/images"),
        ]
        process.standardOutput = FileHandle.nullDevice
        process.standardError = FileHandle.nullDevice
        try process.run()
        var child: pid_t?
        for _ in 0..<200 where child == nil {
          usleep(50_000)
          child = Self.child(of: process.processIdentifier)
        }
        usleep(1_000_000)
        kill(try #require(child), SIGSEGV)
        #expect(try process.end() == ProcessEnd(code: 1))
        let report = try String(
          contentsOf: folder.appending(path: "report.json"), encoding: .utf8)
        #expect(report.contains("\"runtime.crash\""))
        #expect(report.contains("SIGSEGV"))
      }
    }

    /// A child process of `parent`, as the system lists them.
    private static func child(of parent: pid_t) -> pid_t? {
      let path = "/proc/\(parent)/task/\(parent)/children"
      let text = try? String(contentsOfFile: path, encoding: .utf8)
      return text?.split(separator: " ").first.flatMap { pid_t($0) }
    }
  #endif
}
