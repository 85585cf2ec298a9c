import CSystem

/// A thread that runs one closure.
///
/// Sendable because the pointer is only passed back to the system, and by ``join()`` once.
@safe
package struct SystemThread: ~Copyable, @unchecked Sendable {
  private let thread: OpaquePointer

  /// Starts a thread.
  ///
  /// - Parameter name: As debuggers show it; 15 bytes at most are.
  package init(
    name: String, _ body: @escaping @Sendable () -> Void
  ) throws(SystemError) {
    let box = unsafe Unmanaged.passRetained(Body(body))
    var error: Int32 = 0
    let started = unsafe csystem_thread_start(
      name,
      { context in
        guard let context = unsafe context else { return }
        let body = unsafe Unmanaged<Body>.fromOpaque(context).takeRetainedValue()
        body.run()
      }, box.toOpaque(), &error)
    guard let started = unsafe started else {
      unsafe box.release()
      throw SystemError(number: error)
    }
    unsafe thread = started
  }

  /// Waits for the thread's end.
  package consuming func join() { unsafe csystem_thread_join(thread) }

  private final class Body: Sendable {
    let run: @Sendable () -> Void
    init(_ run: @escaping @Sendable () -> Void) { self.run = run }
  }
}

/// A lock with a condition to wait for.
///
/// Sendable because that is its purpose.
@safe
package final class Gate: @unchecked Sendable {
  private let gate: OpaquePointer

  /// Creates an unlocked gate.
  package init() { unsafe gate = csystem_gate_create() }

  deinit { unsafe csystem_gate_free(gate) }

  /// Locks; waits while another thread holds the lock.
  package func lock() { unsafe csystem_gate_lock(gate) }

  /// Unlocks.
  package func unlock() { unsafe csystem_gate_unlock(gate) }

  /// Gives the lock up until a notification comes or the time is over, then takes it again.
  ///
  /// - Parameter nanoseconds: The time limit; nil waits without one.
  package func wait(nanoseconds: UInt64? = nil) {
    unsafe csystem_gate_wait(gate, nanoseconds.map { max(1, $0) } ?? 0)
  }

  /// Wakes all who wait.
  package func notify() { unsafe csystem_gate_notify(gate) }

  /// Calls `body` with the lock held.
  package func withLock<Result, Failure: Error>(
    _ body: () throws(Failure) -> Result
  ) throws(Failure) -> Result {
    lock()
    defer { unlock() }
    return try body()
  }
}

/// Lets the calling thread rest.
package func sleep(nanoseconds: UInt64) { csystem_sleep(nanoseconds) }
