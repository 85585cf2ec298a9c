import EXraySketch
import EXraySystem
import Synchronization

// How each kind of event gets into the trace.
extension TraceDrain {
  func record(_ event: Event) {
    switch event.kind {
    case .beginFrame: beginFrame(event)
    case .endFrame: endFrame(event)
    case .span, .preprocess, .inference: note(span: event)
    case .ops: note(ops: event)
    case .tensor: ring.withPayload(of: event) { bytes, _ in recordTensor(event, bytes) }
    case .rawInput:
      ring.withPayload(of: event) { bytes, name in
        recordRaw(event, bytes, String(decoding: name, as: UTF8.self))
      }
    case .image: ring.withPayload(of: event) { bytes, _ in recordImage(event, bytes) }
    case .boxes: ring.withPayload(of: event) { bytes, _ in recordBoxes(event, bytes) }
    case .scalar: recordScalar(event)
    case .sensor: recordSensor(event)
    case .description: describe(event)
    case .check: addCheck(event)
    }
  }

  // MARK: Frames

  private func beginFrame(_ event: Event) {
    ring.withPayload(of: event) { _, text in
      let nameByteCount = min(Int(clamping: event.values.0), text.count)
      let label = event.values.1 == 0 ? nil : text[nameByteCount...]
      frames[event.frame] = OpenFrame(
        description: FrameDescription(
          index: Int(event.frame), name: String(decoding: text[..<nameByteCount], as: UTF8.self),
          label: label.map { String(decoding: $0, as: UTF8.self) }, timeNanoseconds: event.time),
        processorAtBegin: usage.processorNanoseconds(at: event.time))
    }
  }

  func endFrame(_ event: Event) {
    guard let frame = frames.removeValue(forKey: event.frame) else { return }
    var record = FrameRecord(
      frame: frame.description, raw: frame.raw, spans: frame.spans, ops: frame.ops)
    if event.values.1 == 1 {
      record.latency = LatencySample(
        preprocessNanoseconds: frame.preprocess, inferenceNanoseconds: frame.inference,
        endToEndNanoseconds: event.values.0)
    }
    if core.configuration.samplesMemory, !core.clock.isManual {
      usage.sample(at: core.clock.now)
      if let resident = usage.latest?.residentInBytes, let peak = usage.latest?.peakInBytes {
        record.memory = MemorySample(residentBytes: UInt64(resident), peakBytes: UInt64(peak))
      }
      record.processorNanoseconds = usage.processorNanoseconds(
        from: frame.description.timeNanoseconds, known: frame.processorAtBegin, to: event.time)
    }
    write(
      event.frame, events: frame.noted.events + 1, bytes: frame.noted.bytes, frames: 1
    ) { () throws(TraceError) in try trace?.write(record) }
  }

  private func note(span event: Event) {
    let name = core.names.name(event.id)
    guard let index = event.frameIndex else {
      return writeScalar("\(name).durationNanoseconds", Double(event.values.0), event)
    }
    guard let spanCount = frames[index]?.spans.count else { return loseLate(event) }
    guard spanCount < Self.spanLimit else {
      return core.ledger.lose(
        .tooLarge, frame: index,
        note: "a frame has more than \(Self.spanLimit) spans; measure longer stretches")
    }
    frames[index]?.spans.append(
      SpanSample(
        name: name, startNanoseconds: event.time, durationNanoseconds: event.values.0))
    if event.kind == .preprocess { frames[index]?.preprocess &+= event.values.0 }
    if event.kind == .inference { frames[index]?.inference &+= event.values.0 }
    frames[index]?.noted.events += 1
  }

