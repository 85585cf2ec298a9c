import EXrayCore
import EXrayJSON
public import EXrayValidation

/// Renders a report as SARIF 2.1.0, which code scanning services and editors read.
///
/// Every cause is a rule and every finding a result at the op and the tensor it blames; the artifact is the
/// candidate's model. A finding keeps its fingerprint as long as cause, op type and tensor stay, whatever the op's index.
public enum SARIFRenderer {
  /// The report as JSON, ending in a newline; the same report always gives the same bytes.
  ///
  /// - Parameter model: The candidate's file as the user named it; by default its name in the report.
  public static func render(_ report: ValidationReport, model: String? = nil) -> String {
    let uri = uri(model ?? report.candidate.model)
    let rules = Cause.all.map(\.identifier)
    var results = report.findings.map { result($0, report, uri: uri, rules: rules) }
    results += report.checks.filter { $0.outcome != .pass }.map {
      result($0, uri: uri, rule: rules.count)
    }
    let digest = report.candidate.modelSHA256
    let artifact = JSONTree.object([
      "location": .object(["uri": .string(uri)]), "roles": .array([.string("analysisTarget")]),
      "hashes": isDigest(digest) ? .object(["sha-256": .string(digest)]) : nil,
    ])
    let run = JSONTree.object([
      "artifacts": .array([artifact]), "columnKind": .string("utf16CodeUnits"),
      "invocations": .array([invocation(report)]), "results": .array(results),
      "tool": .object(["driver": driver(report)]),
    ])
    let log = JSONTree.object([
      "$schema": .string(schema), "runs": .array([run]), "version": .string("2.1.0"),
    ])
    return log.text(JSONStyle(isPretty: true, sortsKeys: true, escapes: .shortAndInvisible)) + "\n"
  }

  private static let schema =
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"

  // MARK: The tool

  private static func driver(_ report: ValidationReport) -> JSONTree {
    let words = report.tool.split(separator: " ", maxSplits: 1).map(String.init)
    var rules = Cause.all.map { cause in
      rule(cause.identifier, cause.words?.means ?? cause.identifier, cause.words?.remedy)
    }
    rules.append(
      rule(customCheck, "A check of the user's own failed or gave no answer.", "See its message."))
    return .object([
      "name": .string(words.first ?? "exray"), "rules": .array(rules),
      "version": words.count > 1 ? .string(words[1]) : nil,
    ])
  }

  private static func rule(_ identifier: String, _ means: String, _ remedy: String?) -> JSONTree {
    .object([
      "defaultConfiguration": .object(["level": .string("error")]),
      "help": remedy.map { .object(["text": .string($0)]) }, "id": .string(identifier),
      "shortDescription": .object(["text": .string(means)]),
    ])
  }

  private static let customCheck = "custom-check"

  private static func invocation(_ report: ValidationReport) -> JSONTree {
    var notices = report.notes.map { notice("note", $0) }
    if report.verdict == .inconclusive { notices.insert(notice("warning", report.summary), at: 0) }
    return .object([
      "executionSuccessful": JSONTree(.bool(true)),
      "toolExecutionNotifications": notices.isEmpty ? nil : .array(notices),
    ])
  }

  private static func notice(_ level: String, _ text: String) -> JSONTree {
    .object(["level": .string(level), "message": message(text)])
  }

  private static func message(_ text: String) -> JSONTree {
    .object(["text": .string(text.isEmpty ? "–" : text)])
  }

  // MARK: Results

