import EXrayReport
import EXrayTestKit
import EXrayValidation
import Foundation
import Testing

@Suite("Documentation of the report")
struct DocumentationTests {
  private func document(_ name: String) throws -> String {
    let file = Requirements.packageRoot.appending(path: "Documentation/\(name)")
    return String(decoding: try Data(contentsOf: file), as: UTF8.self)
  }

  @Test("Every cause has its section, in order, and no other cause is described")
  func causes() throws {
    let sections = try document("causes.md").matches(of: /(?m)^### `([^`]+)`$/).map { String($0.1) }
    #expect(sections == Cause.all.map(\.identifier))
  }

  @Test("Every cause's section says what it means, how it is found and what to do")
  func sections() throws {
    let parts = try document("causes.md").split(separator: "\n### `").dropFirst()
    #expect(parts.count == Cause.all.count)
    for part in parts {
      for heading in ["**Means.**", "**Found by.**", "**Do.**"] {
        #expect(part.contains(heading), "\(part.prefix(40)) lacks \(heading)")
      }
    }
  }

  /// The paths of every key in a JSON value, array elements as `[]`.
  private func paths(_ value: Any, _ path: String = "") -> Set<String> {
    if let members = value as? [String: Any] {
      return members.reduce(into: []) { result, member in
        let inner = path.isEmpty ? member.key : "\(path).\(member.key)"
        result.insert(inner)
        result.formUnion(paths(member.value, inner))
      }
    }
    if let elements = value as? [Any] {
      return elements.reduce(into: []) { $0.formUnion(paths($1, path + "[]")) }
    }
    return []
  }

  @Test("Every key of a full report is documented, and no other key is")
  func keys() throws {
    let text = try JSONRenderer.render(SampleReports.failing)
    let encoded = paths(try JSONSerialization.jsonObject(with: Data(text.utf8)))
    // The document describes a run, a tensor and an accuracy once and names where they occur.
    var documented: Set<String> = []
    for match in try document("report-format.md").matches(of: /(?m)^\| `([^`]+)` \|/) {
      let key = String(match.1)
      let places: [String: [String]] = [
        "run": ["candidate", "reference"],
        "accuracyOf": ["accuracy.candidate", "accuracy.reference"],
        "latencyOf": ["latency.candidate", "latency.reference"],
        "gain": ["findings[].gain", "allFixes"],
        "tensor": ["inputs[]", "layers[]", "outputs[]"],
        "layer": ["layers[]"],
        "side": ["inputs[]", "layers[]", "outputs[]"].flatMap {
          ["\($0).candidate", "\($0).reference"]
        },
      ]
      let name = String(key.prefix { $0 != "." })
      for place in places[name] ?? [name] { documented.insert(place + key.dropFirst(name.count)) }
    }
    // Inputs have no op, so its members occur in layers and outputs only.
    let inputOps = documented.filter { $0.hasPrefix("inputs[]") && $0.contains(".op.") }
    #expect(encoded.subtracting(documented).sorted() == [])
    #expect(documented.subtracting(encoded).subtracting(inputOps).sorted() == [])
  }

  @Test("The example of the format is a report")
  func example() throws {
    let text = try document("report-format.md")
    let start = try #require(text.range(of: "```json\n"))
    let end = try #require(text.range(of: "\n```", range: start.upperBound..<text.endIndex))
    let example = String(text[start.upperBound..<end.lowerBound]) + "\n"
    let report = try JSONRenderer.parse(example)
    #expect(report.findings.first?.cause == .channelOrder)
    #expect(try JSONRenderer.render(report) == example)
  }
}
