// One frame after the other, for those who have no frames that overlap.
extension TraceWriter {
  struct CurrentFrame {
    var record: FrameRecord
    var number: UInt32
    var time: UInt64 { record.frame.timeNanoseconds }
  }

  /// Begins a frame.
  ///
  /// - Throws: ``TraceError`` `.invalidArgument` where a frame is under way, or the index does not exceed the last
  ///   frame's or does not lie below 2³² − 1.
  public mutating func beginFrame(_ frame: FrameDescription) throws(TraceError) {
    if let current {
      throw misuse("frame \(current.number) is under way; end it first")
    }
    guard frame.index > lastIndex, let number = UInt32(exactly: frame.index),
      number != TraceLayout.noFrame
    else {
      throw misuse(
        "frame \(frame.index) follows \(lastIndex); indices must rise and lie below 2³² − 1")
    }
    current = CurrentFrame(record: FrameRecord(frame: frame), number: number)
    lastIndex = frame.index
  }

  /// Writes the values of one tensor in the frame under way.
  ///
  /// - Parameters:
  ///   - bytes: Packed little-endian values in row-major order.
  ///   - stream: A position in the list of tensors that the trace was created with.
  public mutating func write(_ bytes: RawSpan, toTensor stream: Int) throws(TraceError) {
    let frame = try requireFrame()
    try write(bytes, toTensor: stream, frame: frame.number, time: frame.time)
  }

  /// Writes what the frame under way was made from.
  public mutating func write(_ raw: RawInput) throws(TraceError) {
    let frame = try requireFrame()
    unsafe try writeRaw(
      raw.bytes.span.bytes, mediaType: raw.mediaType, name: raw.name, frame: frame.number,
      time: frame.time)
  }

  /// Notes how long the frame under way took.
  public mutating func write(_ latency: LatencySample) throws(TraceError) {
    let frame = try requireFrame()
    guard frame.record.latency == nil else {
      throw misuse("frame \(frame.number) has a latency already")
    }
    current?.record.latency = latency
  }

  /// Notes the memory held in the frame under way.
  public mutating func write(_ memory: MemorySample) throws(TraceError) {
    let frame = try requireFrame()
    guard frame.record.memory == nil else {
      throw misuse("frame \(frame.number) has its memory already")
    }
    current?.record.memory = memory
  }

  /// Notes a stretch of time within the frame under way.
  public mutating func write(_ span: SpanSample) throws(TraceError) {
    _ = try requireFrame()
    current?.record.spans.append(span)
  }

  /// Notes times of ops in the frame under way, after those noted before.
  public mutating func write(_ ops: [OpTimingSample]) throws(TraceError) {
    _ = try requireFrame()
    current?.record.ops += ops
  }

  /// Ends the frame under way; from now on it counts.
  public mutating func endFrame() throws(TraceError) {
    try write(requireFrame().record)
    current = nil
  }

  private func requireFrame() throws(TraceError) -> CurrentFrame {
    guard let current else { throw misuse("no frame is under way; begin one first") }
    return current
  }
}
