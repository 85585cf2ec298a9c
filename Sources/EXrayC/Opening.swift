// The names are those of exray.h.
// swift-format-ignore-file: AlwaysUseLowerCamelCase

public import CEXray
import EXray

/// The version of the interface.
@c @implementation
public func exray_interface_version() -> UInt32 { UInt32(EXRAY_INTERFACE_VERSION) }

/// Sets the defaults, of as many fields as the caller knows.
@c @implementation
public func exray_options_init(_ options: UnsafeMutablePointer<exray_options>?, _ size: Int) {
  guard let options = unsafe options, size > 0 else { return }
  let known = unsafe min(size, MemoryLayout<exray_options>.size)
  var defaults = unsafe exray_options.standard
  unsafe defaults.struct_size = known
  unsafe withUnsafeBytes(of: defaults) { bytes in
    unsafe UnsafeMutableRawPointer(options).copyMemory(
      from: bytes.baseAddress.unsafelyUnwrapped, byteCount: known)
  }
}

/// Opens a monitor.
@c @implementation
public func exray_open(
  _ path: UnsafePointer<CChar>?, _ level: exray_level, _ options: UnsafePointer<exray_options>?
) -> OpaquePointer? {
  guard let path = unsafe path else { return nil }
  var notes: [String] = []
  let configuration = unsafe MonitorConfiguration(options, &notes)
  let levels = Monitor.Level.allCases
  if !levels.indices.contains(Int(level)) {
    notes.append("exray_open was called with level \(level), there is none such; io is taken")
  }
  let owner = unsafe OpenMonitor(
    Monitor(
      writingTo: text(path),
      level: levels.indices.contains(Int(level)) ? levels[Int(level)] : .io,
      configuration: configuration))
  for note in notes { owner.misuse(note) }
  return unsafe OpaquePointer(Unmanaged.passRetained(owner).toOpaque())
}

/// Counts a call that made no sense.
@c @implementation
public func exray_note_misuse(_ monitor: OpaquePointer?, _ what: UnsafePointer<CChar>?) {
  unsafe OpenMonitor.at(monitor)?.misuse(text(what))
}

/// Whether anything is being recorded.
@c @implementation
public func exray_is_recording(_ monitor: OpaquePointer?) -> Bool {
  unsafe OpenMonitor.at(monitor)?.monitor.isRecording ?? false
}

/// Notes which model runs.
@c @implementation
public func exray_describe_model(
  _ monitor: OpaquePointer?, _ model: UnsafePointer<exray_model>?
) {
  guard let owner = unsafe OpenMonitor.at(monitor) else { return }
  guard let model = unsafe model, unsafe model.pointee.struct_size >= MemoryLayout<exray_model>.size
  else {
    return owner.misuse("exray_describe_model was called without a model whose struct_size is set")
  }
  unsafe owner.monitor.describe(
    ModelDescription(
      name: text(model.pointee.name), sha256: text(model.pointee.sha256),
      byteCount: Int(clamping: model.pointee.byte_count), runtime: text(model.pointee.runtime),
      runtimeVersion: text(model.pointee.runtime_version), kernels: text(model.pointee.kernels),
      threads: max(1, Int(model.pointee.threads)),
      recipe: model.pointee.recipe.map { unsafe text($0) }))
}

/// The moment by the monitor's clock.
@c @implementation
public func exray_now(_ monitor: OpaquePointer?) -> UInt64 {
  unsafe OpenMonitor.at(monitor)?.monitor.now ?? 0
}

/// Moves a manual clock on.
@c @implementation
public func exray_advance(_ monitor: OpaquePointer?, _ nanoseconds: UInt64) {
  guard let owner = unsafe OpenMonitor.at(monitor) else { return }
  guard case .manual = owner.monitor.configuration.clock else {
    return owner.misuse("exray_advance was called of a system clock, which moves by itself")
  }
  owner.monitor.advance(nanoseconds: nanoseconds)
}

extension exray_options {
  /// The defaults of ``MonitorConfiguration``.
  fileprivate static var standard: exray_options {
    let defaults = MonitorConfiguration()
    var options = unsafe exray_options()
    unsafe options.ring_byte_count = UInt64(defaults.ringByteCount)
    unsafe options.every_nth = UInt32(defaults.everyNth)
    let (seconds, attoseconds) = defaults.flushInterval.components
    unsafe options.flush_interval_nanoseconds =
      UInt64(seconds) * 1_000_000_000 + UInt64(attoseconds / 1_000_000_000)
    unsafe options.sketch_seed = defaults.sketchSeed
    unsafe options.finding_limit = UInt32(defaults.findingLimit)
    unsafe options.samples_memory = defaults.samplesMemory
    return unsafe options
  }
}

extension MonitorConfiguration {
  /// Takes the options; what makes no sense stays at its default and is noted.
  fileprivate init(_ pointer: UnsafePointer<exray_options>?, _ notes: inout [String]) {
    self.init()
    guard let pointer = unsafe pointer else { return }
    let size = unsafe UnsafeRawPointer(pointer).load(as: Int.self)
    guard size >= MemoryLayout<Int>.size else {
      notes.append("exray_open was called with options that exray_options_init did not set up")
      return
    }
    // Fields that the caller's version does not have keep their defaults.
    var options = unsafe exray_options.standard
    unsafe withUnsafeMutableBytes(of: &options) { bytes in
      unsafe bytes.copyMemory(
        from: UnsafeRawBufferPointer(start: pointer, count: min(size, bytes.count)))
    }
    unsafe ringByteCount = Int(clamping: options.ring_byte_count)
    unsafe everyNth = max(1, Int(options.every_nth))
    unsafe byteBudget = options.byte_budget == 0 ? nil : options.byte_budget
    unsafe durationBudget = Self.limit(options.duration_budget_nanoseconds)
    unsafe frameTimeBudget = Self.limit(options.frame_time_budget_nanoseconds)
    unsafe flushInterval = .nanoseconds(Int64(clamping: options.flush_interval_nanoseconds))
    unsafe sketchSeed = options.sketch_seed
    unsafe findingLimit = Int(options.finding_limit)
    unsafe samplesMemory = options.samples_memory
    unsafe device = options.device.map { unsafe text($0) }
    unsafe operatingSystem = options.operating_system.map { unsafe text($0) }
    if unsafe options.tool != nil { unsafe tool = text(options.tool) }
    switch unsafe Int(options.when_full) {
    case EXRAY_WHEN_FULL_BLOCK: whenFull = .block
    case EXRAY_WHEN_FULL_DROP: whenFull = .drop
    case let other: notes.append("options.when_full is \(other), there is none such")
    }
    switch unsafe Int(options.raw_inputs) {
    case EXRAY_RAW_INPUTS_BYTES: rawInputs = .bytes
    case EXRAY_RAW_INPUTS_DIGEST: rawInputs = .digest
    case EXRAY_RAW_INPUTS_NONE: rawInputs = .none
    case let other: notes.append("options.raw_inputs is \(other), there is none such")
    }
    switch unsafe Int(options.clock) {
    case EXRAY_CLOCK_SYSTEM: clock = .system
    case EXRAY_CLOCK_MANUAL:
      unsafe clock = .manual(startNanoseconds: options.manual_clock_start_nanoseconds)
    case let other: notes.append("options.clock is \(other), there is none such")
    }
  }

  private static func limit(_ nanoseconds: UInt64) -> Duration? {
    nanoseconds == 0 ? nil : .nanoseconds(Int64(clamping: nanoseconds))
  }
}
