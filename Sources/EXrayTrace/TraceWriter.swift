import EXray
import MCAP

/// Writes one run's trace frame by frame, in memory that does not grow with the tensors.
///
/// The file takes its name with ``finish()``; a writer that is dropped without it leaves nothing behind. A
/// frame counts once ``endFrame()`` has returned: even a process that dies then leaves it readable in the
/// temporary file.
///
/// The same calls give the same bytes.
public struct TraceWriter: ~Copyable {
  private let path: String
  private let tensors: [TensorStream]
  private var container: MCAP.Writer
  private var tensorChannels: [UInt16] = []
  private var streamChannels: [TraceLayout.Stream: UInt16] = [:]
  // The frame under way.
  private var frame: FrameDescription?
  private var lastIndex = -1
  private var lastFrameOfTensor: [Int]
  private var raw: (mediaType: String, name: String)?
  private var latency: LatencySample?
  private var memory: MemorySample?
  private var spans: [SpanSample] = []
  private var ops: [OpTimingSample] = []

  /// Creates a trace.
  ///
  /// - Parameters:
  ///   - path: The name that the file takes when it is finished; an existing file is then replaced.
  ///   - tensors: The tensors of which frames may hold values.
  /// - Throws: ``TraceError`` where the file cannot be created, or two streams are the same, or a
  ///   description is one that no tensor has.
  public init(path: String, run: RunDescription, tensors: [TensorStream]) throws(TraceError) {
    var topics: Set<String> = []
    for tensor in tensors {
      do throws(Fault) {
        try tensor.check()
      } catch {
        throw TraceError(
          .invalidArgument, path: path,
          "tensor \(tensor.topic) \(tensor.description.name) \(error.text); correct its description"
        )
      }
      guard topics.insert(tensor.topic).inserted else {
        throw TraceError(
          .invalidArgument, path: path,
          "two tensors are \(tensor.topic); give each its own index within its role")
      }
    }
    do throws(MCAPError) {
      var container = try MCAP.Writer(
        path: path, profile: TraceLayout.profile, library: TraceLayout.library)
      try container.write(Metadata(name: TraceLayout.runMetadata, entries: run.entries))
      for stream in TraceLayout.Stream.allCases {
        var schema: UInt16 = 0
        if let (name, text) = stream.schema {
          schema = try container.addSchema(
            name: name, encoding: "jsonschema", data: Array(text.utf8))
        }
        streamChannels[stream] = try container.addChannel(
          topic: stream.topic, messageEncoding: stream.encoding, schemaID: schema)
      }
      for tensor in tensors {
        tensorChannels.append(
          try container.addChannel(
            topic: tensor.topic, messageEncoding: TraceLayout.tensorEncoding,
            metadata: tensor.entries))
      }
      try container.flush()
      self.container = container
    } catch {
      throw TraceError(error, path: path)
    }
    self.path = path
    self.tensors = tensors
    lastFrameOfTensor = [Int](repeating: -1, count: tensors.count)
  }

  /// Begins a frame.
  ///
  /// - Throws: ``TraceError`` `.invalidArgument` where a frame is under way, or the index does not exceed the last
  ///   frame's or does not fit 32 bits.
  public mutating func beginFrame(_ frame: FrameDescription) throws(TraceError) {
    if let open = self.frame { throw misuse("frame \(open.index) is under way; end it first") }
    guard frame.index > lastIndex, UInt32(exactly: frame.index) != nil else {
      throw misuse(
        "frame \(frame.index) follows \(lastIndex); indices must rise and fit 32 bits")
    }
    self.frame = frame
    lastIndex = frame.index
  }

  /// Writes the values of one tensor in the frame under way.
  ///
  /// - Parameters:
  ///   - bytes: Packed little-endian values in row-major order.
  ///   - stream: A position in the list of tensors that the trace was created with.
  public mutating func write(_ bytes: RawSpan, toTensor stream: Int) throws(TraceError) {
    let frame = try requireFrame()
    guard tensors.indices.contains(stream) else {
      throw misuse("tensor \(stream) is not one of \(tensors.count)")
    }
    let description = tensors[stream].description
    if let expected = description.byteCount, expected != bytes.byteCount {
      throw misuse(
        "tensor \(tensors[stream].topic) \(description.name) takes \(expected) bytes"
          + " (\(description.elementType.rawValue) \(description.shape)), \(bytes.byteCount) given")
    }
    guard lastFrameOfTensor[stream] != frame.index else {
      throw misuse("frame \(frame.index) has \(tensors[stream].topic) already; write it once")
    }
    lastFrameOfTensor[stream] = frame.index
    try append(bytes, channelID: tensorChannels[stream], frame)
  }

