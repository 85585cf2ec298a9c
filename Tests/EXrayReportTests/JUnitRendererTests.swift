import EXrayReport
import EXrayTestKit
import EXrayValidation
import Foundation
import Testing

@Suite("JUnit report")
struct JUnitRendererTests {
  /// Runs a Python program over a text.
  private func python(_ program: String, input: String) throws -> String {
    try withTemporaryFolder { folder in
      let file = folder.appending(path: "report")
      try Data(input.utf8).write(to: file)
      let outcome = try BuiltTool.run(
        Requirements.python ?? URL(filePath: "/usr/bin/python3"), ["-c", program, file.path])
      #expect(outcome.status == 0, "\(outcome.errors)")
      return outcome.output.trimmingCharacters(in: .whitespacesAndNewlines)
    }
  }

  static let hasPython =
    Requirements.areStrict || Requirements.python != nil
    || FileManager.default.isExecutableFile(atPath: "/usr/bin/python3")

  @Test(
    "Python reads the XML, the counts are true, and it is red exactly when the verdict is not pass",
    .enabled(if: hasPython), arguments: SampleReports.names)
  func wellFormed(name: String) throws {
    let report = SampleReports.report(name)
    let program = """
      import sys, xml.etree.ElementTree as E
      root = E.parse(sys.argv[1]).getroot()
      suite = root[0]
      cases = suite.findall('testcase')
      for kind, attribute in (('failure', 'failures'), ('error', 'errors'), ('skipped', 'skipped')):
          found = len([c for c in cases if c.find(kind) is not None])
          assert found == int(suite.get(attribute)) == int(root.get(attribute)), kind
      assert len(cases) == int(suite.get('tests'))
      assert len({(c.get('classname'), c.get('name')) for c in cases}) == len(cases)
      print(suite.get('name'), int(suite.get('failures')) > 0, int(suite.get('errors')) > 0)
      """
    let answer = try python(program, input: JUnitRenderer.render(report))
    let expected =
      switch report.verdict {
      case .pass: "exray False False"
      case .fail: "exray True False"
      case .inconclusive: "exray False True"
      }
    #expect(answer == expected)
  }

  @Test("A hostile name comes back from the XML as text", .enabled(if: hasPython))
  func hostileNames() throws {
    let program = """
      import sys, xml.etree.ElementTree as E
      cases = E.parse(sys.argv[1]).getroot()[0].findall('testcase')
      print(next(c.find('failure').get('message') for c in cases if c.get('classname') == 'exray.findings'))
      """
    let answer = try python(program, input: JUnitRenderer.render(SampleReports.hostile))
    #expect(answer.hasPrefix("title <script>alert(1)</script>\"'&|`]]>--><b>"))
  }

  @Test("A finding is a failure with its message and evidence")
  func findings() {
    let text = JUnitRenderer.render(SampleReports.failing)
    #expect(text.contains("name=\"1 preprocess.channel-order\""))
    #expect(text.contains("message=\"Colour channels are swapped: BGR instead of RGB\""))
    #expect(text.contains("replayed alone: top-1 0.61 → 0.78 on 100 frames"))
  }

  @Test("Without labels accuracy is skipped with its reason")
  func skipped() {
    #expect(JUnitRenderer.render(SampleReports.tiny).contains("<skipped message=\"no labels\"/>"))
  }
}
