import EXray
import EXrayTestKit
import Foundation
import Testing

@Suite("What a monitor records is read from the trace")
struct RoundTripTests {
  @Test("Every kind of event")
  func everything() throws {
    let folder = try TemporaryFolder()
    let monitor = Monitor(writingTo: folder.path(), level: .layers, configuration: manual)
    monitor.describe(
      ModelDescription(
        name: "m.tflite", sha256: "ab", byteCount: 12, runtime: "litert", runtimeVersion: "2",
        kernels: "xnnpack", threads: 4, recipe: "{}"))
    monitor.span("load") { monitor.advance(nanoseconds: 40) }
    monitor.log("battery", 0.5)
    let readings: [SensorReading] = [
      .orientation(x: 0.1, y: 0.2, z: 0.3, w: 0.9), .accelerometer(x: 1, y: 2, z: -9.81),
      .gyroscope(x: 4, y: 5, z: 6), .light(120), .temperature(31.5),
    ]
    for reading in readings { monitor.log(reading) }

    let frame = monitor.beginFrame("a.jpg", label: "cat")
    frame.log(rawInput: [1, 2, 3], mediaType: "application/x-npy", name: "a.npy")
    let layout = ImageLayout(width: 2, height: 1, encoding: .rgb8)
    frame.log(image: [1, 2, 3, 4, 5, 6], layout)
    let boxes = [
      BoxSample(x: 1, y: 2, width: 3, height: 4, label: "cat", score: 0.75),
      BoxSample(x: 5, y: 6, width: 7, height: 8, label: "dog", score: nil),
    ]
    frame.log(boxes: boxes)
    frame.preprocess { monitor.advance(nanoseconds: 100) }
    frame.span("resize") { monitor.advance(nanoseconds: 10) }
    monitor.span("crop") { monitor.advance(nanoseconds: 5) }
    frame.inference { monitor.advance(nanoseconds: 1000) }
    frame.log(inference: .nanoseconds(7))
    let quantization = Quantization(scales: [0.5], zeroPoints: [3])
    frame.log(.input, [1, 2, 3] as [UInt8], shape: [1, 3], name: "in", quantization: quantization)
    frame.log(.layer, [1.5, -2] as [Float], shape: [2], name: "conv", index: 7)
    frame.log(.embedding, [Int32(-1)], shape: [1])
    frame.log(.output, [0.25, 0.75] as [Double], shape: [1, 2], name: "out", index: 1)
    frame.log(.custom, [true, false], shape: [2], name: "mask")
    frame.log(.custom, [false, false], shape: [2], name: "mask")
    frame.log("loss", .infinity)
    let ops = [
      OpTimingSample(label: "CONV_2D", opIndex: 0, microseconds: 12),
      OpTimingSample(label: "Delegate", opIndex: nil, microseconds: 3),
    ]
    frame.log(ops: ops)
    frame.end()
    let summary = monitor.close()

    #expect(summary.error == nil)
    #expect(summary.losses == [])
    #expect(summary.frameCount == 1)
    #expect(summary.lostFrameCount == 0)
    // A description, a span, a number, five readings; sixteen in the frame, and its end.
    #expect(summary.eventCount == 8 + 16 + 1)
    let reader = try TraceReader(path: folder.path())
    #expect(reader.isComplete)
    #expect(reader.run.model == "m.tflite")
    #expect(reader.run.threads == 4)
    #expect(reader.run.recipe == "{}")
    #expect(reader.run.capture == "layers")
    #expect(reader.run.startedNanoseconds == 1_000_000)
    #expect(
      reader.frames == [
        FrameDescription(index: 0, name: "a.jpg", label: "cat", timeNanoseconds: 1_000_040)
      ])
    #expect(
      try reader.rawInput(frame: 0)
        == RawInput(mediaType: "application/x-npy", name: "a.npy", bytes: [1, 2, 3]))
    #expect(
      try reader.latency(frame: 0)
        == LatencySample(
          preprocessNanoseconds: 100, inferenceNanoseconds: 1007, endToEndNanoseconds: 1115))
    #expect(try reader.memory(frame: 0) == nil)
    #expect(
      try reader.spans(frame: 0) == [
        SpanSample(name: "preprocess", startNanoseconds: 1_000_040, durationNanoseconds: 100),
        SpanSample(name: "resize", startNanoseconds: 1_000_140, durationNanoseconds: 10),
        SpanSample(name: "crop", startNanoseconds: 1_000_150, durationNanoseconds: 5),
        SpanSample(name: "inference", startNanoseconds: 1_000_155, durationNanoseconds: 1000),
        SpanSample(name: "inference", startNanoseconds: 1_001_148, durationNanoseconds: 7),
      ])
    #expect(try reader.ops(frame: 0) == ops)
    #expect(try reader.boxes(frame: 0) == boxes)
    #expect(try reader.imageCount(frame: 0) == 1)
    let image = try reader.withImage(frame: 0) { found, pixels in (found, bytes(pixels)) }
    #expect(image?.0 == layout)
    #expect(image?.1 == [1, 2, 3, 4, 5, 6])
    #expect(try reader.values("/inputs/0", frame: 0) == [1, 2, 3])
    #expect(
      try reader.values("/layers/0007", frame: 0) == [0, 0, 0xC0, 0x3F, 0, 0, 0, 0xC0])
    #expect(try reader.values("/embeddings/0", frame: 0) == [255, 255, 255, 255])
    #expect(try reader.values("/outputs/1", frame: 0)?.count == 16)
    #expect(try reader.values("/tensors/0000", frame: 0, repetition: 0) == [1, 0])
    #expect(try reader.values("/tensors/0000", frame: 0, repetition: 1) == [0, 0])
    #expect(
      reader.tensors.first?.description
        == TensorDescription(
          name: "in", elementType: .uint8, shape: [1, 3], quantization: quantization))
    #expect(try reader.scalars(frame: 0) == [ScalarSample(name: "loss", value: .infinity)])
    var scalars: [ScalarSample] = []
    try reader.forEachScalar { scalar, moment in
      if moment.frameIndex == nil { scalars.append(scalar) }
    }
    #expect(
      scalars == [
        ScalarSample(name: "load.durationNanoseconds", value: 40),
        ScalarSample(name: "battery", value: 0.5),
      ])
    var found: [SensorReading] = []
    for kind in SensorReading.kinds {
      try reader.forEachReading(of: kind) { reading, _ in found.append(reading) }
    }
    #expect(found == readings)
    #expect(try reader.overhead() == summary.overhead)
    #expect(summary.overhead.events == summary.eventCount)
  }

  @Test(
    "Each level keeps its tensors", arguments: Monitor.Level.allCases,
  )
  func levels(level: Monitor.Level) throws {
    let expected: Set<TensorRole> =
      switch level {
      case .none: []
      case .output: [.output, .custom]
      case .io: [.output, .custom, .input]
      case .embedding: [.output, .custom, .input, .embedding]
      case .layers, .sketch: Set(TensorRole.allCases)
      }
    let folder = try TemporaryFolder()
    let monitor = Monitor(writingTo: folder.path(), level: level, configuration: manual)
    let magic: [UInt8] = Array("raw values of the device".utf8)
    monitor.frame { frame in
      for role in TensorRole.allCases {
        #expect(frame.wants(role) == expected.contains(role))
        frame.log(role, magic, shape: [magic.count])
      }
      frame.log(rawInput: magic, mediaType: "image/png", name: "x.png")
      frame.log(image: magic, ImageLayout(width: magic.count, height: 1, encoding: .mono8))
      frame.log("x", 1)
    }
    let summary = monitor.close()
    #expect(summary.losses == [])
    let reader = try TraceReader(path: folder.path())
    #expect(Set(reader.tensors.map(\.role)) == expected)
    #expect(reader.tensors.indices.allSatisfy { reader.isSketched($0) == (level == .sketch) })
    #expect(try reader.scalars(frame: 0).count == 1)
    #expect(try reader.latency(frame: 0) != nil)
    let raw = try reader.rawDescription(frame: 0)
    #expect((raw != nil) == expected.contains(.input))
    #expect(
      try reader.imageCount(frame: 0) == (expected.contains(.input) && level != .sketch ? 1 : 0))
    guard level == .sketch else { return }
    #expect(try reader.rawInput(frame: 0) == nil)
    let digest = unsafe SHA256.hexadecimal(of: magic.span.bytes)
    #expect(raw?.sha256 == digest)
    #expect(raw?.byteCount == UInt64(magic.count))
    #expect(try reader.sketch(of: 0, frame: 0) != nil)
    let file = String(decoding: try contents(of: folder.path()), as: UTF8.self)
    #expect(!file.contains("raw values"))
  }

  @Test("Raw inputs are kept as configured")
  func rawInputs() throws {
    for policy in [MonitorConfiguration.RawInputs.bytes, .digest, .none] {
      let folder = try TemporaryFolder()
      var configuration = manual
      configuration.rawInputs = policy
      let monitor = Monitor(writingTo: folder.path(), configuration: configuration)
      monitor.frame { $0.log(rawInput: [9, 9], mediaType: "image/jpeg", name: "n") }
      #expect(monitor.close().losses == [])
      let reader = try TraceReader(path: folder.path())
      #expect(try reader.rawInput(frame: 0)?.bytes == (policy == .bytes ? [9, 9] : nil))
      #expect((try reader.rawDescription(frame: 0)?.sha256 != nil) == (policy == .digest))
    }
  }

  @Test("With the system's clock, frames have memory, and the trace its own overhead")
  func measured() throws {
    let folder = try TemporaryFolder()
    let monitor = Monitor(writingTo: folder.path())
    for _ in 0..<3 {
      monitor.frame { frame in
        frame.inference { Thread.sleep(forTimeInterval: 0.03) }
        frame.log(.output, [Float](repeating: 1, count: 1000), shape: [1000])
      }
    }
    let summary = monitor.close()
    let reader = try TraceReader(path: folder.path())
    #expect(reader.frames.count == 3)
    #expect(try reader.memory(frame: 2).map { $0.residentBytes > 1 << 20 } == true)
    #expect(try reader.processorNanoseconds(frame: 2) != nil)
    let latency = try #require(try reader.latency(frame: 0))
    #expect(latency.inferenceNanoseconds >= 30_000_000)
    #expect(latency.endToEndNanoseconds >= latency.inferenceNanoseconds)
    let overhead = try #require(try reader.overhead())
    #expect(overhead == summary.overhead)
    #expect(overhead.appNanoseconds > 0)
    #expect(overhead.writerNanoseconds > 0)
    #expect(overhead.peakRingBytes >= 4000)
    #expect(overhead.fileBytes > 12_000)
    #expect(overhead.bytes == 12_000)
  }

  @Test("Each nth frame is recorded, and numbered without holes", arguments: [1, 2, 3, 10])
  func sampling(everyNth: Int) throws {
    let folder = try TemporaryFolder()
    var configuration = manual
    configuration.everyNth = everyNth
    let monitor = Monitor(writingTo: folder.path(), configuration: configuration)
    for number in 0..<25 {
      monitor.frame("\(number)") { frame in
        #expect((frame.index != nil) == number.isMultiple(of: everyNth))
        frame.log(.output, [UInt8(number)], shape: [1])
        monitor.span("s") {}
      }
    }
    let summary = monitor.close()
    let expected = Array(stride(from: 0, to: 25, by: everyNth))
    let reader = try TraceReader(path: folder.path())
    #expect(reader.frames.map(\.index) == Array(expected.indices))
    #expect(reader.frames.map(\.name) == expected.map(String.init))
    for (frame, number) in expected.enumerated() {
      let values = try reader.values("/outputs/0", frame: frame)
      #expect(values == [UInt8(number)])
    }
    #expect(reader.scalarCount == 0)
    #expect(summary.skippedFrameCount == UInt64(25 - expected.count))
    #expect(summary.losses == [])
  }

  @Test("The same calls give the same bytes, fast or slow, with a small ring or a large one")
  func deterministic() throws {
    let folder = try TemporaryFolder()
    func record(_ name: String, seed: UInt64, pause: Double, ring: Int) throws -> [UInt8] {
      var random = SplitMix64(seed: seed)
      var configuration = manual
      configuration.ringByteCount = ring
      configuration.byteBudget = 400_000
      let monitor = Monitor(
        writingTo: folder.path(name), level: .layers, configuration: configuration)
      monitor.check(.range(0...200), on: .all(.layer))
      for _ in 0..<40 {
        monitor.frame("f") { frame in
          for layer in 0..<Int.random(in: 0...5, using: &random) {
            let count = Int.random(in: 0...9000, using: &random)
            let value = UInt8.random(in: 0...255, using: &random)
            frame.log(.layer, [UInt8](repeating: value, count: count), shape: [count], index: layer)
            monitor.advance(nanoseconds: 100_000_000)
          }
          frame.log("n", Double.random(in: 0...1, using: &random))
          if pause > 0 { Thread.sleep(forTimeInterval: pause) }
        }
      }
      let summary = monitor.close()
      #expect(summary.loss("byte-budget") != nil)
      return try contents(of: folder.path(name))
    }
    let first = try record("a", seed: 4, pause: 0, ring: 64 << 20)
    #expect(try record("b", seed: 4, pause: 0, ring: 64 << 20) == first)
    #expect(try record("c", seed: 4, pause: 0.007, ring: 1 << 20) == first)
    #expect(try record("d", seed: 4, pause: 0, ring: 16 << 10) == first)
    #expect(try record("e", seed: 5, pause: 0, ring: 64 << 20) != first)
  }
}
