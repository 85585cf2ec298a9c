import EXrayCore
import EXraySketch
import EXrayTestKit
import EXrayTrace
import MCAP
import Testing

@Suite("What a writer of overlapping frames accepts")
struct WriterRulesTests {
  private func stream(_ role: TensorRole, _ count: Int = 2) -> TensorStream {
    TensorStream(
      role: role, index: 0,
      description: TensorDescription(name: "t", elementType: .uint8, shape: [count]))
  }

  private func record(_ index: Int) -> FrameRecord {
    FrameRecord(frame: FrameDescription(index: index, name: "", timeNanoseconds: 0))
  }

  @Test("What has no place in the trace is refused, and the trace goes on")
  func misuse() throws {
    let folder = try TemporaryFolder()
    var writer = try TraceWriter(path: folder.path("a.mcap"), run: RunDescription())
    var messages: [String] = []
    func note(_ error: any Error) { messages.append("\(error)") }
    let (two, three): ([UInt8], [UInt8]) = ([1, 2], [1, 2, 3])
    let layer = try writer.addTensor(stream(.layer))
    let wider = try writer.addTensor(stream(.layer, 3))
    let sketched = try writer.addTensor(stream(.layer), isSketched: true)
    let sketch = unsafe TensorSketch(of: two.span.bytes, as: stream(.layer).description)
    unsafe try writer.write(two.span.bytes, toTensor: layer, frame: 1, time: 0)
    do { _ = try writer.addTensor(stream(.layer)) } catch { note(error) }
    do {
      unsafe try writer.write(three.span.bytes, toTensor: wider, frame: 1, time: 0)
    } catch { note(error) }
    do { try writer.write(sketch, toTensor: sketched, frame: 1, time: 0) } catch { note(error) }
    do { try writer.write(sketch, toTensor: layer, frame: 2, time: 0) } catch { note(error) }
    do {
      unsafe try writer.write(two.span.bytes, toTensor: sketched, frame: 2, time: 0)
    } catch { note(error) }
    do {
      unsafe try writer.write(
        ImageLayout(width: 2, height: 1, encoding: .rgb8), pixels: two.span.bytes, frame: 1, time: 0
      )
    } catch { note(error) }
    do {
      unsafe try writer.write(
        ImageLayout(width: .max, height: -1, encoding: .rgb8), pixels: two.span.bytes, frame: 1,
        time: 0)
    } catch { note(error) }
    do { try writer.write(record(Int(UInt32.max))) } catch { note(error) }
    do { try writer.write(record(-1)) } catch { note(error) }
    do {
      try writer.write(ScalarSample(name: "", value: 0), frame: .max, time: 0)
    } catch { note(error) }
    var withoutDigest = record(1)
    withoutDigest.raw = RawDescription(mediaType: "image/png", name: "p")
    do { try writer.write(withoutDigest) } catch { note(error) }
    var long = record(1)
    long.ops = [
      OpTimingSample(label: String(repeating: "x", count: 16 << 20), opIndex: 1, microseconds: 1)
    ]
    long.latency = LatencySample(
      preprocessNanoseconds: 1, inferenceNanoseconds: 1, endToEndNanoseconds: 1)
    do { try writer.write(long) } catch { note(error) }
    unsafe try writer.writeRaw(
      two.span.bytes, mediaType: "image/png", name: "p", frame: 1, time: 0)
    do {
      unsafe try writer.writeRaw(
        two.span.bytes, mediaType: "text/plain", name: "p", frame: 1, time: 0)
    } catch { note(error) }
    try writer.write(record(1))
    do { try writer.write(record(1)) } catch { note(error) }
    do {
      try writer.write(ScalarSample(name: "", value: 0), frame: 1, time: 0)
    } catch { note(error) }
    let expected = [
      "two tensors are /layers/0000", "frame 1 has /layers/0000 already",
      "frame 1 has /layers/0000 already", "/layers/0000 takes values",
      "/layers/0000 takes sketches",
      "2 × 1 pixels rgb8 and 6 bytes a row does not take 2 bytes", "does not take 2 bytes",
      "below 2³² − 1", "below 2³² − 1", "below 2³² − 1", "without its digest",
      "of frame 1 takes 16777", "a raw input already", "frame 1 has ended", "frame 1 has ended",
    ]
    #expect(messages.count == expected.count)
    for (message, words) in zip(messages, expected) {
      #expect(message.contains(words), "\(message.prefix(300))")
    }
    try writer.finish()
    let reader = try TraceReader(path: folder.path("a.mcap"))
    #expect(reader.frames == [record(1).frame])
    #expect(try reader.withTensor(0, frame: 0) { $0.byteCount } == 2)
    #expect(try reader.rawInput(frame: 0)?.bytes == two && reader.latency(frame: 0) == nil)
  }

