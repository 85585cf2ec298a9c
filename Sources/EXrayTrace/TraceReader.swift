import EXrayCore
import EXrayJSON
public import EXraySketch
public import MCAP

/// Reads a trace in place: any tensor of any frame without reading the others.
///
/// Everything is checked: descriptions when the trace is opened, byte counts and checksums when values are
/// asked for. Held in memory are the descriptions, the frames and about 24 bytes a message; tensors stay in the file.
/// Reads from several threads at once are fine.
public final class TraceReader: Sendable {
  /// The file, as the caller named it.
  public let path: String
  /// What ran, on what and how.
  public let run: RunDescription
  /// The tensors of which frames may hold values or sketches, in the order of the writer.
  public let tensors: [TensorStream]
  /// The complete frames, in the order of their indices.
  public let frames: [FrameDescription]
  /// Whether the trace was finished; else its writer died, and ``frames`` are those it had completed.
  public let isComplete: Bool

  let messages: TraceMessages
  let streamChannels: [TraceLayout.Stream: UInt16]
  let tensorChannels: [UInt16]
  private let areSketched: [Bool]
  let table: FrameTable
  /// What each frame was made from, where that is known.
  private let raws: [RawDescription?]

  /// Opens a trace.
  ///
  /// - Parameters:
  ///   - path: A finished trace, or the temporary file of a writer that died.
  ///   - codecs: What decompresses chunks, as of a trace that another program has compressed.
  ///   - verifiesChecksums: Whether a chunk's checksum is computed before its first message is handed out.
  ///   - expectsAll: Whether all tensors will be read, in whatever order: the file then comes in by large pieces.
  /// - Throws: ``TraceError`` with what is wrong, where in the file, and what to do.
  public convenience init(
    path: String, codecs: [MCAP.ChunkCodec] = [], verifiesChecksums: Bool = true,
    expectsAll: Bool = false
  ) throws(TraceError) {
    let container: MCAP.Reader
    do throws(MCAPError) {
      container = try MCAP.Reader(path: path, codecs: codecs, expectsAll: expectsAll)
    } catch {
      throw TraceError(error, path: path)
    }
    try self.init(container: container, verifiesChecksums: verifiesChecksums)
  }

  /// Reads a trace from an open container.
  public init(container: MCAP.Reader, verifiesChecksums: Bool = true) throws(TraceError) {
    let channels = try TraceChannels(container)
    path = container.path
    isComplete = container.isComplete
    run = try TraceChannels.run(container)
    tensors = channels.tensors.map(\.stream)
    areSketched = channels.tensors.map(\.isSketched)
    tensorChannels = channels.tensorChannels
    streamChannels = channels.streams
    messages = TraceMessages(container, verifiesChecksums: verifiesChecksums)
    let listed = try Self.readFrames(channels.streams[.frames], messages)
    frames = listed.map(\.frame)
    raws = listed.map(\.raw)
    table = FrameTable(numbers: listed.map { UInt32(clamping: $0.frame.index) })
  }

  /// Whether frames hold sketches of a tensor in place of its values.
  ///
  /// - Parameter stream: A position in ``tensors``.
  public func isSketched(_ stream: Int) -> Bool {
    areSketched.indices.contains(stream) && areSketched[stream]
  }

  /// Calls `body` with the packed values of one tensor in one frame, where they lie in the file.
  ///
  /// - Parameters:
  ///   - stream: A position in ``tensors``.
  ///   - frame: A position in ``frames``.
  ///   - repetition: Which of several, for a custom tensor that the frame has more than once.
  /// - Returns: What `body` returns, or nil where the frame has no values of the tensor.
  /// - Throws: ``TraceError``, as where the payload is not as long as the description says; or what
  ///   `body` throws.
  public func withTensor<Result>(
    _ stream: Int, frame: Int, repetition: Int = 0, _ body: (RawSpan) throws -> Result
  ) throws -> Result? {
    try requireTensor(stream)
    let places = try places(ofTensor: stream, frame: frame)
    guard !areSketched[stream], places.indices.contains(repetition) else { return nil }
    return try messages.withMessage(on: tensorChannels[stream], at: places[repetition]) {
      try check($0, stream)
      return try body($1)
    }
  }

  /// Whether a frame has values of a tensor.
  public func hasTensor(_ stream: Int, frame: Int) throws(TraceError) -> Bool {
    guard tensors.indices.contains(stream), !areSketched[stream] else { return false }
    return try !places(ofTensor: stream, frame: frame).isEmpty
  }

