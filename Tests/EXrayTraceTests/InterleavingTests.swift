import EXrayCore
import EXraySketch
import EXrayTestKit
import EXrayTrace
import Testing

/// What a frame was given, in the order in which it was.
struct FrameContents: Equatable {
  struct Picture: Equatable {
    var layout: ImageLayout
    var pixels: [UInt8]
  }

  var record: FrameRecord
  var raw: RawInput?
  var values: [Int: [[UInt8]]] = [:]
  var sketches: [Int: [TensorSketch]] = [:]
  var pictures: [Picture] = []
  var boxes: [BoxSample] = []
  var scalars: [ScalarSample] = []
  var findings: [FindingSample] = []
}

/// Frames that overlap, and what lies between them, made from a seed and written as they are made.
struct Interleaving {
  private var random: SplitMix64
  private let largest: Int
  private(set) var tensors: [(stream: TensorStream, isSketched: Bool)] = []
  private var open: [UInt32: FrameContents] = [:]
  private(set) var frames: [FrameContents] = []
  private(set) var readings: [SensorReading] = []
  private(set) var outerScalars: [ScalarSample] = []
  private(set) var gaps: [GapSample] = []
  private(set) var overhead: OverheadSample?
  private(set) var outerValues: [Int: [[UInt8]]] = [:]

  /// - Parameter largest: The most bytes of a payload.
  init(seed: UInt64, largest: Int = 300_001) {
    random = SplitMix64(seed: seed)
    self.largest = largest
  }

  /// Writes a random trace; what is left of it are its contents.
  mutating func write(to path: String, steps: Int) throws {
    var options = TraceWriterOptions()
    options.flushesEveryFrame = chance(1, of: 2)
    var writer = try TraceWriter(
      path: path, run: RunDescription(model: "before"), options: options)
    var numbers = Array(UInt32(0)..<40).shuffled(using: &random) + [.max - 1]
    for _ in 0..<steps {
      switch Int.random(in: 0..<12, using: &random) {
      case 0: try addTensor(&writer)
      case 1...2 where open.count < 5:
        if let number = numbers.popLast() { open[number] = begin(number) }
      case 3: try writeOutside(&writer)
      case 4 where chance(1, of: 3): try writer.flush()
      case 5:
        if let number = open.keys.sorted().randomElement(using: &random),
          let contents = open.removeValue(forKey: number)
        {
          try writer.write(contents.record)
          frames.append(contents)
        }
      default:
        if let number = open.keys.sorted().randomElement(using: &random) {
          try writeInside(number, &writer)
        }
      }
    }
    try writer.replaceRun(RunDescription(model: "after"))
    try writer.finish()
    frames.sort { $0.record.frame.index < $1.record.frame.index }
  }

  private mutating func chance(_ part: Int, of whole: Int) -> Bool {
    Int.random(in: 0..<whole, using: &random) < part
  }

  private mutating func time() -> UInt64 { .random(in: 0...UInt64.max, using: &random) }

  private mutating func text() -> String {
    ["", "cat", "a:b \"c\" \\", "é\n\u{1}\u{1F}\u{10FFFF}"].randomElement(using: &random) ?? ""
  }

  private mutating func number() -> Double {
    [0, -0.0, 1 / 3, 1e300, -Double.leastNonzeroMagnitude, .infinity, -.infinity, 12].randomElement(
      using: &random) ?? 0
  }

