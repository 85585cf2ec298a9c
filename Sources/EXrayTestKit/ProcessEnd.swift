public import Foundation

/// How a program ended: of a signal, or with an exit code.
public struct ProcessEnd: Hashable, Sendable {
  /// The signal; 0 where none ended the program.
  public var signal: Int32
  /// The exit code; 0 where a signal ended the program.
  public var code: Int32

  /// An end of these parts.
  public init(signal: Int32 = 0, code: Int32 = 0) {
    self.signal = signal
    self.code = code
  }
}

/// A program that did not end in its time.
public struct ProcessHangs: Error, CustomStringConvertible {
  /// The program, its arguments, and the time that it had.
  public var description: String
}

extension Process {
  /// Waits for the end of a program that was started; one that takes longer is killed, which is an error.
  ///
  /// `waitUntilExit` has no limit, and it waits for descendants too that outlive the program.
  public func end(within limit: Duration = .seconds(300)) throws -> ProcessEnd {
    let deadline = ContinuousClock.now + limit
    var status: Int32 = 0
    while true {
      let reaped = unsafe waitpid(processIdentifier, &status, WNOHANG)
      if reaped > 0 { return ProcessEnd(signal: status & 0x7f, code: status >> 8 & 0xff) }
      if reaped < 0, errno != EINTR { break }
      if ContinuousClock.now > deadline {
        kill(processIdentifier, SIGKILL)
        let command = [executableURL?.path ?? ""] + (arguments ?? [])
        throw ProcessHangs(
          description: "\(command.joined(separator: " ")) did not end within \(limit)")
      }
      usleep(2_000)
    }
    // `Process` has collected it already.
    waitUntilExit()
    return terminationReason == .uncaughtSignal
      ? ProcessEnd(signal: terminationStatus) : ProcessEnd(code: terminationStatus)
  }
}