  /// How many times a frame has a tensor, or sketches of it: at most once but for custom tensors.
  public func count(ofTensor stream: Int, frame: Int) throws(TraceError) -> Int {
    try requireTensor(stream)
    return try places(ofTensor: stream, frame: frame).count
  }

  /// The sketch of one tensor in one frame, or nil where the frame has none.
  ///
  /// - Parameter repetition: Which of several, for a custom tensor that the frame has more than once.
  public func sketch(
    of stream: Int, frame: Int, repetition: Int = 0
  ) throws(TraceError) -> TensorSketch? {
    try requireTensor(stream)
    let places = try places(ofTensor: stream, frame: frame)
    guard areSketched[stream], places.indices.contains(repetition) else { return nil }
    return try messages.decode(
      tensorChannels[stream], at: places[repetition], tensors[stream].topic, Self.sketch)
  }

  /// Calls `body` with every value of a tensor in the order of the file, those outside of frames and of frames that
  /// never ended included.
  public func forEachValue(
    ofTensor stream: Int, _ body: (RawSpan, SampleMoment) throws -> Void
  ) throws {
    try requireTensor(stream)
    guard !areSketched[stream] else { return }
    let channel = tensorChannels[stream]
    for position in 0..<messages.container.messageCount(channelID: channel) {
      try messages.withMessage(on: channel, at: position) {
        try check($0, stream)
        try body($1, SampleMoment($0))
      }
    }
  }

  /// Calls `body` with every sketch of a tensor in the order of the file, those outside of frames and of frames
  /// that never ended included.
  public func forEachSketch(
    ofTensor stream: Int, _ body: (TensorSketch, SampleMoment) throws -> Void
  ) throws {
    try requireTensor(stream)
    guard areSketched[stream] else { return }
    let channel = tensorChannels[stream]
    for position in 0..<messages.container.messageCount(channelID: channel) {
      let (sketch, moment) = try messages.decode(channel, at: position, tensors[stream].topic) {
        (message, bytes) throws(Fault) in (try Self.sketch(message, bytes), SampleMoment(message))
      }
      try body(sketch, moment)
    }
  }

  /// What a frame was made from, without its bytes; nil where that is not known.
  ///
  /// - Parameter frame: A position in ``frames``.
  public func rawDescription(frame: Int) throws(TraceError) -> RawDescription? {
    try requireFrame(frame)
    return raws[frame]
  }

  /// What a frame was made from, or nil where the trace does not hold it.
  ///
  /// - Parameter frame: A position in ``frames``.
  public func rawInput(frame: Int) throws(TraceError) -> RawInput? {
    guard let raw = try rawDescription(frame: frame) else { return nil }
    let copy = { (bytes: RawSpan) in unsafe bytes.withUnsafeBytes { unsafe [UInt8]($0) } }
    let picture: [UInt8]? = try only(.picture, frame) { (_, bytes) throws(Fault) in
      copy(bytes.extracting(try PictureMessage.data(in: bytes)))
    }
    let found =
      if let picture { picture } else {
        try only(.raw, frame) { (_, bytes) throws(Fault) in copy(bytes) }
      }
    guard let found else {
      if raw.sha256 != nil { return nil }
      throw TraceError(
        .invalidMessage, path: path,
        "frame \(frames[frame].index) names a raw input \(raw.name) that the trace does not hold;"
          + " record the trace anew")
    }
    return RawInput(mediaType: raw.mediaType, name: raw.name, bytes: found)
  }
}

extension TraceReader {
  /// The positions of a frame's messages among those of a channel.
  func places(on channel: UInt16?, frame: Int) throws(TraceError) -> [Int] {
    try requireFrame(frame)
    guard let channel else { return [] }
    let positions = try messages.positions(on: channel, frames: table)
    return positions.range(of: table.numbers[frame]).map(positions.position)
  }

  /// What `decode` makes of the frame's message on a channel that has at most one a frame.
  func only<Sample>(
    _ stream: TraceLayout.Stream, _ frame: Int,
    _ decode: (Message, RawSpan) throws(Fault) -> Sample
  ) throws(TraceError) -> Sample? {
    guard let place = try onlyPlace(stream, frame), let channel = streamChannels[stream] else {
      return nil
    }
    return try messages.decode(channel, at: place, stream.topic, decode)
  }

