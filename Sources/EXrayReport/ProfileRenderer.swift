import EXrayCore
public import EXrayProfile
import EXrayValidation

/// Renders a profile for a person at a terminal.
public struct ProfileRenderer: Sendable {
  /// How many of the slowest ops are listed; nil for all, in the order of execution.
  public var opLimit: Int?
  /// Columns to fill at most; less than 60 counts as 60.
  public var width: Int

  /// Creates a renderer.
  public init(opLimit: Int? = 15, width: Int = 100) {
    self.opLimit = opLimit
    self.width = max(60, width)
  }

  /// The report as lines of text, ending in a newline; the same report always gives the same text.
  public func render(_ report: ProfileReport) -> String {
    var lines = head(report) + [""] + types(report)
    let ops = ops(report)
    if !ops.isEmpty { lines += [""] + ops }
    if !report.threads.isEmpty { lines += [""] + threads(report) }
    if let comparison = report.comparison { lines += [""] + compared(report, comparison) }
    for finding in report.findings { lines += [""] + words(finding) }
    if report.findings.isEmpty { lines += ["", "✓ No kernel is slow."] }
    if !report.notes.isEmpty { lines.append("") }
    for note in report.notes {
      lines += PlainText.wrapped(note, width: width - 2).map { "  " + $0 }
    }
    return lines.map { $0 + "\n" }.joined()
  }

  // MARK: Head

  private func head(_ report: ProfileReport) -> [String] {
    var lines = [Self.subject(report.subject)]
    lines += row("machine", report.device + (report.peak.map { " · \(Self.peak($0))" } ?? ""))
    let open = Self.time(nanoseconds: report.openNanoseconds)
    lines += row(
      "load",
      report.loadNanoseconds.map {
        "\(Self.time(nanoseconds: $0)) in the runtime, \(open) with its process"
      } ?? open)
    lines += row("first run", Self.time(nanoseconds: report.firstRunNanoseconds))
    let latency = report.latency
    lines += row(
      "latency",
      "p50 \(Self.time(latency.p50)) · p90 \(Self.time(latency.p90)) · p95 \(Self.time(latency.p95)) · "
        + "p99 \(Self.time(latency.p99)) · of \(PlainText.count(latency.count, "run"))")
    lines += row(
      "",
      "min \(Self.time(latency.minimum)) · max \(Self.time(latency.maximum)) · "
        + "mean \(Self.time(latency.mean)) · deviation \(Self.time(latency.standardDeviation))")
    lines += row(
      "profiler",
      "p50 \(Self.time(report.profiledLatency.p50)) with per-op times: "
        + "\(NumberText.signed(report.profilerCost * 100, 1)) %")
    lines += row("memory", Self.memory(report))
    lines += parts(report)
    return lines
  }

  private func parts(_ report: ProfileReport) -> [String] {
    let profile = report.profile
    guard profile.delegated.events > 0 else {
      return row(
        "delegated", "nothing; \(PlainText.count(profile.undelegated.nodes, "op")) run as they are")
    }
    let total = profile.delegated.nodes + profile.undelegated.nodes
    let left = profile.undelegatedTypes.sorted { $0.key < $1.key }
      .map { $0.value == 1 ? $0.key : "\($0.key) ×\($0.value)" }.joined(separator: ", ")
    return row(
      "delegated",
      "\(profile.delegated.nodes) of \(PlainText.count(total, "op")) as "
        + "\(PlainText.count(profile.delegated.events, "operator")), "
        + "\(Self.milliseconds(profile.delegated.microseconds)) ms, \(NumberText.percent(profile.delegated.share))"
    )
      + row(
        "left",
        profile.undelegated.nodes == 0
          ? "none"
          : "\(PlainText.count(profile.undelegated.nodes, "op")), "
            + "\(Self.milliseconds(profile.undelegated.microseconds)) ms, "
            + "\(NumberText.percent(profile.undelegated.share)): \(left)")
  }

  private static func memory(_ report: ProfileReport) -> String {
    let estimate = report.memory.estimate
    var words: [String] = []
    if let peak = report.memory.peakResidentByteCount {
      words.append(
        "peak \(bytes(peak)) resident"
          + (report.memory.isOwnProcess ? "" : " with this program"))
    }
    words.append("weights \(bytes(estimate.weightByteCount))")
    var values = "values \(bytes(estimate.peakByteCount))"
    if let op = estimate.peakOp { values += " at op \(op)" }
    words.append(values + " (estimate)")
    return words.joined(separator: " · ")
  }

