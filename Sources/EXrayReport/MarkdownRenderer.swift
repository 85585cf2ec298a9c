import EXrayCore
public import EXrayValidation

/// Renders a report as GitHub-flavoured Markdown, as a job summary or a comment shows it.
public enum MarkdownRenderer {
  /// The report as Markdown, ending in a newline; the same report always gives the same text.
  public static func render(_ report: ValidationReport) -> String {
    var blocks: [String] = []
    blocks.append("## \(mark(report.verdict)) \(report.verdict.word): \(escaped(report.summary))")
    blocks.append(
      "\(code(report.candidate.model)) against \(code(report.reference.model)) · "
        + escaped(report.comparedLine))
    blocks += accuracy(report)
    for (index, finding) in report.findings.enumerated() {
      blocks.append(text(of: finding, number: index + 1, heading: report.gainHeading))
    }
    if let gain = report.allFixes { blocks.append("**All fixes together:** \(words(of: gain))") }
    blocks += checks(report)
    blocks += worstLayers(report)
    blocks.append(runs(report))
    let frail = report.evidence.filter { $0.worth != .sound }
    if !frail.isEmpty {
      blocks.append(
        "**Evidence**\n\n"
          + frail.map { "- \($0.worth.rawValue): \(prose($0.detail))" }.joined(separator: "\n"))
    }
    if !report.notes.isEmpty {
      blocks.append(
        "**Notes**\n\n" + report.notes.map { "- \(prose($0))" }.joined(separator: "\n"))
    }
    return blocks.joined(separator: "\n\n") + "\n"
  }

  private static func mark(_ verdict: Verdict) -> String {
    switch verdict {
    case .pass: "✅"
    case .fail: "❌"
    case .inconclusive: "⚠️"
    }
  }

  private static func accuracy(_ report: ValidationReport) -> [String] {
    var rows: [String] = []
    if let accuracy = report.accuracy {
      rows.append(
        "| top-1 | \(top1(accuracy.candidate)) | \(top1(accuracy.reference)) | "
          + "\(NumberText.signed(accuracy.difference, 3)) (\(escaped(accuracy.significanceWords))) |"
      )
      rows.append(
        "| top-5 | \(NumberText.fixed(accuracy.candidate.top5, 3)) | "
          + "\(NumberText.fixed(accuracy.reference.top5, 3)) | "
          + "\(NumberText.signed(accuracy.candidate.top5 - accuracy.reference.top5, 3)) |")
    }
    if let answers = report.answers {
      rows.append("| same first answer | \(NumberText.fixed(answers.top1Agreement, 3)) | | |")
    }
    if let latency = report.latency {
      let candidate = latency.candidate.medianNanoseconds
      let reference = latency.reference.medianNanoseconds
      let ratio = reference == 0 ? nil : Double(candidate) / Double(reference)
      rows.append(
        "| median latency | \(NumberText.duration(nanoseconds: candidate)) | "
          + "\(NumberText.duration(nanoseconds: reference)) | "
          + (ratio.map { "× \(NumberText.fixed($0, 2))" } ?? "") + " |")
    }
    guard !rows.isEmpty else { return [] }
    let header = "| | candidate | reference | difference |\n| :-- | --: | --: | --: |\n"
    return [header + rows.joined(separator: "\n")]
  }

  private static func top1(_ accuracy: Accuracy) -> String {
    let value = NumberText.fixed(accuracy.top1, 3)
    guard let interval = accuracy.interval else { return value }
    return
      "\(value) (\(NumberText.fixed(interval.lower, 3))–\(NumberText.fixed(interval.upper, 3)))"
  }

  private static func text(of finding: Finding, number: Int, heading: String) -> String {
    var lines = ["### \(number). \(escaped(finding.title))", ""]
    lines.append(
      "\(code(finding.cause.identifier)) · confidence \(NumberText.fixed(finding.confidence, 2)) · "
        + "at \(escaped(finding.placeWords(nameLimit: 120)))")
    if !finding.evidence.isEmpty { lines.append("") }
    for line in finding.evidence { lines.append("- \(prose(line))") }
    if !finding.fix.isEmpty { lines += ["", "**Fix:** \(prose(finding.fix))"] }
    if let gain = finding.gain { lines += ["", "**\(heading):** \(words(of: gain))"] }
    return lines.joined(separator: "\n")
  }