  /// The same of a JSON message.
  func onlyJSON<Sample>(
    _ stream: TraceLayout.Stream, _ frame: Int, _ decode: (JSONTree) throws(Fault) -> Sample
  ) throws(TraceError) -> Sample? {
    guard let place = try onlyPlace(stream, frame), let channel = streamChannels[stream] else {
      return nil
    }
    return try messages.decodeJSON(channel, at: place, stream) { (_, json) throws(Fault) in
      try decode(json)
    }
  }

  private func onlyPlace(
    _ stream: TraceLayout.Stream, _ frame: Int
  ) throws(TraceError) -> Int? {
    let places = try places(on: streamChannels[stream], frame: frame)
    if places.count > 1, let channel = streamChannels[stream] {
      throw try repeated(channel, places[1], stream.topic)
    }
    return places.first
  }

  private func places(ofTensor stream: Int, frame: Int) throws(TraceError) -> [Int] {
    let places = try places(on: tensorChannels[stream], frame: frame)
    if places.count > 1, tensors[stream].role != .custom {
      throw try repeated(tensorChannels[stream], places[1], tensors[stream].topic)
    }
    return places
  }

  private func repeated(
    _ channel: UInt16, _ position: Int, _ topic: String
  ) throws(TraceError) -> TraceError {
    let message = try messages.message(on: channel, at: position)
    return TraceError(
      .invalidMessage, path: path, at: UInt64(clamping: message.payload.lowerBound),
      "a second \(topic) message of frame \(message.sequence); record the trace anew")
  }

  private func requireFrame(_ frame: Int) throws(TraceError) {
    guard frames.indices.contains(frame) else {
      throw TraceError(
        .invalidArgument, path: path, "frame \(frame) is not one of \(frames.count)")
    }
  }

  private func requireTensor(_ stream: Int) throws(TraceError) {
    guard tensors.indices.contains(stream) else {
      throw TraceError(
        .invalidArgument, path: path, "tensor \(stream) is not one of \(tensors.count)")
    }
  }

  /// Refuses values of another byte count than the description's.
  private func check(_ message: Message, _ stream: Int) throws(TraceError) {
    let description = tensors[stream].description
    guard let expected = description.byteCount, expected != message.payload.count else { return }
    throw TraceError(
      .invalidMessage, path: path, at: UInt64(clamping: message.payload.lowerBound),
      "\(tensors[stream].topic) of frame \(message.sequence) holds \(message.payload.count)"
        + " bytes, its description (\(description.elementType.rawValue) \(description.shape))"
        + " takes \(expected); record the trace anew")
  }

  private static func sketch(_: Message, _ bytes: RawSpan) throws(Fault) -> TensorSketch {
    do throws(SketchError) {
      return try TensorSketch(decoding: bytes)
    } catch {
      throw Fault("is no sketch: \(error)")
    }
  }

  private static func readFrames(
    _ channel: UInt16?, _ messages: TraceMessages
  ) throws(TraceError) -> [(frame: FrameDescription, raw: RawDescription?)] {
    guard let channel else { return [] }
    var list: [(frame: FrameDescription, raw: RawDescription?)] = []
    var isRising = true
    for position in 0..<messages.container.messageCount(channelID: channel) {
      let entry = try messages.decodeJSON(channel, at: position, .frames) {
        (message, json) throws(Fault) in
        let frame = try FrameDescription(json: json)
        guard message.sequence != TraceLayout.noFrame,
          UInt32(exactly: frame.index) == message.sequence
        else {
          throw Fault("says it is frame \(frame.index)")
        }
        guard let raw = json["raw"], raw != .null else {
          return (frame: frame, raw: RawDescription?.none)
        }
        return (frame: frame, raw: try RawDescription(json: raw))
      }
      isRising = isRising && list.last.map { $0.frame.index < entry.frame.index } ?? true
      list.append(entry)
      messages.forgetSome(after: list.count)
    }
    guard !isRising else { return list }
    list.sort { $0.frame.index < $1.frame.index }
    for (first, second) in zip(list, list.dropFirst()) where first.frame.index == second.frame.index
    {
      throw TraceError(
        .invalidMessage, path: messages.path,
        "two \(TraceLayout.Stream.frames.topic) messages say they are frame \(first.frame.index);"
          + " record the trace anew")
    }
    return list
  }
}

extension SampleMoment {
  init(_ message: Message) {
    self.init(
      frameIndex: message.sequence == TraceLayout.noFrame ? nil : message.sequence,
      timeNanoseconds: message.logTime)
  }
}
