import CSystem

/// The machine's clocks, in nanoseconds.
package enum SystemClock {
  /// Since 1970.
  package static var wallNanoseconds: UInt64 { csystem_wall_time() }
  /// Of a clock that never goes back; its zero means nothing.
  package static var monotonicNanoseconds: UInt64 { csystem_monotonic_time() }
  /// Processor time that the calling thread has taken.
  package static var threadNanoseconds: UInt64 { csystem_thread_time() }
}

/// What this process takes of the machine.
package struct ProcessUsage: Sendable, Hashable {
  /// Memory held resident now, or nil where the system does not say.
  package var residentInBytes: Int?
  /// The most memory held resident so far, or nil where the system does not say.
  package var peakInBytes: Int?
  /// Processor time of all threads, user and system.
  package var processorNanoseconds: UInt64

  /// What this process takes now.
  package static var current: ProcessUsage {
    var usage = csystem_usage()
    unsafe csystem_read_usage(&usage)
    return ProcessUsage(
      residentInBytes: usage.residentBytes > 0 ? Int(exactly: usage.residentBytes) : nil,
      peakInBytes: usage.peakBytes > 0 ? Int(exactly: usage.peakBytes) : nil,
      processorNanoseconds: usage.processorNanoseconds)
  }

  /// This process's number.
  package static var processID: Int32 { csystem_process() }
}

/// The machine that this program runs on.
package struct MachineDescription: Sendable, Hashable {
  /// The model or architecture, as `iPhone17,1` or `x86_64`.
  package var device: String
  /// The operating system with its version.
  package var operatingSystem: String

  /// This machine.
  package static var current: MachineDescription {
    var machine = [CChar](repeating: 0, count: 256)
    var system = [CChar](repeating: 0, count: 256)
    unsafe csystem_describe(&machine, machine.count, &system, system.count)
    return MachineDescription(device: string(machine), operatingSystem: string(system))
  }
}
