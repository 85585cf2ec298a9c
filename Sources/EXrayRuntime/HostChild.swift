import CHost

/// A child process that hosts one session: its messages, its last words and its end.
///
/// Used by one owner, the session.
final class HostChild {
  private let process: Int32
  private let control: Int32
  private var errors: Int32
  private var isCollected = false
  private var parser = HostMessageParser()
  private var lastWords: [UInt8] = []
  /// Whether the child has said that it hosts sessions.
  private var hasGreeted = false

  /// Starts the child with the memory it shares with us.
  init(
    executable: String, arguments: [String], model: SharedMemory, inputs: SharedMemory,
    outputs: SharedMemory
  ) throws(RuntimeError) {
    var child = chost_child()
    let status = unsafe withArgumentVector([executable] + arguments) { vector in
      unsafe chost_spawn(
        executable, vector, model.descriptor, inputs.descriptor, outputs.descriptor, &child)
    }
    guard status >= 0 else {
      throw RuntimeError(
        .environment,
        "cannot start \(executable), which runs models apart from this process: "
          + "\(systemWords(status)); run with --in-process instead")
    }
    process = child.process
    control = child.control
    errors = child.errors
  }

  deinit {
    if !isCollected { _ = collect(grace: .zero) }
    chost_close(control)
    chost_close(errors)
  }

  /// Sends a message; a child that is gone is noticed when its answer is awaited.
  func send(_ message: HostMessage, timeLimit: Duration) {
    let bytes = message.encoded
    _ = unsafe bytes.withUnsafeBytes {
      unsafe chost_send(control, $0.baseAddress, $0.count, timeLimit.wholeMilliseconds)
    }
  }

  /// Waits for the next message while `activity` goes on.
  ///
  /// - Throws: `.timedOut`, `.crashed`, or what the child reports.
  func receive(
    _ kind: HostMessage.Kind, until deadline: ContinuousClock.Instant, limit: Duration,
    during activity: String
  ) throws(RuntimeError) -> HostMessage {
    while true {
      switch parser.next() {
      case .message(let message) where message.kind == .failed:
        guard let failure = message.value(HostMessage.Failure.self) else {
          throw mad("it reports a failure that cannot be read", activity)
        }
        throw RuntimeError(.init(failure.code), failure.message)
      case .message(let message) where message.kind == kind:
        hasGreeted = true
        return message
      case .message(let message):
        throw mad("it sent \(message.kind) where \(kind) was due", activity)
      case .garbage(let words):
        throw mad(words, activity)
      case .incomplete:
        try wait(until: deadline, limit: limit, during: activity)
      }
    }
  }

  private func wait(
    until deadline: ContinuousClock.Instant, limit: Duration, during activity: String
  ) throws(RuntimeError) {
    let left = deadline - .now
    let ready = chost_wait(control, errors, left.wholeMilliseconds)
    if ready < 0 {
      throw mad("waiting for it failed: \(systemWords(ready))", activity)
    }
    if ready & 2 != 0 { drainErrors() }
    if ready & 1 != 0 {
      var chunk = [UInt8](repeating: 0, count: 16 << 10)
      let capacity = chunk.count
      let count = unsafe chunk.withUnsafeMutableBytes {
        unsafe chost_receive(control, $0.baseAddress, capacity)
      }
      if count > 0 {
        parser.append(chunk.prefix(Int(count)))
      } else if count == 0 {
        throw died(activity)
      }
    }
    if ready & 1 == 0, left <= .zero { throw tooLate(limit, activity) }
  }

  // MARK: Endings

  private func tooLate(_ limit: Duration, _ activity: String) -> RuntimeError {
    drainErrors()
    _ = collect(grace: .zero)
    return RuntimeError(
      .timedOut,
      "the process that ran the model did not answer within \(limit) while \(activity) and was "
        + "ended\(words); check the model, or give it more time")
  }

