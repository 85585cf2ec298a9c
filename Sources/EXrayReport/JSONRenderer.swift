import EXrayJSON
public import EXrayValidation

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// Writes and reads a report's JSON, the form other programs rely on.
///
/// The schema is documented in `Documentation/report-format.md`. Keys are sorted, every key of the schema is
/// present, a value that does not exist or is not finite is null.
public enum JSONRenderer {
  /// The newest schema that ``parse(_:)`` reads.
  public static let schemaVersion = 1

  /// The report as JSON, ending in a newline; the same report always gives the same bytes.
  ///
  /// - Throws: ``ReportError`` `.notEncodable`, which no report made of numbers and text can cause.
  public static func render(_ report: ValidationReport) throws(ReportError) -> String {
    do {
      let style = JSONStyle(isPretty: true, sortsKeys: true, escapes: .shortAndInvisible)
      return completed(try tree(of: report)).text(style) + "\n"
    } catch {
      throw ReportError(
        .notEncodable,
        "the report has no JSON form (\(error)); please report this as a fault of exray")
    }
  }

  /// Reads a report back from JSON.
  ///
  /// - Throws: ``ReportError`` when the text is no JSON, no report, or a report of a newer schema. Null where the
  ///   schema has a number that is always present reads as not-a-number.
  public static func parse(_ json: String) throws(ReportError) -> ValidationReport {
    let tree: JSONTree
    do throws(JSONError) {
      tree = try JSONTree(parsing: Array(json.utf8), limits: JSONLimits(byteCount: byteLimit))
    } catch {
      throw ReportError(
        .malformedJSON,
        "the text of \(json.utf8.count) bytes is no JSON: at byte \(error.offset) it has"
          + " \(error.problem); write it anew with exray compare --json")
    }
    guard case .number(let spelling) = tree["schemaVersion"]?.value,
      let version = Double(spelling).flatMap(Int64.init(exactly:))
    else {
      throw ReportError(
        .notAReport, at: "schemaVersion",
        "a whole number is missing here, so this is no report; give a file that exray compare --json wrote"
      )
    }
    guard version >= 1, version <= schemaVersion else {
      throw ReportError(
        .unsupportedVersion, at: "schemaVersion",
        "the report has schema \(version), this version reads 1 to \(schemaVersion); update exray")
    }
    do {
      let decoder = JSONDecoder()
      decoder.nonConformingFloatDecodingStrategy = .convertFromString(
        positiveInfinity: "Infinity", negativeInfinity: "-Infinity", nan: notANumber)
      // Reports from before these keys were thought of do not have them.
      let complete = ["checks", "decisions", "evidence", "histograms"].reduce(tree) { tree, key in
        tree[key] == nil ? tree.adding(key, .array([])) : tree
      }
      let numbered = replacingLeaves(in: complete) { leaf, key in
        leaf == .null && requiredNumbers.contains(key) ? .string(notANumber) : leaf
      }
      return try decoder.decode(ValidationReport.self, from: Data(numbered.text().utf8))
    } catch let error as DecodingError {
      throw described(error)
    } catch {
      throw ReportError(.notAReport, "\(error); write the report anew with exray compare --json")
    }
  }

  /// Far more than a report of the largest model has; a hostile text takes up to 30 times its size.
  private static let byteLimit = 64 << 20
  private static let notANumber = "NaN"

  /// Keys whose number is not optional, so that null must be read as not-a-number.
  private static let requiredNumbers: Set<String> = [
    "after", "before", "confidence", "lower", "max_abs_diff", "mse", "pValue", "top1",
    "top1Agreement", "top1Interval", "top5", "upper",
  ]

  private static func tree(of report: ValidationReport) throws -> JSONTree {
    // Numbers that are not finite travel as a marker, which must be a text that the report itself lacks.
    var suffix = 0
    var isTaken = true
    var tree = try encoded(report, marker: "not finite 0")
    while isTaken {
      let marker = "not finite \(suffix)"
      let next = try encoded(report, marker: "not finite \(suffix + 1)")
      isTaken = false
      _ = replacingLeaves(in: next) { leaf, _ in
        if leaf == .string(marker) { isTaken = true }
        return leaf
      }
      if isTaken { (tree, suffix) = (next, suffix + 1) }
    }
    return replacingLeaves(in: tree) { leaf, _ in
      switch leaf {
      case .number(let spelling): .number(plain(spelling))
      case .string("not finite \(suffix)"): .null
      default: leaf
      }
    }
  }

