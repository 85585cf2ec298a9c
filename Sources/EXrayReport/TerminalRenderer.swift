public import EXrayValidation

/// Renders a report for a person at a terminal.
public struct TerminalRenderer: Sendable {
  /// Whether to emit ANSI colours.
  public var color: Bool
  /// Columns to fill at most; less than 60 counts as 60.
  public var width: Int

  /// Creates a renderer.
  public init(color: Bool, width: Int = 80) {
    self.color = color
    self.width = width
  }

  /// The report as lines of text, ending in a newline; the same report always gives the same text.
  public func render(_ report: ValidationReport) -> String {
    var page = Page(color: color, width: min(max(60, width), 160))
    page.verdict(report)
    page.subjects(report)
    page.accuracy(report)
    for (index, finding) in report.findings.enumerated() {
      page.finding(finding, number: index + 1, isAlone: report.allFixes != nil)
    }
    page.allFixes(report)
    page.checks(report)
    if report.verdict != .pass { page.worstLayers(report) }
    page.evidence(report)
    page.notes(report)
    return page.lines.map { $0.trimmingTrailingSpaces + "\n" }.joined()
  }

  private struct Page {
    let color: Bool
    let width: Int
    var lines: [String] = []

    enum Ink: String {
      case bold = "1"
      case dim = "2"
      case red = "1;31"
      case green = "1;32"
      case yellow = "1;33"
      case cyan = "36"
    }

    func inked(_ text: String, _ ink: Ink) -> String {
      color && !text.isEmpty ? "\u{1b}[\(ink.rawValue)m\(text)\u{1b}[0m" : text
    }

    func ink(of verdict: Verdict) -> Ink {
      switch verdict {
      case .pass: .green
      case .fail: .red
      case .inconclusive: .yellow
      }
    }

    mutating func verdict(_ report: ValidationReport) {
      let word = "\(report.verdict.sign) \(report.verdict.word)"
      let indent = word.count + 2
      let wrapped = PlainText.wrapped(report.summary, width: width - indent)
      lines.append(
        inked(word, ink(of: report.verdict)) + "  " + inked(wrapped.first ?? "", .bold))
      for line in wrapped.dropFirst() {
        lines.append(String(repeating: " ", count: indent) + inked(line, .bold))
      }
    }

    /// One labelled row, wrapped under its label.
    mutating func row(_ label: String, _ text: String, inkOfText: Ink? = nil, indent: Int = 2) {
      let labelWidth = 11
      let column = indent + labelWidth
      for (index, line) in PlainText.wrapped(text, width: width - column).enumerated() {
        let head =
          index == 0
          ? String(repeating: " ", count: indent)
            + inked(PlainText.padded(label, labelWidth), .dim)
          : String(repeating: " ", count: column)
        lines.append(head + (inkOfText.map { inked(line, $0) } ?? line))
      }
    }

    mutating func subjects(_ report: ValidationReport) {
      for (label, run, latency) in [
        ("candidate", report.candidate, report.latency?.candidate),
        ("reference", report.reference, report.latency?.reference),
      ] {
        let time = latency.map { NumberText.duration(nanoseconds: $0.medianNanoseconds) }
        if report.verdict == .pass {
          row(label, brief(run, time))
        } else {
          row(label, [run.model, run.recipe].compactMap(\.self).joined(separator: " · "))
          let engine = [run.engineWords, time].compactMap(\.self).joined(separator: " · ")
          row("", engine, inkOfText: .dim)
        }
      }
      guard report.verdict == .pass, let drift = report.worstLayers(1).first?.drift else {
        row("compared", report.comparedLine)
        return
      }
      let layers =
        "\(report.comparedLayers.count) of \(PlainText.count(report.layers.count, "layer"))"
      row(
        "compared",
        "\(PlainText.count(report.frames, "frame")) · \(layers) · worst nrmse "
          + NumberText.significant(drift))
    }

    /// A run on one line: the recipe is left out, then the name shortened, where the line is too narrow.
    private func brief(_ run: RunSummary, _ time: String?) -> String {
      let room = width - 13
      let kernels = PlainText.shortened(run.kernels, to: 20)
      let tail = [kernels.isEmpty ? nil : kernels, time].compactMap(\.self)
      let full = ([run.model, run.recipe].compactMap(\.self) + tail).joined(separator: " · ")
      if full.count <= room { return full }
      let end = tail.map { " · " + $0 }.joined()
      return PlainText.shortened(run.model, to: max(12, room - end.count)) + end
    }

    mutating func accuracy(_ report: ValidationReport) {
      let agreement = report.answers.map { "same answer \(NumberText.fixed($0.top1Agreement, 2))" }
      guard let accuracy = report.accuracy else {
        if let agreement { row("answers", agreement + ", no labels") }
        return
      }
      if report.verdict == .pass {
        var text = "top-1 \(top1(accuracy.candidate, true))"
        text += " vs \(top1(accuracy.reference, false))"
        text += accuracy.pValue.isFinite ? " · p \(NumberText.fixed(accuracy.pValue, 2))" : ""
        if let agreement { text += " · " + agreement }
        row("accuracy", text)
        return
      }
      lines.append("")
      let columns = ("candidate", "reference", "difference")
      lines.append(
        inked(
          "  " + PlainText.padded("accuracy", 11) + PlainText.padded(columns.0, 18)
            + PlainText.padded(columns.1, 18) + columns.2, .dim))
      lines.append(
        "  " + PlainText.padded("top-1", 11)
          + PlainText.padded(top1(accuracy.candidate, true), 18)
          + PlainText.padded(top1(accuracy.reference, true), 18)
          + NumberText.signed(accuracy.difference, 2))
      lines.append(
        "  " + PlainText.padded("top-5", 11)
          + PlainText.padded(NumberText.fixed(accuracy.candidate.top5, 2), 18)
          + PlainText.padded(NumberText.fixed(accuracy.reference.top5, 2), 18)
          + NumberText.signed(accuracy.candidate.top5 - accuracy.reference.top5, 2))
      let labelled = PlainText.count(accuracy.labelledFrames, "labelled frame") + ", 95 % intervals"
      row(
        "",
        [labelled, accuracy.significanceWords, agreement].compactMap(\.self).joined(
          separator: " · "), inkOfText: .dim)
    }

