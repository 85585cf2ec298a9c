import EXrayCore
public import EXraySketch
import MCAP

/// Writes one run's trace in memory that does not grow with the tensors.
///
/// Frames may overlap, and come in any order: each message names its frame, and the frame's
/// ``write(_:)-(FrameRecord)`` ends it. Where one frame follows the other, ``beginFrame(_:)`` and
/// ``endFrame()`` spare naming it each time.
///
/// The file takes its name with ``finish()``; a writer that is dropped without it leaves nothing behind. A
/// frame counts once it has ended and was flushed: even a process that dies then leaves it readable in the
/// temporary file. Held in memory are small messages, at most 64 KiB between frames' ends, and about 100 bytes
/// a frame under way.
///
/// The same calls give the same bytes.
public struct TraceWriter: ~Copyable {
  let path: String
  private let options: TraceWriterOptions
  private var container: MCAP.Writer
  private var channels: DeclaredChannels
  // Small messages that wait for a chunk apart from the tensors'.
  var waiting: [UInt8] = []
  private var waitingMessages: [WaitingMessage] = []
  /// A message that is put together before it is written.
  private var scratch: [UInt8] = []
  private var framesUnderWay: [UInt32: FrameUnderWay] = [:]
  private var endedFrames = FrameNumbers()
  /// The frame of those who write frame by frame.
  var current: CurrentFrame?
  var lastIndex = -1

  private struct WaitingMessage {
    var channelID: UInt16
    var sequence: UInt32
    var time: UInt64
    var end: Int
  }

  /// What a frame has already.
  private struct FrameUnderWay {
    /// Positions of topics, a bit each.
    var topics: [UInt64] = []
    var raw: RawDescription?

    mutating func insert(_ topic: Int) -> Bool {
      let (word, bit) = (topic / 64, UInt64(1) << UInt64(topic % 64))
      while topics.count <= word { topics.append(0) }
      defer { topics[word] |= bit }
      return topics[word] & bit == 0
    }
  }

  /// Creates a trace.
  ///
  /// - Parameters:
  ///   - path: The name that the file takes when it is finished; an existing file is then replaced.
  ///   - tensors: The first of the tensors of which frames may hold values, as ``addTensor(_:isSketched:)`` takes them.
  /// - Throws: ``TraceError`` where the file cannot be created, or two streams are the same, or a
  ///   description is one that no tensor has.
  public init(
    path: String, run: RunDescription, tensors: [TensorStream] = [],
    options: TraceWriterOptions = TraceWriterOptions()
  ) throws(TraceError) {
    var channels = DeclaredChannels(path: path)
    var container = try Self.container(path, run, options)
    _ = try channels.channel(of: .frames, in: &container)
    for tensor in tensors { _ = try channels.add(tensor, isSketched: false, to: &container) }
    self.container = container
    self.path = path
    self.options = options
    self.channels = channels
  }

  private static func container(
    _ path: String, _ run: RunDescription, _ options: TraceWriterOptions
  ) throws(TraceError) -> MCAP.Writer {
    var containerOptions = MCAP.WriterOptions()
    containerOptions.keepsIncompleteFile = options.keepsIncompleteFile
    do throws(MCAPError) {
      var container = try MCAP.Writer(
        path: path, profile: TraceLayout.profile, library: TraceLayout.library,
        options: containerOptions)
      try container.write(Metadata(name: TraceLayout.runMetadata, entries: run.entries))
      return container
    } catch {
      throw TraceError(error, path: path)
    }
  }

  /// Declares a tensor; possible at any time.
  ///
  /// A tensor whose shape or type changes is declared again, with the same role and index.
  ///
  /// - Parameter isSketched: Whether sketches of its values are written, in place of the values.
  /// - Returns: The tensor's position, by which it is written.
  /// - Throws: ``TraceError`` `.invalidArgument` where an equal tensor was declared before, or the
  ///   description is one that no tensor has.
  public mutating func addTensor(
    _ stream: TensorStream, isSketched: Bool = false
  ) throws(TraceError) -> Int {
    try channels.add(stream, isSketched: isSketched, to: &container)
  }