  private mutating func bytes(_ count: Int) -> [UInt8] {
    let start = UInt8.random(in: 0...255, using: &random)
    return (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 7) &+ start }
  }

  private mutating func addTensor(_ writer: inout TraceWriter) throws {
    // Byte counts on both sides of what is copied and what is written from where it lies.
    let sizes = [0, 3, 40, 70_000, 262_144, 300_001].filter { $0 <= largest }
    let count = sizes.randomElement(using: &random) ?? 1
    let stream = TensorStream(
      role: TensorRole.allCases.randomElement(using: &random) ?? .custom,
      index: Int.random(in: 0..<3, using: &random),
      description: TensorDescription(
        name: text(), elementType: .uint8, shape: chance(1, of: 2) ? [count] : [1, count]))
    let isSketched = chance(1, of: 4)
    guard !tensors.contains(where: { $0.stream == stream && $0.isSketched == isSketched }) else {
      return
    }
    #expect(try writer.addTensor(stream, isSketched: isSketched) == tensors.count)
    tensors.append((stream, isSketched))
  }

  private mutating func begin(_ number: UInt32) -> FrameContents {
    var record = FrameRecord(
      frame: FrameDescription(
        index: Int(number), name: text(), label: chance(1, of: 2) ? text() : nil,
        timeNanoseconds: time()))
    if chance(1, of: 2) {
      record.latency = LatencySample(
        preprocessNanoseconds: time(), inferenceNanoseconds: time(), endToEndNanoseconds: time())
      record.memory = MemorySample(residentBytes: time(), peakBytes: time())
      record.processorNanoseconds = time()
      record.spans = [
        SpanSample(name: text(), startNanoseconds: time(), durationNanoseconds: time()),
        SpanSample(name: text(), startNanoseconds: 0, durationNanoseconds: 0),
      ]
      record.ops = [
        OpTimingSample(label: text(), opIndex: chance(1, of: 2) ? 7 : nil, microseconds: 9)
      ]
    }
    if chance(1, of: 4) {
      record.raw = RawDescription(
        mediaType: "image/jpeg", name: text(), sha256: String(repeating: "0f", count: 32),
        byteCount: 77)
    }
    return FrameContents(record: record)
  }

  private mutating func writeInside(_ frame: UInt32, _ writer: inout TraceWriter) throws {
    guard var contents = open[frame] else { return }
    defer { open[frame] = contents }
    let time = time()
    switch Int.random(in: 0..<8, using: &random) {
    case 0 where contents.raw == nil && contents.record.raw == nil:
      let types = ["image/jpeg", "image/png", "image/webp", "image/gif", "application/x-npy"]
      let raw = RawInput(
        mediaType: types.randomElement(using: &random) ?? "", name: text(),
        bytes: bytes(chance(1, of: 8) ? min(largest, 300_000) : 20))
      unsafe try writer.writeRaw(
        raw.bytes.span.bytes, mediaType: raw.mediaType, name: raw.name, frame: frame, time: time)
      contents.raw = raw
    case 1:
      let encoding = ImageLayout.Encoding.allCases.randomElement(using: &random) ?? .mono8
      let width = Int.random(in: 0...9, using: &random)
      let layout = ImageLayout(
        width: width, height: Int.random(in: 0...5, using: &random),
        rowByteCount: chance(1, of: 2) ? nil : width * encoding.pixelByteCount + 5,
        encoding: encoding)
      let pixels = bytes(layout.rowByteCount * layout.height)
      unsafe try writer.write(layout, pixels: pixels.span.bytes, frame: frame, time: time)
      contents.pictures.append(FrameContents.Picture(layout: layout, pixels: pixels))
    case 2:
      let boxes = (0..<Int.random(in: 0...3, using: &random)).map { _ in
        BoxSample(
          x: number(), y: number(), width: number(), height: number(), label: text(),
          score: chance(1, of: 2) ? number() : nil)
      }
      try writer.write(boxes, frame: frame, time: time)
      contents.boxes += boxes
    case 3:
      let scalar = ScalarSample(name: text(), value: number())
      try writer.write(scalar, frame: frame, time: time)
      contents.scalars.append(scalar)
    case 4:
      let finding = FindingSample(
        check: text(), outcome: chance(1, of: 2) ? .fail : .inconclusive, message: text(),
        tensor: chance(1, of: 2) ? text() : nil)
      try writer.write(finding, frame: frame, time: time)
      contents.findings.append(finding)
    default:
      guard let position = tensors.indices.randomElement(using: &random) else { return }
      let (stream, isSketched) = tensors[position]
      let hasTopic =
        contents.values.keys.contains { tensors[$0].stream.topic == stream.topic }
        || contents.sketches.keys.contains { tensors[$0].stream.topic == stream.topic }
      guard stream.role == .custom || !hasTopic else { return }
      let values = bytes(stream.description.byteCount ?? 0)
      if isSketched {
        let sketch = unsafe TensorSketch(of: values.span.bytes, as: stream.description, seed: 3)
        try writer.write(sketch, toTensor: position, frame: frame, time: time)
        contents.sketches[position, default: []].append(sketch)
      } else {
        unsafe try writer.write(
          values.span.bytes, toTensor: position, frame: frame, time: time)
        contents.values[position, default: []].append(values)
      }
    }
  }

  private mutating func writeOutside(_ writer: inout TraceWriter) throws {
    switch Int.random(in: 0..<5, using: &random) {
    case 0:
      let kind = SensorReading.kinds.randomElement(using: &random) ?? ""
      let count = ["orientation": 4, "accelerometer": 3, "gyroscope": 3][kind] ?? 1
      let reading = try #require(
        SensorReading(kind: kind, components: (0..<count).map { _ in number() }))
      try writer.write(reading, time: time())
      readings.append(reading)
    case 1:
      let gap = GapSample(
        reason: "ring-full", eventCount: time(), byteCount: time(),
        firstFrame: chance(1, of: 2) ? 3 : nil, lastFrame: chance(1, of: 2) ? .max : nil)
      try writer.write(gap, time: time())
      gaps.append(gap)
    case 2:
      let sample = OverheadSample(
        frames: time(), events: time(), bytes: 3, droppedEvents: 4, droppedBytes: 5,
        appNanoseconds: 6, writerNanoseconds: 7, peakRingBytes: 8, fileBytes: time())
      try writer.write(sample, time: time())
      overhead = sample
    case 3:
      let scalar = ScalarSample(name: text(), value: number())
      try writer.write(scalar, frame: nil, time: time())
      outerScalars.append(scalar)
    default:
      guard
        let position = tensors.indices.filter({ !tensors[$0].isSketched })
          .randomElement(using: &random)
      else { return }
      let values = bytes(tensors[position].stream.description.byteCount ?? 0)
      unsafe try writer.write(values.span.bytes, toTensor: position, frame: nil, time: time())
      outerValues[position, default: []].append(values)
    }
  }
}

