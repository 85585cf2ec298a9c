/// What a frame was made from, without its bytes.
public struct RawDescription: Hashable, Sendable {
  /// The media type, as `image/jpeg`.
  public var mediaType: String
  /// The file's name.
  public var name: String
  /// SHA-256 of the bytes, as 64 hexadecimal digits, where the trace holds that in place of the bytes.
  public var sha256: String?
  /// How many bytes there were, where that is noted.
  public var byteCount: UInt64?

  /// Creates a description.
  public init(mediaType: String, name: String, sha256: String? = nil, byteCount: UInt64? = nil) {
    self.mediaType = mediaType
    self.name = name
    self.sha256 = sha256
    self.byteCount = byteCount
  }
}

/// What is known of a frame when it ends; with it the frame counts.
public struct FrameRecord: Hashable, Sendable {
  /// The frame.
  public var frame: FrameDescription
  /// What the frame was made from; nil where the bytes were written, which says it, or where it is not known.
  public var raw: RawDescription?
  /// How long it took.
  public var latency: LatencySample?
  /// The memory held at its end.
  public var memory: MemorySample?
  /// Processor time that the process used in the frame, on all threads.
  public var processorNanoseconds: UInt64?
  /// Stretches of time within the frame.
  public var spans: [SpanSample]
  /// Times of ops.
  public var ops: [OpTimingSample]

  /// Creates a record.
  public init(
    frame: FrameDescription, raw: RawDescription? = nil, latency: LatencySample? = nil,
    memory: MemorySample? = nil, processorNanoseconds: UInt64? = nil, spans: [SpanSample] = [],
    ops: [OpTimingSample] = []
  ) {
    self.frame = frame
    self.raw = raw
    self.latency = latency
    self.memory = memory
    self.processorNanoseconds = processorNanoseconds
    self.spans = spans
    self.ops = ops
  }
}
