import EXrayCore
import EXrayModel
import EXrayPipeline
import EXrayProfile
import EXrayReport
import EXrayTestKit
import EXrayValidation
import Foundation
import Testing

/// Tables, slow kernels and renderings from made-up runs of a real graph.
@Suite("Profile of a model", .enabled(if: SharedData.isAvailable || Requirements.areStrict))
struct ProfileTests {
  private static let peak = MachinePeak(
    floatOperationsPerSecond: 100e9, int8OperationsPerSecond: 200e9, bytesPerSecond: 20e9,
    instructions: "test")

  private func model() throws -> Model {
    try Model(SharedData.bytes("models/imagenet/mobilenet_v1_025_224_float.tflite"))
  }

  /// Runs of a graph whose ops take `microseconds`, by index.
  private func profile(
    _ model: Model, runs: Int = 5, _ microseconds: (Op) -> Int
  ) -> OpProfile {
    var table = OpTable()
    for run in 0..<runs {
      table.add(
        model.primary.ops.map {
          // One run in five is disturbed; the middle half does not see it.
          OpEvent(
            part: .node, label: $0.type, op: $0.index,
            microseconds: microseconds($0) * (run == 2 ? 9 : 1))
        })
    }
    return OpProfile(table, model: model, peak: Self.peak, threads: 1)
  }

  @Test func `shares add up, kinds are sorted, and a disturbed run changes nothing`() throws {
    let model = try model()
    let profile = profile(model) { $0.type == "CONV_2D" ? 100 : 10 }
    #expect(abs(profile.ops.reduce(0) { $0 + $1.share } - 1) < 1e-9)
    #expect(profile.ops.allSatisfy { $0.microseconds == ($0.label == "CONV_2D" ? 100 : 10) })
    #expect(profile.types.first?.label == "CONV_2D")
    #expect(profile.types.map(\.microseconds) == profile.types.map(\.microseconds).sorted(by: >))
    #expect(abs((profile.types.last?.cumulativeShare ?? 0) - 1) < 1e-9)
    #expect(profile.delegated.events == 0 && profile.delegated.nodes == 0)
    #expect(profile.undelegated.nodes == model.primary.ops.count)
    #expect(profile.undelegatedTypes["CONV_2D"] == 15)
  }

  @Test func `operators of a delegate are told by counting, and not where counts differ`() throws {
    let model = try model()
    func labels(_ op: Op) -> String {
      switch op.type {
      case "DEPTHWISE_CONV_2D": "Convolution (NHWC, F32) DWConv"
      case "CONV_2D":
        op.index == 0 ? "Convolution (NHWC, F32) IGEMM" : "Fully Connected (NC, F32) GEMM"
      case "SOFTMAX": "Softmax (NC, F32)"
      default: "Something else"
      }
    }
    var table = OpTable()
    let events = model.primary.ops.map {
      OpEvent(part: .delegate, label: labels($0), op: nil, microseconds: 10)
    }
    table.add(events)
    let profile = OpProfile(table, model: model, peak: Self.peak, threads: 1)
    for (times, op) in zip(profile.ops, model.primary.ops) {
      let isKnown = ["CONV_2D", "DEPTHWISE_CONV_2D", "SOFTMAX"].contains(op.type)
      #expect(times.op == (isKnown ? op.index : nil), "\(op.type)")
    }
    #expect(profile.delegated.nodes == model.primary.ops.count)
    #expect(profile.undelegatedTypes.isEmpty)

    var shorter = OpTable()
    shorter.add(Array(events.dropFirst(2)))
    let other = OpProfile(shorter, model: model, peak: Self.peak, threads: 1)
    #expect(other.ops.allSatisfy { $0.op == nil || $0.type == "SOFTMAX" })
  }

  @Test func `kernels far below the roofline are found, tiny ops and fast ones are not`() throws {
    let model = try model()
    let costs = model.opCosts
    func least(_ op: Op) -> Double { Self.peak.leastMicroseconds(for: costs[op.index], threads: 1) }
    let healthy = profile(model) { Int((least($0) * 3).rounded(.up)) }
    #expect(SlowKernels().findings(in: healthy, kernels: "builtin", against: nil) == [])
    // A hundred times its least time: 1 % of the roofline. SOFTMAX at a thousand times is still tiny.
    let slow = profile(model) { op in
      op.type == "SOFTMAX" ? 40 : Int((least(op) * (op.index == 1 ? 100 : 3)).rounded(.up))
    }
    let findings = SlowKernels().findings(in: slow, kernels: "builtin", against: nil)
    #expect(findings.map(\.cause) == [.kernelSlow])
    #expect(findings.first?.where.op == 1)
    #expect(findings.first?.title.contains("DEPTHWISE_CONV_2D") == true)
  }

