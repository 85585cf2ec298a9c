import EXray
import Foundation
import Testing

@Suite("Budgets leave large values out, count them, and go on with the rest")
struct BudgetTests {
  private func record(
    frames: Int, _ configuration: MonitorConfiguration, advance: UInt64 = 0
  ) throws -> (MonitorSummary, TraceReader, Int) {
    let folder = try TemporaryFolder()
    let monitor = Monitor(writingTo: folder.path(), configuration: configuration)
    monitor.check(.range(0...0), on: .output())
    for _ in 0..<frames {
      monitor.frame { frame in
        frame.log(.output, [UInt8](repeating: 1, count: 1000), shape: [1000])
        monitor.advance(nanoseconds: advance)
      }
    }
    let summary = monitor.close()
    let size = try contents(of: folder.path()).count
    return (summary, try TraceReader(path: folder.path()), size)
  }

  private func check(
    _ summary: MonitorSummary, _ reader: TraceReader, reason: String, written: Int, of count: Int
  ) throws {
    #expect(reader.frames.count == count)
    for frame in 0..<count {
      #expect(try (reader.values("/outputs/0", frame: frame) != nil) == (frame < written))
      #expect(try reader.latency(frame: frame) != nil)
    }
    let loss = GapSample(
      reason: reason, eventCount: UInt64(count - written),
      byteCount: UInt64(count - written) * 1000,
      firstFrame: UInt32(written), lastFrame: UInt32(count - 1))
    #expect(summary.losses == [loss])
    #expect(try reader.gaps == [loss])
  }

  @Test("Of bytes")
  func bytes() throws {
    var configuration = manual
    configuration.byteBudget = 20_000
    let (summary, reader, size) = try record(frames: 40, configuration)
    let written = 40 - Int(summary.losses.first?.eventCount ?? 0)
    #expect((10..<20).contains(written))
    try check(summary, reader, reason: "byte-budget", written: written, of: 40)
    #expect(size > 20_000)
  }

  @Test("Of time; findings go on")
  func duration() throws {
    var configuration = manual
    configuration.durationBudget = .seconds(10)
    let (summary, reader, _) = try record(frames: 30, configuration, advance: 1_000_000_000)
    try check(summary, reader, reason: "time-budget", written: 11, of: 30)
    #expect(summary.checks.first?.failedCount == 30)
    #expect(try reader.findings.count == 16)
  }

  @Test("Of time inside of the calls, for each frame anew")
  func frameTime() throws {
    let folder = try TemporaryFolder()
    var configuration = MonitorConfiguration()
    configuration.frameTimeBudget = .zero
    let monitor = Monitor(writingTo: folder.path(), configuration: configuration)
    for _ in 0..<5 {
      monitor.frame { frame in
        for index in 0..<4 { frame.log(.output, [1] as [Float], shape: [1], index: index) }
      }
    }
    let summary = monitor.close()
    // Beginning a frame takes some time already.
    #expect(summary.loss("frame-time-budget")?.eventCount == 20)
    #expect(summary.frameCount == 5)
    #expect(try TraceReader(path: folder.path()).latency(frame: 4) != nil)
  }

  @Test("A value larger than the ring is lost with advice")
  func tooLarge() throws {
    let folder = try TemporaryFolder()
    var configuration = manual
    configuration.ringByteCount = 8192
    let monitor = Monitor(writingTo: folder.path(), configuration: configuration)
    monitor.frame { frame in
      frame.log(.output, [UInt8](repeating: 1, count: 8192), shape: [8192])
      frame.log(.input, [UInt8](repeating: 1, count: 8193), shape: [8193])
    }
    let summary = monitor.close()
    #expect(summary.loss("too-large")?.byteCount == 8193)
    #expect(summary.loss("too-large")?.eventCount == 1)
    #expect(summary.misuse.contains { $0.contains("ringByteCount") })
    #expect(summary.byteCount == 8192)
  }
}