  private func note(ops event: Event) {
    guard let opCount = frames[event.frame]?.ops.count else { return loseLate(event) }
    let stride = MemoryLayout<PackedOp>.stride
    guard opCount + event.byteCount / stride <= Self.opLimit else {
      return core.ledger.lose(
        .tooLarge, bytes: event.byteCount, frame: event.frame,
        note: "a frame has more than \(Self.opLimit) times of ops; log fewer")
    }
    ring.withPayload(of: event) { bytes, _ in
      for offset in Swift.stride(from: 0, to: bytes.byteCount, by: stride) {
        let op = unsafe bytes.unsafeLoad(fromByteOffset: offset, as: PackedOp.self)
        frames[event.frame]?.ops.append(
          OpTimingSample(
            label: core.names.name(UInt32(truncatingIfNeeded: op.label)),
            opIndex: op.opIndex < 0 ? nil : op.opIndex, microseconds: op.microseconds))
      }
    }
    frames[event.frame]?.noted += Tally(events: 1, bytes: UInt64(event.byteCount))
  }

  /// Counts an event whose frame ended before it, on another thread.
  private func loseLate(_ event: Event) {
    core.misuse(
      "frame \(event.frame) was logged to after its end", bytes: event.byteCount,
      frame: event.frame)
  }

  // MARK: Tensors

  private func recordTensor(_ event: Event, _ bytes: RawSpan) {
    let isSketched = core.level == .sketch
    if tensors[event.id] == nil, let stream = core.streams.stream(event.id) {
      tensors[event.id] = DeclaredTensor(stream: stream)
    }
    guard var tensor = tensors[event.id] else { return }
    if event.isChecked { runChecks(event, tensor.stream, bytes) }
    guard event.isLogged,
      !isOverBudget(event, isSketched ? TensorSketch.encodedByteCount : bytes.byteCount)
    else { return }
    guard !hasFailed else { return loseAfterFailure(event) }
    do throws(TraceError) {
      if tensor.position == nil {
        tensor.position = try trace?.addTensor(tensor.stream, isSketched: isSketched)
        tensors[event.id] = tensor
      }
      guard let position = tensor.position else { return }
      if isSketched {
        let sketch = TensorSketch(
          of: bytes, as: tensor.stream.description, seed: core.configuration.sketchSeed)
        try trace?.write(sketch, toTensor: position, frame: event.frameIndex, time: event.time)
      } else {
        try trace?.write(bytes, toTensor: position, frame: event.frameIndex, time: event.time)
      }
      count(Tally(events: 1, bytes: UInt64(bytes.byteCount)))
    } catch {
      lose(error, bytes: UInt64(bytes.byteCount), event.frameIndex)
    }
  }

  private func recordRaw(_ event: Event, _ bytes: RawSpan, _ name: String) {
    guard let hasRaw = frames[event.frame]?.hasRaw else { return loseLate(event) }
    let isDigest = core.configuration.rawInputs == .digest || core.level == .sketch
    guard !isOverBudget(event, isDigest ? 0 : bytes.byteCount) else { return }
    guard !hasRaw else {
      return core.misuse(
        "frame \(event.frame) has a raw input already", bytes: bytes.byteCount, frame: event.frame)
    }
    let mediaType = core.names.name(event.id)
    guard !isDigest else {
      frames[event.frame]?.hasRaw = true
      frames[event.frame]?.raw = RawDescription(
        mediaType: mediaType, name: name, sha256: SHA256.hexadecimal(of: bytes),
        byteCount: UInt64(bytes.byteCount))
      frames[event.frame]?.noted += Tally(events: 1, bytes: UInt64(bytes.byteCount))
      return
    }
    guard !hasFailed else { return loseAfterFailure(event) }
    frames[event.frame]?.hasRaw = true
    do throws(TraceError) {
      try trace?.writeRaw(
        bytes, mediaType: mediaType, name: name, frame: event.frame, time: event.time)
      count(Tally(events: 1, bytes: UInt64(bytes.byteCount)))
    } catch {
      lose(error, bytes: UInt64(bytes.byteCount), event.frame)
    }
  }