  /// Describes the run anew, as where more is known of it than at its start; readers take the last description.
  public mutating func replaceRun(_ run: RunDescription) throws(TraceError) {
    do throws(MCAPError) {
      try container.write(Metadata(name: TraceLayout.runMetadata, entries: run.entries))
    } catch {
      throw TraceError(error, path: path)
    }
  }

  /// Writes the values of one tensor.
  ///
  /// - Parameters:
  ///   - bytes: Packed little-endian values in row-major order.
  ///   - position: What ``addTensor(_:isSketched:)`` gave, or the position in the list that the trace was created with.
  ///   - frame: The frame's number, or nil where the values belong to none.
  ///   - time: When, in nanoseconds since 1970.
  public mutating func write(
    _ bytes: RawSpan, toTensor position: Int, frame: UInt32?, time: UInt64
  ) throws(TraceError) {
    let tensor = try tensor(at: position, isSketched: false)
    if let expected = tensor.byteCount, expected != bytes.byteCount {
      let description = tensor.stream.description
      throw misuse(
        "tensor \(tensor.stream.topic) \(description.name) takes \(expected) bytes"
          + " (\(description.elementType.rawValue) \(description.shape)), \(bytes.byteCount) given")
    }
    try note(tensor, frame)
    try append(bytes, tensor.channelID, frame, time)
  }

  /// Writes the sketch of one tensor that was declared as sketched.
  public mutating func write(
    _ sketch: TensorSketch, toTensor position: Int, frame: UInt32?, time: UInt64
  ) throws(TraceError) {
    let tensor = try tensor(at: position, isSketched: true)
    try note(tensor, frame)
    waiting.append(contentsOf: sketch.encode())
    try enqueue(tensor.channelID, frame, time)
  }

  /// Writes what a frame was made from.
  public mutating func writeRaw(
    _ bytes: RawSpan, mediaType: String, name: String, frame: UInt32, time: UInt64
  ) throws(TraceError) {
    try requireOpen(frame)
    guard framesUnderWay[frame]?.raw == nil else {
      throw misuse("frame \(frame) has a raw input already")
    }
    if let format = PictureMessage.format(ofMediaType: mediaType) {
      let channelID = try channel(of: .picture)
      let head = PictureMessage.head(format: format, byteCount: bytes.byteCount, time: time)
      try append(head, then: bytes, channelID, frame, time)
    } else {
      try append(bytes, try channel(of: .raw), frame, time)
    }
    framesUnderWay[frame, default: FrameUnderWay()].raw = RawDescription(
      mediaType: mediaType, name: name)
  }

  /// Writes a picture's pixels.
  public mutating func write(
    _ image: ImageLayout, pixels: RawSpan, frame: UInt32?, time: UInt64
  ) throws(TraceError) {
    do throws(Fault) {
      try image.check(pixels.byteCount)
    } catch {
      throw misuse("a picture \(error.text); correct its layout")
    }
    try requireOpen(frame)
    let channelID = try channel(of: .image)
    let head = ImageMessage.head(image, byteCount: pixels.byteCount, time: time)
    try append(head, then: pixels, channelID, frame, time)
  }

