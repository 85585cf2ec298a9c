import EXrayReport
import EXrayTestKit
import EXrayValidation
import Foundation
import Testing

@Suite("JSON report")
struct JSONRendererTests {
  @Test(
    "A report comes back from its JSON as it was",
    arguments: SampleReports.names.filter { $0 != "not-finite" })
  func roundTrip(name: String) throws {
    let report = SampleReports.report(name)
    #expect(try JSONRenderer.parse(JSONRenderer.render(report)) == report)
  }

  @Test("Numbers that are not finite are null, and such a report is read back")
  func notFinite() throws {
    let text = try JSONRenderer.render(SampleReports.notFinite)
    #expect(!text.contains("nfinity"))
    #expect(text.contains("\"confidence\": null"))
    #expect(text.contains("\"max_abs_diff\": null"))
    #expect(text.contains("\"top1Interval\": [null, null]"))
    // Text that looks like the marker or like a number stays text.
    #expect(text.contains("\"not finite 0\""))
    #expect(text.contains("\"NaN\""))
    #expect(try JSONSerialization.jsonObject(with: Data(text.utf8)) is [String: Any])
    let report = try JSONRenderer.parse(text)
    #expect(report.notes == ["not finite 0", "NaN"])
    #expect(report.findings[0].confidence.isNaN)
    #expect(report.layers[0].metrics?.nrmse == nil)
    #expect(report.layers[3].metrics?.mse == .greatestFiniteMagnitude)
    #expect(try JSONRenderer.render(report) == text)
  }

  @Test("Keys are sorted and none is left out", arguments: SampleReports.names)
  func keys(name: String) throws {
    let text = try JSONRenderer.render(SampleReports.report(name))
    let top = text.split(separator: "\n").filter { $0.hasPrefix("  \"") }.compactMap {
      $0.split(separator: "\"").dropFirst().first
    }
    #expect(
      top == [
        "accuracy", "allFixes", "answers", "candidate", "checks", "decisions", "evidence",
        "findings",
        "frames", "graph", "histograms", "inputShare", "inputs", "latency", "layers", "notes",
        "outputs",
        "reference",
        "schemaVersion", "summary", "tool", "verdict",
      ])
  }

  @Test("A report from before there were checks and intervals is read")
  func older() throws {
    let report = SampleReports.tiny
    let text = try JSONRenderer.render(report)
    let older = text.split(separator: "\n", omittingEmptySubsequences: false).filter { line in
      ![
        "\"checks\":", "\"allFixes\":", "\"interval\":", "\"method\":", "\"graph\":",
        "\"histograms\":", "\"inputShare\":", "\"decisions\":",
      ].contains { line.contains($0) }
    }.joined(separator: "\n")
    #expect(older.count < text.count - 60)
    #expect(try JSONRenderer.parse(older) == report)
  }

  static let malformed: [(text: String, code: ReportError.Code, path: String)] = [
    ("", .malformedJSON, ""), ("{", .malformedJSON, ""), ("[1, 2", .malformedJSON, ""),
    (String(repeating: "[", count: 100_000), .malformedJSON, ""),
    ("[]", .notAReport, "schemaVersion"), ("{}", .notAReport, "schemaVersion"),
    ("{\"schemaVersion\": 1.5}", .notAReport, "schemaVersion"),
    ("{\"schemaVersion\": 2}", .unsupportedVersion, "schemaVersion"),
    ("{\"schemaVersion\": 0}", .unsupportedVersion, "schemaVersion"),
    ("{\"schemaVersion\": 1}", .notAReport, ""),
  ]

  @Test("Text that is no report is refused with its reason and place", arguments: malformed.indices)
  func refused(index: Int) {
    let (text, code, path) = Self.malformed[index]
    let error = #expect(throws: ReportError.self) { try JSONRenderer.parse(text) }
    #expect(error?.code == code)
    #expect(error?.path == path)
  }

  @Test("A value of another type is named by its path")
  func typeMismatch() throws {
    let text = try JSONRenderer.render(SampleReports.failing)
      .replacing("\"op\": 23", with: "\"op\": \"x\"")
    let error = #expect(throws: ReportError.self) { try JSONRenderer.parse(text) }
    #expect(error?.path == "findings[2].where.op")
  }

  @Test("Truncations and changed bytes are refused or read, and never trap", arguments: 0..<40)
  func mutations(seed: Int) throws {
    var random = SplitMix64(seed: UInt64(seed))
    var bytes = Array(try JSONRenderer.render(SampleReports.tiny).utf8)
    if seed % 2 == 0 { bytes.removeLast(Int.random(in: 3..<bytes.count, using: &random)) }
    for _ in 0..<4 {
      guard let place = bytes.indices.randomElement(using: &random) else { break }
      bytes[place] = UInt8.random(in: 32...126, using: &random)
    }
    do {
      let report = try JSONRenderer.parse(String(decoding: bytes, as: UTF8.self))
      #expect(seed % 2 == 1, "a truncated report must not be read")
      #expect(report.schemaVersion == 1)
    } catch {
      #expect(!error.message.isEmpty)
    }
  }
}
