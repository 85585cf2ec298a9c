import EXrayCore
import EXrayValidation

extension HTMLRenderer {
  /// How the values of the worst layers are spread on both sides.
  static func histograms(_ report: ValidationReport) -> Markup {
    let figures = report.histograms.compactMap { figure($0, report) }
    guard !figures.isEmpty else { return .none }
    let frames = report.histograms.map(\.frames).max() ?? 0
    return """
      <section aria-labelledby="histograms">
      <h2 id="histograms">Values of the worst layers</h2>
      <p class="lead">How often each value occurs, over \(PlainText.count(frames, "frame")); heights are logarithmic. \
      Dashed lines are the ends of what the candidate’s tensor can hold.</p>
      <div class="histograms">
      \(figures.joined())</div>
      <p class="legend"><span class="key candidate">candidate</span> <span class="key reference">reference</span></p>
      </section>

      """
  }

  private static let size = (width: 520.0, height: 92.0, plot: 74.0)

  private static func figure(_ histogram: LayerHistogram, _ report: ValidationReport) -> Markup? {
    let (first, second) = (histogram.candidate, histogram.reference)
    guard !first.isEmpty, first.count == second.count, first.count <= 1024,
      histogram.lower.isFinite, histogram.upper.isFinite, histogram.lower <= histogram.upper
    else { return nil }
    let largest = logarithm(max(first.max() ?? 0, second.max() ?? 0))
    guard largest > 0 else { return nil }
    let type = report.layers.first { $0.candidate?.op?.index == histogram.op }?.opType ?? ""
    let name = "\(histogram.op) \(PlainText.shortened(type, to: 40))"
    let tensor = PlainText.shortened(histogram.tensor, to: 200)
    let blamed = report.findings.contains { $0.where.op == histogram.op }
    var ends = Markup.none
    for end in histogram.range ?? []
    where end.isFinite && end >= histogram.lower && end <= histogram.upper {
      let x = place(end, in: histogram)
      ends +=
        "<line class=\"end\" x1=\"\(at: x)\" x2=\"\(at: x)\" y1=\"0\" y2=\"\(at: size.plot)\"/>"
    }
    let mark: Markup = blamed ? "blamed" : "plain"
    return """
      <figure class="histogram"><figcaption><b class="\(mark)">\(name)</b> \
      <span class="name" title="\(tensor)">\(tensor)</span></figcaption>
      <svg class="chart" viewBox="0 0 \(at: size.width) \(at: size.height)" role="img" \
      aria-label="Values of \(name), candidate and reference, from \(number(histogram.lower)) to \
      \(number(histogram.upper))">
      <path class="area reference" d="\(outline(second, largest))"/>\
      <path class="area candidate" d="\(outline(first, largest))"/>\
      <line class="axis" x1="0" x2="\(at: size.width)" y1="\(at: size.plot)" y2="\(at: size.plot)"/>\(ends)\
      <text class="tick" x="0" y="\(at: size.height - 4)">\(number(histogram.lower))</text>\(zero(histogram))\
      <text class="tick" x="\(at: size.width)" y="\(at: size.height - 4)" text-anchor="end">\
      \(number(histogram.upper))</text></svg>
      <p class="quiet">\(saturation(histogram))</p></figure>

      """
  }

  private static func number(_ value: Double) -> String { NumberText.significant(value, 3) }

  private static func logarithm(_ count: Int) -> Double {
    NumberText.decimalLogarithm(1 + Double(max(0, count)))
  }

  private static func place(_ value: Double, in histogram: LayerHistogram) -> Double {
    let extent = histogram.upper - histogram.lower
    return extent > 0 && extent.isFinite ? (value - histogram.lower) / extent * size.width : 0
  }

  private static func zero(_ histogram: LayerHistogram) -> Markup {
    let x = place(0, in: histogram)
    // Labels at both ends need their room.
    guard histogram.lower < 0, histogram.upper > 0, x > 60, x < size.width - 60 else {
      return .none
    }
    return """
      <line class="axis" x1="\(at: x)" x2="\(at: x)" y1="\(at: size.plot)" y2="\(at: size.plot + 4)"/>\
      <text class="tick" x="\(at: x)" y="\(at: size.height - 4)" text-anchor="middle">0</text>
      """
  }

  private static func outline(_ counts: [Int], _ largest: Double) -> String {
    func text(_ value: Double) -> String { NumberText.coordinate(value) }
    let step = size.width / Double(counts.count)
    var result = "M0 \(text(size.plot))"
    for (index, count) in counts.enumerated() {
      let y = size.plot - logarithm(count) / largest * (size.plot - 4)
      result += "V\(text(y))H\(text(Double(index + 1) * step))"
    }
    return result + "V\(text(size.plot))Z"
  }

  /// How many values lie at the ends of what the candidate's tensor can hold, and beyond.
  private static func saturation(_ histogram: LayerHistogram) -> String {
    guard let range = histogram.range, range.count == 2 else {
      return "The candidate’s tensor is floating point: nothing is cut off."
    }
    func shares(_ counts: [Int]?, of values: [Int]) -> String? {
      let total = values.reduce(0.0) { $0 + Double($1) }
      guard let counts, counts.count == 2, total > 0 else { return nil }
      return counts.map { NumberText.percent(Double($0) / total) }.joined(separator: " and ")
    }
    var text = "Holds \(number(range[0])) to \(number(range[1]))."
    if histogram.atEnds == [0, 0], histogram.beyond == [0, 0] {
      return text + " No value lies at its ends or beyond."
    }
    guard let ends = shares(histogram.atEnds, of: histogram.candidate) else { return text }
    text += " At its ends lie \(ends) of the candidate’s values"
    guard let beyond = shares(histogram.beyond, of: histogram.reference) else { return text + "." }
    return text + "; beyond them \(beyond) of the reference’s."
  }
}