  /// Ends a frame: from now on, or from the next ``flush()`` where the options say so, it counts.
  ///
  /// All of its messages have the frame's time.
  ///
  /// - Throws: ``TraceError`` `.invalidArgument` where the frame has ended before, or its number does not lie
  ///   below 2³² − 1.
  public mutating func write(_ record: FrameRecord) throws(TraceError) {
    guard let frame = UInt32(exactly: record.frame.index) else {
      throw misuse("frame \(record.frame.index) has a number that does not lie below 2³² − 1")
    }
    try requireOpen(frame)
    let raw = record.raw ?? framesUnderWay[frame]?.raw
    guard raw == nil || raw?.sha256 != nil || framesUnderWay[frame]?.raw != nil else {
      throw misuse(
        "frame \(frame) names a raw input without its digest; write its bytes, or give the digest")
    }
    let start = (byteCount: waiting.count, messageCount: waitingMessages.count)
    do throws(TraceError) {
      try enqueue(record, raw, frame)
    } catch {
      waiting.removeSubrange(start.byteCount...)
      waitingMessages.removeSubrange(start.messageCount...)
      throw error
    }
    framesUnderWay[frame] = nil
    endedFrames.insert(frame)
    if options.flushesEveryFrame || waiting.count > TraceLayout.separateChunkByteCount {
      try flush()
    }
  }

  /// Brings everything into the file, so that ended frames count even if the process dies.
  public mutating func flush() throws(TraceError) {
    do throws(MCAPError) {
      try writeWaiting()
      try container.flush()
    } catch {
      throw TraceError(error, path: path)
    }
  }

  /// Bytes written so far, with those that wait.
  public var byteCount: UInt64 {
    container.byteCount + UInt64(container.pendingByteCount + waiting.count)
  }

  /// Completes the file and gives it its own name.
  ///
  /// Frames that have not ended are left out by readers.
  ///
  /// - Throws: ``TraceError``. Nothing is left behind then, but where
  ///   ``TraceWriterOptions/keepsIncompleteFile`` says so.
  public consuming func finish() throws(TraceError) {
    if let current {
      throw misuse("frame \(current.record.frame.index) is under way; end it first")
    }
    let path = path
    do throws(MCAPError) {
      // A container that has failed throws again when it is finished.
      do throws(MCAPError) { try writeWaiting() } catch { _ = error }
      try container.finish()
    } catch {
      throw TraceError(error, path: path)
    }
  }

  func misuse(_ message: String) -> TraceError {
    TraceError(.invalidArgument, path: path, message)
  }
}

extension TraceWriter {
  private func tensor(
    at position: Int, isSketched: Bool
  ) throws(TraceError) -> DeclaredChannels.Tensor {
    guard channels.tensors.indices.contains(position) else {
      throw misuse("tensor \(position) is not one of \(channels.tensors.count)")
    }
    let tensor = channels.tensors[position]
    guard tensor.isSketched == isSketched else {
      throw misuse(
        "tensor \(tensor.stream.topic) takes \(isSketched ? "values" : "sketches");"
          + " declare another for \(isSketched ? "sketches" : "values")")
    }
    return tensor
  }

  /// Refuses a second message of a frame's tensor.
  private mutating func note(_ tensor: DeclaredChannels.Tensor, _ frame: UInt32?) throws(TraceError)
  {
    try requireOpen(frame)
    guard let frame, tensor.stream.role != .custom else { return }
    guard framesUnderWay[frame, default: FrameUnderWay()].insert(tensor.topic) else {
      throw misuse("frame \(frame) has \(tensor.stream.topic) already; write it once")
    }
  }

  func requireOpen(_ frame: UInt32?) throws(TraceError) {
    guard let frame else { return }
    guard frame != TraceLayout.noFrame else {
      throw misuse("frame \(frame) has a number that does not lie below 2³² − 1")
    }
    guard !endedFrames.contains(frame) else {
      throw misuse("frame \(frame) has ended; write to it before its record")
    }
  }

  mutating func channel(of stream: TraceLayout.Stream) throws(TraceError) -> UInt16 {
    try channels.channel(of: stream, in: &container)
  }

