import EXrayCore
import EXrayTestKit
import EXrayTrace
import Foundation
import Testing

@Suite("Traces written and read")
struct RoundTripTests {
  @Test("Random runs are read to what was written", arguments: 0..<40)
  func random(seed: UInt64) throws {
    let folder = try TemporaryFolder()
    let trace = RandomTrace(seed: seed)
    try trace.write(to: folder.path("a.mcap"))
    #expect(try folder.names == ["a.mcap"])
    let reader = try TraceReader(path: folder.path("a.mcap"))
    #expect(reader.isComplete)
    #expect(reader.run == trace.run)
    #expect(reader.tensors == trace.tensors)
    #expect(try frames(reader) == trace.frames)
  }

  @Test("The same calls give the same bytes")
  func deterministic() throws {
    let folder = try TemporaryFolder()
    try RandomTrace(seed: 9).write(to: folder.path("a.mcap"))
    try RandomTrace(seed: 9).write(to: folder.path("b.mcap"))
    #expect(try fileBytes(folder.path("a.mcap")) == fileBytes(folder.path("b.mcap")))
  }

  @Test("Frames larger than a chunk are read to what was written")
  func large() throws {
    let folder = try TemporaryFolder()
    let tensors = [12_000_000, 10, 300_000].enumerated().map { index, count in
      TensorStream(
        role: .layer, index: index,
        description: TensorDescription(name: "", elementType: .uint8, shape: [count]))
    }
    func bytes(_ stream: Int, _ frame: Int) -> [UInt8] {
      (0..<tensors[stream].description.shape.dimensions[0]).map {
        UInt8(truncatingIfNeeded: $0 &* 31 &+ frame)
      }
    }
    var writer = try TraceWriter(
      path: folder.path("a.mcap"), run: RunDescription(), tensors: tensors)
    for frame in 0..<3 {
      try writer.beginFrame(
        FrameDescription(index: frame, name: "", timeNanoseconds: UInt64(frame)))
      for stream in tensors.indices {
        unsafe try writer.write(bytes(stream, frame).span.bytes, toTensor: stream)
      }
      try writer.endFrame()
    }
    try writer.finish()
    let reader = try TraceReader(path: folder.path("a.mcap"))
    for frame in [2, 0, 1] {
      for stream in tensors.indices {
        let expected = bytes(stream, frame)
        let isEqual = try reader.withTensor(stream, frame: frame) { found in
          unsafe found.withUnsafeBytes { unsafe $0.elementsEqual(expected) }
        }
        #expect(isEqual == true)
      }
    }
  }

  @Test("A writer that is dropped leaves nothing behind; one that died leaves its complete frames")
  func unfinished() throws {
    let folder = try TemporaryFolder()
    let tensor = TensorStream(
      role: .output, index: 0,
      description: TensorDescription(name: "y", elementType: .uint8, shape: [1]))
    do {
      var writer = try TraceWriter(
        path: folder.path("a.mcap"), run: RunDescription(model: "m"), tensors: [tensor])
      for frame in 0..<3 {
        try writer.beginFrame(FrameDescription(index: frame, name: "n", timeNanoseconds: 0))
        unsafe try writer.write([UInt8(frame)].span.bytes, toTensor: 0)
        if frame < 2 { try writer.endFrame() }
      }
      let reader = try TraceReader(path: folder.path(try #require(folder.names.first)))
      #expect(!reader.isComplete)
      #expect(reader.run.model == "m")
      #expect(try frames(reader).map(\.tensors) == [[[0]], [[1]]])
    }
    #expect(try folder.names.isEmpty)
  }

  @Test("What contradicts the descriptions or the order of calls is refused, and the trace goes on")
  func misuse() throws {
    let folder = try TemporaryFolder()
    let tensor = TensorStream(
      role: .layer, index: 3,
      description: TensorDescription(name: "t", elementType: .float32, shape: [2]))
    for (tensors, words) in [
      ([tensor, tensor], "two tensors are /layers/0003"),
      (
        [
          TensorStream(
            role: .input, index: 0,
            description: TensorDescription(
              name: "x", elementType: .int8, shape: [1],
              quantization: Quantization(scales: [.nan])))
        ], "not a finite number"
      ),
      (
        [
          TensorStream(
            role: .input, index: 0,
            description: TensorDescription(
              name: "x", elementType: .int8, shape: [1 << 40, 1 << 40, 0]))
        ], "no memory holds"
      ),
    ] {
      let error = #expect(throws: TraceError.self) {
        _ = try TraceWriter(path: folder.path("b.mcap"), run: RunDescription(), tensors: tensors)
      }
      #expect(error?.message.contains(words) == true)
    }
    var messages: [String] = []
    var writer = try TraceWriter(
      path: folder.path("a.mcap"), run: RunDescription(), tensors: [tensor])
    func note(_ error: any Error) { messages.append("\(error)") }
    let frame = FrameDescription(index: 5, name: "n", timeNanoseconds: 0)
    let four = [UInt8](repeating: 1, count: 4)
    let eight = [UInt8](repeating: 1, count: 8)
    do { unsafe try writer.write(eight.span.bytes, toTensor: 0) } catch { note(error) }
    do { try writer.endFrame() } catch { note(error) }
    try writer.beginFrame(frame)
    do { try writer.beginFrame(frame) } catch { note(error) }
    do { unsafe try writer.write(four.span.bytes, toTensor: 0) } catch { note(error) }
    do { unsafe try writer.write(four.span.bytes, toTensor: 1) } catch { note(error) }
    unsafe try writer.write(eight.span.bytes, toTensor: 0)
    do { unsafe try writer.write(eight.span.bytes, toTensor: 0) } catch { note(error) }
    try writer.endFrame()
    do { try writer.beginFrame(frame) } catch { note(error) }
    let expected = [
      "no frame is under way", "no frame is under way", "frame 5 is under way",
      "takes 8 bytes (float32 [2]), 4 given", "tensor 1 is not one of 1",
      "frame 5 has /layers/0003 already", "frame 5 follows 5",
    ]
    #expect(messages.count == expected.count)
    for (message, words) in zip(messages, expected) { #expect(message.contains(words)) }
    try writer.finish()
    let reader = try TraceReader(path: folder.path("a.mcap"))
    #expect(try frames(reader).map(\.tensors) == [[eight]])
  }

  @Test("Whole floats and scales keep every bit on their way through text")
  func scales() throws {
    let folder = try TemporaryFolder()
    let scales: [Float] = [
      .leastNonzeroMagnitude, .greatestFiniteMagnitude, 0.1, 1 / 3, 0.003_921_569, 1e-30,
    ]
    let tensor = TensorStream(
      role: .input, index: 0,
      description: TensorDescription(
        name: "x", elementType: .int64, shape: [6],
        quantization: Quantization(
          scales: scales, zeroPoints: [.min, .max, 0, 1, -1, 7], axis: 0)))
    let writer = try TraceWriter(
      path: folder.path("a.mcap"), run: RunDescription(), tensors: [tensor])
    try writer.finish()
    #expect(try TraceReader(path: folder.path("a.mcap")).tensors == [tensor])
  }
}