/// All that a reader finds in a frame.
func contents(of frame: Int, _ reader: TraceReader) throws -> FrameContents {
  let copy = { (bytes: RawSpan) in unsafe bytes.withUnsafeBytes { unsafe [UInt8]($0) } }
  var found = FrameContents(record: FrameRecord(frame: reader.frames[frame]))
  found.record.latency = try reader.latency(frame: frame)
  found.record.memory = try reader.memory(frame: frame)
  found.record.processorNanoseconds = try reader.processorNanoseconds(frame: frame)
  found.record.spans = try reader.spans(frame: frame)
  found.record.ops = try reader.ops(frame: frame)
  found.raw = try reader.rawInput(frame: frame)
  if found.raw == nil { found.record.raw = try reader.rawDescription(frame: frame) }
  for stream in reader.tensors.indices {
    for repetition in 0..<(try reader.count(ofTensor: stream, frame: frame)) {
      if let sketch = try reader.sketch(of: stream, frame: frame, repetition: repetition) {
        found.sketches[stream, default: []].append(sketch)
      }
      if let bytes = try reader.withTensor(stream, frame: frame, repetition: repetition, copy) {
        found.values[stream, default: []].append(bytes)
      }
    }
  }
  for repetition in 0..<(try reader.imageCount(frame: frame)) {
    let picture = try reader.withImage(frame: frame, repetition: repetition) {
      FrameContents.Picture(layout: $0, pixels: copy($1))
    }
    if let picture { found.pictures.append(picture) }
  }
  found.boxes = try reader.boxes(frame: frame)
  found.scalars = try reader.scalars(frame: frame)
  found.findings = try reader.findings(frame: frame)
  return found
}

