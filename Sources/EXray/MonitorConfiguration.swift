/// How a ``Monitor`` records.
public struct MonitorConfiguration: Sendable {
  /// What a call does where the ring has no room because the writing thread lags behind.
  public enum FullRing: Sendable, Hashable {
    /// The call waits; a writing thread that does not move for ten seconds is taken for stuck, and the event lost.
    case block
    /// The event is dropped and counted; the call never waits for the disk.
    case drop
  }

  /// What the trace keeps of raw inputs.
  public enum RawInputs: Sendable, Hashable {
    /// Their bytes.
    case bytes
    /// Their SHA-256 and how many bytes there were. The level `sketch` keeps no more than that.
    case digest
    /// Nothing.
    case none
  }

  /// Where times come from.
  public enum Clock: Sendable, Hashable {
    /// The machine's clock.
    case system
    /// A clock that stands at `startNanoseconds` since 1970 until ``Monitor/advance(nanoseconds:)`` moves it.
    ///
    /// Nothing is measured then, neither memory nor processor time nor overhead, so that the same calls
    /// on one thread give the same bytes.
    case manual(startNanoseconds: UInt64 = 0)
  }

  /// Bytes that may wait for the writing thread; memory is taken only as it is needed.
  public var ringByteCount = 64 << 20
  /// What a call does where the ring has no room.
  public var whenFull = FullRing.block
  /// Records each *n*th frame and skips the others; the first is recorded.
  public var everyNth = 1
  /// Bytes of the file from which on tensors, raw inputs and pictures are left out; small events go on.
  public var byteBudget: UInt64?
  /// Time after which tensors, raw inputs and pictures are left out; small events go on.
  public var durationBudget: Duration?
  /// Time inside of the monitor's calls after which further tensors, raw inputs and pictures of the same frame are left out.
  public var frameTimeBudget: Duration?
  /// What the trace keeps of raw inputs.
  public var rawInputs = RawInputs.bytes
  /// The most time until an event is in the file, where a process that dies leaves it readable.
  public var flushInterval = Duration.milliseconds(250)
  /// The seed of the random projections that sketches hold; sketches of equal seeds can be compared.
  public var sketchSeed: UInt64 = 0
  /// Whether frames get the process's memory and processor time.
  public var samplesMemory = true
  /// Findings that each check writes into the trace; further ones are counted.
  public var findingLimit = 16
  /// Where times come from.
  public var clock = Clock.system
  /// The machine; where nil, what the system says, or empty with a manual clock.
  public var device: String?
  /// The operating system; where nil, what the system says, or empty with a manual clock.
  public var operatingSystem: String?
  /// The program that records.
  public var tool = "EXray"

  /// Creates a configuration that records every frame and loses nothing.
  public init() {}
}
