// What the bindings of other languages need beyond what an app in Swift calls. Times are in nanoseconds since 1970.

extension Monitor {
  /// The monitor's time now.
  package var now: UInt64 { core.clock.now }

  /// Counts a call that made no sense before it could become an event.
  package func noteMisuse(_ note: String) {
    if core.accepts() { core.misuse(note.cut(toByteCount: NameTable.byteLimit)) }
  }

  /// Logs a stretch of time outside of frames that the caller measured.
  package func log(span name: String, start: UInt64, duration: UInt64) {
    if core.accepts() { core.log(.span, name, start: start, duration: duration, frame: nil) }
  }

  /// A number that stands for a tensor in ``Frame/log(tensor:_:)``, or nil where there are too many tensors.
  package func number(of tensor: TensorStream) -> UInt32? {
    core.isActive ? core.streams.entry(of: tensor)?.number : nil
  }
}

extension Frame {
  /// The monitor's time now, to begin a stretch of time with.
  package var now: UInt64 { state?.core.clock.now ?? 0 }

  /// Logs a stretch of time that the caller measured.
  package func log(span name: String, start: UInt64, duration: UInt64) {
    guard let state, state.core.accepts(frame: state) else { return }
    state.core.log(.span, name, start: start, duration: duration, frame: state.index)
  }

  /// Ends a preparation of inputs that began when ``now`` was `start`.
  package func endPreprocess(since start: UInt64) {
    logSpan(.preprocess, "preprocess", since: start)
  }

  /// Ends a run of the model that began when ``now`` was `start`.
  package func endInference(since start: UInt64) { logSpan(.inference, "inference", since: start) }

  /// Logs a tensor by the number that ``Monitor/number(of:)`` gave.
  package func log(tensor number: UInt32, _ bytes: RawSpan) {
    if let state { state.core.log(stream: number, bytes, state) }
  }
}
