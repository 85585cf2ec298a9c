public import EXrayValidation

/// Renders a report as workflow commands, which GitHub Actions shows as annotations of a run.
public enum GitHubRenderer {
  /// How many annotations of a kind GitHub keeps of one step.
  private static let limit = 10

  /// One command a line, ending in a newline: a finding or a failed check is an error, weak evidence a warning, a
  /// pass a notice.
  public static func render(_ report: ValidationReport) -> String {
    var lines: [String] = []
    for finding in report.findings.prefix(limit) {
      lines.append(
        command(
          "error", title: "\(finding.cause.identifier): \(place(finding))",
          [finding.title] + finding.evidence + (finding.fix.isEmpty ? [] : ["Fix: " + finding.fix]))
      )
    }
    for check in report.checks where check.outcome != .pass {
      lines.append(
        command(
          check.outcome == .fail ? "error" : "warning",
          title: "check: " + PlainText.shortened(check.name, to: 100),
          [check.message] + check.evidence))
    }
    let subject = "exray: \(PlainText.shortened(report.candidate.model, to: 100))"
    switch report.verdict {
    case .pass: lines.append(command("notice", title: subject, [report.summary]))
    case .inconclusive:
      lines.append(command("warning", title: subject, [report.summary] + report.notes))
    case .fail where report.findings.isEmpty || report.findings.count > limit:
      lines.append(command("error", title: subject, [report.summary]))
    case .fail: break
    }
    return lines.map { $0 + "\n" }.joined()
  }

  private static func place(_ finding: Finding) -> String { finding.placeWords(nameLimit: 100) }

  private static func command(_ kind: String, title: String, _ message: [String]) -> String {
    let text = message.map { escaped(PlainText.line($0)) }.joined(separator: "%0A")
    return "::\(kind) title=\(property(PlainText.line(title)))::\(text)"
  }

  /// A message as a command carries it.
  static func escaped(_ text: String) -> String {
    var result = String.UnicodeScalarView()
    for scalar in text.unicodeScalars {
      switch scalar {
      case "%": result.append(contentsOf: "%25".unicodeScalars)
      case "\r": result.append(contentsOf: "%0D".unicodeScalars)
      case "\n": result.append(contentsOf: "%0A".unicodeScalars)
      default: result.append(scalar)
      }
    }
    return String(result)
  }

  /// A property's value as a command carries it.
  static func property(_ text: String) -> String {
    var result = String.UnicodeScalarView()
    for scalar in escaped(text).unicodeScalars {
      switch scalar {
      case ":": result.append(contentsOf: "%3A".unicodeScalars)
      case ",": result.append(contentsOf: "%2C".unicodeScalars)
      default: result.append(scalar)
      }
    }
    return String(result)
  }
}
