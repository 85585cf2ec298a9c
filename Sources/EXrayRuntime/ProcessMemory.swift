import CHost

/// The memory of a process.
package struct ProcessMemory: Sendable {
  /// What it holds resident now, in bytes, or nil where the system does not say.
  package var residentInBytes: Int?
  /// The most that it has held resident, in bytes, or nil where the system does not say.
  package var peakInBytes: Int?

  /// The memory of this process now.
  package static var current: ProcessMemory {
    var resident: Int64 = -1
    var peak: Int64 = -1
    _ = unsafe chost_memory(&resident, &peak)
    return ProcessMemory(
      residentInBytes: resident > 0 ? Int(exactly: resident) : nil,
      peakInBytes: peak > 0 ? Int(exactly: peak) : nil)
  }
}
