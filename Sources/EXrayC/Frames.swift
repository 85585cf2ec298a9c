// The names are those of exray.h.
// swift-format-ignore-file: AlwaysUseLowerCamelCase

public import CEXray
import EXray

/// Begins a frame.
@c @implementation
public func exray_begin_frame(
  _ monitor: OpaquePointer?, _ name: UnsafePointer<CChar>?, _ label: UnsafePointer<CChar>?
) -> exray_frame {
  guard let owner = unsafe OpenMonitor.at(monitor) else { return unsafe exray_frame() }
  let frame = unsafe owner.monitor.beginFrame(text(name), label: label.map { unsafe text($0) })
  let token = frame.index == nil ? Target.Token.skipped : owner.add(frame)
  return unsafe exray_frame(monitor: monitor, token: token)
}

/// Ends a frame.
@c @implementation
public func exray_end_frame(_ frame: exray_frame) {
  guard unsafe frame.token != 0, unsafe frame.token != Target.Token.skipped,
    let owner = unsafe OpenMonitor.at(frame.monitor)
  else { return }
  unsafe owner.removeFrame(frame.token)?.end()
}

/// Stands for no frame.
@c @implementation
public func exray_outside_frames(_ monitor: OpaquePointer?) -> exray_frame {
  unsafe monitor == nil
    ? exray_frame() : exray_frame(monitor: monitor, token: Target.Token.outside)
}

// MARK: Latencies

/// Marks that the model's inputs are made from now on.
@c @implementation
public func exray_begin_preprocess(_ frame: exray_frame) {
  unsafe begin("exray_begin_preprocess", in: frame, \.preprocessStart)
}

/// Ends the making of the model's inputs.
@c @implementation
public func exray_end_preprocess(_ frame: exray_frame) {
  if let (frame, start) = unsafe end("exray_end_preprocess", in: frame, \.preprocessStart) {
    frame.endPreprocess(since: start)
  }
}

/// Marks that the model runs from now on.
@c @implementation
public func exray_begin_inference(_ frame: exray_frame) {
  unsafe begin("exray_begin_inference", in: frame, \.inferenceStart)
}

/// Ends a run of the model.
@c @implementation
public func exray_end_inference(_ frame: exray_frame) {
  if let (frame, start) = unsafe end("exray_end_inference", in: frame, \.inferenceStart) {
    frame.endInference(since: start)
  }
}

private func begin(
  _ function: StaticString, in handle: exray_frame,
  _ start: WritableKeyPath<OpenMonitor.OpenFrame, UInt64?>
) {
  guard let target = unsafe Target(handle), let frame = target.inFrame(function) else { return }
  let now = frame.now
  let isFirst = unsafe target.owner.update(handle.token) { open in
    defer { open[keyPath: start] = now }
    return open[keyPath: start] == nil
  }
  if isFirst == false {
    target.owner.misuse("\(function) was called twice without an end; the later one counts")
  }
}

private func end(
  _ function: StaticString, in handle: exray_frame,
  _ start: WritableKeyPath<OpenMonitor.OpenFrame, UInt64?>
) -> (Frame, UInt64)? {
  guard let target = unsafe Target(handle), let frame = target.inFrame(function) else {
    return nil
  }
  let begun = unsafe target.owner.update(handle.token) { open in
    defer { open[keyPath: start] = nil }
    return open[keyPath: start]
  }
  guard case .some(.some(let begun)) = begun else {
    target.owner.misuse("\(function) was called without a begin")
    return nil
  }
  return (frame, begun)
}

// MARK: Spans

/// Begins a span.
@c @implementation
public func exray_begin_span(_ frame: exray_frame, _ name: UnsafePointer<CChar>?) -> exray_span {
  guard let target = unsafe Target(frame) else { return unsafe exray_span() }
  let span = unsafe OpenMonitor.OpenSpan(
    name: text(name), start: target.owner.monitor.now, frame: target.frame)
  return unsafe exray_span(frame: frame, token: target.owner.add(span))
}

/// Ends a span.
@c @implementation
public func exray_end_span(_ span: exray_span) {
  guard unsafe span.token != 0, let owner = unsafe OpenMonitor.at(span.frame.monitor),
    let open = unsafe owner.removeSpan(span.token)
  else { return }
  let duration = owner.monitor.now &- open.start
  if let frame = open.frame {
    frame.log(span: open.name, start: open.start, duration: duration)
  } else {
    owner.monitor.log(span: open.name, start: open.start, duration: duration)
  }
}

/// Logs a span that the app measured.
@c @implementation
public func exray_log_span(
  _ frame: exray_frame, _ name: UnsafePointer<CChar>?, _ start: UInt64, _ duration: UInt64
) {
  guard let target = unsafe Target(frame) else { return }
  if let frame = target.frame {
    unsafe frame.log(span: text(name), start: start, duration: duration)
  } else {
    unsafe target.owner.monitor.log(span: text(name), start: start, duration: duration)
  }
}