  private func recordImage(_ event: Event, _ pixels: RawSpan) {
    guard !isOverBudget(event, pixels.byteCount) else { return }
    guard !hasFailed else { return loseAfterFailure(event) }
    let layout = ImageLayout(
      width: Int(Int64(bitPattern: event.values.0)), height: Int(Int64(bitPattern: event.values.1)),
      rowByteCount: Int(Int64(bitPattern: event.values.2)),
      encoding: ImageLayout.Encoding.allCases[Int(event.id)])
    do throws(TraceError) {
      try trace?.write(layout, pixels: pixels, frame: event.frameIndex, time: event.time)
      count(Tally(events: 1, bytes: UInt64(pixels.byteCount)))
    } catch {
      lose(error, bytes: UInt64(pixels.byteCount), event.frameIndex)
    }
  }

  /// Whether a payload would take the file over its budget; then no further one is written either.
  private func isOverBudget(_ event: Event, _ byteCount: Int) -> Bool {
    guard let budget = core.configuration.byteBudget else { return false }
    if (trace?.byteCount ?? 0) + UInt64(byteCount) > budget {
      core.isOverByteBudget.store(true, ordering: .relaxed)
    }
    guard core.isOverByteBudget.load(ordering: .relaxed) else { return false }
    core.ledger.lose(.byteBudget, bytes: event.byteCount, frame: event.frameIndex)
    return true
  }

  private func loseAfterFailure(_ event: Event) {
    core.ledger.lose(.writeFailed, bytes: event.byteCount, frame: event.frameIndex)
  }

  // MARK: Small events

  private func recordBoxes(_ event: Event, _ bytes: RawSpan) {
    var boxes: [BoxSample] = []
    for offset in stride(from: 0, to: bytes.byteCount, by: MemoryLayout<PackedBox>.stride) {
      let box = unsafe bytes.unsafeLoad(fromByteOffset: offset, as: PackedBox.self)
      boxes.append(
        BoxSample(
          x: box.x, y: box.y, width: box.width, height: box.height,
          label: core.names.name(box.label), score: box.hasScore == 0 ? nil : box.score))
    }
    write(event.frameIndex, bytes: UInt64(bytes.byteCount)) { () throws(TraceError) in
      try trace?.write(boxes, frame: event.frameIndex, time: event.time)
    }
  }

  private func recordScalar(_ event: Event) {
    writeScalar(core.names.name(event.id), Double(bitPattern: event.values.0), event)
  }

  private func writeScalar(_ name: String, _ value: Double, _ event: Event) {
    write(event.frameIndex) { () throws(TraceError) in
      try trace?.write(
        ScalarSample(name: name, value: value), frame: event.frameIndex, time: event.time)
    }
  }

  private func recordSensor(_ event: Event) {
    let kind = SensorReading.kinds[Int(event.id)]
    let values = [event.values.0, event.values.1, event.values.2, event.values.3]
      .map(Double.init(bitPattern:))
    let count = [4, 3, 3, 1, 1][Int(event.id)]
    guard let reading = SensorReading(kind: kind, components: Array(values.prefix(count))) else {
      return
    }
    write(nil) { () throws(TraceError) in try trace?.write(reading, time: event.time) }
  }

  // MARK: Descriptions and checks

  private func describe(_ event: Event) {
    run.take(core.models.withLock { $0[Int(event.id)] })
    write(nil) { () throws(TraceError) in try trace?.replaceRun(run) }
  }

  private func addCheck(_ event: Event) {
    let (check, selector) = core.checks.withLock { $0[Int(event.id)] }
    runners.append(
      CheckRunner(check, on: selector, findingLimit: core.configuration.findingLimit))
    count(Tally(events: 1))
  }

  private func runChecks(_ event: Event, _ stream: TensorStream, _ bytes: RawSpan) {
    let view = TensorView(stream: stream, bytes: bytes, frameIndex: event.frameIndex)
    for index in runners.indices where runners[index].selector.selects(stream) {
      if let finding = runners[index].run(view, number: event.id) {
        write(finding, event.frameIndex, event.time)
      }
    }
  }
}
