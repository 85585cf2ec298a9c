import EXrayJSON
import MCAP
import Synchronization

/// The messages of a trace, each verified before it is handed out.
final class TraceMessages: Sendable {
  let container: MCAP.Reader
  private let verifiesChecksums: Bool
  private let state: Mutex<State>

  private struct State {
    /// By position of the chunk: whether its checksum was found right.
    var verified: [Bool]
    /// By channel: which message is of which frame.
    var positions: [UInt16: FramePositions] = [:]
  }

  init(_ container: MCAP.Reader, verifiesChecksums: Bool) {
    self.container = container
    self.verifiesChecksums = verifiesChecksums
    state = Mutex(State(verified: [Bool](repeating: false, count: container.chunks.count)))
  }

  var path: String { container.path }

  /// A message without its payload.
  func message(on channel: UInt16, at position: Int) throws(TraceError) -> Message {
    do throws(MCAPError) {
      return try container.message(channelID: channel, at: position)
    } catch {
      throw TraceError(error, path: path)
    }
  }

  /// Calls `body` with a message and its payload in place.
  func withMessage<Result>(
    on channel: UInt16, at position: Int, _ body: (Message, RawSpan) throws -> Result
  ) throws -> Result {
    try verify(channel, position)
    do {
      return try container.withMessage(channelID: channel, at: position, body)
    } catch let error as MCAPError {
      throw TraceError(error, path: path)
    }
  }

  /// What `decode` makes of a message and its payload.
  ///
  /// - Parameter subject: What the message is, for complaints.
  func decode<Sample>(
    _ channel: UInt16, at position: Int, _ subject: String,
    _ decode: (Message, RawSpan) throws(Fault) -> Sample
  ) throws(TraceError) -> Sample {
    do {
      return try withMessage(on: channel, at: position) { message, bytes in
        do throws(Fault) {
          return try decode(message, bytes)
        } catch {
          let frame =
            message.sequence == TraceLayout.noFrame ? "no frame" : "frame \(message.sequence)"
          throw TraceError(
            .invalidMessage, path: path, at: UInt64(clamping: message.payload.lowerBound),
            "\(subject) message of \(frame) \(error.text); record the trace anew")
        }
      }
    } catch let error as TraceError {
      throw error
    } catch {
      throw TraceError(.invalidMessage, path: path, "\(error)")
    }
  }

  /// What `decode` makes of a JSON message.
  func decodeJSON<Sample>(
    _ channel: UInt16, at position: Int, _ stream: TraceLayout.Stream,
    _ decode: (Message, JSONTree) throws(Fault) -> Sample
  ) throws(TraceError) -> Sample {
    try self.decode(channel, at: position, stream.topic) { (message, bytes) throws(Fault) in
      try TraceLayout.requireSmall(bytes)
      let text = unsafe bytes.withUnsafeBytes { unsafe [UInt8]($0) }
      let limits = JSONLimits(
        byteCount: TraceLayout.jsonByteLimit, depth: TraceLayout.jsonDepthLimit)
      let tree: JSONTree
      do throws(JSONError) {
        tree = try JSONTree(parsing: text, limits: limits)
      } catch {
        throw Fault("is JSON with \(error.problem), at \(error.offset) of \(text.count)")
      }
      return try decode(message, tree)
    }
  }

  /// Which messages of a channel are of which of the frames.
  func positions(on channel: UInt16, frames: FrameTable) throws(TraceError) -> FramePositions {
    if let known = state.withLock({ $0.positions[channel] }) { return known }
    try findPositions(on: [channel], frames: frames)
    return state.withLock { $0.positions[channel] } ?? FramePositions()
  }

  /// Finds which messages of some channels are of which of the frames, in one pass.
  ///
  /// Goes from one message of each channel to the next of each, which is the order of the file where frames have
  /// all of them.
  func findPositions(on channels: [UInt16], frames: FrameTable) throws(TraceError) {
    var found = [FramePositions](repeating: FramePositions(), count: channels.count)
    let counts = channels.map { container.messageCount(channelID: $0) }
    var heads = 0
    for position in 0..<(counts.max() ?? 0) {
      for (index, channel) in channels.enumerated() where position < counts[index] {
        let sequence = try message(on: channel, at: position).sequence
        if frames.position(of: sequence) != nil {
          found[index].append(sequence, at: position)
        } else if sequence != TraceLayout.noFrame {
          // Of a frame that never ended, or damaged.
          try verify(channel, position)
        }
        heads += 1
        forgetSome(after: heads)
      }
    }
    container.forget()
    for index in found.indices { found[index].sort() }
    let sorted = found
    state.withLock { state in
      for (channel, positions) in zip(channels, sorted) { state.positions[channel] = positions }
    }
  }

