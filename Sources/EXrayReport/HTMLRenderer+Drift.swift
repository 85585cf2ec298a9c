import EXrayCore
import EXrayValidation

extension HTMLRenderer {
  /// The chart of drift over the layers in execution order.
  static func drift(_ report: ValidationReport) -> Markup {
    guard report.layers.contains(where: { $0.drift != nil }) else { return .none }
    let chart = DriftChart(layers: report.layers)
    return """
      <section aria-labelledby="drift">
      <h2 id="drift">Drift per layer</h2>
      <p class="lead">Root mean squared difference over the reference’s range (nrmse), layers in execution \
      order, \(chart.axisWords). \(report.layersLine).</p>
      <div class="scroll">\(chart.markup)</div>
      <p class="legend"><span class="swatch pass"></span>within what is normal \
      <span class="swatch fail"></span>beyond it \
      <span class="swatch unjudged"></span>inherited, not judged <span class="swatch gap"></span>not compared</p>
      </section>

      """
  }
}

/// One bar a layer on a linear or a logarithmic axis.
private struct DriftChart {
  let layers: [TensorComparison]
  private let axis: Axis
  private let labelsOps: Bool

  private static let width = 1080.0
  private static let left = 58.0
  private static let top = 26.0
  private static let plotHeight = 210.0
  private var plotWidth: Double { Self.width - Self.left - 8 }
  private var bottom: Double { Self.top + Self.plotHeight }
  private var height: Double { bottom + (labelsOps ? 112 : 40) }
  private var step: Double { plotWidth / Double(max(layers.count, 1)) }

  init(layers: [TensorComparison]) {
    self.layers = layers
    axis = Axis(layers.compactMap(\.drift))
    labelsOps = layers.count <= 40
  }

  var axisWords: String { axis.isLogarithmic ? "logarithmic axis" : "linear axis" }

  var markup: Markup {
    """
    <svg class="chart drift" viewBox="0 0 \(at: Self.width) \(at: height)" role="img" \
    aria-label="\(description)">
    \(grid)\(bars)\(labels)\(firstFailure)</svg>
    """
  }

  private var description: String {
    let worst = layers.filter { $0.drift != nil }.max { ($0.drift ?? 0) < ($1.drift ?? 0) }
    let failing = layers.count { $0.status == .fail }
    var text = "Drift of \(layers.count) layers, \(failing) failing"
    if let worst {
      text += "; largest \(NumberText.significant(worst.drift)) at layer \(worst.index)"
    }
    return text + "; the same values are in the layer table"
  }

  private var grid: Markup {
    var result = Markup.none
    for tick in axis.ticks {
      let y = bottom - axis.fraction(tick) * Self.plotHeight
      result += """
        <line class="grid" x1="\(at: Self.left)" x2="\(at: Self.width - 8)" y1="\(at: y)" y2="\(at: y)"/>\
        <text class="tick" x="\(at: Self.left - 8)" y="\(at: y + 4)" text-anchor="end">\
        \(Axis.label(tick))</text>

        """
    }
    result +=
      "<text class=\"tick\" x=\"\(at: Self.left - 8)\" y=\"12\" text-anchor=\"end\">nrmse</text>\n"
    return result
  }

  private var bars: Markup {
    let gap = step > 8 ? 3.0 : step > 4 ? 1.0 : 0.3
    let width = min(step - gap, 44)
    var result = Markup.none
    for (position, layer) in layers.enumerated() {
      let x = Self.left + (Double(position) + 0.5) * step - width / 2
      let title = PlainText.shortened(layer.name, to: 100)
      guard let drift = layer.drift else {
        result += """
          <rect class="gap" x="\(at: x)" y="\(at: bottom - 5)" width="\(at: width)" height="5">\
          <title>\(layer.index) \(layer.opType) · \(title) · \(layer.status.words)</title></rect>

          """
        continue
      }
      let height = max(1.5, axis.fraction(drift) * Self.plotHeight)
      let kind: Markup =
        switch layer.status {
        case .fail: "fail"
        case .pass: "pass"
        default: "unjudged"
        }
      result += """
        <g class="\(kind)"><rect class="hit" x="\(at: x)" y="\(at: Self.top)" width="\(at: width)" \
        height="\(at: Self.plotHeight)"/>\
        <rect class="bar" x="\(at: x)" y="\(at: bottom - height)" width="\(at: width)" height="\(at: height)"/>\
        <title>\(layer.index) \(layer.opType) · \(title) · nrmse \(NumberText.significant(drift)) · \
        cosine \(NumberText.fixed(layer.metrics?.cosineSimilarity, 4)) · \(layer.status.words)</title></g>

        """
    }
    let edge: Markup =
      "<line class=\"axis\" x1=\"\(at: Self.left)\" x2=\"\(at: Self.width - 8)\" y1=\"\(at: bottom)\" y2=\"\(at: bottom)\"/>\n"
    return result + edge
  }

