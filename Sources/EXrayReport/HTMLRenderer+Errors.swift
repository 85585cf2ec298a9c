import EXrayCore
import EXrayValidation

extension HTMLRenderer {
  /// Whose error it is: own and inherited error of every layer, and its share of the final error.
  static func errors(_ report: ValidationReport) -> Markup {
    guard let chart = ErrorChart(report) else { return .none }
    return """
      <section aria-labelledby="errors">
      <h2 id="errors">Whose error</h2>
      <p class="lead">\(chart.lead)</p>
      <div class="scroll">\(chart.markup)</div>
      <p class="legend"><span class="swatch pass"></span>own error <span class="swatch fail"></span>own error, blamed \
      <span class="swatch unjudged"></span>inherited error</p>
      </section>

      """
  }
}

/// Two bars a layer, and one for its share of the final error.
private struct ErrorChart {
  private struct Row {
    var position: Int
    var layer: TensorComparison
    var errors: LayerErrors
    var isBlamed: Bool

    /// How much the layer matters where not all can be shown.
    var weight: Double {
      let own = errors.own.isFinite ? errors.own : 0
      let share = errors.share.map { $0.isFinite ? abs($0) : 0 } ?? 0
      return isBlamed ? .infinity : own + share
    }
  }

  private let rows: [Row]
  private let count: Int
  private let inputShare: Double?
  private let hasShares: Bool
  private let scale: Double
  private let shareScale: Double
  private let sharesFall: Bool

  private static let limit = 48
  private static let pitch = 21.0
  private static let top = 30.0
  private static let bars = (x: 190.0, width: 270.0)
  /// Right edges of the columns of figures.
  private static let columns = (own: 524.0, inherited: 602.0, excess: 668.0)
  private static let shares = (x: 716.0, width: 300.0)
  private var width: Double { hasShares ? 1080 : 676 }
  private var height: Double {
    Self.top + Double(rows.count + (hasShares && inputShare != nil ? 1 : 0)) * Self.pitch + 6
  }
  /// Where a share of nothing is.
  private var origin: Double {
    sharesFall ? Self.shares.x + Self.shares.width * 0.25 : Self.shares.x
  }
  private var shareUnit: Double {
    (sharesFall ? 0.75 : 1) * Self.shares.width / shareScale
  }

  init?(_ report: ValidationReport) {
    let blamed = Set(report.findings.compactMap(\.where.op))
    let all = report.layers.enumerated().compactMap { position, layer -> Row? in
      guard let errors = layer.errors else { return nil }
      return Row(
        position: position, layer: layer, errors: errors,
        isBlamed: layer.candidate?.op.map { blamed.contains($0.index) } ?? false)
    }
    guard !all.isEmpty else { return nil }
    count = all.count
    rows =
      all.count <= Self.limit
      ? all
      : all.sorted { ($1.weight, $0.position) < ($0.weight, $1.position) }.prefix(Self.limit)
        .sorted { $0.position < $1.position }
    inputShare = report.inputShare.flatMap { $0.isFinite ? $0 : nil }
    let shares =
      rows.compactMap(\.errors.share).filter(\.isFinite) + [inputShare].compactMap(\.self)
    hasShares = !shares.isEmpty
    let errors = rows.flatMap { [$0.errors.own, $0.errors.inherited] }.filter(\.isFinite)
    scale = max(errors.max() ?? 0, 1e-9)
    shareScale = max(shares.max() ?? 0, (shares.map { -$0 }.max() ?? 0) * 3, 1e-9)
    sharesFall = shares.contains { $0 < -0.005 * max(shares.max() ?? 0, 1e-9) }
  }

  var lead: String {
    var text =
      "What each op does wrong by itself, and what it only passes on, relative to the size of its result; "
      + "“excess” is its own error over what rounding explains."
    if hasShares {
      text += " Shares of the final error sum to 100\u{a0}%; below zero an op makes up for another."
    }
    if rows.count < count { text += " The \(rows.count) of \(count) layers that matter most." }
    return text
  }

  var markup: Markup {
    var body = heading
    for (index, row) in rows.enumerated() { body += bar(row, y: y(index)) }
    if hasShares, let inputShare { body += inputs(inputShare, y: y(rows.count)) }
    if hasShares {
      body +=
        "<line class=\"axis\" x1=\"\(at: origin)\" x2=\"\(at: origin)\" y1=\"\(at: Self.top - 4)\" y2=\"\(at: height)\"/>\n"
    }
    return """
      <svg class="chart errors\(hasShares ? "" : " alone")" viewBox="0 0 \(at: width) \(at: height)" role="img" \
      aria-label="\(description)">
      \(body)</svg>
      """
  }