  /// Lets memory go during a pass over small messages or heads, each of which brings its neighbourhood into memory.
  ///
  /// - Parameter count: How many have been read.
  func forgetSome(after count: Int) {
    if count.isMultiple(of: 128) { container.forget() }
  }

  /// The chunk that holds a message; nil outside of chunks.
  func chunk(of channel: UInt16, _ position: Int) throws(TraceError) -> Int? {
    do throws(MCAPError) {
      return try container.chunkPosition(channelID: channel, at: position)
    } catch {
      throw TraceError(error, path: path)
    }
  }

  /// Compares the checksum of the chunk that holds a message, once.
  private func verify(_ channel: UInt16, _ position: Int) throws(TraceError) {
    guard verifiesChecksums, let chunk = try chunk(of: channel, position) else { return }
    try verify(chunk: chunk)
  }

  /// Compares the checksum of a chunk, once.
  func verify(chunk: Int) throws(TraceError) {
    guard verifiesChecksums, !state.withLock({ $0.verified[chunk] }) else { return }
    do throws(MCAPError) {
      try container.verifyChunk(at: chunk)
    } catch {
      throw TraceError(error, path: path)
    }
    state.withLock { $0.verified[chunk] = true }
  }

  /// Lets the memory of a chunk's mapped bytes go, which stay readable.
  func forget(chunk: Int) throws(TraceError) {
    do throws(MCAPError) {
      try container.forgetChunk(at: chunk)
    } catch {
      throw TraceError(error, path: path)
    }
  }
}

extension TraceLayout {
  /// Refuses a small message that is not small.
  static func requireSmall(_ bytes: RawSpan) throws(Fault) {
    guard bytes.byteCount <= jsonByteLimit else {
      throw Fault("takes \(bytes.byteCount) bytes, at most \(jsonByteLimit)")
    }
  }
}

/// Which of a channel's messages are of which frame: 4 bytes a message where they are in the frames' order,
/// 8 where not.
struct FramePositions {
  /// The frame of each message, rising once sorted.
  private var frames: [UInt32] = []
  /// The position of each message, empty where it is that of the frame in `frames`.
  private var positions: [UInt32] = []

  mutating func append(_ frame: UInt32, at position: Int) {
    if positions.isEmpty, position != frames.count {
      positions = frames.indices.map { UInt32(clamping: $0) }
    }
    if position != frames.count || !positions.isEmpty {
      positions.append(UInt32(clamping: position))
    }
    frames.append(frame)
  }

  mutating func sort() {
    guard !zip(frames, frames.dropFirst()).allSatisfy({ $0 <= $1 }) else { return }
    if positions.isEmpty { positions = frames.indices.map { UInt32(clamping: $0) } }
    let order = frames.indices.sorted { (frames[$0], $0) < (frames[$1], $1) }
    frames = order.map { frames[$0] }
    positions = order.map { positions[$0] }
  }

  /// The places of a frame's messages here.
  func range(of frame: UInt32) -> Range<Int> {
    let low = frames.partitioningIndex { $0 >= frame }
    var high = low
    while high < frames.count, frames[high] == frame { high += 1 }
    return low..<high
  }

  /// The position of a message among those of its channel.
  func position(at place: Int) -> Int {
    positions.isEmpty ? place : Int(positions[place])
  }
}

/// The frames' numbers in rising order.
struct FrameTable {
  let numbers: [UInt32]

  /// The position of a frame, or nil where there is none of this number.
  func position(of number: UInt32) -> Int? {
    let place = numbers.partitioningIndex { $0 >= number }
    return place < numbers.count && numbers[place] == number ? place : nil
  }
}

extension [UInt32] {
  /// The position of the first element for which `isPast` holds, which holds for all that follow.
  fileprivate func partitioningIndex(_ isPast: (UInt32) -> Bool) -> Int {
    var low = 0
    var high = count
    while low < high {
      let middle = (low + high) / 2
      if isPast(self[middle]) { high = middle } else { low = middle + 1 }
    }
    return low
  }
}
