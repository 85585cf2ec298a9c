import EXraySystem

/// A value behind a lock.
///
/// In place of `Synchronization.Mutex`, whose lock the thread sanitizer does not see on Linux: with this one
/// it can tell that the monitor has no data races.
///
/// Sendable because the value is touched with the lock held only.
final class Guarded<Value: ~Copyable & Sendable>: @unchecked Sendable {
  private let gate = Gate()
  private var value: Value

  init(_ value: consuming Value) { self.value = value }

  /// Calls `body` with the value, alone.
  func withLock<Result: ~Copyable, Failure: Error>(
    _ body: (inout Value) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    gate.lock()
    defer { gate.unlock() }
    return try body(&value)
  }
}
