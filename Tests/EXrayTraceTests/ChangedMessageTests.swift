import EXrayCore
import EXrayTestKit
import EXrayTrace
import Foundation
import MCAP
import Synchronization
import Testing

/// The messages of a trace, to be changed and written again; every checksum is then right.
struct Messages {
  struct Entry {
    var channel: Channel
    var sequence: UInt32
    var time: UInt64
    var payload: [UInt8]
  }

  private let header: Header
  private let schemas: [UInt16: Schema]
  private let channels: [Channel]
  private let metadata: [Metadata]
  var entries: [Entry] = []

  init(of path: String) throws {
    let reader = try Reader(path: path)
    header = reader.header
    schemas = reader.schemas
    channels = reader.channels
    metadata = try reader.metadataIndexes.map { try reader.metadata(at: $0) }
    for channel in channels {
      for position in 0..<reader.messageCount(channelID: channel.id) {
        try reader.withMessage(channelID: channel.id, at: position) { message, bytes in
          entries.append(
            Entry(
              channel: channel, sequence: message.sequence, time: message.logTime,
              payload: unsafe bytes.withUnsafeBytes { unsafe [UInt8]($0) }))
        }
      }
    }
  }

  func write(to path: String, options: WriterOptions = WriterOptions()) throws {
    var writer = try Writer(
      path: path, profile: header.profile, library: "test", options: options)
    for entry in metadata { try writer.write(entry) }
    var schemaIDs: [UInt16: UInt16] = [:]
    for schema in schemas.values.sorted(by: { $0.id < $1.id }) {
      schemaIDs[schema.id] = try writer.addSchema(
        name: schema.name, encoding: schema.encoding, data: schema.data)
    }
    var channelIDs: [UInt16: UInt16] = [:]
    for channel in channels {
      channelIDs[channel.id] = try writer.addChannel(
        topic: channel.topic, messageEncoding: channel.messageEncoding,
        metadata: channel.metadata, schemaID: schemaIDs[channel.schemaID] ?? 0)
    }
    for entry in entries {
      unsafe try writer.write(
        entry.payload.span.bytes, channelID: channelIDs[entry.channel.id] ?? 0,
        sequence: entry.sequence, logTime: entry.time)
    }
    try writer.finish()
  }
}

@Suite("Traces that others have written anew")
struct ChangedMessageTests {
  /// Reads everything that there is.
  private func readAll(_ reader: TraceReader) throws {
    for frame in reader.frames.indices { _ = try contents(of: frame, reader) }
    for stream in reader.tensors.indices {
      try reader.forEachValue(ofTensor: stream) { _, _ in }
      try reader.forEachSketch(ofTensor: stream) { _, _ in }
    }
    try reader.forEachScalar { _, _ in }
    try reader.forEachFinding { _, _ in }
    try reader.forEachGap { _, _ in }
    for kind in SensorReading.kinds { try reader.forEachReading(of: kind) { _, _ in } }
    _ = try reader.overhead()
  }

  @Test("A changed payload under a right checksum gives a value or an error", arguments: 0..<8)
  func payloads(seed: UInt64) throws {
    let folder = try TemporaryFolder()
    var trace = Interleaving(seed: seed, largest: 100)
    try trace.write(to: folder.path("a.mcap"), steps: 150)
    let messages = try Messages(of: folder.path("a.mcap"))
    var random = SplitMix64(seed: seed)
    let small = messages.entries.indices.filter { messages.entries[$0].payload.count < 1000 }
    var refusals = 0
    for _ in 0..<150 {
      var changed = messages
      guard let position = small.randomElement(using: &random) else { return }
      var payload = changed.entries[position].payload
      let place = Int.random(in: 0...payload.count, using: &random)
      switch Int.random(in: 0..<4, using: &random) {
      case 0: payload.removeSubrange(place...)
      case 1: payload.insert(contentsOf: [UInt8](repeating: 0xFF, count: 11), at: place)
      case 2 where place < payload.count:
        payload[place] ^= 1 << UInt8.random(in: 0..<8, using: &random)
      default: payload.insert(UInt8.random(in: 0...255, using: &random), at: place)
      }
      changed.entries[position].payload = payload
      try changed.write(to: folder.path("b.mcap"))
      do {
        try readAll(TraceReader(path: folder.path("b.mcap")))
      } catch let error as TraceError {
        #expect(error.code == .invalidMessage && error.offset != nil, "\(error)")
        refusals += 1
      }
    }
    #expect(refusals > 50)
  }

