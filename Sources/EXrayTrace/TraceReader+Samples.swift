import EXrayJSON
import MCAP

// What a frame holds beside its tensors; positions of frames are those in ``frames``.
extension TraceReader {
  /// How long a frame took, or nil where that was not noted.
  public func latency(frame: Int) throws(TraceError) -> LatencySample? {
    try onlyJSON(.latency, frame) { (json) throws(Fault) in try LatencySample(json: json) }
  }

  /// The memory held in a frame, or nil where that was not noted.
  public func memory(frame: Int) throws(TraceError) -> MemorySample? {
    try onlyJSON(.memory, frame) { (json) throws(Fault) in try MemorySample(json: json) }
  }

  /// The processor time that was used in a frame, or nil where that was not noted.
  public func processorNanoseconds(frame: Int) throws(TraceError) -> UInt64? {
    try onlyJSON(.processor, frame) { (json) throws(Fault) in
      try ProcessorSample.nanoseconds(json: json)
    }
  }

  /// The stretches of time noted in a frame.
  public func spans(frame: Int) throws(TraceError) -> [SpanSample] {
    try list(.spans, frame) { (json) throws(Fault) in try SpanSample(json: json) }
  }

  /// The times of ops noted in a frame.
  public func ops(frame: Int) throws(TraceError) -> [OpTimingSample] {
    try list(.ops, frame) { (json) throws(Fault) in try OpTimingSample(json: json) }
  }

  /// The numbers noted in a frame, in the order of the file.
  public func scalars(frame: Int) throws(TraceError) -> [ScalarSample] {
    try every(.scalars, frame) { (json) throws(Fault) in try ScalarSample(json: json) }
  }

  /// What checks found in a frame, in the order of the file.
  public func findings(frame: Int) throws(TraceError) -> [FindingSample] {
    try every(.findings, frame) { (json) throws(Fault) in try FindingSample(json: json) }
  }

  /// The boxes of a frame, in the order of the file.
  public func boxes(frame: Int) throws(TraceError) -> [BoxSample] {
    guard let channel = streamChannels[.boxes] else { return [] }
    var boxes: [BoxSample] = []
    for place in try places(on: channel, frame: frame) {
      boxes += try messages.decode(channel, at: place, TraceLayout.Stream.boxes.topic) {
        (_, bytes) throws(Fault) in
        try TraceLayout.requireSmall(bytes)
        return try BoxesMessage.parse(bytes)
      }
    }
    return boxes
  }

  /// How many pictures a frame has as pixels.
  public func imageCount(frame: Int) throws(TraceError) -> Int {
    try places(on: streamChannels[.image], frame: frame).count
  }

  /// Calls `body` with the layout and the pixels of a frame's picture, where they lie in the file.
  ///
  /// - Parameter repetition: Which of several.
  /// - Returns: What `body` returns, or nil where the frame has no such picture.
  public func withImage<Result>(
    frame: Int, repetition: Int = 0, _ body: (ImageLayout, RawSpan) throws -> Result
  ) throws -> Result? {
    let places = try places(on: streamChannels[.image], frame: frame)
    guard let channel = streamChannels[.image], places.indices.contains(repetition) else {
      return nil
    }
    return try messages.withMessage(on: channel, at: places[repetition]) { message, bytes in
      let image: (layout: ImageLayout, data: Range<Int>)
      do throws(Fault) {
        image = try ImageMessage.parse(bytes)
      } catch {
        throw TraceError(
          .invalidMessage, path: path, at: UInt64(clamping: message.payload.lowerBound),
          "\(TraceLayout.Stream.image.topic) message of frame \(message.sequence) \(error.text);"
            + " record the trace anew")
      }
      return try body(image.layout, bytes.extracting(image.data))
    }
  }

  private func list<Item>(
    _ stream: TraceLayout.Stream, _ frame: Int, _ item: (JSONTree) throws(Fault) -> Item
  ) throws(TraceError) -> [Item] {
    try onlyJSON(stream, frame) { (json) throws(Fault) in
      guard case .array(let items) = json.value else { throw Fault("is not a list") }
      var list: [Item] = []
      for json in items { list.append(try item(json)) }
      return list
    } ?? []
  }

  private func every<Sample>(
    _ stream: TraceLayout.Stream, _ frame: Int, _ sample: (JSONTree) throws(Fault) -> Sample
  ) throws(TraceError) -> [Sample] {
    var samples: [Sample] = []
    for place in try places(on: streamChannels[stream], frame: frame) {
      guard let channel = streamChannels[stream] else { break }
      samples.append(
        try messages.decodeJSON(channel, at: place, stream) { (_, json) throws(Fault) in
          try sample(json)
        })
    }
    return samples
  }
}

// What was noted over the whole run, in the order of the file: also what belongs to no frame, or to one that
// never ended, which may hold the last words of an app that died.
extension TraceReader {
  /// Calls `body` with every number that was noted.
  public func forEachScalar(_ body: (ScalarSample, SampleMoment) throws -> Void) throws {
    try forEach(.scalars, body) { (json) throws(Fault) in try ScalarSample(json: json) }
  }

  /// Calls `body` with everything that checks found.
  public func forEachFinding(_ body: (FindingSample, SampleMoment) throws -> Void) throws {
    try forEach(.findings, body) { (json) throws(Fault) in try FindingSample(json: json) }
  }

  /// Calls `body` with every gap.
  public func forEachGap(_ body: (GapSample, SampleMoment) throws -> Void) throws {
    try forEach(.gaps, body) { (json) throws(Fault) in try GapSample(json: json) }
  }

  /// Calls `body` with every reading of one kind of sensor.
  ///
  /// - Parameter kind: One of ``SensorReading/kinds``; nothing is read for any other.
  public func forEachReading(
    of kind: String, _ body: (SensorReading, SampleMoment) throws -> Void
  ) throws {
    guard let sensor = SensorKind(rawValue: kind) else { return }
    try forEach(TraceLayout.Stream(sensor), body) { (json) throws(Fault) in
      try SensorReading(kind: sensor, json: json)
    }
  }

  /// How many readings of one kind of sensor there are.
  public func readingCount(of kind: String) -> Int {
    SensorKind(rawValue: kind).map { count(TraceLayout.Stream($0)) } ?? 0
  }

  /// How many numbers were noted.
  public var scalarCount: Int { count(.scalars) }

  /// How many findings there are.
  public var findingCount: Int { count(.findings) }

  /// How many gaps there are.
  public var gapCount: Int { count(.gaps) }

  /// What recording cost, as last noted; nil where it was not.
  public func overhead() throws(TraceError) -> OverheadSample? {
    let count = count(.overhead)
    guard count > 0, let channel = streamChannels[.overhead] else { return nil }
    return try messages.decodeJSON(channel, at: count - 1, .overhead) { (_, json) throws(Fault) in
      try OverheadSample(json: json)
    }
  }

  private func count(_ stream: TraceLayout.Stream) -> Int {
    streamChannels[stream].map { messages.container.messageCount(channelID: $0) } ?? 0
  }

  private func forEach<Sample>(
    _ stream: TraceLayout.Stream, _ body: (Sample, SampleMoment) throws -> Void,
    _ sample: (JSONTree) throws(Fault) -> Sample
  ) throws {
    guard let channel = streamChannels[stream] else { return }
    for position in 0..<count(stream) {
      let (found, moment) = try messages.decodeJSON(channel, at: position, stream) {
        (message, json) throws(Fault) in (try sample(json), SampleMoment(message))
      }
      try body(found, moment)
    }
  }
}
