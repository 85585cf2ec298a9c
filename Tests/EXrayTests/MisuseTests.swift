import EXray
import Foundation
import Testing

@Suite("Wrong calls are counted and harm nothing")
struct MisuseTests {
  /// Records one frame with a wrong call and one that is right.
  private func record(
    level: Monitor.Level = .io, _ wrong: (Monitor, Frame) -> Void
  ) throws -> (MonitorSummary, TraceReader) {
    let folder = try TemporaryFolder()
    let monitor = Monitor(writingTo: folder.path(), level: level, configuration: manual)
    monitor.frame { wrong(monitor, $0) }
    monitor.frame { $0.log(.output, [1, 2] as [Float], shape: [2]) }
    let summary = monitor.close()
    return (summary, try TraceReader(path: folder.path()))
  }

  @Test(
    "Values that do not fit their description",
    arguments: [[3], [-1], [-1, -2], [Int.max, Int.max], [0], [2, 0, Int.max, Int.max]])
  func shapes(shape: [Int]) throws {
    let (summary, reader) = try record { _, frame in
      frame.log(.output, [1, 2] as [Float], shape: Shape(shape))
    }
    let loss = try #require(summary.loss("misuse"))
    #expect(loss.eventCount == 1)
    #expect(loss.byteCount == 8)
    #expect(loss.firstFrame == 0)
    #expect(!summary.misuse.isEmpty)
    #expect(summary.description.contains("misuse"))
    #expect(summary.frameCount == 2)
    #expect(try reader.gaps == summary.losses)
    #expect(try reader.values("/outputs/0", frame: 1)?.count == 8)
  }

