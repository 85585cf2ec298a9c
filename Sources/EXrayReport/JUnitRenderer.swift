import EXrayCore
public import EXrayValidation

/// Renders a report as JUnit XML, one test case a check, so that CI systems show what failed.
///
/// The file is red exactly when the verdict is not `pass`: the case `verdict` fails for `fail` and has an
/// *error* for `inconclusive`. A skipped case would count as passed, and weak evidence is no pass.
/// Skipped are checks that had nothing to look at: no labels, no layers.
public enum JUnitRenderer {
  /// The report as an XML document, ending in a newline; the same report always gives the same text.
  public static func render(_ report: ValidationReport) -> String {
    var cases: [Case] = [verdict(report)]
    cases.append(tensors(report.inputs, "inputs", in: report))
    for (index, finding) in report.findings.enumerated() {
      cases.append(self.finding(finding, number: index + 1, heading: report.gainHeading))
    }
    for (index, check) in report.checks.enumerated() {
      cases.append(self.check(check, number: index + 1))
    }
    cases.append(tensors(report.layers, "layers", in: report))
    cases.append(tensors(report.outputs, "outputs", in: report))
    cases.append(accuracy(report))

    let counts =
      "tests=\"\(cases.count)\" failures=\"\(cases.count { $0.kind == .failure })\" "
      + "errors=\"\(cases.count { $0.kind == .error })\" "
      + "skipped=\"\(cases.count { $0.kind == .skipped })\""
    var lines = [
      "<?xml version=\"1.0\" encoding=\"UTF-8\"?>", "<testsuites name=\"exray\" \(counts)>",
    ]
    lines.append("  <testsuite name=\"exray\" \(counts) time=\"0\">")
    lines.append("    <properties>")
    for (name, value) in properties(report) {
      lines.append("      <property name=\"\(name)\" value=\"\(escaped(value))\"/>")
    }
    lines.append("    </properties>")
    for entry in cases { lines += entry.lines }
    lines += ["  </testsuite>", "</testsuites>"]
    return lines.joined(separator: "\n") + "\n"
  }

  private enum Kind: String {
    case passed, failure, error, skipped
  }

  private struct Case {
    var group: String
    var name: String
    var kind: Kind
    var type = ""
    var message = ""
    var details: [String] = []

    var lines: [String] {
      let head =
        "    <testcase classname=\"exray.\(escaped(group))\" name=\"\(escaped(name))\" time=\"0\""
      let body = details.map { escaped($0) }.joined(separator: "\n")
      switch kind {
      case .passed where body.isEmpty:
        return [head + "/>"]
      case .passed:
        return [head + ">", "      <system-out>\(body)</system-out>", "    </testcase>"]
      case .skipped:
        return [
          head + ">", "      <skipped message=\"\(escaped(message))\"/>", "    </testcase>",
        ]
      case .failure, .error:
        return [
          head + ">",
          "      <\(kind.rawValue) type=\"\(escaped(type))\" message=\"\(escaped(message))\">\(body)"
            + "</\(kind.rawValue)>", "    </testcase>",
        ]
      }
    }
  }

  private static func properties(_ report: ValidationReport) -> [(String, String)] {
    [
      ("tool", report.tool), ("candidate.model", report.candidate.model),
      ("candidate.sha256", report.candidate.modelSHA256),
      ("candidate.runtime", report.candidate.engineWords),
      ("reference.model", report.reference.model),
      ("reference.sha256", report.reference.modelSHA256),
      ("reference.runtime", report.reference.engineWords),
      ("frames", report.frames.description),
    ]
  }

  private static func verdict(_ report: ValidationReport) -> Case {
    var entry = Case(group: "verdict", name: "verdict", kind: .passed)
    entry.details = [report.summary] + report.notes.map { "note: " + $0 }
    if let gain = report.allFixes { entry.details.append("all fixes together: \(words(of: gain))") }
    switch report.verdict {
    case .pass: break
    case .fail: entry.kind = .failure
    case .inconclusive: entry.kind = .error
    }
    entry.type = report.verdict.rawValue
    entry.message = report.summary
    return entry
  }