  private static func words(of gain: Finding.Gain) -> String {
    escaped([gain.words, gain.intervalWords].compactMap(\.self).joined(separator: ": "))
  }

  private static func checks(_ report: ValidationReport) -> [String] {
    guard !report.checks.isEmpty else { return [] }
    let rows = report.checks.map { check in
      let words = [check.message] + check.evidence
      return "| \(mark(check.outcome)) \(check.outcome.rawValue) "
        + "| \(code(PlainText.shortened(check.name, to: 120))) "
        + "| \(words.map(escaped).joined(separator: "<br>")) |"
    }
    let header = "| custom check | | what it says |\n| :-- | :-- | :-- |\n"
    return [header + rows.joined(separator: "\n")]
  }

  private static func worstLayers(_ report: ValidationReport) -> [String] {
    guard !report.layers.isEmpty else { return [] }
    var lines = ["**Layers:** \(escaped(report.layersLine))"]
    let worst = report.worstLayers(10)
    if !worst.isEmpty {
      lines += [
        "", "| # | op | tensor | shape | nrmse | cosine | SQNR dB | LSB | |",
        "| --: | :-- | :-- | :-- | --: | --: | --: | --: | :-- |",
      ]
    }
    for layer in worst {
      let cells = [
        layer.index.description, escaped(PlainText.shortened(layer.opType, to: 40)),
        code(PlainText.shortened(layer.name, to: 80)), layer.shapeText.replacing("|", with: "\\|"),
        NumberText.significant(layer.drift), NumberText.fixed(layer.metrics?.cosineSimilarity, 4),
        NumberText.fixed(layer.metrics?.sqnrDB, 1),
        NumberText.fixed(layer.metrics?.rmseOverScale, 2),
        layer.status == .fail ? "**fail**" : layer.status.words,
      ]
      lines.append("| " + cells.joined(separator: " | ") + " |")
    }
    return [lines.joined(separator: "\n")]
  }

  private static func runs(_ report: ValidationReport) -> String {
    func row(_ label: String, _ value: (RunSummary) -> String) -> String {
      "| \(label) | \(value(report.candidate)) | \(value(report.reference)) |"
    }
    let rows = [
      row("model") { code($0.model) }, row("SHA-256") { code($0.modelSHA256) },
      row("runtime") { escaped($0.engineWords) },
      row("recipe") { $0.recipe.map(code) ?? "none" }, row("device") { escaped($0.device) },
    ]
    return
      "<details><summary>What ran</summary>\n\n| | candidate | reference |\n| :-- | :-- | :-- |\n"
      + rows.joined(separator: "\n") + "\n\n</details>"
      + (report.tool.isEmpty ? "" : "\n\n" + escaped(report.tool))
  }

  /// Text from a file, with everything that Markdown or HTML would act upon disarmed.
  static func escaped(_ text: String) -> String {
    var result = ""
    for character in PlainText.line(text).unicodeScalars {
      switch character {
      case "&": result += "&amp;"
      case "<": result += "&lt;"
      case ">": result += "&gt;"
      case "@": result += "&#64;"
      case "\\", "`", "*", "_", "[", "]", "|", "~", "#", "!":
        result += "\\"
        result.unicodeScalars.append(character)
      default: result.unicodeScalars.append(character)
      }
    }
    return result
  }

  /// Text with the parts between backticks as code spans, everything else disarmed.
  private static func prose(_ text: String) -> String {
    let parts = text.split(separator: "`", omittingEmptySubsequences: false).map(String.init)
    guard parts.count % 2 == 1 else { return escaped(text) }
    return parts.enumerated().map { $0 % 2 == 1 ? code($1) : escaped($1) }.joined()
  }

  /// Text from a file as a code span that also holds inside a table.
  static func code(_ text: String) -> String {
    // A code span cannot hold an escaped backtick; a look-alike keeps the name readable.
    let clean = PlainText.line(text).replacing("`", with: "ˋ").replacing("|", with: "\\|")
    let trimmed = clean.allSatisfy { $0 == " " } ? "(unnamed)" : clean
    return "`\(trimmed)`"
  }
}
