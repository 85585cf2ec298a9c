import EXray
import EXraySystem
import EXrayTestKit
import Foundation
import Synchronization
import Testing

@Suite("Many threads log at once")
struct ThreadTests {
  private static let tensorsPerFrame = 3

  /// The bytes of one tensor of one frame.
  private static func values(_ frame: UInt32, _ tensor: Int, _ count: Int) -> [UInt8] {
    (0..<count).map { UInt8(truncatingIfNeeded: Int(frame) &* 7 &+ tensor &* 31 &+ $0) }
  }

  /// Eight threads log frames of which two a thread are under way at a time; returns calls and bytes.
  private static func log(
    _ monitor: Monitor, framesPerThread: Int, largest: Int, progress: Totals = Totals()
  ) throws -> (events: UInt64, bytes: UInt64) {
    let totals = progress
    try onThreads(8) { thread in
      var random = SplitMix64(seed: UInt64(thread))
      var open: [Frame] = []
      var events: UInt64 = 0
      var bytes: UInt64 = 0
      for _ in 0..<framesPerThread {
        let frame = monitor.beginFrame("t\(thread)")
        totals.frames.wrappingAdd(1, ordering: .relaxed)
        open.append(frame)
        for tensor in 0..<tensorsPerFrame {
          let size = Int.random(in: 0...largest, using: &random)
          let values = Self.values(frame.index ?? 0, tensor, size)
          frame.log(.output, values, shape: [size], index: tensor)
          bytes += UInt64(size)
          if tensor == 1 { monitor.log(.light(1)) }
        }
        frame.span("s") {}
        events += UInt64(tensorsPerFrame) + 3
        if open.count == 2 { open.removeFirst().end() }
      }
      for frame in open { frame.end() }
      totals.events.wrappingAdd(events, ordering: .relaxed)
      totals.bytes.wrappingAdd(bytes, ordering: .relaxed)
    }
    return (
      totals.events.load(ordering: .relaxed), totals.bytes.load(ordering: .relaxed)
    )
  }

  private final class Totals: Sendable {
    let frames = Atomic<UInt64>(0)
    let events = Atomic<UInt64>(0)
    let bytes = Atomic<UInt64>(0)
  }

  /// Each value in the trace is what was logged; returns how many there are.
  private static func countIntactTensors(_ reader: TraceReader) throws -> UInt64 {
    var count: UInt64 = 0
    for (stream, tensor) in reader.tensors.enumerated() {
      try reader.forEachValue(ofTensor: stream) { found, moment in
        let frame = try #require(moment.frameIndex)
        #expect(bytes(found) == values(frame, tensor.index, found.byteCount))
        count += 1
      }
    }
    return count
  }

  @Test(
    "Waiting for room, nothing is lost, and each frame is complete", arguments: [4 << 10, 1 << 20])
  func blocking(ringByteCount: Int) throws {
    let folder = try TemporaryFolder()
    var configuration = MonitorConfiguration()
    configuration.ringByteCount = ringByteCount
    configuration.whenFull = .block
    configuration.flushInterval = .milliseconds(5)
    let monitor = Monitor(writingTo: folder.path(), configuration: configuration)
    let total = try Self.log(monitor, framesPerThread: 60, largest: 3000)
    let summary = monitor.close()
    #expect(summary.losses == [], "\(summary)")
    #expect(summary.frameCount == 480)
    #expect(summary.eventCount == total.events)
    #expect(summary.byteCount == total.bytes)
    let reader = try TraceReader(path: folder.path())
    #expect(reader.frames.map(\.index) == Array(0..<480))
    #expect(try Self.countIntactTensors(reader) == UInt64(480 * Self.tensorsPerFrame))
    for frame in reader.frames.indices {
      for tensor in 0..<Self.tensorsPerFrame {
        #expect(try reader.values("/outputs/\(tensor)", frame: frame) != nil)
      }
      #expect(try reader.spans(frame: frame).count == 1)
    }
    #expect(reader.readingCount(of: "light") == 480)
  }

  @Test("Dropping, each lost event is counted once, and frames outside of gaps are complete")
  func dropping() throws {
    let folder = try TemporaryFolder()
    var configuration = MonitorConfiguration()
    configuration.ringByteCount = 16 << 10
    configuration.whenFull = .drop
    let totals = Totals()
    let monitor = Monitor(writingTo: folder.path(), configuration: configuration)
    monitor.check(
      .custom("slow") { _ in
        // The first call holds the writing thread up until the ring must have run full.
        repeat { sleep(nanoseconds: 100_000) } while totals.frames.load(ordering: .relaxed) < 100
        return .pass
      }, on: .all(.output))
    let total = try Self.log(monitor, framesPerThread: 60, largest: 3000, progress: totals)
    let summary = monitor.close()
    // The check itself is an event.
    #expect(summary.eventCount + summary.lostEventCount == total.events + 1)
    let loss = try #require(summary.loss("ring-full"))
    #expect(summary.losses == [loss])
    #expect(summary.byteCount + loss.byteCount == total.bytes)
    #expect(summary.frameCount + summary.lostFrameCount == 480)
    let reader = try TraceReader(path: folder.path())
    #expect(UInt64(reader.frames.count) == summary.frameCount)
    let gaps = try reader.gaps
    #expect(gaps.reduce(0) { $0 + $1.eventCount } == loss.eventCount)
    #expect(gaps.reduce(0) { $0 + $1.byteCount } == loss.byteCount)
    let tensorCount = try Self.countIntactTensors(reader)
    var spanCount: UInt64 = 0
    for (position, frame) in reader.frames.enumerated() {
      let isWhole = try (0..<Self.tensorsPerFrame).allSatisfy {
        try reader.values("/outputs/\($0)", frame: position) != nil
      }
      let spans = UInt64(try reader.spans(frame: position).count)
      spanCount += spans
      let isInGap = gaps.contains {
        if let first = $0.firstFrame, let last = $0.lastFrame {
          Int(first) <= frame.index && frame.index <= Int(last)
        } else {
          false
        }
      }
      #expect(isInGap || isWhole && spans == 1)
    }
    #expect(
      tensorCount + spanCount + UInt64(reader.readingCount(of: "light")) + summary.frameCount + 1
        == summary.eventCount)
  }

  @Test("Threads that log while the monitor closes do no harm")
  func closing() throws {
    for round in 0..<10 {
      let folder = try TemporaryFolder()
      var configuration = MonitorConfiguration()
      configuration.ringByteCount = round.isMultiple(of: 2) ? 4 << 10 : 1 << 20
      let monitor = Monitor(writingTo: folder.path(), configuration: configuration)
      try onThreads(4) { thread in
        for number in 0..<200 {
          if thread == 0, number == 50 { monitor.close() }
          monitor.frame { $0.log(.output, [UInt8](repeating: 1, count: 900), shape: [900]) }
        }
      }
      let summary = monitor.close()
      let reader = try TraceReader(path: folder.path())
      #expect(reader.isComplete)
      #expect(UInt64(reader.frames.count) == summary.frameCount)
      #expect(summary.error == nil)
    }
  }
}
