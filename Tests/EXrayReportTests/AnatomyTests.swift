import EXrayCore
import EXrayReport
import EXrayTestKit
import EXrayValidation
import Foundation
import Testing

/// Graph, own and inherited error, and histograms of the page.
@Suite("HTML report of layers")
struct AnatomyTests {
  private func graph(_ page: String) throws -> String {
    String(try #require(page.firstMatch(of: /<div class="graph"[\s\S]*?<\/div>/)).0)
  }

  @Test func `every op is a node that leads to its row, blamed ones are marked`() throws {
    let report = SampleReports.anatomy(40)
    let page = HTMLRenderer.render(report)
    let drawing = try graph(page)
    #expect(drawing.matches(of: /class="node\ /).count == 41)
    #expect(drawing.contains("<path class=\"edge skip\""))
    #expect(drawing.matches(of: /blamed"/).count == 1)
    for link in page.matches(of: /href="#([^"]+)"/) {
      #expect(page.contains("<tr class=\"") && page.contains("id=\"\(link.1)\""), "\(link.1)")
    }
    #expect(page.contains("Share") || page.contains("share of the final error"))
    #expect(page.matches(of: /<figure class="histogram"/).count == 1)
    #expect(page.contains("<line class=\"end\""))
  }

  @Test func `nodes do not overlap, and every edge goes down`() throws {
    let drawing = try graph(HTMLRenderer.render(SampleReports.anatomy(60)))
    let boxes = drawing.matches(
      of: /<rect x="([0-9.]+)" y="([0-9.]+)" width="([0-9.]+)" height="([0-9.]+)"/
    )
    .map { (Double($0.1) ?? 0, Double($0.2) ?? 0, Double($0.3) ?? 0, Double($0.4) ?? 0) }
    #expect(boxes.count == 61)
    for (index, first) in boxes.enumerated() {
      for second in boxes[(index + 1)...] {
        let apart =
          first.0 + first.2 <= second.0 || second.0 + second.2 <= first.0
          || first.1 + first.3 <= second.1 || second.1 + second.3 <= first.1
        #expect(apart, "\(first) \(second)")
      }
    }
  }

  @Test func `without a graph the layers are a chain, and the page says so`() throws {
    var report = SampleReports.anatomy(9)
    report.graph = nil
    let page = HTMLRenderer.render(report)
    #expect(page.contains("layers are drawn in execution order"))
    #expect(try !graph(page).contains("edge skip"))
  }

  @Test func `hostile names stay text`() throws {
    var report = SampleReports.anatomy(8)
    let name = "</script></title></svg><script>alert(1)</script>\"'"
    report.graph?.inputs = [name]
    for index in report.layers.indices {
      report.layers[index].candidate?.tensor = name
      report.layers[index].candidate?.op?.type = name
      report.graph?.ops[index].type = name
      report.graph?.ops[index].tensors = [name]
    }
    report.histograms = [SampleReports.histogram(op: 3, tensor: name)]
    let page = HTMLRenderer.render(report)
    #expect(page.matches(of: /<script/).count == 1 && page.matches(of: /<\/svg>/).count > 3)
    #expect(!page.contains("alert(1)<"))
    #expect(page.matches(of: /<svg/).count == page.matches(of: /<\/svg>/).count)
  }

  /// Edges that a file could claim and no model has.
  enum Topology: CaseIterable {
    case itself, later, unknown, all, none, twice
  }

  @Test(arguments: Topology.allCases)
  func `no topology hangs or traps`(topology: Topology) throws {
    var report = SampleReports.anatomy(60)
    for index in report.graph?.ops.indices ?? 0..<0 {
      report.graph?.ops[index].from =
        switch topology {
        case .itself: [index]
        case .later: [(index + 1) % 60]
        case .unknown: [-1, .max, .min, 1_000_000]
        case .all: Array(0..<60)
        case .none: []
        case .twice: [0, 0, 0]
        }
      report.graph?.ops[index].fromInputs = [-5, 0, 99]
      if topology == .twice { report.graph?.ops[index].index = 0 }
    }
    let drawing = try graph(HTMLRenderer.render(report))
    #expect(drawing.matches(of: /class="node\ /).count == 61)
    #expect(!drawing.contains("nan") && !drawing.contains("inf"))
  }

  @Test func `5,000 layers are drawn`() throws {
    var report = SampleReports.anatomy(5_000)
    for index in stride(from: 40, to: 5_000, by: 40) {
      report.graph?.ops[index].from.insert(0, at: 0)
    }
    let drawing = try graph(HTMLRenderer.render(report))
    #expect(drawing.matches(of: /class="node\ /).count == 5_001)
  }

  @Test func `a histogram that cannot be is left out`() {
    var report = SampleReports.anatomy(8)
    let good = report.histograms[0]
    var bad = [good, good, good, good]
    bad[0].candidate = []
    bad[1].lower = .nan
    bad[2].reference = [1]
    bad[3].upper = -9
    report.histograms = bad
    #expect(!HTMLRenderer.render(report).contains("<figure class=\"histogram\""))
    report.histograms = bad + [good]
    #expect(HTMLRenderer.render(report).contains("<figure class=\"histogram\""))
  }

  @Test func `values are counted in two passes, with what the candidate cannot hold`() throws {
    let description = TensorDescription(
      name: "t", elementType: .int8, shape: [4],
      quantization: .init(scales: [0.5], zeroPoints: [-128]))
    var counter = HistogramCounter(candidate: description)
    let candidate: [Float] = [0, 1, 127.5, 127.5]
    let reference: [Float] = [0, 1, 128.1, 140, .nan, .infinity]
    counter.extend(candidate: candidate, reference: reference)
    counter.count(candidate: candidate, reference: reference)
    let histogram = try #require(counter.histogram(op: 2, tensor: "t"))
    #expect(histogram.lower == 0 && histogram.upper == 140)
    #expect(histogram.range == [0, 127.5])
    #expect(histogram.atEnds == [1, 2] && histogram.beyond == [0, 2])
    #expect(histogram.candidate.reduce(0, +) == 4 && histogram.reference.reduce(0, +) == 4)
    #expect(histogram.reference[63] == 1)
    #expect(HistogramCounter(candidate: description).histogram(op: 0, tensor: "") == nil)
    let wide = TensorDescription(
      name: "t", elementType: .int64, shape: [4],
      quantization: .init(scales: [0.5], zeroPoints: [.max]))
    var other = HistogramCounter(candidate: wide)
    other.extend(candidate: [1, 2], reference: [3])
    other.count(candidate: [1, 2], reference: [3])
    #expect(other.histogram(op: 0, tensor: "")?.atEnds == [0, 2])
  }
}
