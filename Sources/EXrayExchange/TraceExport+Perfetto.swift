import EXrayJSON
import EXrayTrace

extension TraceExport {
  /// Writes Chrome's JSON trace events, which ui.perfetto.dev and chrome://tracing read.
  ///
  /// A frame is a slice, its spans and inference are slices inside of it, and ops lie one after another from the
  /// start of inference: runtimes tell how long an op took, not when. Frames that overlap get lanes of their own. Memory,
  /// scalars and sensors are counters, findings instants. Times count from the first of the frames meant.
  ///
  /// Source: Google, Trace Event Format, 2016.
  public func writePerfetto(to path: String) throws -> Summary {
    let ordered = frames.sorted {
      (trace.frames[$0].timeNanoseconds, $0) < (trace.frames[$1].timeNanoseconds, $1)
    }
    // Slices may begin before their frame's time, as where inputs were prepared ahead.
    var origin: UInt64 = .max
    for frame in ordered { origin = min(origin, try slices(frame).frame.start) }
    if origin == .max { origin = 0 }
    var events = try EventFile(path: path, origin: origin)
    let process = trace.run.model.isEmpty ? "model" : trace.run.model
    try events.add(#"{"ph":"M","pid":1,"name":"process_name","args":{"name":\#(quoted(process))}}"#)
    var lanes = SliceLanes()
    for (done, frame) in ordered.enumerated() {
      let found = try slices(frame)
      let description = trace.frames[frame]
      let lane = lanes.placeOutermost(found.frame)
      let label = description.label.map { #","label":\#(quoted($0))"# } ?? ""
      try events.slice(
        quoted(found.frame.name), found.frame, lane,
        #"{"frame":\#(description.index)\#(label)}"#)
      for inner in found.inner {
        try events.slice(
          quoted(inner.slice.name), inner.slice, lanes.place(inner.slice, near: lane),
          inner.opIndex.map { #"{"opIndex":\#($0)}"# } ?? "{}")
      }
      if let memory = try trace.memory(frame: frame) {
        try events.counter("resident memory", found.frame.end, "bytes", "\(memory.residentBytes)")
        try events.counter("peak memory", found.frame.end, "bytes", "\(memory.peakBytes)")
      }
      progress(done + 1, ordered.count)
    }
    try addMoments(to: &events)
    for lane in 0..<max(1, lanes.count) {
      let name = lane == 0 ? "frames" : "frames, lane \(lane + 1)"
      try events.add(
        #"{"ph":"M","pid":1,"tid":\#(lane + 1),"name":"thread_name","args":{"name":"\#(name)"}}"#)
    }
    let count = events.count
    try events.finish(
      #"{"model":\#(quoted(trace.run.model)),"tool":\#(quoted(trace.run.tool))"#
        + #","originNanoseconds":"\#(origin)"}"#)
    return Summary(files: [path], count: count)
  }

  private func addMoments(to events: inout EventFile) throws {
    try trace.forEachScalar { scalar, moment in
      guard isMeant(moment), scalar.value.isFinite else { return }
      try events.counter(scalar.name, moment.timeNanoseconds, "value", "\(scalar.value)")
    }
    for kind in SensorReading.kinds {
      try trace.forEachReading(of: kind) { reading, moment in
        for component in reading.components where component.value.isFinite {
          try events.counter(
            "\(kind) \(component.name)", moment.timeNanoseconds, "value", "\(component.value)")
        }
      }
    }
    try trace.forEachFinding { finding, moment in
      guard isMeant(moment) else { return }
      try events.instant(
        quoted(finding.check), moment.timeNanoseconds,
        #"{"outcome":"\#(finding.outcome.rawValue)","message":\#(quoted(finding.message))}"#)
    }
  }

  private struct InnerSlice {
    var slice: TimeSlice
    var opIndex: Int?
  }

  /// A frame's stretch of time and those inside of it, in the order of their starts, the longer first.
  private func slices(_ frame: Int) throws -> (frame: TimeSlice, inner: [InnerSlice]) {
    let description = trace.frames[frame]
    let spans = try trace.spans(frame: frame).map {
      TimeSlice(
        name: $0.name, start: $0.startNanoseconds,
        end: Self.sum($0.startNanoseconds, $0.durationNanoseconds))
    }
    var inner = spans.map { InnerSlice(slice: $0) }
    let latency = try trace.latency(frame: frame)
    let preprocess = latency?.preprocessNanoseconds ?? 0
    var inference = spans.first { $0.name == "inference" }
    if inference == nil, let latency {
      let start = Self.sum(description.timeNanoseconds, preprocess)
      let made = TimeSlice(
        name: "inference", start: start, end: Self.sum(start, latency.inferenceNanoseconds))
      inner.append(InnerSlice(slice: made))
      inference = made
    }
    if preprocess > 0, !spans.contains(where: { $0.name == "preprocess" }), let inference {
      let start = inference.start - min(inference.start, preprocess)
      inner.append(
        InnerSlice(slice: TimeSlice(name: "preprocess", start: start, end: inference.start)))
    }
    var time = inference?.start ?? description.timeNanoseconds
    for op in try trace.ops(frame: frame) {
      let end = Self.sum(time, UInt64(clamping: op.microseconds).multipliedClamped(by: 1000))
      inner.append(
        InnerSlice(
          slice: TimeSlice(name: op.label, start: time, end: end), opIndex: op.opIndex))
      time = end
    }
    let first = inner.map(\.slice.start).min() ?? description.timeNanoseconds
    let start = min(description.timeNanoseconds, first)
    let measured = Self.sum(start, latency?.endToEndNanoseconds ?? 0)
    let whole = TimeSlice(
      name: description.name.isEmpty ? "frame \(description.index)" : description.name,
      start: start, end: max(measured, inner.map(\.slice.end).max() ?? start))
    // The sort is stable: of equal stretches, the span stays outside of the op.
    return (
      whole,
      inner.sorted { ($0.slice.start, $1.slice.end) < ($1.slice.start, $0.slice.end) }
    )
  }

  private static func sum(_ first: UInt64, _ second: UInt64) -> UInt64 {
    let (sum, overflow) = first.addingReportingOverflow(second)
    return overflow ? .max : sum
  }
}

extension UInt64 {
  fileprivate func multipliedClamped(by factor: UInt64) -> UInt64 {
    let (product, overflow) = multipliedReportingOverflow(by: factor)
    return overflow ? .max : product
  }
}

/// A file of trace events, written one by one.
private struct EventFile: ~Copyable {
  private var file: OutputFile
  private let origin: UInt64
  private(set) var count = 0

  init(path: String, origin: UInt64) throws {
    var file = try OutputFile(path: path)
    try file.write(#"{"displayTimeUnit":"ns","traceEvents":["#)
    self.file = file
    self.origin = origin
  }

  mutating func add(_ event: String) throws {
    try file.write((count == 0 ? "\n" : ",\n") + event)
    count += 1
  }

  mutating func slice(
    _ name: String, _ slice: TimeSlice, _ lane: Int, _ arguments: String
  ) throws {
    try add(
      #"{"ph":"X","pid":1,"tid":\#(lane + 1),"name":\#(name),"ts":\#(microseconds(slice.start))"#
        + #","dur":\#(Self.microseconds(slice.end - slice.start)),"args":\#(arguments)}"#)
  }

  mutating func counter(
    _ name: String, _ time: UInt64, _ unit: String, _ value: String
  ) throws {
    try add(
      #"{"ph":"C","pid":1,"name":\#(JSONTree.quoted(name)),"ts":\#(microseconds(time))"#
        + #","args":{"\#(unit)":\#(value)}}"#)
  }

  mutating func instant(_ name: String, _ time: UInt64, _ arguments: String) throws {
    try add(
      #"{"ph":"i","s":"p","pid":1,"tid":1,"name":\#(name),"ts":\#(microseconds(time))"#
        + #","args":\#(arguments)}"#)
  }

  consuming func finish(_ metadata: String) throws {
    try file.write("\n],\"otherData\":\(metadata)}\n")
    try file.finish()
  }

  /// Microseconds from the origin, with three decimals; before it they are negative.
  private func microseconds(_ time: UInt64) -> String {
    time >= origin
      ? Self.microseconds(time - origin) : "-" + Self.microseconds(origin - time)
  }

  private static func microseconds(_ nanoseconds: UInt64) -> String {
    let rest = nanoseconds % 1000
    let zeros = String(repeating: "0", count: rest < 10 ? 2 : rest < 100 ? 1 : 0)
    return "\(nanoseconds / 1000).\(zeros)\(rest)"
  }
}