  private var labels: Markup {
    var result = Markup.none
    let stride = layers.count <= 40 ? 1 : layers.count <= 160 ? 10 : layers.count <= 800 ? 50 : 500
    for (position, layer) in layers.enumerated() {
      let x = Self.left + (Double(position) + 0.5) * step
      if labelsOps {
        let mark = layer.status == .fail ? "op failing" : "op"
        result += """
          <text class="\(mark)" transform="translate(\(at: x + 3) \(at: bottom + 12)) rotate(-55)" \
          text-anchor="end">\(PlainText.shortened(layer.opType, to: 17)) \(layer.index)</text>

          """
      } else if layer.index % stride == 0 {
        result += """
          <line class="axis" x1="\(at: x)" x2="\(at: x)" y1="\(at: bottom)" y2="\(at: bottom + 4)"/>\
          <text class="tick" x="\(at: x)" y="\(at: bottom + 17)" text-anchor="middle">\(layer.index)</text>

          """
      }
    }
    if !labelsOps {
      result += """
        <text class="tick" x="\(at: Self.left + plotWidth / 2)" y="\(at: bottom + 35)" \
        text-anchor="middle">layer, in execution order</text>

        """
    }
    return result
  }

  private var firstFailure: Markup {
    guard let position = layers.firstIndex(where: { $0.status == .fail }) else { return .none }
    let x = Self.left + (Double(position) + 0.5) * step
    let flips = x > Self.width - 330
    let layer = layers[position]
    return """
      <g class="flag"><line x1="\(at: x)" x2="\(at: x)" y1="8" y2="\(at: bottom)"/>\
      <text x="\(at: x + (flips ? -6 : 6))" y="14" text-anchor="\(flips ? "end" : "start")">\
      first failing: \(layer.index) \(PlainText.shortened(layer.opType, to: 30))</text></g>

      """
  }

  /// The vertical scale: logarithmic where values span more than a factor of 40.
  struct Axis {
    let isLogarithmic: Bool
    let lower: Double
    let upper: Double
    let ticks: [Double]

    init(_ values: [Double]) {
      // Bounds keep every power of ten of the axis finite, whatever a file claims.
      let positive = values.filter { $0 > 0 }.map { min(max($0, 1e-30), 1e30) }
      let largest = positive.max() ?? 1
      // Values a million times smaller than the largest are rounding; they sit on the base line.
      let smallest = max(positive.min() ?? 1, largest / 1e6)
      isLogarithmic = largest / smallest > 40
      if isLogarithmic {
        let first = Int(NumberText.decimalLogarithm(smallest).rounded(.down))
        let last = Int(NumberText.decimalLogarithm(largest).rounded(.up))
        lower = NumberText.tenTo(first)
        upper = NumberText.tenTo(max(last, first + 1))
        ticks = (first...max(last, first + 1)).map(NumberText.tenTo)
      } else {
        let raw = largest / 4
        let power = NumberText.tenTo(Int(NumberText.decimalLogarithm(raw).rounded(.down)))
        let unit = [1, 2, 2.5, 5, 10].map { $0 * power }.first { $0 >= raw * 0.999 } ?? raw
        let count = max(1, Int((largest / unit - 1e-9).rounded(.up)))
        lower = 0
        upper = unit * Double(count)
        ticks = (0...min(count, 20)).map { Double($0) * unit }
      }
    }

    /// The value's height, 0 to 1.
    func fraction(_ value: Double) -> Double {
      guard isLogarithmic else { return upper > 0 ? min(max(value / upper, 0), 1) : 0 }
      guard value > lower else { return 0 }
      let range = NumberText.decimalLogarithm(upper / lower)
      return min(NumberText.decimalLogarithm(value / lower) / range, 1)
    }

    static func label(_ tick: Double) -> String {
      if tick == 0 { return "0" }
      if tick < 0.0009 || tick > 9_999 {
        let exponent = Int((NumberText.decimalLogarithm(tick) + 1e-9).rounded(.down))
        return NumberText.coordinate(tick / NumberText.tenTo(exponent)) + "e\(exponent)"
      }
      var text = NumberText.significant(tick, 3)
      while text.contains("."), text.hasSuffix("0") { text.removeLast() }
      if text.hasSuffix(".") { text.removeLast() }
      return text
    }
  }
}
