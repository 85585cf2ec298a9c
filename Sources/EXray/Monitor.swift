import EXraySystem

/// Records what a model does inside of an app, into one trace file.
///
/// ```swift
/// let monitor = Monitor(writingTo: path)
/// monitor.frame { frame in
///   frame.log(.input, pixels, shape: [1, 224, 224, 3])
///   let scores = frame.inference { run(pixels) }
///   frame.log(.output, scores, shape: [1, 1000])
/// }
/// monitor.close()
/// ```
///
/// Any thread may call at any time. A call copies into memory that was reserved before and returns; one
/// thread of the monitor's own checks, sketches and writes. No call throws or traps: what cannot be recorded
/// is counted, told in the trace and in the ``MonitorSummary``.
public final class Monitor: Sendable {
  /// Which values a trace holds.
  ///
  /// Latencies, memory, spans, scalars, sensors and findings are in each.
  public enum Level: String, Sendable, CaseIterable {
    /// No tensors.
    case none
    /// The model's outputs, custom tensors, and boxes.
    case output
    /// Also the model's inputs, raw inputs and pictures.
    case io
    /// Also embeddings.
    case embedding
    /// Also each layer.
    case layers
    /// A sketch of every tensor that `layers` keeps, and digests of raw inputs: no values.
    case sketch
  }

  let core: MonitorCore
  private let thread: Guarded<SystemThread?>

  /// Starts to record.
  ///
  /// Never fails: where the trace cannot be created, everything is counted as lost, and ``close()`` says why.
  ///
  /// - Parameter path: The name that the trace takes when it is closed; until then it grows under a
  ///   temporary name beside it, of which everything up to the last flush can be read if the process dies.
  public convenience init(
    writingTo path: String, level: Level = .io, configuration: MonitorConfiguration = .init()
  ) {
    var ring: EventRing?
    var failure: String?
    do throws(SystemError) {
      ring = try EventRing(byteCount: configuration.ringByteCount)
    } catch {
      failure =
        "cannot reserve \(configuration.ringByteCount) bytes for the ring: \(error); lower ringByteCount"
    }
    let core = MonitorCore(
      path: path, level: level, configuration: configuration, ring: ring,
      phase: MonitorCore.Phase.active)
    if let failure { core.fail(failure) }
    self.init(core: core, thread: ring.flatMap { TraceDrain.start(core, $0) })
  }

  private init(core: MonitorCore, thread: consuming SystemThread?) {
    self.core = core
    self.thread = Guarded(thread)
  }

  deinit { close() }

  /// A monitor that records nothing; each of its calls returns at once.
  public static let disabled = Monitor(
    core: MonitorCore(
      path: "", level: .none, configuration: MonitorConfiguration(), ring: nil,
      phase: MonitorCore.Phase.off),
    thread: nil)

  /// Whether events are recorded: the monitor is neither disabled nor closed, and the trace can be written.
  public var isRecording: Bool { core.isActive }

  /// The configuration.
  public var configuration: MonitorConfiguration { core.configuration }

  /// Which values the trace holds.
  public var level: Level { core.level }

  /// Whether tensors of a role are recorded or checked, so that others need not be made.
  public func wants(_ role: TensorRole) -> Bool { core.isActive && core.takes(role) }

  // MARK: Frames

  /// Begins a frame, which ``Frame/end()`` ends.
  ///
  /// Frames may overlap.
  ///
  /// - Parameters:
  ///   - name: A file name or the name of a sample.
  ///   - label: What the input is known to show.
  public func beginFrame(_ name: String = "", label: String? = nil) -> Frame {
    Frame(monitor: self, state: core.isOff ? nil : core.beginFrame(name, label))
  }

  /// Calls `body` with a frame, which ends when `body` returns or throws.
  public func frame<Result>(
    _ name: String = "", label: String? = nil, _ body: (Frame) throws -> Result
  ) rethrows -> Result {
    let frame = beginFrame(name, label: label)
    defer { frame.end() }
    return try body(frame)
  }

  // MARK: Events outside of frames

  /// Calls `body` and notes how long it took.
  ///
  /// The time goes to the frame that was begun last, while that is under way. Outside of frames it is written
  /// as the scalar `NAME.durationNanoseconds`.
  public func span<Result>(_ name: String, _ body: () throws -> Result) rethrows -> Result {
    let start = core.isActive ? core.clock.now : nil
    let frame = core.frameUnderWay
    defer { core.endSpan(name, since: start, in: frame) }
    return try body()
  }

  /// Logs what a sensor says.
  public func log(_ reading: SensorReading) { core.log(reading) }

  /// Logs a number that belongs to no frame.
  public func log(_ name: String, _ value: Double) { core.log(name, value, nil) }

  /// Logs a tensor that belongs to no frame.
  ///
  /// - Parameter bytes: Packed little-endian values in row-major order.
  public func log(_ tensor: TensorStream, _ bytes: RawSpan) {
    if core.takes(tensor.role) { core.log(tensor, bytes, nil) }
  }

  // MARK: Checks and descriptions

  /// Checks each of these tensors from now on, on the writing thread.
  ///
  /// A failing check writes a finding into the trace, and is listed in the summary. Tensors that the level leaves
  /// out are copied for the check, and not written.
  public func check(_ check: Check, on tensors: TensorSelector) { core.add(check, on: tensors) }

  /// Says which model runs, and what runs it; the last description counts.
  public func describe(_ model: ModelDescription) { core.describe(model) }

  /// Moves a manual clock on; does nothing to the system's.
  public func advance(nanoseconds: UInt64) { core.clock.advance(nanoseconds: nanoseconds) }

  // MARK: The end

  /// Writes what waits, finishes the trace and says what is in it; again, it says the same.
  ///
  /// Frames under way end without a latency. A monitor that is dropped closes by itself.
  @discardableResult
  public func close() -> MonitorSummary {
    guard !core.isOff else { return core.summary.withLock { $0 } }
    thread.withLock { thread in
      guard core.close() else { return }
      thread.take()?.join()
      core.completeSummary()
    }
    return core.summary.withLock { $0 }
  }
}