  @Test func `a kernel forty times slower than another is found, thirty times is not`() throws {
    let model = try model()
    let fast = profile(model) { _ in 20 }
    func findings(_ factor: Int) -> [Finding] {
      var judge = SlowKernels()
      judge.roofline = 0
      return judge.findings(
        in: profile(model) { $0.index == 6 ? 20 * factor : 20 }, kernels: "xnnpack",
        against: (fast, "builtin"))
    }
    #expect(findings(30) == [])
    #expect(findings(41).map(\.where.op) == [6])
    #expect(findings(41).first?.title.contains("41 times slower than the builtin kernel") == true)
  }

  private func report() throws -> ProfileReport {
    let model = try model()
    let times = [Duration](repeating: .milliseconds(2), count: 4)
    let subject = ProfileReport.Subject(
      model: "a \"quoted\", name.tflite", sha256: "00", fileByteCount: 1, runtime: "test",
      runtimeVersion: "1", kernels: "builtin", threads: 1)
    let latency = try #require(LatencySummary(times))
    var report = ProfileReport(
      tool: "test", subject: subject, device: "machine", operatingSystem: "system", seed: 1,
      warmUpRuns: 1, loadNanoseconds: nil, openNanoseconds: 5, firstRunNanoseconds: 6,
      latency: latency, profiledLatency: latency, profile: profile(model) { $0.index + 1 },
      peak: Self.peak,
      memory: ProfileReport.Memory(
        peakResidentByteCount: 1 << 20, residentByteCount: nil, isOwnProcess: true,
        estimate: ArenaEstimate(model)))
    report.timeline = (0..<3).map { _ in
      ProfiledRun(
        duration: .milliseconds(2),
        events: model.primary.ops.map {
          OpEvent(part: .node, label: $0.type, op: $0.index, microseconds: $0.index + 1)
        })
    }
    return report
  }

  @Test func `the timeline is trace events whose ops lie inside their run, one after another`()
    throws
  {
    let report = try report()
    let text = ProfilePerfetto.render(report)
    let parsed = try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any]
    let events = try #require(parsed?["traceEvents"] as? [[String: Any]])
    let slices = events.filter { $0["ph"] as? String == "X" }
    let runs = slices.filter { $0["tid"] as? Int == 1 }
    #expect(runs.count == 3)
    #expect(runs.first?["dur"] as? Double == 2000)
    #expect(slices.count == 3 + 3 * report.profile.ops.count)
    var end = 0.0
    for slice in slices where slice["tid"] as? Int == 2 {
      let start = try #require(slice["ts"] as? Double)
      #expect(start >= end)
      end = start + (try #require(slice["dur"] as? Double))
    }
  }

  @Test func `the table has a row an op and as many fields in each`() throws {
    let report = try report()
    let lines = ProfileCSV.render(report).split(separator: "\r\n")
    #expect(lines.count == report.profile.ops.count + 1)
    let columns = lines[0].split(separator: ",", omittingEmptySubsequences: false).count
    #expect(columns == 20)
    #expect(lines[1].hasPrefix("0,node,CONV_2D,0,CONV_2D,"))
  }

  @Test func `the JSON holds nanoseconds and counts, and no timeline`() throws {
    let text = try report().json()
    let parsed = try #require(
      JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
    let latency = try #require(parsed["latency"] as? [String: Any])
    #expect(latency["p50Nanoseconds"] as? Int == 2_000_000)
    #expect(parsed["timeline"] == nil)
    #expect(parsed["schemaVersion"] as? Int == 1)
    #expect(try report().json() == text)
  }

  @Test func `the terminal shows figures, kinds and ops`() throws {
    let text = ProfileRenderer(opLimit: 3, width: 100).render(try report())
    for words in ["latency", "by kind", "slowest ops", "cumulative %", "✓ No kernel is slow."] {
      #expect(text.contains(words), "\(words) is not in \(text)")
    }
    let all = ProfileRenderer(opLimit: nil, width: 100).render(try report())
    #expect(all.split(separator: "\n").count > text.split(separator: "\n").count)
  }
}