  private static func finding(_ finding: Finding, number: Int, heading: String) -> Case {
    var entry = Case(
      group: "findings", name: "\(number) \(finding.cause.identifier)", kind: .failure)
    entry.type = finding.cause.identifier
    entry.message = finding.title
    entry.details = [
      "where: " + finding.placeWords(nameLimit: 200),
      "confidence: " + NumberText.fixed(finding.confidence, 2),
    ]
    entry.details += finding.evidence.map { "evidence: " + $0 }
    if !finding.fix.isEmpty { entry.details.append("fix: " + finding.fix) }
    if let gain = finding.gain {
      entry.details.append("\(heading.lowercased()): \(words(of: gain))")
    }
    return entry
  }

  private static func words(of gain: Finding.Gain) -> String {
    [gain.words, gain.intervalWords].compactMap(\.self).joined(separator: ": ")
  }

  /// A check that gives no answer is an error, as weak evidence is.
  private static func check(_ check: CustomCheckResult, number: Int) -> Case {
    var entry = Case(group: "checks", name: "\(number) \(check.name)", kind: .passed)
    switch check.outcome {
    case .pass: break
    case .fail: entry.kind = .failure
    case .inconclusive: entry.kind = .error
    }
    entry.type = check.outcome.rawValue
    entry.message = check.message
    entry.details = [check.message] + check.evidence.map { "evidence: " + $0 }
    return entry
  }

  /// One case for all tensors of a kind: a model's 150 layers are one check.
  private static func tensors(
    _ tensors: [TensorComparison], _ name: String, in report: ValidationReport
  ) -> Case {
    var entry = Case(group: "tensors", name: name, kind: .passed)
    guard tensors.contains(where: { $0.metrics != nil || $0.status == .fail }) else {
      entry.kind = .skipped
      entry.message =
        tensors.isEmpty
        ? "no \(name) in the traces"
        : "none of \(tensors.count) \(name) could be compared"
      return entry
    }
    let failing = tensors.filter { $0.status == .fail }
    let compared = tensors.count { $0.metrics != nil }
    entry.details = ["\(compared) of \(tensors.count) \(name) compared, \(failing.count) failing"]
    for tensor in failing.prefix(20) {
      entry.details.append(
        "\(tensor.index)\(tensor.opType.isEmpty ? "" : " ")\(tensor.opType) "
          + "\(PlainText.shortened(tensor.name, to: 160)): "
          + "nrmse \(NumberText.significant(tensor.drift)), "
          + "cosine \(NumberText.fixed(tensor.metrics?.cosineSimilarity, 4)), "
          + "max |d| \(NumberText.significant(tensor.metrics?.maxAbsDiff))")
    }
    if failing.count > 20 { entry.details.append("and \(failing.count - 20) more") }
    if !failing.isEmpty, report.verdict != .pass {
      entry.kind = .failure
      entry.type = "drift"
      entry.message = "\(failing.count) of \(compared) compared \(name) beyond what is normal"
    }
    return entry
  }

  private static func accuracy(_ report: ValidationReport) -> Case {
    var entry = Case(group: "accuracy", name: "accuracy", kind: .passed)
    guard let accuracy = report.accuracy else {
      entry.kind = .skipped
      entry.message = "no labels"
      return entry
    }
    let text =
      "top-1 \(NumberText.fixed(accuracy.candidate.top1, 3)) against "
      + "\(NumberText.fixed(accuracy.reference.top1, 3)) on "
      + "\(PlainText.count(accuracy.labelledFrames, "labelled frame")), \(accuracy.significanceWords)"
    entry.details = [text]
    if report.verdict != .pass, accuracy.difference < 0, accuracy.pValue < 0.05 {
      entry.kind = .failure
      entry.type = "accuracy"
      entry.message = text
    }
    return entry
  }

  /// Text from a file on one line, with the five characters that XML reserves escaped.
  private static func escaped(_ text: String) -> String {
    var result = String.UnicodeScalarView()
    for scalar in PlainText.line(text).unicodeScalars {
      switch scalar {
      case "&": result.append(contentsOf: "&amp;".unicodeScalars)
      case "<": result.append(contentsOf: "&lt;".unicodeScalars)
      case ">": result.append(contentsOf: "&gt;".unicodeScalars)
      case "\"": result.append(contentsOf: "&quot;".unicodeScalars)
      case "'": result.append(contentsOf: "&apos;".unicodeScalars)
      default: result.append(scalar)
      }
    }
    return String(result)
  }
}
