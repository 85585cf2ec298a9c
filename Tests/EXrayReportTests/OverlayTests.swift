import EXrayCore
import EXrayReport
import EXrayTestKit
import EXrayValidation
import Foundation
import Testing

@Suite("Model Explorer node data")
struct ModelExplorerTests {
  private struct Graph: Decodable {
    struct Result: Decodable { var value: Double }
    struct Threshold: Decodable {
      var value: Double
      var bgColor: String
    }
    var name: String
    var results: [String: Result]
    var thresholds: [Threshold]
  }

  private func files(_ report: ValidationReport) throws -> [String: Graph] {
    let files = try ModelExplorerRenderer.render(report).map { file in
      #expect(file.text.hasSuffix("}\n") && ModelExplorerRenderer.fileNames.contains(file.name))
      let data = Data(file.text.utf8)
      guard let name = report.graph?.name else {
        return (file.name, try JSONDecoder().decode(Graph.self, from: data))
      }
      let graphs = try JSONDecoder().decode([String: Graph].self, from: data)
      #expect(Array(graphs.keys) == [name.isEmpty ? "main" : name])
      return (file.name, try #require(graphs.values.first))
    }
    return Dictionary(uniqueKeysWithValues: files)
  }

  @Test func `one file a metric, keyed by what the candidate's ops make`() throws {
    let report = SampleReports.anatomy(12)
    let files = try files(report)
    #expect(
      files.keys.sorted() == [
        "excess.json", "inherited.json", "nrmse.json", "own.json", "share.json", "steps.json",
      ])
    let compared = report.layers.filter { $0.metrics != nil }
    let drift = try #require(files["nrmse.json"])
    #expect(drift.results.count == compared.count)
    for layer in compared {
      let name = try #require(layer.candidate?.tensor)
      #expect(drift.results[name]?.value == layer.metrics?.nrmse)
    }
  }

  @Test func `a name that is empty or not unique gives way to the op's index`() throws {
    var report = SampleReports.anatomy(6)
    report.graph = nil
    report.layers[1].candidate?.tensor = ""
    report.layers[2].candidate?.tensor = "twice"
    report.layers[3].candidate?.tensor = "twice"
    let names = try #require(files(report)["nrmse.json"]).results.keys
    #expect(Set(["1", "2", "3"]).isSubset(of: names))
    #expect(!names.contains("twice") && !names.contains(""))
  }

  @Test func `every value has a colour, and thresholds ascend`() throws {
    var report = SampleReports.anatomy(6)
    report.graph?.name = ""
    report.layers[0].metrics?.nrmse = .nan
    report.layers[1].metrics?.nrmse = 1e200
    for graph in try files(report).values {
      let limits = graph.thresholds.map(\.value)
      #expect(limits == limits.sorted() && Set(limits).count == limits.count)
      for result in graph.results.values { #expect(result.value <= limits.last ?? 0) }
      #expect(graph.thresholds.allSatisfy { $0.bgColor.wholeMatch(of: /#[0-9a-f]{6}/) != nil })
    }
  }

  @Test func `a report without layers gives no file`() {
    #expect(ModelExplorerRenderer.render(SampleReports.empty).isEmpty)
  }
}

@Suite("SARIF")
struct SARIFTests {
  private func run(_ report: ValidationReport, model: String? = nil) throws -> [String: Any] {
    let text = SARIFRenderer.render(report, model: model)
    #expect(text.hasSuffix("}\n"))
    let log = try #require(
      JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
    #expect(log["version"] as? String == "2.1.0")
    return try #require((log["runs"] as? [[String: Any]])?.first)
  }

  @Test(
    "Every cause is a rule with words, results point at their rule", arguments: SampleReports.names)
  func rules(name: String) throws {
    let run = try run(SampleReports.report(name))
    let driver = try #require((run["tool"] as? [String: Any])?["driver"] as? [String: Any])
    let rules = try #require(driver["rules"] as? [[String: Any]])
    #expect(rules.map { $0["id"] as? String } == Cause.all.map(\.identifier) + ["custom-check"])
    for rule in rules {
      #expect(rule["helpUri"] == nil)
      for key in ["shortDescription", "help"] {
        let words = (rule[key] as? [String: Any])?["text"] as? String
        #expect(words?.isEmpty == false, "\(rule["id"] ?? "")")
      }
    }
    let results = try #require(run["results"] as? [[String: Any]])
    let report = SampleReports.report(name)
    #expect(results.count == report.findings.count + report.checks.count { $0.outcome != .pass })
    for result in results {
      let index = try #require(result["ruleIndex"] as? Int)
      #expect(rules[index]["id"] as? String == result["ruleId"] as? String)
      #expect(["error", "warning"].contains(result["level"] as? String))
      #expect(((result["message"] as? [String: Any])?["text"] as? String)?.isEmpty == false)
    }
  }

