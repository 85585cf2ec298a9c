import EXray
import EXrayJSON
public import MCAP
import Synchronization

/// Reads a trace in place: any tensor of any frame without reading the others.
///
/// Everything is checked: descriptions when the trace is opened, byte counts and checksums when values are
/// asked for. Held in memory are the descriptions, the frames and about 20 bytes a message; tensors stay in the file.
/// Reads from several threads at once are fine.
public final class TraceReader: Sendable {
  /// The file, as the caller named it.
  public let path: String
  /// What ran, on what and how.
  public let run: RunDescription
  /// The tensors of which frames may hold values, in the order of the writer.
  public let tensors: [TensorStream]
  /// The complete frames, in the order of their indices.
  public let frames: [FrameDescription]
  /// Whether the trace was finished; else its writer died, and ``frames`` are those it had completed.
  public let isComplete: Bool

  private let container: MCAP.Reader
  private let verifiesChecksums: Bool
  private let tensorChannels: [UInt16]
  private let streamChannels: [TraceLayout.Stream: UInt16]
  /// Media type and name of each frame's raw input, where it has one.
  private let rawInputs: [RawDescription?]
  private let state: Mutex<State>

  private struct RawDescription {
    var mediaType: String
    var name: String
  }

  private struct State {
    /// By position of the chunk: whether its checksum was found right.
    var verified: [Bool]
    /// By channel: the rising frame indices of its messages.
    var sequences: [UInt16: [UInt32]] = [:]
  }

  /// Opens a trace.
  ///
  /// - Parameters:
  ///   - path: A finished trace, or the temporary file of a writer that died.
  ///   - verifiesChecksums: Whether a chunk's checksum is computed before its first message is handed out.
  /// - Throws: ``TraceError`` with what is wrong, where in the file, and what to do.
  public convenience init(path: String, verifiesChecksums: Bool = true) throws(TraceError) {
    let container: MCAP.Reader
    do throws(MCAPError) {
      container = try MCAP.Reader(path: path)
    } catch {
      throw TraceError(error, path: path)
    }
    try self.init(container, verifiesChecksums)
  }

  /// Reads a trace from an open container.
  public convenience init(
    container: MCAP.Reader, verifiesChecksums: Bool = true
  ) throws(TraceError) {
    try self.init(container, verifiesChecksums)
  }

  private init(_ container: MCAP.Reader, _ verifiesChecksums: Bool) throws(TraceError) {
    let channels = try TraceChannels(container)
    path = container.path
    isComplete = container.isComplete
    self.container = container
    self.verifiesChecksums = verifiesChecksums
    run = try TraceChannels.run(container)
    tensors = channels.tensors
    tensorChannels = channels.tensorChannels
    streamChannels = channels.streams
    state = Mutex(State(verified: [Bool](repeating: false, count: container.chunks.count)))
    let listed = try Self.readFrames(channels.streams[.frames], container, state, verifiesChecksums)
    frames = listed.map(\.frame)
    rawInputs = listed.map(\.raw)
  }

  /// Calls `body` with the packed values of one tensor in one frame, where they lie in the file.
  ///
  /// - Parameters:
  ///   - stream: A position in ``tensors``.
  ///   - frame: A position in ``frames``.
  /// - Returns: What `body` returns, or nil where the frame has no values of the tensor.
  /// - Throws: ``TraceError``, as where the payload is not as long as the description says; or what
  ///   `body` throws.
  public func withTensor<Result>(
    _ stream: Int, frame: Int, _ body: (RawSpan) throws -> Result
  ) throws -> Result? {
    guard tensors.indices.contains(stream) else {
      throw TraceError(
        .invalidArgument, path: path, "tensor \(stream) is not one of \(tensors.count)")
    }
    guard let message = try message(on: tensorChannels[stream], frame: frame) else { return nil }
    let description = tensors[stream].description
    if let expected = description.byteCount, expected != message.payload.count {
      throw TraceError(
        .invalidMessage, path: path, at: UInt64(message.payload.lowerBound),
        "\(tensors[stream].topic) of frame \(frames[frame].index) holds \(message.payload.count)"
          + " bytes, its description (\(description.elementType.rawValue) \(description.shape))"
          + " takes \(expected); record the trace anew")
    }
    return try container.withBytes(message.payload, body)
  }