  @Test("Everything else that can be called wrongly")
  func calls() throws {
    let cases: [(String, UInt64, (Monitor, Frame) -> Void)] = [
      ("a negative index", 1, { $1.log(.output, [1] as [Int8], shape: [1], index: -1) }),
      ("an output twice", 1, { for _ in 0..<2 { $1.log(.output, [1] as [Int8], shape: [1]) } }),
      ("a raw input twice", 1, { for _ in 0..<2 { $1.log(rawInput: [], mediaType: "") } }),
      ("an end twice", 1, { $1.end() }),
      (
        "a log after the end", 1,
        {
          $1.end()
          $1.log("x", 1)
        }
      ),
      (
        "a picture of no such size", 1,
        { $1.log(image: [1], ImageLayout(width: .max, height: -3, encoding: .rgb8)) }
      ),
      (
        "a quantization with a wrong axis", 1,
        {
          $1.log(
            .output, [1] as [Int8], shape: [1],
            quantization: Quantization(scales: [1, .nan], axis: -9))
        }
      ),
      ("a name without end", 1, { $1.log(.output, [1] as [Int8], shape: [1], name: long) }),
      ("a frame that is dropped", 1, { monitor, _ in _ = monitor.beginFrame("x") }),
      ("too many names", 4, { _, frame in for i in 0..<4100 { frame.log("\(i)", 1) } }),
      (
        // The last one is that of the frame that is right.
        "too many tensors", 5,
        { _, frame in for i in 0..<4100 { frame.log(.output, [1] as [Int8], shape: [1], index: i) }
        }
      ),
    ]
    for (name, count, wrong) in cases {
      let (summary, reader) = try record { monitor, frame in
        wrong(monitor, frame)
        // Of the cases above, those that end the frame themselves make `frame` end it twice.
      }
      let isEnded = name.contains("the end")
      #expect(
        summary.loss("misuse")?.eventCount == count + (isEnded ? 1 : 0), "\(name): \(summary)")
      #expect(!summary.misuse.isEmpty, "\(name)")
      #expect(summary.error == nil)
      #expect(reader.isComplete)
      #expect(UInt64(reader.frames.count) == summary.frameCount, "\(name)")
      #expect(summary.lostFrameCount == 0, "\(name)")
    }
  }

  @Test("Strange but right calls lose nothing")
  func strange() throws {
    let (summary, reader) = try record { monitor, frame in
      frame.log(.output, [] as [Float], shape: [0, 7])
      frame.log(.input, [2.5] as [Double], shape: [])
      frame.log("", .nan)
      frame.log(boxes: [])
      frame.log(ops: [])
      frame.log(inference: .seconds(-5))
      frame.span("") {}
      frame.log(String(repeating: "é", count: 5000), 1)
      monitor.log(.light(.infinity))
      monitor.advance(nanoseconds: .max)
    }
    #expect(summary.losses == [])
    #expect(try reader.values("/outputs/0", frame: 0) == [])
  }

  @Test("Calls after close() change nothing, and close() says the same again")
  func closed() throws {
    let folder = try TemporaryFolder()
    let monitor = Monitor(writingTo: folder.path(), configuration: manual)
    let open = monitor.beginFrame("open")
    monitor.frame { $0.log("x", 1) }
    let summary = monitor.close()
    let file = try contents(of: folder.path())
    #expect(!monitor.isRecording)
    open.log("y", 2)
    open.end()
    monitor.frame { frame in
      #expect(frame.index == nil)
      #expect(!frame.wants(.output))
      frame.log(.output, [1] as [Float], shape: [1])
      #expect(frame.inference { 7 } == 7)
    }
    monitor.log("z", 3)
    monitor.describe(ModelDescription(name: "m"))
    monitor.check(.finite, on: .output())
    #expect(monitor.span("s") { 5 } == 5)
    #expect(monitor.close() == summary)
    #expect(try contents(of: folder.path()) == file)
    // The frame that was under way counts, without a latency, and is reported.
    let reader = try TraceReader(path: folder.path())
    #expect(reader.frames.map(\.name) == ["open", ""])
    #expect(try reader.latency(frame: 0) == nil)
    #expect(summary.loss("misuse")?.eventCount == 1)
  }

  @Test("A monitor that is dropped closes by itself, once its frames are gone")
  func dropped() throws {
    let folder = try TemporaryFolder()
    do {
      let frame = Monitor(writingTo: folder.path(), configuration: manual).beginFrame("a")
      frame.log("x", 1)
      frame.end()
    }
    #expect(try TraceReader(path: folder.path()).frames.map(\.name) == ["a"])
    #expect(try folder.names == ["a.mcap"])
  }

  @Test("An error of the app passes through, and the frame ends")
  func throwing() throws {
    struct Failure: Error {}
    let folder = try TemporaryFolder()
    let monitor = Monitor(writingTo: folder.path(), configuration: manual)
    #expect(throws: Failure.self) {
      try monitor.frame { frame in try frame.inference { throw Failure() } }
    }
    #expect(monitor.close().losses == [])
    #expect(try TraceReader(path: folder.path()).spans(frame: 0).map(\.name) == ["inference"])
  }

  @Test("More frames under way than there is room for are refused, not waited for")
  func openFrames() throws {
    let folder = try TemporaryFolder()
    let monitor = Monitor(writingTo: folder.path(), configuration: manual)
    var frames: [Frame] = []
    for _ in 0..<1100 { frames.append(monitor.beginFrame()) }
    #expect(frames.count { $0.index != nil } == 1024)
    for frame in frames { frame.end() }
    let summary = monitor.close()
    #expect(summary.frameCount == 1024)
    #expect(summary.lostFrameCount == 76)
    #expect(summary.loss("misuse")?.eventCount == 76)
  }

  @Test("A disabled monitor runs the app's code and does nothing else")
  func disabled() {
    let monitor = Monitor.disabled
    #expect(!monitor.isRecording)
    let frame = monitor.beginFrame("a")
    #expect(frame.index == nil)
    for role in TensorRole.allCases { #expect(!frame.wants(role)) }
    frame.log(.output, [1] as [Float], shape: [9])
    frame.log("x", 1)
    #expect(frame.inference { 3 } == 3)
    frame.end()
    frame.end()
    monitor.log("x", 1)
    monitor.log(.light(1))
    monitor.check(.finite, on: .output())
    monitor.describe(ModelDescription(name: "m"))
    #expect(monitor.span("s") { 4 } == 4)
    #expect(monitor.frame { _ in 5 } == 5)
    let summary = monitor.close()
    #expect(summary.frameCount + summary.lostFrameCount + summary.eventCount == 0)
    #expect(summary.losses == [])
    #expect(summary.error == nil)
    #expect(!monitor.wants(.output))
  }
}

private let long = String(repeating: "long", count: 9999)
