import EXrayCore
import EXrayJSON
public import EXrayProfile

/// Writes a profile's ops as a table.
public enum ProfileCSV {
  /// A row an op, in the order of execution; unknown values are empty.
  ///
  /// Source: RFC 4180, Common Format and MIME Type for CSV Files, 2005.
  public static func render(_ report: ProfileReport) -> String {
    let live = report.memory.estimate.liveByteCounts
    var text = line([
      "position", "part", "label", "op", "type", "tensor", "runs", "microseconds",
      "minimum_microseconds", "p50_microseconds", "p90_microseconds", "p99_microseconds", "share",
      "operations", "bytes",
      "weight_bytes", "operations_per_second", "bytes_per_second", "roofline", "live_bytes",
    ])
    for op in report.profile.ops {
      let alive = op.op.flatMap { live.indices.contains($0) ? live[$0] : nil }
      text += line([
        "\(op.position)", op.part.rawValue, op.label, op.op.map { "\($0)" } ?? "", op.type ?? "",
        op.tensor ?? "", "\(op.runs)", "\(op.microseconds)", "\(op.minimumMicroseconds)",
        "\(op.p50Microseconds)",
        "\(op.p90Microseconds)", "\(op.p99Microseconds)", "\(op.share)",
        number(op.cost?.operations), number(op.cost?.byteCount), number(op.cost?.weightByteCount),
        number(op.operationsPerSecond), number(op.bytesPerSecond), number(op.roofline),
        alive.map { "\($0)" } ?? "",
      ])
    }
    return text
  }

  private static func number(_ value: Double?) -> String { value.map { "\($0)" } ?? "" }

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

/// Writes a profile's runs as Chrome's JSON trace events, which ui.perfetto.dev and chrome://tracing read.
public enum ProfilePerfetto {
  /// The first profiled runs, one after another: whole runs on one track, ops on a track a part.
  ///
  /// Ops lie one after another from the start of their run: runtimes tell how long an op took, not when. Times are
  /// microseconds.
  ///
  /// Source: Google, Trace Event Format, 2016.
  public static func render(_ report: ProfileReport) -> String {
    var events = [
      #"{"ph":"M","pid":1,"name":"process_name","args":{"name":\#(quoted(report.subject.model))}}"#
    ]
    let tracks: [(OpEvent.Part?, String)] = [
      (nil, "runs"), (.node, "ops of the runtime"), (.delegate, "operators of the delegate"),
      (.inner, "inside control flow"),
    ]
    for (index, track) in tracks.enumerated() {
      events.append(
        #"{"ph":"M","pid":1,"tid":\#(index + 1),"name":"thread_name","args":{"name":"\#(track.1)"}}"#
      )
    }
    var start = 0.0
    for (number, run) in report.timeline.enumerated() {
      let whole = run.duration.inNanoseconds / 1e3
      var time = start
      var inside = start
      var ops: [String] = []
      var rows = Rows(report.profile.ops)
      for event in run.events {
        let track = (tracks.firstIndex { $0.0 == event.part } ?? 0) + 1
        let begin = event.part == .inner ? inside : time
        let row = rows.next(event)
        var arguments = row?.op.map { #""op":\#($0)"# } ?? ""
        if let tensor = row?.tensor {
          arguments += (arguments.isEmpty ? "" : ",") + #""tensor":\#(quoted(tensor))"#
        }
        ops.append(
          #"{"ph":"X","pid":1,"tid":\#(track),"name":\#(quoted(row?.type ?? event.label)),"ts":\#(begin)"#
            + #","dur":\#(event.microseconds),"args":{"label":\#(quoted(event.label))"#
            + (arguments.isEmpty ? "}}" : ",\(arguments)}}"))
        if event.part == .inner {
          inside += Double(event.microseconds)
        } else {
          time += Double(event.microseconds)
          inside = max(inside, time)
        }
      }
      let length = max(whole, max(time, inside) - start)
      events.append(
        #"{"ph":"X","pid":1,"tid":1,"name":"run \#(number + 1)","ts":\#(start),"dur":\#(length),"args":{}}"#
      )
      events += ops
      start += length + 1
    }
    return #"{"displayTimeUnit":"ns","traceEvents":["# + "\n" + events.joined(separator: ",\n")
      + "\n],"
      + #""otherData":{"model":\#(quoted(report.subject.model)),"tool":\#(quoted(report.tool))}}"#
      + "\n"
  }

  /// Finds the row of an event: the next one of its kind in the order of execution.
  private struct Rows {
    private var waiting: [String: [OpTimes]] = [:]

    init(_ ops: [OpTimes]) {
      for op in ops.reversed() { waiting[Self.key(op.part, op.label), default: []].append(op) }
    }

    mutating func next(_ event: OpEvent) -> OpTimes? {
      waiting[Self.key(event.part, event.label)]?.popLast()
    }

    private static func key(_ part: OpEvent.Part, _ label: String) -> String {
      "\(part.rawValue) \(label)"
    }
  }

  private static func quoted(_ text: String) -> String { JSONTree.quoted(text) }
}