  private func mad(_ what: String, _ activity: String) -> RuntimeError {
    drainErrors()
    _ = collect(grace: .zero)
    return RuntimeError(
      .crashed,
      "the process that ran the model lost its senses while \(activity) and was ended: "
        + "\(what)\(words); do not trust the model")
  }

  private func died(_ activity: String) -> RuntimeError {
    let end = collect(grace: .seconds(2))
    drainErrors()
    let how =
      if end.signal != 0 {
        "ended by signal \(end.signal) (\(unsafe String(cString: chost_signal_name(end.signal))))"
      } else {
        "ended with exit code \(end.code)"
      }
    guard hasGreeted else {
      return RuntimeError(
        .environment,
        "the process that was to run the model \(how) before it was ready\(words); "
          + "run with --in-process instead")
    }
    return RuntimeError(
      .crashed,
      "the process that ran the model \(how) while \(activity)\(words); "
        + "the runtime cannot handle this model: check it, or try other kernels")
  }

  /// Ends and collects the child.
  private func collect(grace: Duration) -> (signal: Int32, code: Int32) {
    guard !isCollected else { return (0, 0) }
    isCollected = true
    var signal: Int32 = 0
    var code: Int32 = 0
    unsafe chost_finish(process, grace.wholeMilliseconds, &signal, &code)
    return (signal, code)
  }

  // MARK: Last words

  private func drainErrors() {
    var chunk = [UInt8](repeating: 0, count: 4 << 10)
    let capacity = chunk.count
    for _ in 0..<256 where errors >= 0 {
      let count = unsafe chunk.withUnsafeMutableBytes {
        unsafe chost_read(errors, $0.baseAddress, capacity)
      }
      guard count > 0 else {
        // The end of the pipe would make every later wait return at once.
        if count == 0 {
          chost_close(errors)
          errors = -1
        }
        return
      }
      lastWords.append(contentsOf: chunk.prefix(Int(count)))
      if lastWords.count > 16 << 10 { lastWords.removeFirst(lastWords.count - (8 << 10)) }
    }
  }

  /// The child's last line on standard error, as an addition to a sentence.
  private var words: String {
    let lines = String(decoding: lastWords, as: UTF8.self).split(whereSeparator: \.isNewline)
    guard let line = lines.last(where: { !$0.hasPrefix("INFO:") }) else { return "" }
    let printable = String(line.prefix(300).filter { !$0.isASCII || $0 >= " " })
    return "; its last words: \(printable)"
  }
}

extension Duration {
  /// Nanoseconds, rounded toward zero; wraps after 292 years.
  var wholeNanoseconds: Int64 {
    let (seconds, attoseconds) = components
    return seconds &* 1_000_000_000 &+ attoseconds / 1_000_000_000
  }

  /// Milliseconds, rounded up, at least 0.
  var wholeMilliseconds: Int64 {
    let (seconds, attoseconds) = components
    guard seconds >= 0, attoseconds >= 0 else { return 0 }
    let (milliseconds, overflow) = seconds.multipliedReportingOverflow(by: 1000)
    return overflow
      ? .max : milliseconds &+ (attoseconds + 999_999_999_999_999) / 1_000_000_000_000_000
  }
}

/// Calls `body` with a NULL-terminated vector of C strings.
private func withArgumentVector(
  _ arguments: [String],
  _ body: (UnsafePointer<UnsafeMutablePointer<CChar>?>) -> Int32
) -> Int32 {
  var text: [CChar] = []
  var offsets: [Int] = []
  for argument in arguments {
    offsets.append(text.count)
    text.append(contentsOf: argument.utf8CString)
  }
  return unsafe text.withUnsafeMutableBufferPointer { buffer in
    var vector: [UnsafeMutablePointer<CChar>?] = unsafe offsets.map { offset in
      unsafe buffer.baseAddress.map { unsafe $0 + offset }
    }
    unsafe vector.append(nil)
    return unsafe vector.withUnsafeBufferPointer { pointers in
      guard let start = pointers.baseAddress else { return -1 }
      return unsafe body(start)
    }
  }
}