  private mutating func enqueue(
    _ record: FrameRecord, _ raw: RawDescription?, _ frame: UInt32
  ) throws(TraceError) {
    let time = record.frame.timeNanoseconds
    if let latency = record.latency {
      let channelID = try channel(of: .latency)
      latency.appendJSON(to: &waiting)
      try enqueue(channelID, frame, time, mayFlush: false)
    }
    if let memory = record.memory {
      let channelID = try channel(of: .memory)
      memory.appendJSON(to: &waiting)
      try enqueue(channelID, frame, time, mayFlush: false)
    }
    if let nanoseconds = record.processorNanoseconds {
      let channelID = try channel(of: .processor)
      ProcessorSample.appendJSON(nanoseconds, to: &waiting)
      try enqueue(channelID, frame, time, mayFlush: false)
    }
    if !record.spans.isEmpty {
      let channelID = try channel(of: .spans)
      waiting.append(list: record.spans) { $1.appendJSON(to: &$0) }
      try enqueue(channelID, frame, time, mayFlush: false)
    }
    if !record.ops.isEmpty {
      let channelID = try channel(of: .ops)
      waiting.append(list: record.ops) { $1.appendJSON(to: &$0) }
      try enqueue(channelID, frame, time, mayFlush: false)
    }
    let channelID = try channel(of: .frames)
    record.frame.appendJSON(to: &waiting, raw: raw)
    try enqueue(channelID, frame, time, mayFlush: false)
  }

  /// Makes a message of the bytes that were appended to those that wait.
  mutating func enqueue(
    _ channelID: UInt16, _ frame: UInt32?, _ time: UInt64, mayFlush: Bool = true
  ) throws(TraceError) {
    let start = waitingMessages.last?.end ?? 0
    guard waiting.count - start <= TraceLayout.jsonByteLimit else {
      let byteCount = waiting.count - start
      waiting.removeSubrange(start...)
      throw misuse(
        "a message of \(frame.map { "frame \($0)" } ?? "no frame") takes \(byteCount) bytes, at most"
          + " \(TraceLayout.jsonByteLimit) fit; note fewer or shorter samples a frame")
    }
    waitingMessages.append(
      WaitingMessage(
        channelID: channelID, sequence: frame ?? TraceLayout.noFrame, time: time,
        end: waiting.count))
    if mayFlush, waiting.count > TraceLayout.separateChunkByteCount { try flush() }
  }

  private mutating func append(
    _ bytes: RawSpan, _ channelID: UInt16, _ frame: UInt32?, _ time: UInt64
  ) throws(TraceError) {
    do throws(MCAPError) {
      try container.write(
        bytes, channelID: channelID, sequence: frame ?? TraceLayout.noFrame, logTime: time)
    } catch {
      throw TraceError(error, path: path)
    }
  }

  private mutating func append(
    _ head: [UInt8], then bytes: RawSpan, _ channelID: UInt16, _ frame: UInt32?, _ time: UInt64
  ) throws(TraceError) {
    var message: [UInt8] = []
    swap(&message, &scratch)
    message.removeAll(keepingCapacity: true)
    message.append(contentsOf: head)
    unsafe bytes.withUnsafeBytes { unsafe message.append(contentsOf: $0) }
    defer { swap(&message, &scratch) }
    unsafe try append(message.span.bytes, channelID, frame, time)
  }

  /// Hands the small messages to the container.
  ///
  /// Whoever reads only these need not touch, or verify, the chunks of the tensors.
  private mutating func writeWaiting() throws(MCAPError) {
    guard !waitingMessages.isEmpty else { return }
    var bytes: [UInt8] = []
    swap(&bytes, &waiting)
    // What cannot be written is not kept either: memory stays bounded.
    defer {
      bytes.removeAll(keepingCapacity: true)
      swap(&bytes, &waiting)
      waitingMessages.removeAll(keepingCapacity: true)
    }
    if container.pendingByteCount > TraceLayout.separateChunkByteCount { try container.flush() }
    var start = 0
    for message in waitingMessages {
      unsafe try container.write(
        bytes.span.bytes.extracting(start..<message.end), channelID: message.channelID,
        sequence: message.sequence, logTime: message.time)
      start = message.end
    }
  }
}