@Suite("Frames that overlap")
struct InterleavingTests {
  @Test(
    "Whatever the order of the calls, each frame is read to what it was given", arguments: 0..<60)
  func random(seed: UInt64) throws {
    let folder = try TemporaryFolder()
    var trace = Interleaving(seed: seed)
    try trace.write(to: folder.path("a.mcap"), steps: 400)
    let reader = try TraceReader(path: folder.path("a.mcap"))
    #expect(reader.run.model == "after")
    #expect(reader.tensors == trace.tensors.map(\.stream))
    #expect(reader.tensors.indices.map(reader.isSketched) == trace.tensors.map(\.isSketched))
    #expect(reader.frames == trace.frames.map(\.record.frame))
    for (frame, expected) in trace.frames.enumerated() {
      #expect(try contents(of: frame, reader) == expected)
    }
    for kind in SensorReading.kinds {
      var readings: [SensorReading] = []
      try reader.forEachReading(of: kind) { reading, moment in
        #expect(moment.frameIndex == nil)
        readings.append(reading)
      }
      #expect(readings == trace.readings.filter { $0.kind == kind })
      #expect(reader.readingCount(of: kind) == readings.count)
    }
    var (scalars, gaps): ([ScalarSample], [GapSample]) = ([], [])
    try reader.forEachScalar { if $1.frameIndex == nil { scalars.append($0) } }
    try reader.forEachGap { gap, _ in gaps.append(gap) }
    #expect(scalars == trace.outerScalars)
    #expect(gaps == trace.gaps && reader.gapCount == gaps.count)
    #expect(try reader.overhead() == trace.overhead)
    for stream in reader.tensors.indices {
      var values: [[UInt8]] = []
      try reader.forEachValue(ofTensor: stream) { bytes, moment in
        if moment.frameIndex == nil {
          values.append(unsafe bytes.withUnsafeBytes { unsafe [UInt8]($0) })
        }
      }
      #expect(values == trace.outerValues[stream] ?? [])
    }
  }

  @Test("The same calls give the same bytes, whatever the hash seeds", arguments: 0..<3)
  func deterministic(seed: UInt64) throws {
    let folder = try TemporaryFolder()
    for name in ["a.mcap", "b.mcap"] {
      var trace = Interleaving(seed: seed)
      try trace.write(to: folder.path(name), steps: 200)
    }
    #expect(try fileBytes(folder.path("a.mcap")) == fileBytes(folder.path("b.mcap")))
  }

  @Test("Cut anywhere, a trace gives only whole frames", arguments: 0..<4)
  func truncation(seed: UInt64) throws {
    let folder = try TemporaryFolder()
    var trace = Interleaving(seed: seed, largest: 100)
    try trace.write(to: folder.path("a.mcap"), steps: 150)
    let whole = try fileBytes(folder.path("a.mcap"))
    var random = SplitMix64(seed: seed)
    var most = 0
    for _ in 0..<150 {
      try write(
        Array(whole.prefix(.random(in: 0..<whole.count, using: &random))), to: folder.path("b.mcap")
      )
      guard let reader = try? TraceReader(path: folder.path("b.mcap")) else { continue }
      for (frame, description) in reader.frames.enumerated() {
        let expected = trace.frames.first { $0.record.frame.index == description.index }
        #expect(try contents(of: frame, reader) == expected)
      }
      most = max(most, reader.frames.count)
    }
    #expect(most > 0)
  }

  @Test("A flipped bit gives an error or the frames as they were", arguments: 0..<4)
  func flips(seed: UInt64) throws {
    let folder = try TemporaryFolder()
    var trace = Interleaving(seed: seed, largest: 100)
    try trace.write(to: folder.path("a.mcap"), steps: 60)
    let whole = try fileBytes(folder.path("a.mcap"))
    var random = SplitMix64(seed: seed)
    for _ in 0..<200 {
      var changed = whole
      let place = Int.random(in: 0..<whole.count, using: &random)
      changed[place] ^= 1 << UInt8.random(in: 0..<8, using: &random)
      try write(changed, to: folder.path("b.mcap"))
      do {
        let reader = try TraceReader(path: folder.path("b.mcap"))
        let found = try reader.frames.indices.map { try contents(of: $0, reader) }
        #expect(found == trace.frames, "byte \(place)")
      } catch {
        #expect(error is TraceError, "\(error)")
      }
    }
  }
}