  private static func peak(_ peak: MachinePeak) -> String {
    "\(NumberText.significant(peak.floatOperationsPerSecond / 1e9)) GFLOP/s float32, "
      + "\(NumberText.significant(peak.int8OperationsPerSecond / 1e9)) GOP/s int8 (\(peak.instructions)), "
      + "\(NumberText.significant(peak.bytesPerSecond / 1e9)) GB/s, one thread"
  }

  // MARK: Tables

  private func types(_ report: ProfileReport) -> [String] {
    let room = nameWidth(40)
    var lines = [
      PlainText.padded("  by kind", room + 2) + Self.cells(["count", "ms", "%", "cumulative %"])
    ]
    for type in report.profile.types {
      let name = type.part == .delegate ? "\(type.label) *" : type.label
      lines.append(
        "  " + PlainText.padded(PlainText.cut(name, to: room - 1), room)
          + Self.cells([
            "\(type.count)", Self.milliseconds(type.microseconds),
            NumberText.fixed(type.share * 100, 1), NumberText.fixed(type.cumulativeShare * 100, 1),
          ]))
    }
    if report.profile.delegated.events > 0 { lines.append("  * by the delegate") }
    return lines
  }

  private func ops(_ report: ProfileReport) -> [String] {
    var ops = report.profile.ops
    var title = "ops in order"
    if let opLimit {
      ops = Array(
        ops.sorted { ($1.microseconds, $0.position) < ($0.microseconds, $1.position) }
          .prefix(max(0, opLimit)))
      title = "slowest ops"
    }
    guard !report.profile.ops.isEmpty else { return ["  the runtime gave no per-op times"] }
    guard !ops.isEmpty else { return [] }
    // A narrow terminal shows what a decision needs; the files have the rest.
    let columns = Self.opColumns.filter { width >= 108 || $0.isEssential }
    let room = nameWidth(columns.count * 9 - 4)
    var lines = [
      PlainText.padded("  " + title, room + 2) + Self.cells(columns.map(\.title))
    ]
    for op in ops {
      let index = op.op.map { "\($0)" } ?? "–"
      let name = "\(PlainText.aligned(index, 4)) \(op.type ?? op.label)"
      lines.append(
        "  " + PlainText.padded(PlainText.cut(name, to: room - 1), room)
          + Self.cells(columns.map { $0.text(op) }))
    }
    if ops.contains(where: { $0.cost != nil && $0.cost?.operations == nil }) {
      lines.append("  – for MFLOP: what this kind of op computes is not known; its bytes are")
    }
    return lines
  }

  private struct OpColumn {
    var title: String
    var isEssential = false
    var text: @Sendable (OpTimes) -> String
  }

  private static let opColumns: [OpColumn] = [
    OpColumn(title: "µs", isEssential: true) { NumberText.fixed($0.microseconds, 1) },
    OpColumn(title: "p50") { NumberText.fixed($0.p50Microseconds, 0) },
    OpColumn(title: "p90") { NumberText.fixed($0.p90Microseconds, 0) },
    OpColumn(title: "p99", isEssential: true) { NumberText.fixed($0.p99Microseconds, 0) },
    OpColumn(title: "%", isEssential: true) { NumberText.fixed($0.share * 100, 1) },
    OpColumn(title: "MFLOP") { NumberText.significant($0.cost?.operations.map { $0 / 1e6 }) },
    OpColumn(title: "kB") { NumberText.significant($0.cost.map { $0.byteCount / 1e3 }) },
    OpColumn(title: "GFLOP/s", isEssential: true) {
      NumberText.significant($0.operationsPerSecond.map { $0 / 1e9 })
    },
    OpColumn(title: "GB/s") { NumberText.significant($0.bytesPerSecond.map { $0 / 1e9 }) },
    OpColumn(title: "roofline", isEssential: true) { NumberText.percent($0.roofline, 1) },
  ]

