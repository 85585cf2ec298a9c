import EXraySystem
import Synchronization

/// Takes events out of the ring and writes them into the trace; lives on the writing thread.
final class TraceDrain {
  /// Most spans that a frame keeps.
  static let spanLimit = 4096
  /// Most times of ops that a frame keeps.
  static let opLimit = 65536
  /// How often the writing thread looks by itself while events come.
  private static let glance: UInt64 = 20_000_000

  let core: MonitorCore
  let ring: EventRing
  var trace: TraceWriter?
  var run: RunDescription
  var frames: [UInt32: OpenFrame] = [:]
  var runners: [CheckRunner] = []
  /// By number of the stream.
  var tensors: [UInt32: DeclaredTensor] = [:]
  var usage = UsageTrack()
  private let flushInterval: UInt64
  // What was recorded, and of that what a failure would lose.
  private var recorded = Tally()
  private var unflushed = Tally()
  var hasFailed = false
  private var lastFlush: UInt64
  private var lastOverhead: UInt64
  private var hasUntoldOverhead = false
  /// Whether something was written since the last flush.
  private var isDirty = false

  /// A frame that has begun and not ended.
  struct OpenFrame {
    var description: FrameDescription
    var raw: RawDescription?
    var hasRaw = false
    var preprocess: UInt64 = 0
    var inference: UInt64 = 0
    var spans: [SpanSample] = []
    var ops: [OpTimingSample] = []
    /// What was noted here and is recorded with the frame's end.
    var noted = Tally()
    var processorAtBegin: UInt64?
  }

  struct DeclaredTensor {
    var stream: TensorStream
    var position: Int?
  }

  struct Tally {
    var frames: UInt64 = 0
    var events: UInt64 = 0
    var bytes: UInt64 = 0

    static func += (left: inout Tally, right: Tally) {
      left.frames += right.frames
      left.events += right.events
      left.bytes += right.bytes
    }
  }

  /// Creates the trace and the thread that writes it; a failure is noted in the core.
  static func start(_ core: MonitorCore, _ ring: EventRing) -> SystemThread? {
    let configuration = core.configuration
    let machine = core.clock.isManual ? nil : MachineDescription.current
    let run = RunDescription(
      capture: core.level.rawValue, device: configuration.device ?? machine?.device ?? "",
      operatingSystem: configuration.operatingSystem ?? machine?.operatingSystem ?? "",
      tool: configuration.tool, startedNanoseconds: core.clock.now)
    do {
      var options = TraceWriterOptions()
      options.flushesEveryFrame = false
      options.keepsIncompleteFile = true
      let trace = Mutex<TraceWriter?>(
        try TraceWriter(path: core.path, run: run, options: options))
      let handover = Handover(trace: trace)
      return try SystemThread(name: "exray-writer") {
        guard let trace = handover.trace.withLock({ $0.take() }) else { return }
        TraceDrain(core, ring, trace, run).drain()
      }
    } catch {
      core.fail("\(error)")
      return nil
    }
  }

  /// Carries the trace to its thread.
  private final class Handover: Sendable {
    let trace: Mutex<TraceWriter?>
    init(trace: consuming Mutex<TraceWriter?>) { self.trace = trace }
  }

  private init(
    _ core: MonitorCore, _ ring: EventRing, _ trace: consuming TraceWriter, _ run: RunDescription
  ) {
    self.core = core
    self.ring = ring
    self.trace = consume trace
    self.run = run
    flushInterval = core.configuration.flushInterval.clampedNanoseconds
    lastFlush = core.clock.now
    lastOverhead = lastFlush
  }

  // MARK: The thread

  private func drain() {
    while !ring.isFinished {
      while let event = ring.next() {
        record(event)
        ring.release(event)
        keepUp()
      }
      keepUp()
      ring.rest(nanoseconds: isIdle ? nil : min(Self.glance, max(flushInterval, 1_000_000)))
    }
    finish()
  }

  /// Does what is due by time.
  ///
  /// With a manual clock nothing is, so that no timing shows in the trace.
  private func keepUp() {
    guard !core.clock.isManual else { return }
    let now = core.clock.now
    if core.configuration.samplesMemory { usage.sample(at: now) }
    if core.ledger.hasUntold.load(ordering: .acquiring) { writeGaps(at: now) }
    if now &- lastOverhead >= 1_000_000_000, hasUntoldOverhead { writeOverhead(at: now) }
    if now &- lastFlush >= flushInterval { flush(at: now) }
  }

  /// Whether nothing is due before the next event.
  private var isIdle: Bool {
    core.clock.isManual
      || !isDirty && frames.isEmpty && !core.ledger.hasUntold.load(ordering: .acquiring)
  }

