/// One input that went through the model.
public struct FrameDescription: Codable, Hashable, Sendable {
  /// The frame's number; numbers rise from frame to frame and fit 32 bits.
  public var index: Int
  /// A file name or the name of a sample.
  public var name: String
  /// What the input is known to show.
  public var label: String?
  /// When the frame began, in nanoseconds since 1970.
  public var timeNanoseconds: UInt64

  /// Creates a description.
  public init(index: Int, name: String, label: String? = nil, timeNanoseconds: UInt64) {
    self.index = index
    self.name = name
    self.label = label
    self.timeNanoseconds = timeNanoseconds
  }
}

/// What a frame was made from, as it came: a picture file, a NumPy file.
public struct RawInput: Hashable, Sendable {
  /// The media type, as `image/jpeg`, `image/png` or `application/x-npy`.
  public var mediaType: String
  /// The file's name.
  public var name: String
  /// The file's bytes.
  public var bytes: [UInt8]

  /// Creates a raw input.
  public init(mediaType: String, name: String, bytes: [UInt8]) {
    self.mediaType = mediaType
    self.name = name
    self.bytes = bytes
  }
}

/// How long a frame took.
public struct LatencySample: Codable, Hashable, Sendable {
  /// Time to make the model's inputs.
  public var preprocessNanoseconds: UInt64
  /// Time inside the runtime's run call.
  public var inferenceNanoseconds: UInt64
  /// Time from the raw input to the outputs.
  public var endToEndNanoseconds: UInt64

  /// Creates a sample.
  public init(
    preprocessNanoseconds: UInt64, inferenceNanoseconds: UInt64, endToEndNanoseconds: UInt64
  ) {
    self.preprocessNanoseconds = preprocessNanoseconds
    self.inferenceNanoseconds = inferenceNanoseconds
    self.endToEndNanoseconds = endToEndNanoseconds
  }
}

/// How much memory the process that ran the model held.
public struct MemorySample: Codable, Hashable, Sendable {
  /// Bytes resident at the end of the frame.
  public var residentBytes: UInt64
  /// The most bytes resident so far.
  public var peakBytes: UInt64

  /// Creates a sample.
  public init(residentBytes: UInt64, peakBytes: UInt64) {
    self.residentBytes = residentBytes
    self.peakBytes = peakBytes
  }
}

/// A named stretch of time within a frame.
public struct SpanSample: Codable, Hashable, Sendable {
  /// What was done.
  public var name: String
  /// When it began, in nanoseconds since 1970.
  public var startNanoseconds: UInt64
  /// How long it took.
  public var durationNanoseconds: UInt64

  /// Creates a span.
  public init(name: String, startNanoseconds: UInt64, durationNanoseconds: UInt64) {
    self.name = name
    self.startNanoseconds = startNanoseconds
    self.durationNanoseconds = durationNanoseconds
  }
}

/// The time of one op in one run.
public struct OpTimingSample: Codable, Hashable, Sendable {
  /// The runtime's label: an op type, or a delegate's operator name.
  public var label: String
  /// The op's index in the graph, or nil where a delegate's operator has no single op.
  public var opIndex: Int?
  /// Whole microseconds.
  public var microseconds: Int

  /// Creates a timing.
  public init(label: String, opIndex: Int?, microseconds: Int) {
    self.label = label
    self.opIndex = opIndex
    self.microseconds = microseconds
  }
}
