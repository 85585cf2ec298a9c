// Small messages, which wait for a chunk apart from the tensors'.
extension TraceWriter {
  /// Writes boxes in the picture.
  public mutating func write(
    _ boxes: [BoxSample], frame: UInt32?, time: UInt64
  ) throws(TraceError) {
    try requireOpen(frame)
    let channelID = try channel(of: .boxes)
    BoxesMessage.append(boxes, time: time, to: &waiting)
    try enqueue(channelID, frame, time)
  }

  /// Writes a named number.
  public mutating func write(
    _ scalar: ScalarSample, frame: UInt32?, time: UInt64
  ) throws(TraceError) {
    try requireOpen(frame)
    let channelID = try channel(of: .scalars)
    scalar.appendJSON(to: &waiting)
    try enqueue(channelID, frame, time)
  }

  /// Writes what a sensor said.
  public mutating func write(_ reading: SensorReading, time: UInt64) throws(TraceError) {
    let channelID = try channel(of: TraceLayout.Stream(reading.sensor))
    reading.appendJSON(to: &waiting)
    try enqueue(channelID, nil, time)
  }

  /// Writes what a check found.
  public mutating func write(
    _ finding: FindingSample, frame: UInt32?, time: UInt64
  ) throws(TraceError) {
    try requireOpen(frame)
    let channelID = try channel(of: .findings)
    finding.appendJSON(to: &waiting)
    try enqueue(channelID, frame, time)
  }

  /// Writes that events are lacking.
  public mutating func write(_ gap: GapSample, time: UInt64) throws(TraceError) {
    let channelID = try channel(of: .gaps)
    gap.appendJSON(to: &waiting)
    try enqueue(channelID, nil, time)
  }

  /// Writes what recording cost so far; readers take the last.
  public mutating func write(_ overhead: OverheadSample, time: UInt64) throws(TraceError) {
    let channelID = try channel(of: .overhead)
    overhead.appendJSON(to: &waiting)
    try enqueue(channelID, nil, time)
  }
}
