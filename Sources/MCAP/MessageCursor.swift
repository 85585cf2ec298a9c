/// The order in which messages are read.
public enum MessageOrder: Sendable, Hashable {
  /// From the earliest log time to the latest; of one time, in the order of the file.
  case ascending
  /// The reverse.
  case descending
}

/// A message's log time and its place for ``Reader/withMessage(channelID:at:_:)``.
public struct MessageReference: Sendable, Hashable {
  /// The channel it is on.
  public var channelID: UInt16
  /// Which of the channel's messages it is, in the order of the file.
  public var position: Int
  /// When it was recorded.
  public var logTime: UInt64
}

extension Reader {
  /// The messages of some topics in a span of time, ordered by log time.
  ///
  /// Chunks of other times or without these topics are not touched. Held in memory are 24 bytes for each channel
  /// in each chunk of the selection, and 48 bytes a message of the chunks that overlap in time at once; messages
  /// outside of chunks, which have no index, count as one such chunk. Where the readers of a file and its
  /// writer agree on the order, that is one chunk.
  ///
  /// - Parameters:
  ///   - topics: The topics, or nil for all; one that is not in the file gives no messages.
  ///   - times: Log times.
  public func messages(
    topics: Set<String>? = nil, in times: ClosedRange<UInt64> = 0...UInt64.max,
    order: MessageOrder = .ascending
  ) -> MessageCursor {
    MessageCursor(self, topics: topics, times: times, order: order)
  }
}

/// Goes from message to message by log time.
public struct MessageCursor {
  /// Messages of one channel that follow one another in one chunk.
  private struct Run {
    var channelID: UInt16
    var positions: Range<Int>
  }

  private struct Entry {
    var reference: MessageReference
    /// Where the chunk's records begin in the file, then the place among them; orders messages of one time.
    var place: (chunk: Int, offset: Int)
    var chunk: UInt32
  }

  private let reader: Reader
  private let times: ClosedRange<UInt64>
  private let order: MessageOrder
  private var runs: [UInt32: [Run]] = [:]
  /// Chunks not read yet; the next is the last.
  private var chunks: [UInt32]
  /// A binary heap; the next message is the first.
  private var heap: [Entry] = []
  /// Messages of each chunk in the heap.
  private var pending: [UInt32: Int] = [:]
  /// The chunk of which the caller has the last message; its memory is let go with the next.
  private var finished: UInt32?

  fileprivate init(
    _ reader: Reader, topics: Set<String>?, times: ClosedRange<UInt64>, order: MessageOrder
  ) {
    self.reader = reader
    self.times = times
    self.order = order
    for channel in reader.channels where topics?.contains(channel.topic) ?? true {
      let list = reader.locations[channel.id] ?? []
      var start = 0
      for (position, location) in list.enumerated() where location.chunk != list[start].chunk {
        runs[list[start].chunk, default: []].append(
          Run(channelID: channel.id, positions: start..<position))
        start = position
      }
      if let last = list.last {
        runs[last.chunk, default: []].append(
          Run(channelID: channel.id, positions: start..<list.count))
      }
    }
    chunks = runs.keys.filter { chunk in
      guard let one = Self.chunk(chunk, reader) else { return true }
      return one.messageStartTime <= times.upperBound && one.messageEndTime >= times.lowerBound
    }
    let keys = chunks.map { ($0, Self.firstKey(of: $0, reader, order)) }
    chunks = keys.sorted { $0.1 == $1.1 ? $0.0 > $1.0 : $0.1 > $1.1 }.map(\.0)
  }

  /// The next message, or nil after the last.
  ///
  /// - Throws: ``MCAPError`` where a message is not where the index says, or not in its chunk's span of time.
  public mutating func next() throws(MCAPError) -> MessageReference? {
    if let chunk = finished {
      if Self.chunk(chunk, reader) != nil { try reader.forgetChunk(at: Int(chunk)) }
      finished = nil
    }
    while let chunk = chunks.last,
      heap.first.map({ Self.firstKey(of: chunk, reader, order) <= key($0.reference.logTime) })
        ?? true
    {
      chunks.removeLast()
      try load(chunk)
    }
    guard let first = popFirst() else { return nil }
    let left = (pending[first.chunk] ?? 1) - 1
    pending[first.chunk] = left == 0 ? nil : left
    if left == 0 { finished = first.chunk }
    return first.reference
  }

  /// What the order sorts by, from small to large.
  private func key(_ time: UInt64) -> UInt64 { Self.key(time, order) }

  private static func key(_ time: UInt64, _ order: MessageOrder) -> UInt64 {
    order == .ascending ? time : .max - time
  }

  private static func chunk(_ chunk: UInt32, _ reader: Reader) -> Chunk? {
    chunk == Contents.Location.unchunked ? nil : reader.chunks[Int(chunk)]
  }

  /// The key before which a chunk has no messages.
  private static func firstKey(of chunk: UInt32, _ reader: Reader, _ order: MessageOrder) -> UInt64
  {
    guard let one = Self.chunk(chunk, reader) else { return 0 }
    return key(order == .ascending ? one.messageStartTime : one.messageEndTime, order)
  }

  private mutating func load(_ chunk: UInt32) throws(MCAPError) {
    let span = Self.chunk(chunk, reader).map { ($0.messageStartTime, $0.messageEndTime) }
    let opened = try reader.open(Contents.Location(chunk: chunk, offset: 0))
    let before = heap.count
    for run in runs.removeValue(forKey: chunk) ?? [] {
      let list = reader.locations[run.channelID] ?? []
      for position in run.positions {
        let location = list[position]
        let message = try reader.message(run.channelID, location, opened)
        let time = message.logTime
        if let span, time < span.0 || time > span.1 {
          throw MCAPError(
            .malformedRecord, path: reader.path, at: UInt64(opened.place),
            "a message of the chunk here has log time \(time), the chunk states \(span.0) to"
              + " \(span.1); write the file anew")
        }
        guard times.contains(time) else { continue }
        push(
          Entry(
            reference: .init(channelID: run.channelID, position: position, logTime: time),
            place: span == nil ? (location.offset, 0) : (opened.place, location.offset),
            chunk: chunk))
      }
    }
    let count = heap.count - before
    if count > 0 { pending[chunk] = count }
  }

  // MARK: The heap

  private func precedes(_ left: Entry, _ right: Entry) -> Bool {
    let (first, second) = (left.reference.logTime, right.reference.logTime)
    if first != second { return key(first) < key(second) }
    return order == .ascending ? left.place < right.place : left.place > right.place
  }

  private mutating func push(_ entry: Entry) {
    heap.append(entry)
    var child = heap.count - 1
    while child > 0, precedes(heap[child], heap[(child - 1) / 2]) {
      heap.swapAt(child, (child - 1) / 2)
      child = (child - 1) / 2
    }
  }

  private mutating func popFirst() -> Entry? {
    guard let last = heap.popLast() else { return nil }
    guard let first = heap.first else { return last }
    heap[0] = last
    var parent = 0
    while true {
      let left = 2 * parent + 1
      guard left < heap.count else { return first }
      let right = left + 1
      let child = right < heap.count && precedes(heap[right], heap[left]) ? right : left
      guard precedes(heap[child], heap[parent]) else { return first }
      heap.swapAt(child, parent)
      parent = child
    }
  }
}
