import EXrayTestKit
import Foundation
import Testing

/// `exray profile` on real models; figures are never judged, only that they are there.
@Suite("Profile command", .enabled(if: SharedData.isAvailable || Requirements.areStrict))
struct ProfileCommandTests {
  private func profile(
    _ arguments: [String], _ sandbox: Sandbox
  ) throws -> (outcome: BuiltTool.Outcome, report: [String: Any]) {
    let file = sandbox.output + "/profile.json"
    let outcome = try BuiltTool.run(["profile"] + arguments + ["--json", file])
    let data = try Data(contentsOf: URL(filePath: file))
    let report = try JSONSerialization.jsonObject(with: data) as? [String: Any]
    return (outcome, try #require(report))
  }

  private func member(_ report: [String: Any], _ path: String...) -> [String: Any] {
    path.reduce(report) { $0[$1] as? [String: Any] ?? [:] }
  }

  @Test func `a profile says what ran, how long, where and with how much memory`() throws {
    try withSandbox { sandbox in
      let model = try SharedData.path("models/cifar10/resnet8_int8.tflite")
      let (outcome, report) = try profile(
        [
          model, "--runs", "6", "--warmup", "1", "--sweep-threads", "1,2", "--csv",
          sandbox.output + "/ops.csv", "--perfetto", sandbox.output + "/runs.json",
        ], sandbox)
      #expect([0, 1].contains(outcome.status), "\(outcome.errors)")
      #expect(try sandbox.written == ["ops.csv", "profile.json", "runs.json"])
      let subject = member(report, "subject")
      #expect(subject["kernels"] as? String == "xnnpack")
      #expect((subject["sha256"] as? String)?.count == 64)
      #expect(member(report, "latency")["count"] as? Int == 6)
      #expect(report["seed"] as? Int == 1)
      for key in ["loadNanoseconds", "openNanoseconds", "firstRunNanoseconds"] {
        #expect(report[key] as? Int ?? 0 > 0, "\(key)")
      }
      #expect(member(report, "peak")["floatOperationsPerSecond"] as? Double ?? 0 > 1e6)
      #expect(member(report, "memory")["peakResidentByteCount"] as? Int ?? 0 > 1 << 20)
      #expect(member(report, "memory", "estimate")["peakByteCount"] as? Int ?? 0 > 1000)
      let delegated = member(report, "profile", "delegated")
      #expect(delegated["nodes"] as? Int ?? 0 > 5)
      #expect((report["threads"] as? [[String: Any]])?.count == 2)
      let ops = member(report, "profile")["ops"] as? [[String: Any]] ?? []
      let rows = try String(contentsOfFile: sandbox.output + "/ops.csv", encoding: .utf8)
      #expect(rows.split(separator: "\r\n").count == ops.count + 1)
      #expect(outcome.output.contains("by kind") && outcome.output.contains("threads"))
    }
  }

  @Test
  func `ops of builtin kernels have their index, and reference kernels are compared with them`()
    throws
  {
    try withSandbox { sandbox in
      let model = try SharedData.path("models/vww/vww_96_int8.tflite")
      let (outcome, report) = try profile(
        [
          model, "--kernels", "reference", "--against", "builtin", "--runs", "10", "--warmup", "1",
          "--launches", "3", "--tolerance", "0.05",
        ], sandbox)
      // Reference kernels take many times as long: no noise hides that.
      #expect(outcome.status == 1, "\(outcome.errors)")
      let comparison = member(report, "comparison")
      #expect(member(comparison, "reference")["kernels"] as? String == "builtin")
      #expect(member(comparison, "latency")["rounds"] as? Int == 10)
      #expect((member(comparison, "latency")["interval"] as? [Double])?.count == 2)
      let ops = member(report, "profile")["ops"] as? [[String: Any]] ?? []
      #expect(ops.compactMap { $0["op"] as? Int } == Array(0..<ops.count))
      #expect(member(report, "profile", "delegated")["nodes"] as? Int == 0)
    }
  }

  @Test func `the same seed gives the same order of ops and the same notes`() throws {
    try withSandbox { sandbox in
      let model = try SharedData.path("models/misc/hello_world_float.tflite")
      let arguments = [model, "--runs", "1", "--warmup", "0", "--seed", "7", "--in-process"]
      let (first, report) = try profile(arguments, sandbox)
      let (second, again) = try profile(arguments, sandbox)
      #expect(first.status == 0 && second.status == 0, "\(first.errors) \(second.errors)")
      #expect(report["notes"] as? [String] == again["notes"] as? [String])
      #expect(member(report, "memory")["isOwnProcess"] as? Bool == false)
    }
  }

  @Test(arguments: [
    ["--runs", "0"], ["--runs", "100000000"], ["--warmup", "-1"], ["--sweep-threads", "0"],
    ["--sweep-threads", "1,,2"], ["--sweep-threads", "many"], ["--tolerance", "-0.1"],
    ["--tolerance", "nan"], ["--against", "fastest"], ["--launches", "0"], ["--max-seconds", "0"],
    ["--seed", "-1"], ["--top", "-1"], ["--threads", "0"],
  ])
  func `wrong options end with 2 and leave nothing behind`(options: [String]) throws {
    try withSandbox { sandbox in
      let model = try SharedData.path("models/misc/hello_world_float.tflite")
      let outcome = try BuiltTool.run(
        ["profile", model, "--json", sandbox.output + "/p.json"] + options)
      #expect(outcome.status == 2, "\(options): \(outcome.output)\(outcome.errors)")
      #expect(outcome.errors.hasPrefix("Error: "), "\(outcome.errors)")
      #expect(try sandbox.written == [])
    }
  }

  @Test func `models that cannot be read, opened or run are one clear line`() throws {
    try withSandbox { sandbox in
      let good = try SharedData.path("models/misc/hello_world_float.tflite")
      let custom = try SharedData.path(
        "models/robustness/audio_preprocessor_custom_signal_ops.tflite")
      let noise = try sandbox.file("noise.tflite", [UInt8](repeating: 7, count: 300))
      for arguments in [
        [sandbox.path("none.tflite")], [noise], [custom], [sandbox.folder.path],
        [good, "--against-model", noise], [good, "--against-model", sandbox.path("none.tflite")],
        [good, "--csv", sandbox.path("missing/ops.csv")],
        [good, "--perfetto", sandbox.folder.path],
      ] {
        let outcome = try BuiltTool.run(
          ["profile"] + arguments + ["--runs", "2", "--json", sandbox.output + "/p.json"])
        #expect(outcome.status == 2, "\(arguments): \(outcome.errors)")
        #expect(outcome.faults() == [], "\(arguments): \(outcome.errors)")
        #expect(try sandbox.written == [])
      }
    }
  }
}