  @Test(
    "Messages may stand in any order, and topics that are not known among them", arguments: 0..<8)
  func order(seed: UInt64) throws {
    let folder = try TemporaryFolder()
    var trace = Interleaving(seed: seed)
    try trace.write(to: folder.path("a.mcap"), steps: 300)
    var messages = try Messages(of: folder.path("a.mcap"))
    var random = SplitMix64(seed: seed)
    // What repeats in a frame keeps its order.
    let repeats = ["/scalars", "/findings", "/boxes", "/image", "/tensors"]
    let movable = messages.entries.indices.filter { position in
      !repeats.contains { messages.entries[position].channel.topic.hasPrefix($0) }
    }
    let shuffled = movable.shuffled(using: &random).map { messages.entries[$0] }
    for (position, entry) in zip(movable, shuffled) { messages.entries[position] = entry }
    try messages.write(to: folder.path("b.mcap"))
    let reader = try TraceReader(path: folder.path("b.mcap"))
    #expect(reader.frames == trace.frames.map(\.record.frame))
    for (frame, expected) in trace.frames.enumerated() {
      #expect(try contents(of: frame, reader) == expected)
    }
  }

  @Test("Chunks that another program has compressed are read with their codec")
  func compressed() throws {
    let folder = try TemporaryFolder()
    var trace = Interleaving(seed: 5)
    try trace.write(to: folder.path("a.mcap"), steps: 300)
    var options = WriterOptions()
    // Stands for a library's compression: what it gives is the number of what it was given.
    let kept = Mutex<[[UInt8]]>([])
    let codec = ChunkCodec(name: "numbered") { bytes in
      let copy = unsafe bytes.withUnsafeBytes { unsafe [UInt8]($0) }
      return kept.withLock { list in
        list.append(copy)
        return [UInt8(list.count - 1)]
      }
    } decompress: { bytes, _ in
      let number = unsafe bytes.withUnsafeBytes { unsafe Int($0[0]) }
      return kept.withLock { $0[number] }
    }
    options.compression = codec
    options.chunkByteCount = 100_000
    try Messages(of: folder.path("a.mcap")).write(to: folder.path("b.mcap"), options: options)
    let reader = try TraceReader(path: folder.path("b.mcap"), codecs: [codec])
    for (frame, expected) in trace.frames.enumerated() {
      #expect(try contents(of: frame, reader) == expected)
    }
    #expect(throws: TraceError.self) {
      try readAll(TraceReader(path: folder.path("b.mcap")))
    }
  }

  @Test("A trace of the first writers, whose pictures lie in /raw as they are, is read")
  func firstWriters() throws {
    let folder = try TemporaryFolder()
    var writer = try Writer(path: folder.path("a.mcap"), profile: "exray", library: "exray 0.1.0")
    try writer.write(Metadata(name: "exray.run", entries: HostileTraceTests.Crafted.goodRun))
    let frames = try writer.addChannel(topic: "/frames", messageEncoding: "json")
    let raw = try writer.addChannel(topic: "/raw", messageEncoding: "exray.raw")
    let latency = try writer.addChannel(topic: "/latency", messageEncoding: "json")
    let picture: [UInt8] = [0xFF, 0xD8, 1]
    for (channel, payload) in [
      (raw, picture),
      (
        latency,
        Array(
          #"{"preprocessNanoseconds":1,"inferenceNanoseconds":2,"endToEndNanoseconds":3}"#.utf8)
      ),
      (
        frames,
        Array(
          (#"{"index":4,"name":"a","timeNanoseconds":5,"#
            + #""raw":{"mediaType":"image/jpeg","name":"p.jpg"}}"#).utf8)
      ),
    ] {
      unsafe try writer.write(payload.span.bytes, channelID: channel, sequence: 4, logTime: 5)
    }
    try writer.finish()
    let reader = try TraceReader(path: folder.path("a.mcap"))
    #expect(
      try reader.rawInput(frame: 0)
        == RawInput(mediaType: "image/jpeg", name: "p.jpg", bytes: picture))
    #expect(try reader.latency(frame: 0)?.endToEndNanoseconds == 3)
    #expect(try reader.boxes(frame: 0).isEmpty && reader.overhead() == nil)
  }
}