  /// Writes what the frame under way was made from.
  public mutating func write(_ raw: RawInput) throws(TraceError) {
    let frame = try requireFrame()
    guard self.raw == nil else { throw misuse("frame \(frame.index) has a raw input already") }
    self.raw = (raw.mediaType, raw.name)
    unsafe try append(raw.bytes.span.bytes, channelID: streamChannels[.raw] ?? 0, frame)
  }

  /// Notes how long the frame under way took.
  public mutating func write(_ latency: LatencySample) throws(TraceError) {
    let frame = try requireFrame()
    guard self.latency == nil else { throw misuse("frame \(frame.index) has a latency already") }
    self.latency = latency
  }

  /// Notes the memory held in the frame under way.
  public mutating func write(_ memory: MemorySample) throws(TraceError) {
    let frame = try requireFrame()
    guard self.memory == nil else { throw misuse("frame \(frame.index) has its memory already") }
    self.memory = memory
  }

  /// Notes a stretch of time within the frame under way.
  public mutating func write(_ span: SpanSample) throws(TraceError) {
    _ = try requireFrame()
    spans.append(span)
  }

  /// Notes times of ops in the frame under way, after those noted before.
  public mutating func write(_ ops: [OpTimingSample]) throws(TraceError) {
    _ = try requireFrame()
    self.ops += ops
  }

  /// Ends the frame under way; from now on it counts.
  public mutating func endFrame() throws(TraceError) {
    let frame = try requireFrame()
    // Whoever reads only the small messages need not touch, or verify, the chunks of the tensors.
    if container.pendingByteCount > TraceLayout.separateChunkByteCount { try flush() }
    if let latency { try append(latency.json, to: .latency, frame) }
    if let memory { try append(memory.json, to: .memory, frame) }
    if !spans.isEmpty { try append(list(spans.map(\.json)), to: .spans, frame) }
    if !ops.isEmpty { try append(list(ops.map(\.json)), to: .ops, frame) }
    try append(frame.json(raw: raw), to: .frames, frame)
    try flush()
    self.frame = nil
    raw = nil
    latency = nil
    memory = nil
    spans.removeAll(keepingCapacity: true)
    ops.removeAll(keepingCapacity: true)
  }

  /// Completes the file and gives it its own name.
  ///
  /// - Throws: ``TraceError``; nothing is left behind then.
  public consuming func finish() throws(TraceError) {
    if let frame { throw misuse("frame \(frame.index) is under way; end it first") }
    let path = path
    do throws(MCAPError) {
      try container.finish()
    } catch {
      throw TraceError(error, path: path)
    }
  }

  private func list(_ items: [String]) -> String { "[" + items.joined(separator: ",") + "]" }

  private mutating func append(
    _ json: String, to stream: TraceLayout.Stream, _ frame: FrameDescription
  ) throws(TraceError) {
    let bytes = Array(json.utf8)
    guard bytes.count <= TraceLayout.jsonByteLimit else {
      throw misuse(
        "\(stream.topic) of frame \(frame.index) takes \(bytes.count) bytes of JSON, at most"
          + " \(TraceLayout.jsonByteLimit) fit; note fewer or shorter samples a frame")
    }
    unsafe try append(bytes.span.bytes, channelID: streamChannels[stream] ?? 0, frame)
  }

  private mutating func append(
    _ bytes: RawSpan, channelID: UInt16, _ frame: FrameDescription
  ) throws(TraceError) {
    do throws(MCAPError) {
      try container.write(
        bytes, channelID: channelID, sequence: UInt32(truncatingIfNeeded: frame.index),
        logTime: frame.timeNanoseconds)
    } catch {
      throw TraceError(error, path: path)
    }
  }

  private mutating func flush() throws(TraceError) {
    do throws(MCAPError) {
      try container.flush()
    } catch {
      throw TraceError(error, path: path)
    }
  }

  private func requireFrame() throws(TraceError) -> FrameDescription {
    guard let frame else { throw misuse("no frame is under way; begin one first") }
    return frame
  }

  private func misuse(_ message: String) -> TraceError {
    TraceError(.invalidArgument, path: path, message)
  }
}
