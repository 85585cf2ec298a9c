import EXrayCore
import EXrayTrace

extension TraceExport {
  /// Writes tables into a folder: `latency.csv`, `memory.csv`, `spans.csv`, `ops.csv`, `scalars.csv`,
  /// `sensors.csv` and `findings.csv`; those without rows have their header only.
  ///
  /// Times are whole nanoseconds, as in the trace. What belongs to no frame is written where all frames are meant,
  /// sensors always.
  ///
  /// Source: RFC 4180, Common Format and MIME Type for CSV Files, 2005.
  public func writeCSV(toFolder folder: String) throws -> Summary {
    try Self.makeFolder(folder)
    var summary = Summary()
    try table("latency", in: folder, &summary, Self.latencyColumns) { add in
      for frame in frames {
        guard let latency = try trace.latency(frame: frame) else { continue }
        try add(
          frameFields(frame) + [
            "\(latency.preprocessNanoseconds)", "\(latency.inferenceNanoseconds)",
            "\(latency.endToEndNanoseconds)",
          ])
      }
    }
    try table("memory", in: folder, &summary, Self.memoryColumns) { add in
      for frame in frames {
        let memory = try trace.memory(frame: frame)
        let processor = try trace.processorNanoseconds(frame: frame)
        guard memory != nil || processor != nil else { continue }
        try add(
          frameFields(frame) + [
            memory.map { "\($0.residentBytes)" } ?? "", memory.map { "\($0.peakBytes)" } ?? "",
            processor.map { "\($0)" } ?? "",
          ])
      }
    }
    try table("spans", in: folder, &summary, Self.spanColumns) { add in
      for frame in frames {
        for span in try trace.spans(frame: frame) {
          try add([
            "\(trace.frames[frame].index)", span.name, "\(span.startNanoseconds)",
            "\(span.durationNanoseconds)",
          ])
        }
      }
    }
    try table("ops", in: folder, &summary, Self.opColumns) { add in
      for frame in frames {
        for (position, op) in try trace.ops(frame: frame).enumerated() {
          try add([
            "\(trace.frames[frame].index)", "\(position)", op.opIndex.map { "\($0)" } ?? "",
            op.label, "\(op.microseconds)",
          ])
        }
      }
    }
    try table("scalars", in: folder, &summary, Self.scalarColumns) { add in
      try trace.forEachScalar { scalar, moment in
        guard isMeant(moment) else { return }
        try add(momentFields(moment) + [scalar.name, "\(scalar.value)"])
      }
    }
    try table("sensors", in: folder, &summary, Self.sensorColumns) { add in
      for kind in SensorReading.kinds {
        try trace.forEachReading(of: kind) { reading, moment in
          for component in reading.components {
            try add([
              "\(moment.timeNanoseconds)", kind, component.name, "\(component.value)", reading.unit,
            ])
          }
        }
      }
    }
    try table("findings", in: folder, &summary, Self.findingColumns) { add in
      try trace.forEachFinding { finding, moment in
        guard isMeant(moment) else { return }
        try add(
          momentFields(moment) + [
            finding.check, finding.outcome.rawValue, finding.tensor ?? "", finding.message,
          ])
      }
    }
    return summary
  }

  private static let frameColumns = ["frame", "name", "label", "time_nanoseconds"]
  private static let latencyColumns =
    frameColumns + ["preprocess_nanoseconds", "inference_nanoseconds", "end_to_end_nanoseconds"]
  private static let memoryColumns =
    frameColumns + ["resident_bytes", "peak_bytes", "processor_nanoseconds"]
  private static let spanColumns = ["frame", "name", "start_nanoseconds", "duration_nanoseconds"]
  private static let opColumns = ["frame", "position", "op_index", "label", "microseconds"]
  private static let scalarColumns = ["time_nanoseconds", "frame", "name", "value"]
  private static let sensorColumns = ["time_nanoseconds", "sensor", "component", "value", "unit"]
  private static let findingColumns =
    ["time_nanoseconds", "frame", "check", "outcome", "tensor", "message"]

  private func frameFields(_ frame: Int) -> [String] {
    let frame = trace.frames[frame]
    return ["\(frame.index)", frame.name, frame.label ?? "", "\(frame.timeNanoseconds)"]
  }

  private func momentFields(_ moment: SampleMoment) -> [String] {
    ["\(moment.timeNanoseconds)", moment.frameIndex.map { "\($0)" } ?? ""]
  }

  /// Whether a moment is in one of the frames meant.
  func isMeant(_ moment: SampleMoment) -> Bool {
    guard let meant = selection.frames else { return true }
    return moment.frameIndex.map { index in meant.contains { $0.contains(Int(index)) } } ?? false
  }

  private func table(
    _ name: String, in folder: String, _ summary: inout Summary, _ columns: [String],
    _ rows: (([String]) throws -> Void) throws -> Void
  ) throws {
    var file = try OutputFile(path: "\(folder)/\(name).csv")
    try file.write(Self.line(columns))
    var count = 0
    try rows { fields in
      try file.write(Self.line(fields))
      count += 1
    }
    try file.finish()
    summary.files.append("\(name).csv")
    summary.count += count
  }

  private static func line(_ fields: [String]) -> String {
    fields.map { field in
      let isPlain = !field.unicodeScalars.contains { [",", "\"", "\r", "\n"].contains($0) }
      return isPlain
        ? field
        : "\""
          + field.split(separator: "\"", omittingEmptySubsequences: false).joined(separator: "\"\"")
          + "\""
    }.joined(separator: ",") + "\r\n"
  }
}