  private func y(_ index: Int) -> Double { Self.top + Double(index) * Self.pitch }

  private var description: String {
    var text = "Own and inherited error of \(PlainText.count(rows.count, "layer"))"
    if let worst = rows.max(by: { ($0.errors.share ?? 0) < ($1.errors.share ?? 0) }),
      let share = worst.errors.share
    {
      text +=
        "; the largest share of the final error, \(NumberText.percent(share)), is that of \(name(worst))"
    }
    return text
  }

  private func name(_ row: Row) -> String {
    let index = row.layer.candidate?.op?.index ?? row.layer.index
    return "\(index) \(PlainText.shortened(row.layer.opType, to: 40))"
  }

  private var heading: Markup {
    var result: Markup = """
      <text class="tick" x="0" y="16">op</text>\
      <text class="tick" x="\(at: Self.columns.own)" y="16" text-anchor="end">own error</text>\
      <text class="tick" x="\(at: Self.columns.inherited)" y="16" text-anchor="end">inherited</text>\
      <text class="tick" x="\(at: Self.columns.excess)" y="16" text-anchor="end">excess</text>

      """
    if hasShares {
      result +=
        "<text class=\"tick\" x=\"\(at: Self.shares.x)\" y=\"16\">share of the final error</text>\n"
    }
    return result
  }

  private func bar(_ row: Row, y: Double) -> Markup {
    let errors = row.errors
    let own = extent(errors.own)
    let inherited = extent(errors.inherited)
    let kind: Markup = row.isBlamed ? "errors fail" : "errors pass"
    let mark: Markup = row.isBlamed ? "failing" : "label"
    var words = [
      name(row), PlainText.shortened(row.layer.name, to: 100),
      "own error \(NumberText.percent(errors.own))",
      "inherited \(NumberText.percent(errors.inherited))",
      "excess \(NumberText.significant(errors.excess))",
    ]
    if let share = errors.share { words.append("share \(NumberText.percent(share))") }
    if row.isBlamed { words.insert("blamed", at: 1) }
    var result: Markup = """
      <a class="\(kind)" href="#\(HTMLRenderer.rowIdentifier(row.position))">\
      <rect class="hit" x="0" y="\(at: y)" width="\(at: width)" height="\(at: Self.pitch)"/>\
      <text class="\(mark)" x="0" y="\(at: y + 14)">\(PlainText.cut(name(row), to: 26))</text>\
      <rect class="bar" x="\(at: Self.bars.x)" y="\(at: y + 3)" width="\(at: own)" height="7"/>\
      <rect class="reference" x="\(at: Self.bars.x)" y="\(at: y + 11)" width="\(at: inherited)" height="5"/>\
      <text class="\(mark)" x="\(at: Self.columns.own)" y="\(at: y + 14)" text-anchor="end">\
      \(NumberText.percent(errors.own))</text>\
      <text class="soft" x="\(at: Self.columns.inherited)" y="\(at: y + 14)" text-anchor="end">\
      \(NumberText.percent(errors.inherited))</text>\
      <text class="\(mark)" x="\(at: Self.columns.excess)" y="\(at: y + 14)" text-anchor="end">\
      \(Self.figure(errors.excess))</text>
      """
    if let share = errors.share, share.isFinite { result += self.share(share, y: y) }
    return result + "<title>\(words.joined(separator: " · "))</title></a>\n"
  }

  private func inputs(_ share: Double, y: Double) -> Markup {
    """
    <g class="errors pass"><text class="label" x="0" y="\(at: y + 14)">inputs</text>\(self.share(share, y: y))\
    <title>inputs · what storing or changing them alone adds to the final error</title></g>

    """
  }

  private func share(_ share: Double, y: Double) -> Markup {
    let length = share * shareUnit
    let left = origin + min(length, 0)
    let words = NumberText.percent(share)
    return """
      <rect class="bar" x="\(at: left)" y="\(at: y + 4)" width="\(at: max(abs(length), 0.5))" height="11"/>\
      <text class="tick" x="\(at: origin + max(length, 0) + 6)" y="\(at: y + 14)">\(words)</text>
      """
  }

  private static func figure(_ value: Double) -> String {
    value < 100 ? NumberText.fixed(value, value < 10 ? 2 : 1) : NumberText.significant(value)
  }

  private func extent(_ value: Double) -> Double {
    guard value.isFinite else { return 0 }
    return min(max(value / scale, 0), 1) * (Self.bars.width - 4)
  }
}