  private func threads(_ report: ProfileReport) -> [String] {
    var lines = [
      PlainText.padded("  threads", 12) + Self.cells(["p50 ms", "speed-up", "efficiency"])
    ]
    for count in report.threads {
      lines.append(
        PlainText.padded("  \(count.threads)", 12)
          + Self.cells([
            Self.milliseconds(count.latency.p50.inNanoseconds / 1e3),
            NumberText.fixed(count.speedUp, 2), NumberText.percent(count.efficiency, 0),
          ]))
    }
    return lines
  }

  // MARK: Comparison and findings

  private func compared(
    _ report: ProfileReport, _ comparison: ProfileReport.Comparison
  ) -> [String] {
    let latency = comparison.latency
    let word =
      switch latency.outcome {
      case .slower: "slower"
      case .faster: "faster"
      case .noDifference: "no difference"
      }
    let sign =
      switch comparison.verdict {
      case .pass: "✓"
      case .fail: "✗"
      case .inconclusive: "?"
      }
    let tolerance = NumberText.percent(comparison.tolerance, 0)
    let verdict =
      switch comparison.verdict {
      case .pass: "no slow-down beyond \(tolerance)"
      case .fail: "slower by more than \(tolerance)"
      case .inconclusive:
        "these rounds cannot rule out a slow-down beyond \(tolerance); use more --runs, or a quieter machine"
      }
    var lines = ["\(sign) \(word): \(verdict)"]
    lines += row("against", Self.subject(comparison.reference))
    lines += row(
      "ratio",
      "\(NumberText.fixed(latency.ratio, 3)) [\(NumberText.fixed(latency.interval[0], 3)), "
        + "\(NumberText.fixed(latency.interval[1], 3))] of medians, 95 % · "
        + "\(PlainText.count(latency.rounds, "round")), loaded \(PlainText.count(latency.launches, "time"))"
    )
    lines += row(
      "resolution",
      "a slow-down of \(NumberText.percent(latency.minimumDetectableEffect)) is found in four of five tries"
    )
    for type in comparison.types where type.outcome != .noDifference {
      lines += row(
        type.outcome == .slower ? "slower" : "faster",
        "\(type.label): \(NumberText.significant(type.referenceMicroseconds)) → "
          + "\(NumberText.significant(type.candidateMicroseconds)) µs, ratio "
          + "\(NumberText.fixed(type.comparison.ratio, 3)), p = "
          + NumberText.significant(type.adjustedProbability, 2))
    }
    return lines
  }

  private func words(_ finding: Finding) -> [String] {
    var lines = ["✗ \(PlainText.line(finding.title))"]
    lines += row("cause", finding.cause.identifier)
    for line in finding.evidence { lines += row("", line) }
    lines += row("fix", finding.fix)
    return lines
  }

  // MARK: Text

  /// One labelled row, wrapped under its label.
  private func row(_ label: String, _ text: String) -> [String] {
    PlainText.wrapped(text, width: width - 14).enumerated().map { index, line in
      "  " + PlainText.padded(index == 0 ? label : "", 12) + line
    }
  }

  /// Columns left for names beside a table's numbers.
  private func nameWidth(_ numbers: Int) -> Int { max(20, min(52, width - numbers - 2)) }

  private static func cells(_ texts: [String]) -> String {
    texts.map { PlainText.aligned($0, $0.count > 8 ? $0.count + 1 : 9) }.joined()
  }

  private static func subject(_ subject: ProfileReport.Subject) -> String {
    "\(PlainText.shortened(subject.model, to: 60)) · \(subject.runtime) \(subject.runtimeVersion) · "
      + "\(subject.kernels) kernels · \(PlainText.count(subject.threads, "thread"))"
  }

  private static func time(_ duration: Duration) -> String {
    time(nanoseconds: duration.wholeNanoseconds)
  }

  private static func time(nanoseconds: Int64) -> String {
    NumberText.duration(nanoseconds: UInt64(max(0, nanoseconds)))
  }

  private static func milliseconds(_ microseconds: Double) -> String {
    NumberText.fixed(microseconds / 1e3, 3)
  }

  /// Bytes in the unit that reads best, powers of ten.
  private static func bytes(_ count: Int) -> String {
    let value = Double(count)
    if value < 1e3 { return "\(count) B" }
    if value < 1e6 { return NumberText.significant(value / 1e3) + " kB" }
    return value < 1e9
      ? NumberText.significant(value / 1e6) + " MB" : NumberText.significant(value / 1e9) + " GB"
  }
}