  @Test func `the words of rules are those of the documentation`() throws {
    let file = Requirements.packageRoot.appending(path: "Documentation/causes.md")
    let document = String(decoding: try Data(contentsOf: file), as: UTF8.self)
      .replacing("\n", with: " ")
    let run = try run(SampleReports.empty)
    let driver = try #require((run["tool"] as? [String: Any])?["driver"] as? [String: Any])
    for rule in try #require(driver["rules"] as? [[String: Any]]).dropLast() {
      let means = (rule["shortDescription"] as? [String: Any])?["text"] as? String ?? ""
      let remedy = (rule["help"] as? [String: Any])?["text"] as? String ?? ""
      #expect(document.contains("**Means.** \(means) "), "\(means)")
      #expect(document.contains("**Do.** \(remedy)"), "\(remedy)")
    }
  }

  @Test func `a result names the op and the tensor`() throws {
    let results = try #require(run(SampleReports.failing)["results"] as? [[String: Any]])
    let text = String(
      decoding: try JSONSerialization.data(withJSONObject: results[2], options: .sortedKeys),
      as: UTF8.self)
    #expect(text.contains(#""fullyQualifiedName":"op 23 DEPTHWISE_CONV_2D","kind":"op""#))
    #expect(
      text.contains(#"depthwise_conv_2d_23\/Relu6"},"#) || text.contains("\"kind\":\"tensor\""))
  }

  @Test func `a fingerprint stays when ops move, and changes with the tensor`() throws {
    func fingerprint(_ report: ValidationReport) throws -> String {
      let results = try #require(run(report)["results"] as? [[String: Any]])
      let prints = try #require(results[2]["partialFingerprints"] as? [String: String])
      return try #require(prints["exrayFinding/v1"])
    }
    let first = try fingerprint(SampleReports.failing)
    #expect(first.count == 64)
    var moved = SampleReports.failing
    moved.findings[2].where.op = 24
    for index in moved.layers.indices { moved.layers[index].candidate?.op?.index += 1 }
    moved.findings[2].evidence = ["other numbers"]
    #expect(try fingerprint(moved) == first)
    moved.findings[2].where.tensor = "another"
    #expect(try fingerprint(moved) != first)
  }

  @Test(arguments: [
    ("models/a b.tflite", "models/a%20b.tflite"),
    ("/data/ü%.tflite", "file:///data/%C3%BC%25.tflite"),
    ("", "model"), ("c:\\m", "c%3A%5Cm"),
  ])
  func `a path becomes a URI`(path: String, uri: String) throws {
    let artifacts = try #require(
      run(SampleReports.tiny, model: path)["artifacts"] as? [[String: Any]])
    #expect((artifacts[0]["location"] as? [String: Any])?["uri"] as? String == uri)
  }
}

@Suite("GitHub annotations")
struct GitHubTests {
  @Test(
    "One command a line, nothing of a file can begin or end one", arguments: SampleReports.names)
  func commands(name: String) {
    let text = GitHubRenderer.render(SampleReports.report(name))
    for line in text.split(separator: "\n") {
      let match = line.wholeMatch(of: /::(error|warning|notice) title=([^:,]+)::(.*)/)
      #expect(match != nil, "\(line)")
    }
    #expect(!text.contains("\r") && !text.contains("\u{1b}"))
  }

  @Test func `percent signs, line ends, colons and commas are escaped where they must be`() throws {
    var report = SampleReports.failing
    report.findings = [report.findings[0]]
    report.findings[0].title = "50 %: a, b"
    report.findings[0].where = .init(stage: "a:b,c%")
    report.findings[0].evidence = ["one", "two"]
    report.checks = []
    let line = try #require(GitHubRenderer.render(report).split(separator: "\n").first)
    #expect(
      line.hasPrefix(
        "::error title=preprocess.channel-order%3A a%3Ab%2Cc%25::50 %25: a, b%0Aone%0Atwo%0A"))
  }

  @Test func `a pass is a notice, weak evidence a warning`() {
    #expect(GitHubRenderer.render(SampleReports.healthy).hasPrefix("::notice title=exray%3A "))
    #expect(GitHubRenderer.render(SampleReports.inconclusive).contains("::warning title=exray%3A "))
  }
}
