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
      return completed(try value(of: report)).text() + "\n"
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
    let tree: JSONValue
    do {
      tree = try JSONDecoder().decode(JSONValue.self, from: Data(json.utf8))
    } catch {
      throw ReportError(
        .malformedJSON,
        "the text of \(json.utf8.count) bytes is no JSON; write it anew with exray compare --json")
    }
    guard case .object(let members) = tree, case .integer(let version) = members["schemaVersion"]
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
      let data = try JSONEncoder().encode(numbered(tree))
      return try decoder.decode(ValidationReport.self, from: data)
    } catch let error as DecodingError {
      throw described(error)
    } catch {
      throw ReportError(.notAReport, "\(error); write the report anew with exray compare --json")
    }
  }

  private static let notANumber = "NaN"

  /// Keys whose number is not optional, so that null must be read as not-a-number.
  private static let requiredNumbers: Set<String> = [
    "after", "before", "confidence", "max_abs_diff", "mse", "pValue", "top1", "top1Agreement",
    "top5",
  ]

  private static func value(of report: ValidationReport) throws -> JSONValue {
    // Numbers that are not finite travel as a marker, which must be a text that the report itself lacks.
    var suffix = 0
    while true {
      let marker = "not finite \(suffix)"
      let other = "not finite \(suffix + 1)"
      let witness = try encoded(report, marker: other)
      if !contains(witness, marker) {
        return replaced(try encoded(report, marker: marker), marker)
      }
      suffix += 1
    }
  }

  private static func encoded(_ report: ValidationReport, marker: String) throws -> JSONValue {
    let encoder = JSONEncoder()
    encoder.nonConformingFloatEncodingStrategy = .convertToString(
      positiveInfinity: marker, negativeInfinity: marker, nan: marker)
    return try JSONDecoder().decode(JSONValue.self, from: encoder.encode(report))
  }

  private static func contains(_ value: JSONValue, _ text: String) -> Bool {
    switch value {
    case .string(let string): string == text
    case .array(let elements): elements.contains { contains($0, text) }
    case .object(let members): members.values.contains { contains($0, text) }
    default: false
    }
  }

  private static func replaced(_ value: JSONValue, _ marker: String) -> JSONValue {
    switch value {
    case .string(marker): .null
    case .array(let elements): .array(elements.map { replaced($0, marker) })
    case .object(let members): .object(members.mapValues { replaced($0, marker) })
    default: value
    }
  }

  /// The tree with "NaN" where a number that must be present is null.
  private static func numbered(_ value: JSONValue, key: String = "") -> JSONValue {
    switch value {
    case .null where requiredNumbers.contains(key): .string(notANumber)
    case .array(let elements):
      .array(
        elements.map { $0 == .null && key == "top1Interval" ? .string(notANumber) : numbered($0) })
    case .object(var members):
      {
        for (key, value) in members { members[key] = numbered(value, key: key) }
        return .object(members)
      }()
    default: value
    }
  }

  /// The tree with a null for every key of the schema whose value is absent.
  private static func completed(_ root: JSONValue) -> JSONValue {
    var root = root.with(["accuracy", "answers", "latency"])
    root = root.mapping("latency") { $0.with(["caveat"]) }
    for side in ["candidate", "reference"] { root = root.mapping(side) { $0.with(["recipe"]) } }
    for list in ["inputs", "layers", "outputs"] {
      root = root.mapping(list) { list in
        guard case .array(let tensors) = list else { return list }
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

extension JSONValue {
  /// The object with null for each of the keys that it lacks; other values as they are.
  fileprivate func with(_ keys: [String]) -> JSONValue {
    guard case .object(var members) = self else { return self }
    for key in keys where members[key] == nil { members[key] = .null }
    return .object(members)
  }

  /// The object with one member transformed; other values as they are.
  fileprivate func mapping(_ key: String, _ transform: (JSONValue) -> JSONValue) -> JSONValue {
    guard case .object(var members) = self, let value = members[key] else { return self }
    members[key] = transform(value)
    return .object(members)
  }
}
