import EXrayReport
import EXrayTestKit
import EXrayValidation
import Foundation
import Testing

/// Every text form of a report, by the ending of its golden file.
enum Form: String, CaseIterable {
  case terminal = "txt"
  case markdown = "md"
  case junit = "xml"
  case json = "json"
  case html = "html"

  func render(_ report: ValidationReport) throws -> String {
    switch self {
    case .terminal: TerminalRenderer(color: false, width: 80).render(report)
    case .markdown: MarkdownRenderer.render(report)
    case .junit: JUnitRenderer.render(report)
    case .json: try JSONRenderer.render(report)
    case .html: HTMLRenderer.render(report)
    }
  }
}

@Suite("Golden reports")
struct GoldenReportTests {
  @Test(
    "Text forms equal their golden files",
    arguments: ["failing", "healthy", "tiny", "hostile", "empty"],
    [Form.terminal, .markdown, .junit, .json])
  func golden(name: String, form: Form) throws {
    let text = try form.render(SampleReports.report(name))
    let folder = Requirements.packageRoot.appending(path: "Tests/EXrayReportTests/Fixtures")
    let file = folder.appending(path: "\(name).\(form.rawValue)")
    if ProcessInfo.processInfo.environment["EXRAY_RECORD"] == "1" {
      try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
      try Data(text.utf8).write(to: file, options: .atomic)
      Issue.record(
        "rewrote \(name).\(form.rawValue); look at the difference, then run without EXRAY_RECORD")
      return
    }
    let golden = String(decoding: try Data(contentsOf: file), as: UTF8.self)
    #expect(text == golden, "run with EXRAY_RECORD=1 if the change is meant")
  }

  @Test("The same report gives the same bytes in every form", arguments: SampleReports.names)
  func determinism(name: String) throws {
    let pictures = SamplePictures.pictures(frames: 2, side: 24)
    for form in Form.allCases {
      let first = try form.render(SampleReports.report(name))
      #expect(try form.render(SampleReports.report(name)) == first)
      #expect(first.hasSuffix("\n"))
      #expect(!first.hasSuffix("\n\n"))
    }
    #expect(
      HTMLRenderer.render(SampleReports.report(name), pictures: pictures)
        == HTMLRenderer.render(SampleReports.report(name), pictures: pictures))
  }
}

@Suite("Terminal report")
struct TerminalRendererTests {
  @Test("A healthy report is five lines")
  func fiveLines() {
    let text = TerminalRenderer(color: false, width: 80).render(SampleReports.healthy)
    #expect(text.split(separator: "\n", omittingEmptySubsequences: false).count == 6)
    #expect(text.hasPrefix("✓ PASS"))
  }

  @Test("No line is wider than the terminal", arguments: SampleReports.names, [60, 80, 120])
  func width(name: String, width: Int) {
    let text = TerminalRenderer(color: false, width: width).render(SampleReports.report(name))
    for line in text.split(separator: "\n") { #expect(line.count <= width, "\(line)") }
  }

  @Test(
    "Without colour there is no escape, with colour the text is the same",
    arguments: SampleReports.names)
  func colour(name: String) {
    let plain = TerminalRenderer(color: false, width: 80).render(SampleReports.report(name))
    let colourful = TerminalRenderer(color: true, width: 80).render(SampleReports.report(name))
    #expect(!plain.contains("\u{1b}"))
    #expect(colourful.contains("\u{1b}["))
    // Only this module's own codes are there: without them both texts agree, and no escape is left.
    let stripped = colourful.replacing(/\u{1b}\[[0-9;]+m/, with: "")
    let lines = { (text: String) in
      text.split(separator: "\n", omittingEmptySubsequences: false).map {
        $0.replacing(/\ +$/, with: "")
      }
    }
    #expect(lines(stripped) == lines(plain))
  }

  @Test("A proven fix shows its gain")
  func gain() {
    let text = TerminalRenderer(color: false, width: 80).render(SampleReports.failing)
    #expect(text.contains("top-1 0.61 → 0.78 on 100 frames"))
    #expect(text.contains("preprocess.channel-order"))
  }
}

@Suite("Markdown report")
struct MarkdownRendererTests {
  @Test("Every table row has as many cells as its header", arguments: SampleReports.names)
  func cells(name: String) {
    let lines = MarkdownRenderer.render(SampleReports.report(name)).split(
      separator: "\n", omittingEmptySubsequences: false)
    var expected: Int?
    var rows = 0
    for line in lines {
      guard line.hasPrefix("|") else {
        expected = nil
        continue
      }
      let bars = line.replacing("\\|", with: "").count { $0 == "|" }
      #expect(bars == expected ?? bars, "\(line)")
      expected = expected ?? bars
      rows += 1
    }
    #expect(rows >= 7)
  }

  @Test("Names from files start no HTML, no link and no mention")
  func escaping() {
    var report = SampleReports.hostile
    report.summary = "<img src=x> @everyone [a](b) *b* | `c`"
    let text = MarkdownRenderer.render(report)
    #expect(
      text.hasPrefix(
        "## ❌ FAIL: &lt;img src=x&gt; &#64;everyone \\[a\\](b) \\*b\\* \\| \\`c\\`\n"))
    let outsideCode = text.replacing(/`[^`\n]*`/, with: "")
    #expect(!outsideCode.contains("<script"))
    #expect(!text.contains("\u{1b}"))
  }
}