  private static func encoded(_ report: ValidationReport, marker: String) throws -> JSONTree {
    let encoder = JSONEncoder()
    encoder.nonConformingFloatEncodingStrategy = .convertToString(
      positiveInfinity: marker, negativeInfinity: marker, nan: marker)
    let json = try encoder.encode(report)
    return try JSONTree(parsing: Array(json), limits: JSONLimits(byteCount: json.count))
  }

  /// A number's one spelling: whole numbers of up to 64 bits without exponent, others in the fewest digits.
  private static func plain(_ spelling: String) -> String {
    var whole = spelling
    let parts = spelling.split(separator: "e")
    if parts.count == 2, let exponent = Int(parts[1]) {
      let mantissa = parts[0].split(separator: ".")
      let zeros = exponent - (mantissa.count == 2 ? mantissa[1].count : 0)
      if (0...20).contains(zeros) {
        whole = mantissa.joined() + String(repeating: "0", count: zeros)
      }
    }
    if let value = Int64(whole) { return String(value) }
    if let value = UInt64(whole) { return String(value) }
    return Double(spelling)?.description ?? spelling
  }

  /// The tree with every leaf transformed; `key` is that of the nearest member around it.
  private static func replacingLeaves(
    in tree: JSONTree, key: String = "",
    _ transform: (JSONTree.Value, _ key: String) -> JSONTree.Value
  ) -> JSONTree {
    switch tree.value {
    case .array(let elements):
      .array(elements.map { replacingLeaves(in: $0, key: key, transform) })
    case .object(let members):
      JSONTree(
        .object(
          members.map {
            .init(key: $0.key, value: replacingLeaves(in: $0.value, key: $0.key, transform))
          }))
    default: JSONTree(transform(tree.value, key))
    }
  }

  /// The tree with a null for every key of the schema whose value is absent.
  private static func completed(_ root: JSONTree) -> JSONTree {
    var root = root.with([
      "accuracy", "allFixes", "answers", "graph", "inputShare", "latency",
    ])
    root = root.mapping("latency") { $0.with(["caveat"]) }
    root = root.mapping("answers") { $0.with(["marginError", "knifeEdges"]) }
    for side in ["candidate", "reference"] { root = root.mapping(side) { $0.with(["recipe"]) } }
    for list in ["inputs", "layers", "outputs"] {
      root = root.mapping(list) { list in
        guard case .array(let tensors) = list.value else { return list }
        return .array(
          tensors.map { tensor in
            var tensor = tensor.with(["candidate", "reference", "metrics", "worstFrame"])
            for side in ["candidate", "reference"] {
              tensor = tensor.mapping(side) { $0.with(["op"]) }
            }
            return tensor
          })
      }
    }
    return root
  }

  private static func described(_ error: DecodingError) -> ReportError {
    let (context, problem) =
      switch error {
      case .keyNotFound(let key, let context): (context, "the key \(key.stringValue) is missing")
      case .typeMismatch(_, let context): (context, "the value has another type")
      case .valueNotFound(_, let context): (context, "a value is missing")
      case .dataCorrupted(let context): (context, "the value is not one the schema knows")
      @unknown default: (DecodingError.Context(codingPath: [], debugDescription: ""), "\(error)")
      }
    var path = ""
    for key in context.codingPath {
      if let index = key.intValue {
        path += "[\(index)]"
      } else {
        path += (path.isEmpty ? "" : ".") + key.stringValue
      }
    }
    return ReportError(
      .notAReport, at: path, problem + "; write the report anew with exray compare --json")
  }
}

extension JSONTree {
  /// The object with null for each of the keys that it lacks; other values as they are.
  fileprivate func with(_ keys: [String]) -> JSONTree {
    guard case .object(let members) = value else { return self }
    let absent = keys.filter { self[$0] == nil }
    return JSONTree(.object(members + absent.map { Member(key: $0, value: .null) }))
  }

  /// The object with one more member; other values as they are.
  fileprivate func adding(_ key: String, _ member: Value) -> JSONTree {
    guard case .object(let members) = value else { return self }
    return JSONTree(.object(members + [Member(key: key, value: JSONTree(member))]))
  }

  /// The object with one member transformed; other values as they are.
  fileprivate func mapping(_ key: String, _ transform: (JSONTree) -> JSONTree) -> JSONTree {
    guard case .object(var members) = value,
      let place = members.firstIndex(where: { $0.key == key })
    else { return self }
    members[place].value = transform(members[place].value)
    return JSONTree(.object(members))
  }
}
