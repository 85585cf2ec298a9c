import EXrayCore
import EXrayModel
import EXrayProfile
import EXrayTestKit
import Foundation
import Testing

/// What the graph alone tells, against counts that Python makes another way.
@Suite("Counts of a profile")
struct CountTests {
  private static let models: [String] = {
    guard let root = SharedData.root else { return [] }
    let found = FileManager.default.enumerator(atPath: root.appending(path: "models").path)
    return (found?.allObjects ?? []).compactMap { $0 as? String }
      .filter { $0.hasSuffix(".tflite") }.map { "models/\($0)" }.sorted()
  }()

  private static let hasPython =
    SharedData.isAvailable && Requirements.python != nil || Requirements.areStrict

  private struct Counts: Encodable {
    struct Count: Encodable {
      var operations: Double?
      var bytes: Double
      var live: Int
    }
    var model: String
    var ops: [Count]
    var weights: Int
  }

  private struct Statistics: Encodable {
    var times: [Int64]
    var p50: Int64
    var p90: Int64
    var p95: Int64
    var p99: Int64
    var mean: Int64
    var deviation: Int64
    var student: [[Double]]
  }

  @Test(
    "Arithmetic, bytes and live values of every op of every model are what Python counts, percentiles what NumPy gives",
    .enabled(if: hasPython))
  func python() throws {
    try withTemporaryFolder { folder in
      var count = 0
      for path in Self.models {
        // Two of the models are refused.
        guard let model = try? Model(SharedData.bytes(path)) else { continue }
        let arena = ArenaEstimate(model)
        let counts = Counts(
          model: path,
          ops: zip(model.opCosts, arena.liveByteCounts).map {
            Counts.Count(operations: $0.operations, bytes: $0.byteCount, live: $1)
          }, weights: arena.weightByteCount)
        try JSONEncoder().encode(counts).write(to: folder.appending(path: "\(count).json"))
        count += 1
      }
      var random = SplitMix64(seed: 11)
      let times = (0..<137).map { _ in Int64.random(in: 1_000...9_000_000, using: &random) }
      let summary = try #require(LatencySummary(times.map { .nanoseconds($0) }))
      let statistics = Statistics(
        times: times, p50: summary.p50.wholeNanoseconds, p90: summary.p90.wholeNanoseconds,
        p95: summary.p95.wholeNanoseconds, p99: summary.p99.wholeNanoseconds,
        mean: summary.mean.wholeNanoseconds, deviation: summary.standardDeviation.wholeNanoseconds,
        student: (1...120).map {
          [Double($0), StudentT.quantile(twoSided: 0.05, degrees: $0)]
        })
      try JSONEncoder().encode(statistics).write(to: folder.appending(path: "statistics.json"))

      let outcome = try BuiltTool.run(
        script: "check_profile.py", [SharedData.path(""), folder.path])
      #expect(outcome.status == 0, "\(outcome.output) \(outcome.errors)")
      #expect(outcome.output.contains("\"models\": \(count)"), "\(outcome.output)")
      // Published for MobileNet v1 0.25 224: 41 million.
      #expect(outcome.output.contains(#""mobilenetMultiplications": 41"#), "\(outcome.output)")
    }
  }

  @Test("MobileNet v1 0.25 multiplies 41 million times", .enabled(if: SharedData.isAvailable))
  func mobileNet() throws {
    let model = try Model(
      SharedData.bytes("models/imagenet/mobilenet_v1_025_224_float.tflite"))
    let products = zip(model.primary.ops, model.opCosts)
      .filter { ["CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED"].contains($0.0.type) }
      .reduce(0) { $0 + ($1.1.operations ?? 0) / 2 }
    #expect((40.5e6...41.5e6).contains(products), "\(products)")
  }

  @Test("The least time of an op is its arithmetic or its bytes, whichever takes longer")
  func roofline() throws {
    let peak = MachinePeak(
      floatOperationsPerSecond: 100e9, int8OperationsPerSecond: 200e9, bytesPerSecond: 10e9,
      instructions: "test")
    var cost = OpCost(operations: 1e6, byteCount: 1e3, weightByteCount: 0, isInteger: false)
    #expect(abs(peak.leastMicroseconds(for: cost, threads: 1) - 10) < 1e-9)
    #expect(abs(peak.leastMicroseconds(for: cost, threads: 2) - 5) < 1e-9)
    cost.isInteger = true
    #expect(abs(peak.leastMicroseconds(for: cost, threads: 1) - 5) < 1e-9)
    cost.byteCount = 1e6
    #expect(abs(peak.leastMicroseconds(for: cost, threads: 4) - 100) < 1e-9)
    cost.operations = nil
    #expect(abs(peak.leastMicroseconds(for: cost, threads: 1) - 100) < 1e-9)
  }
}