  @Test("Frames that have ended in any order stay ended", arguments: 0..<5)
  func ended(seed: UInt64) throws {
    let folder = try TemporaryFolder()
    var random = SplitMix64(seed: seed)
    var options = TraceWriterOptions()
    options.flushesEveryFrame = false
    var writer = try TraceWriter(
      path: folder.path("a.mcap"), run: RunDescription(), options: options)
    var ended: Set<Int> = []
    for _ in 0..<2000 {
      let index = Int.random(in: 0..<500, using: &random)
      do {
        try writer.write(record(index))
        #expect(ended.insert(index).inserted)
      } catch {
        #expect(ended.contains(index))
      }
    }
    try writer.finish()
    let reader = try TraceReader(path: folder.path("a.mcap"))
    #expect(reader.frames.map(\.index) == ended.sorted())
  }

  @Test("Frames that are not flushed each share chunks, and count from the flush on")
  func batches() throws {
    let folder = try TemporaryFolder()
    var options = TraceWriterOptions()
    options.flushesEveryFrame = false
    var writer = try TraceWriter(
      path: folder.path("a.mcap"), run: RunDescription(), tensors: [stream(.output)],
      options: options)
    let before = writer.byteCount
    let values: [UInt8] = [1, 2]
    for index in 0..<2000 {
      unsafe try writer.write(values.span.bytes, toTensor: 0, frame: UInt32(index), time: 0)
      try writer.write(record(index))
      if index == 99 {
        try writer.flush()
        let reader = try TraceReader(path: folder.path(try #require(folder.names.first)))
        #expect(reader.frames.count == 100 && !reader.isComplete)
      }
    }
    #expect(writer.byteCount > before + 2000 * 40)
    try writer.finish()
    let container = try Reader(path: folder.path("a.mcap"))
    #expect(container.chunks.count < 10)
    #expect(try TraceReader(container: container).frames.count == 2000)
  }

  @Test("Small messages lie apart from large tensors, so that reading them touches few bytes")
  func chunks() throws {
    let folder = try TemporaryFolder()
    for flushes in [true, false] {
      var options = TraceWriterOptions()
      options.flushesEveryFrame = flushes
      var writer = try TraceWriter(
        path: folder.path("a.mcap"), run: RunDescription(),
        tensors: [stream(.layer, 100_000), stream(.output, 400_000)], options: options)
      for index in 0..<8 {
        for (position, count) in [100_000, 400_000].enumerated() {
          try writer.write(ScalarSample(name: "s", value: 1), frame: UInt32(index), time: 0)
          unsafe try writer.write(
            [UInt8](repeating: 1, count: count).span.bytes, toTensor: position,
            frame: UInt32(index), time: 0)
        }
        try writer.write(record(index))
      }
      try writer.finish()
      let container = try Reader(path: folder.path("a.mcap"))
      var small: Set<Int> = []
      for channel in container.channels where channel.messageEncoding == "json" {
        for position in 0..<container.messageCount(channelID: channel.id) {
          let chunk = try container.chunkPosition(channelID: channel.id, at: position)
          small.insert(try #require(chunk))
        }
      }
      #expect(small.allSatisfy { container.chunks[$0].records.count < 100_000 })
    }
  }

  @Test("A disk that takes nothing fails every call, and ends with its own words")
  func fullDisk() throws {
    var options = TraceWriterOptions()
    options.keepsIncompleteFile = true
    var writer = try? TraceWriter(path: "/dev/full", run: RunDescription(), options: options)
    guard writer != nil else { return }
    for index in 0..<3 {
      #expect(throws: TraceError.self) { try writer?.write(record(index)) }
    }
    let error = #expect(throws: TraceError.self) { try writer.take()?.finish() }
    #expect(error?.code == .container && error?.message.contains("No space left") == true)
  }
}
