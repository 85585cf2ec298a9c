/// A named number, as an app computes it.
public struct ScalarSample: Hashable, Sendable {
  /// What the number says.
  public var name: String
  /// The number; not-a-number and infinities are kept.
  public var value: Double

  /// Creates a sample.
  public init(name: String, value: Double) {
    self.name = name
    self.value = value
  }
}

/// What a check on the device found.
public struct FindingSample: Hashable, Sendable {
  /// How the check went.
  public enum Outcome: String, Sendable, CaseIterable {
    /// What was checked is wrong.
    case fail
    /// The check could not be made.
    case inconclusive
  }

  /// The check's name.
  public var check: String
  /// How it went.
  public var outcome: Outcome
  /// What was found, in words.
  public var message: String
  /// The name of the tensor that was checked, where it was one.
  public var tensor: String?

  /// Creates a finding.
  public init(check: String, outcome: Outcome, message: String, tensor: String? = nil) {
    self.check = check
    self.outcome = outcome
    self.message = message
    self.tensor = tensor
  }
}

/// Events that a trace lacks, and why.
public struct GapSample: Hashable, Sendable {
  /// Why they are lacking: `ring-full`, `byte-budget`, `time-budget`, `frame-time-budget`, `too-large`,
  /// `write-failed` or `misuse`; more may be added.
  public var reason: String
  /// How many events are lacking.
  public var eventCount: UInt64
  /// The bytes of their payloads.
  public var byteCount: UInt64
  /// The first frame that lacks events, where they belong to frames.
  public var firstFrame: UInt32?
  /// The last frame that lacks events, where they belong to frames.
  public var lastFrame: UInt32?

  /// Creates a gap.
  public init(
    reason: String, eventCount: UInt64, byteCount: UInt64, firstFrame: UInt32? = nil,
    lastFrame: UInt32? = nil
  ) {
    self.reason = reason
    self.eventCount = eventCount
    self.byteCount = byteCount
    self.firstFrame = firstFrame
    self.lastFrame = lastFrame
  }
}

/// What it cost to record a trace, up to one moment.
public struct OverheadSample: Hashable, Sendable {
  /// Frames recorded.
  public var frames: UInt64
  /// Events recorded.
  public var events: UInt64
  /// Bytes of the events' payloads.
  public var bytes: UInt64
  /// Events that were dropped.
  public var droppedEvents: UInt64
  /// Bytes of the dropped events' payloads.
  public var droppedBytes: UInt64
  /// Time that the app's threads spent inside of the recording calls.
  public var appNanoseconds: UInt64
  /// Processor time of the writing thread.
  public var writerNanoseconds: UInt64
  /// The most bytes that waited to be written.
  public var peakRingBytes: UInt64
  /// Bytes of the file.
  public var fileBytes: UInt64

  /// Creates a sample.
  public init(
    frames: UInt64 = 0, events: UInt64 = 0, bytes: UInt64 = 0, droppedEvents: UInt64 = 0,
    droppedBytes: UInt64 = 0, appNanoseconds: UInt64 = 0, writerNanoseconds: UInt64 = 0,
    peakRingBytes: UInt64 = 0, fileBytes: UInt64 = 0
  ) {
    self.frames = frames
    self.events = events
    self.bytes = bytes
    self.droppedEvents = droppedEvents
    self.droppedBytes = droppedBytes
    self.appNanoseconds = appNanoseconds
    self.writerNanoseconds = writerNanoseconds
    self.peakRingBytes = peakRingBytes
    self.fileBytes = fileBytes
  }
}

/// Where a sample stands in a trace.
public struct SampleMoment: Hashable, Sendable {
  /// The frame's number, or nil for what belongs to no frame.
  public var frameIndex: UInt32?
  /// When, in nanoseconds since 1970.
  public var timeNanoseconds: UInt64

  /// Creates a moment.
  public init(frameIndex: UInt32? = nil, timeNanoseconds: UInt64) {
    self.frameIndex = frameIndex
    self.timeNanoseconds = timeNanoseconds
  }
}