  private static func result(
    _ finding: Finding, _ report: ValidationReport, uri: String, rules: [String]
  ) -> JSONTree {
    let confidence = min(max(finding.confidence.isFinite ? finding.confidence : 0, 0), 1)
    var lines = [PlainText.line(finding.title)] + finding.evidence.map { PlainText.line($0) }
    if !finding.fix.isEmpty { lines.append("Fix: " + PlainText.line(finding.fix)) }
    if let gain = finding.gain { lines.append("\(report.gainHeading): \(gain.words)") }
    let layer = report.layers.first {
      finding.where.op != nil && $0.candidate?.op?.index == finding.where.op
    }
    let type = layer?.opType ?? ""
    let place = finding.where.tensor ?? layer?.candidate?.tensor ?? ""
    return .object([
      "level": .string(confidence >= 0.5 ? "error" : "warning"),
      "locations": .array([location(finding, type: type, tensor: place, uri: uri)]),
      "message": message(lines.joined(separator: "\n")),
      "partialFingerprints": .object([
        "exrayFinding/v1": .string(
          digest([
            finding.cause.identifier, finding.where.stage, type,
            place.isEmpty ? (finding.where.op ?? -1).description : place, report.candidate.model,
          ]))
      ]),
      "properties": .object(["confidence": .number(confidence)]),
      "rank": .number((confidence * 1000).rounded() / 10),
      "ruleId": .string(finding.cause.identifier),
      "ruleIndex": rules.firstIndex(of: finding.cause.identifier).map { .integer($0) },
    ])
  }

  private static func location(
    _ finding: Finding, type: String, tensor: String, uri: String
  ) -> JSONTree {
    var logical: [JSONTree] = []
    if let op = finding.where.op {
      let name = type.isEmpty ? "op \(op)" : PlainText.line(type)
      logical.append(
        .object([
          "fullyQualifiedName": .string(type.isEmpty ? name : "op \(op) \(name)"),
          "kind": .string("op"), "name": .string(name),
        ]))
    } else {
      logical.append(
        .object(["kind": .string("stage"), "name": .string(PlainText.line(finding.where.stage))]))
    }
    if !tensor.isEmpty {
      logical.append(
        .object(["kind": .string("tensor"), "name": .string(PlainText.line(tensor))]))
    }
    return .object([
      "logicalLocations": .array(logical), "physicalLocation": physical(uri),
    ])
  }

  private static func physical(_ uri: String) -> JSONTree {
    .object(["artifactLocation": .object(["index": .integer(0), "uri": .string(uri)])])
  }

  private static func result(_ check: CustomCheckResult, uri: String, rule: Int) -> JSONTree {
    let lines = ["\(check.name): \(check.message)"] + check.evidence
    return .object([
      "level": .string(check.outcome == .fail ? "error" : "warning"),
      "locations": .array([.object(["physicalLocation": physical(uri)])]),
      "message": message(lines.map { PlainText.line($0) }.joined(separator: "\n")),
      "partialFingerprints": .object([
        "exrayFinding/v1": .string(digest([customCheck, check.name, uri]))
      ]),
      "ruleId": .string(customCheck), "ruleIndex": .integer(rule),
    ])
  }

  // MARK: Words

  /// The digest of texts, each after its length, so that no two lists give the same bytes.
  private static func digest(_ parts: [String]) -> String {
    var digest = SHA256()
    let bytes = Array(parts.map { "\($0.utf8.count):\($0)" }.joined().utf8)
    unsafe digest.update(bytes.span.bytes)
    return digest.hexadecimal
  }

  private static func isDigest(_ text: String) -> Bool {
    text.utf8.count == 64 && text.utf8.allSatisfy { "0123456789abcdef".utf8.contains($0) }
  }

  /// A path as a URI: relative as it is, absolute with its scheme, everything but plain characters escaped.
  static func uri(_ path: String) -> String {
    let digits = Array("0123456789ABCDEF".utf8)
    var bytes: [UInt8] = []
    for byte in path.utf8 {
      switch byte {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"),
        UInt8(ascii: "."), UInt8(ascii: "~"), UInt8(ascii: "/"):
        bytes.append(byte)
      default:
        bytes += [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
      }
    }
    let text = String(decoding: bytes, as: UTF8.self)
    return text.hasPrefix("/") ? "file://" + text : text.isEmpty ? "model" : text
  }
}