  /// Whether a frame has values of a tensor.
  public func hasTensor(_ stream: Int, frame: Int) throws(TraceError) -> Bool {
    guard tensors.indices.contains(stream) else { return false }
    return try position(on: tensorChannels[stream], frame: frame) != nil
  }

  /// What a frame was made from, or nil where the trace does not hold it.
  ///
  /// - Parameter frame: A position in ``frames``.
  public func rawInput(frame: Int) throws(TraceError) -> RawInput? {
    try requireFrame(frame)
    guard let raw = rawInputs[frame] else { return nil }
    guard let channel = streamChannels[.raw],
      let message = try message(on: channel, frame: frame)
    else {
      throw TraceError(
        .invalidMessage, path: path,
        "frame \(frames[frame].index) names a raw input \(raw.name) that the trace does not hold;"
          + " record the trace anew")
    }
    return RawInput(
      mediaType: raw.mediaType, name: raw.name, bytes: try Self.bytes(of: message, container))
  }

  /// How long a frame took, or nil where that was not noted.
  public func latency(frame: Int) throws(TraceError) -> LatencySample? {
    try sample(.latency, frame) { (json) throws(Fault) in try LatencySample(json: json) }
  }

  /// The memory held in a frame, or nil where that was not noted.
  public func memory(frame: Int) throws(TraceError) -> MemorySample? {
    try sample(.memory, frame) { (json) throws(Fault) in try MemorySample(json: json) }
  }

  /// The stretches of time noted in a frame.
  public func spans(frame: Int) throws(TraceError) -> [SpanSample] {
    try list(.spans, frame) { (json) throws(Fault) in try SpanSample(json: json) }
  }

  /// The times of ops noted in a frame.
  public func ops(frame: Int) throws(TraceError) -> [OpTimingSample] {
    try list(.ops, frame) { (json) throws(Fault) in try OpTimingSample(json: json) }
  }
}

extension TraceReader {
  private func list<Item>(
    _ stream: TraceLayout.Stream, _ frame: Int, _ item: (JSONTree) throws(Fault) -> Item
  ) throws(TraceError) -> [Item] {
    try sample(stream, frame) { (json) throws(Fault) in
      guard case .array(let items) = json.value else { throw Fault("is not a list") }
      var list: [Item] = []
      for json in items { list.append(try item(json)) }
      return list
    } ?? []
  }

  private func sample<Sample>(
    _ stream: TraceLayout.Stream, _ frame: Int, _ decode: (JSONTree) throws(Fault) -> Sample
  ) throws(TraceError) -> Sample? {
    guard let channel = streamChannels[stream] else {
      try requireFrame(frame)
      return nil
    }
    guard let message = try message(on: channel, frame: frame) else { return nil }
    return try Self.decode(message, stream, container, decode)
  }

  private func requireFrame(_ frame: Int) throws(TraceError) {
    guard frames.indices.contains(frame) else {
      throw TraceError(
        .invalidArgument, path: path, "frame \(frame) is not one of \(frames.count)")
    }
  }

  /// The frame's message on a channel, its chunk verified.
  private func message(on channel: UInt16, frame: Int) throws(TraceError) -> Message? {
    guard let position = try position(on: channel, frame: frame) else { return nil }
    return try Self.message(on: channel, at: position, container, state, verifiesChecksums)
  }

  /// The position of the frame's message among those of a channel.
  private func position(on channel: UInt16, frame: Int) throws(TraceError) -> Int? {
    try requireFrame(frame)
    let wanted = UInt32(truncatingIfNeeded: frames[frame].index)
    let known = state.withLock { $0.sequences[channel] }
    let sequences: [UInt32]
    if let known {
      sequences = known
    } else {
      sequences = try readSequences(of: channel)
      state.withLock { $0.sequences[channel] = sequences }
    }
    var low = 0
    var high = sequences.count
    while low < high {
      let middle = (low + high) / 2
      if sequences[middle] < wanted { low = middle + 1 } else { high = middle }
    }
    return low < sequences.count && sequences[low] == wanted ? low : nil
  }