    private func top1(_ accuracy: Accuracy, _ withInterval: Bool) -> String {
      let value = NumberText.fixed(accuracy.top1, 2)
      guard withInterval, let interval = accuracy.interval else { return value }
      return
        "\(value) (\(NumberText.fixed(interval.lower, 2))–\(NumberText.fixed(interval.upper, 2)))"
    }

    mutating func finding(_ finding: Finding, number: Int, isAlone: Bool) {
      lines.append("")
      let title = PlainText.wrapped(finding.title, width: width - 6)
      for (index, line) in title.enumerated() {
        let head = index == 0 ? inked(PlainText.aligned(number.description, 3), .red) : "   "
        lines.append(head + "  " + inked(line, .bold))
      }
      row(
        "cause",
        "\(PlainText.shortened(finding.cause.identifier, to: 60)) · confidence "
          + NumberText.fixed(finding.confidence, 2), indent: 5)
      row("where", finding.placeWords(nameLimit: max(24, width - 40)), indent: 5)
      for (index, line) in finding.evidence.enumerated() {
        row(index == 0 ? "evidence" : "", line, indent: 5)
      }
      if !finding.fix.isEmpty { row("fix", finding.fix, inkOfText: .cyan, indent: 5) }
      if let gain = finding.gain { self.gain(gain, label: isAlone ? "alone" : "proven") }
    }

    private mutating func gain(_ gain: Finding.Gain, label: String) {
      row(label, gain.words, inkOfText: gain.after > gain.before ? .green : nil, indent: 5)
      if let words = gain.intervalWords { row("", words, inkOfText: .dim, indent: 5) }
    }

    mutating func allFixes(_ report: ValidationReport) {
      guard let gain = report.allFixes else { return }
      lines.append("")
      self.gain(gain, label: "all fixes")
    }

    mutating func checks(_ report: ValidationReport) {
      guard !report.checks.isEmpty else { return }
      if report.verdict != .pass { lines.append("") }
      for check in report.checks {
        let words = "\(check.outcome.sign) \(check.outcome.word) "
        row(
          "check", words + PlainText.shortened(check.name, to: 100),
          inkOfText: ink(of: check.outcome))
        row("", check.message)
        for line in check.evidence { row("", line, inkOfText: .dim) }
      }
    }

    mutating func worstLayers(_ report: ValidationReport) {
      let worst = report.worstLayers(6)
      guard let largest = worst.compactMap(\.drift).max() else { return }
      lines.append("")
      let opWidth = min(19, max(12, worst.map(\.opType.count).max() ?? 0)) + 1
      let cells = 8
      let nameWidth = width - 28 - opWidth - cells
      lines.append(
        inked(
          "  " + PlainText.aligned("#", 3) + " " + PlainText.padded("worst layers", opWidth)
            + PlainText.padded("tensor", nameWidth) + PlainText.aligned("nrmse", 9) + "  "
            + PlainText.padded("", cells) + PlainText.aligned("cosine", 9), .dim))
      for layer in worst {
        let drift = layer.drift ?? 0
        let bar = Self.bar(largest > 0 ? drift / largest : 0, cells: cells)
        let failed = layer.status == .fail
        lines.append(
          "  " + PlainText.aligned(layer.index.description, 3) + " "
            + PlainText.padded(PlainText.shortened(layer.opType, to: opWidth - 1), opWidth)
            + PlainText.padded(PlainText.ending(layer.name, within: nameWidth), nameWidth)
            + PlainText.aligned(NumberText.significant(layer.drift), 9) + "  "
            + inked(PlainText.padded(bar, cells), failed ? .red : .dim)
            + PlainText.aligned(NumberText.fixed(layer.metrics?.cosineSimilarity, 4), 9)
            + (failed ? inked(" ✗", .red) : ""))
      }
      for line in PlainText.wrapped("layers: " + report.layersLine, width: width - 6) {
        lines.append("      " + inked(line, .dim))
      }
    }

    /// What the evidence does not bear, but for what the conclusion says already.
    mutating func evidence(_ report: ValidationReport) {
      let frail = report.evidence.filter {
        $0.worth != .sound && !report.summary.contains($0.detail)
      }
      guard !frail.isEmpty else { return }
      if report.verdict != .pass { lines.append("") }
      for item in frail { row(item.worth.rawValue, item.detail, inkOfText: .yellow) }
    }

    mutating func notes(_ report: ValidationReport) {
      guard !report.notes.isEmpty else { return }
      if report.verdict != .pass { lines.append("") }
      for (index, note) in report.notes.enumerated() {
        row(index == 0 ? "note" : "", note, inkOfText: .dim)
      }
    }

    /// A bar of eighths of a character.
    static func bar(_ fraction: Double, cells: Int) -> String {
      let eighths = Int((min(max(fraction, 0), 1) * Double(cells * 8)).rounded())
      let parts = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"]
      let text = String(repeating: "█", count: eighths / 8) + parts[eighths % 8]
      return text.isEmpty ? "▏" : text
    }
  }
}

extension String {
  fileprivate var trimmingTrailingSpaces: String {
    var copy = self
    while copy.last == " " { copy.removeLast() }
    return copy
  }
}