  private func flush(at time: UInt64) {
    lastFlush = time
    isDirty = false
    guard !hasFailed else { return }
    do throws(TraceError) {
      try trace?.flush()
      unflushed = Tally()
    } catch {
      fail(error)
    }
  }

  private func finish() {
    let now = core.clock.now
    for index in frames.keys.sorted() {
      core.misuse("frame \(index) was under way at close(); it has no latency", frame: index)
      endFrame(Event(.endFrame, at: now, frame: index))
    }
    for index in runners.indices {
      for finding in runners[index].finish() { write(finding, nil, now) }
    }
    writeGaps(at: now)
    let overhead = writeOverhead(at: now)
    flush(at: now)
    if let trace = trace.take() {
      do throws(TraceError) {
        try trace.finish()
      } catch {
        fail(error)
      }
    }
    if hasFailed { countFile() }
    core.summary.withLock { summary in
      summary.frameCount = recorded.frames
      summary.eventCount = recorded.events
      summary.byteCount = recorded.bytes
      summary.checks = runners.map(\.result)
      summary.overhead = overhead
    }
  }

  // MARK: Accounts

  func count(_ tally: Tally) {
    recorded += tally
    unflushed += tally
    hasUntoldOverhead = hasUntoldOverhead || tally.events > 0
    isDirty = true
  }

  /// Counts an event that is not in the trace: as misuse where the trace refused it, else the trace has failed.
  func lose(_ error: TraceError, events: UInt64 = 1, bytes: UInt64, _ frame: UInt32?) {
    if error.code == .invalidArgument {
      core.ledger.lose(
        .misuse, events: events, bytes: Int(clamping: bytes), frame: frame, note: error.message)
    } else {
      fail(error)
      core.ledger.lose(.writeFailed, events: events, bytes: Int(clamping: bytes), frame: frame)
    }
  }

  private func fail(_ error: TraceError) {
    core.fail(error.description)
    guard !hasFailed else { return }
    hasFailed = true
    core.ledger.lose(
      .writeFailed, events: unflushed.events, bytes: Int(clamping: unflushed.bytes), frame: nil)
    recorded.events -= unflushed.events
    recorded.bytes -= unflushed.bytes
    unflushed = Tally()
  }

  /// Writes to the trace by `body`, and settles the account.
  ///
  /// - Parameter events: How many of the app's events that records.
  func write(
    _ frame: UInt32?, events: UInt64 = 1, bytes: UInt64 = 0, frames: UInt64 = 0,
    _ body: () throws(TraceError) -> Void
  ) {
    guard !hasFailed else {
      return core.ledger.lose(
        .writeFailed, events: events, bytes: Int(clamping: bytes), frame: frame)
    }
    do throws(TraceError) {
      try body()
      count(Tally(frames: frames, events: events, bytes: bytes))
    } catch {
      lose(error, events: events, bytes: bytes, frame)
    }
  }

  /// After a failure: what did reach the disk is told by the disk.
  private func countFile() {
    if (try? FileKind.at(core.path)) == .file, let reader = try? TraceReader(path: core.path),
      reader.run.startedNanoseconds == run.startedNanoseconds
    {
      recorded.frames = UInt64(reader.frames.count)
    } else {
      core.ledger.lose(
        .writeFailed, events: recorded.events, bytes: Int(clamping: recorded.bytes), frame: nil)
      recorded = Tally()
    }
  }

  func write(_ finding: FindingSample, _ frame: UInt32?, _ time: UInt64) {
    write(frame, events: 0) { () throws(TraceError) in
      try trace?.write(finding, frame: frame, time: time)
    }
  }

  private func writeGaps(at time: UInt64) {
    for gap in core.ledger.takeUntold() {
      write(nil, events: 0) { () throws(TraceError) in try trace?.write(gap, time: time) }
    }
  }

  @discardableResult
  private func writeOverhead(at time: UInt64) -> OverheadSample {
    lastOverhead = time
    hasUntoldOverhead = false
    var sample = OverheadSample(
      frames: recorded.frames, events: recorded.events, bytes: recorded.bytes,
      fileBytes: trace?.byteCount ?? 0)
    for loss in core.ledger.total {
      sample.droppedEvents += loss.eventCount
      sample.droppedBytes += loss.byteCount
    }
    if !core.clock.isManual {
      sample.appNanoseconds = core.appNanoseconds
      sample.writerNanoseconds = SystemClock.threadNanoseconds
      sample.peakRingBytes = ring.peakByteCount
    }
    write(nil, events: 0) { () throws(TraceError) in try trace?.write(sample, time: time) }
    return sample
  }
}