  /// The frame indices of a channel's messages, which must rise and, in a finished trace, be frames'.
  private func readSequences(of channel: UInt16) throws(TraceError) -> [UInt32] {
    var sequences: [UInt32] = []
    var frame = 0
    for position in 0..<container.messageCount(channelID: channel) {
      let message: Message
      do throws(MCAPError) {
        message = try container.message(channelID: channel, at: position)
      } catch {
        throw TraceError(error, path: path)
      }
      while frame < frames.count, frames[frame].index < Int(message.sequence) { frame += 1 }
      let isKnown = frame < frames.count && frames[frame].index == Int(message.sequence)
      guard sequences.last.map({ $0 < message.sequence }) ?? true, isKnown || !isComplete else {
        throw TraceError(
          .invalidMessage, path: path, at: UInt64(message.payload.lowerBound),
          "message \(position) of channel \(channel) is for frame \(message.sequence), which is no"
            + " frame of the trace or not after the last; record the trace anew")
      }
      sequences.append(message.sequence)
    }
    return sequences
  }

  private static func message(
    on channel: UInt16, at position: Int, _ container: MCAP.Reader, _ state: borrowing Mutex<State>,
    _ verifies: Bool
  ) throws(TraceError) -> Message {
    do throws(MCAPError) {
      let chunk = try container.chunkPosition(channelID: channel, at: position)
      if verifies, let chunk, !state.withLock({ $0.verified[chunk] }) {
        try container.verifyChunk(at: chunk)
        state.withLock { $0.verified[chunk] = true }
      }
      return try container.message(channelID: channel, at: position)
    } catch {
      throw TraceError(error, path: container.path)
    }
  }

  private static func bytes(
    of message: Message, _ container: MCAP.Reader
  ) throws(TraceError) -> [UInt8] {
    do {
      return try container.withBytes(message.payload) { bytes in
        unsafe bytes.withUnsafeBytes { unsafe [UInt8]($0) }
      }
    } catch let error as MCAPError {
      throw TraceError(error, path: container.path)
    } catch {
      throw TraceError(.invalidMessage, path: container.path, "\(error)")
    }
  }

  private static func decode<Sample>(
    _ message: Message, _ stream: TraceLayout.Stream, _ container: MCAP.Reader,
    _ decode: (JSONTree) throws(Fault) -> Sample
  ) throws(TraceError) -> Sample {
    do throws(Fault) {
      guard message.payload.count <= TraceLayout.jsonByteLimit else {
        throw Fault("takes \(message.payload.count) bytes, at most \(TraceLayout.jsonByteLimit)")
      }
      var json: [UInt8] = []
      do throws(TraceError) {
        json = try bytes(of: message, container)
      } catch {
        throw Fault(error.message)
      }
      return try decode(parsed(json))
    } catch {
      throw TraceError(
        .invalidMessage, path: container.path, at: UInt64(message.payload.lowerBound),
        "\(stream.topic) message of frame \(message.sequence) \(error.text); record the trace anew")
    }
  }

  private static func parsed(_ json: [UInt8]) throws(Fault) -> JSONTree {
    do throws(JSONError) {
      return try JSONTree(
        parsing: json,
        limits: JSONLimits(
          byteCount: TraceLayout.jsonByteLimit, depth: TraceLayout.jsonDepthLimit))
    } catch {
      throw Fault("is JSON with \(error.problem), at \(error.offset) of \(json.count)")
    }
  }

  private static func readFrames(
    _ channel: UInt16?, _ container: MCAP.Reader, _ state: borrowing Mutex<State>, _ verifies: Bool
  ) throws(TraceError) -> [(frame: FrameDescription, raw: RawDescription?)] {
    guard let channel else { return [] }
    var list: [(frame: FrameDescription, raw: RawDescription?)] = []
    for position in 0..<container.messageCount(channelID: channel) {
      let message = try message(on: channel, at: position, container, state, verifies)
      let last = list.last?.frame.index ?? -1
      list.append(
        try decode(message, .frames, container) { (json) throws(Fault) in
          let frame = try FrameDescription(json: json)
          guard frame.index == Int(message.sequence), frame.index > last else {
            throw Fault("says it is frame \(frame.index), after frame \(last)")
          }
          guard let raw = json["raw"], raw != .null else { return (frame, nil) }
          return (
            frame,
            RawDescription(mediaType: try raw.text("mediaType"), name: try raw.text("name"))
          )
        })
    }
    return list
  }
}
