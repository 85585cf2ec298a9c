import EXrayCore
import EXrayValidation

extension HTMLRenderer {
  /// The identifier of a layer's row in the table of layers, by its position there.
  static func rowIdentifier(_ position: Int) -> String { "row-\(position)" }

  /// The candidate's graph with its layers coloured, and how the values of the worst are spread.
  static func anatomy(_ report: ValidationReport) -> Markup {
    let drawing = GraphDrawing(report)
    let histograms = self.histograms(report)
    guard let drawing else { return histograms }
    let graph = drawing.section
    guard !histograms.text.isEmpty else { return graph }
    let shape: Markup = drawing.isWide ? "anatomy wide" : "anatomy"
    return "<div class=\"\(shape)\">\n\(graph)\(histograms)</div>\n"
  }
}

/// How much a layer asks to be looked at, from 0 to 4.
struct Heat {
  /// Whether own errors are known; drift is shown otherwise.
  let isOwn: Bool

  init(_ layers: [TensorComparison]) { isOwn = layers.contains { $0.errors != nil } }

  static let ownWords = ["up to 1.5", "to 3", "to 5", "to 10", "above"]
  static let driftWords = ["up to 0.01", "to 0.03", "to 0.1", "to 0.3", "above"]

  /// The degree of a layer; nil where nothing is known.
  func degree(of layer: TensorComparison) -> Int? {
    if isOwn {
      guard let errors = layer.errors, errors.excess.isFinite, errors.own.isFinite else {
        return nil
      }
      // Own error below 0.4 % of the result is nothing to look at, however small its rounding is.
      return errors.own < 0.004 ? 0 : Self.degree(errors.excess, [1.5, 3, 5, 10])
    }
    return layer.drift.map { Self.degree($0, [0.01, 0.03, 0.1, 0.3]) }
  }

  private static func degree(_ value: Double, _ limits: [Double]) -> Int {
    limits.firstIndex { value <= $0 } ?? limits.count
  }
}

/// The model's graph from top to bottom as one drawing.
private struct GraphDrawing {
  private struct Node {
    var label: String
    var kind: Markup
    var figure: String
    var title: String
    var row: Int?
  }

  private let report: ValidationReport
  private let layers: [TensorComparison]
  private let heat: Heat
  private let layout: GraphLayout
  private var nodes: [Node] = []

  /// Whether the drawing takes the page's width.
  var isWide: Bool { layout.width > 620 }

  init?(_ report: ValidationReport) {
    let layers = report.layers
    let heat = Heat(layers)
    self.report = report
    self.layers = layers
    self.heat = heat
    let inputs = report.graph?.inputs ?? []
    let ops = report.graph?.ops ?? []
    guard !layers.isEmpty || !ops.isEmpty else { return nil }
    var rows: [Int: Int] = [:]
    for (position, layer) in layers.enumerated() {
      guard let op = layer.candidate?.op?.index else { continue }
      if let other = rows[op], Self.rank(heat, layers[other]) >= Self.rank(heat, layer) { continue }
      rows[op] = position
    }
    var reads: [[Int]]
    let blamed = Set(report.findings.compactMap(\.where.op))
    if report.graph == nil {
      let chain = layers.indices.filter { layers[$0].candidate != nil }
      guard !chain.isEmpty else { return nil }
      reads = chain.indices.map { $0 == 0 ? [] : [$0 - 1] }
      layout = GraphLayout(reads: reads)
      nodes = chain.map { position in
        let op = layers[position].candidate?.op
        return Self.node(
          layers[position], row: position, index: op?.index ?? layers[position].index,
          type: op?.type ?? "", heat: heat, isBlamed: op.map { blamed.contains($0.index) } ?? false)
      }
      return
    }
    reads = inputs.map { _ in [] }
    var places: [Int: Int] = [:]
    for (position, op) in ops.enumerated() {
      let sources = op.fromInputs.filter(inputs.indices.contains)
      reads.append(sources + op.from.compactMap { places[$0] })
      if places[op.index] == nil { places[op.index] = inputs.count + position }
    }
    layout = GraphLayout(reads: reads)
    nodes = inputs.map { name in
      Node(
        label: "input", kind: "node input", figure: "",
        title: "input · " + PlainText.shortened(name, to: 100), row: nil)
    }
    let outputs = Set(report.graph?.outputs ?? [])
    nodes += ops.map { op in
      guard let row = rows[op.index] else {
        return Node(
          label: "\(op.index) \(PlainText.shortened(op.type, to: 40))", kind: "node gap",
          figure: "",
          title: "\(op.index) \(PlainText.shortened(op.type, to: 40)) · "
            + PlainText.shortened(op.tensors.first ?? "", to: 100) + " · not compared", row: nil)
      }
      var node = Self.node(
        layers[row], row: row, index: op.index, type: op.type, heat: heat,
        isBlamed: blamed.contains(op.index))
      if outputs.contains(op.index) { node.title += " · makes an output" }
      return node
    }
  }

  private static func rank(_ heat: Heat, _ layer: TensorComparison) -> Int {
    heat.degree(of: layer) ?? -1
  }

  private static func node(
    _ layer: TensorComparison, row: Int, index: Int, type: String, heat: Heat, isBlamed: Bool
  ) -> Node {
    let degree = heat.degree(of: layer)
    let kind: Markup
    switch degree {
    case nil: kind = "node gap"
    case 0?: kind = isBlamed ? "node d0 blamed" : "node d0"
    case 1?: kind = isBlamed ? "node d1 blamed" : "node d1"
    case 2?: kind = isBlamed ? "node d2 blamed" : "node d2"
    case 3?: kind = isBlamed ? "node d3 blamed" : "node d3"
    default: kind = isBlamed ? "node d4 blamed" : "node d4"
    }
    var figures = ["nrmse \(NumberText.significant(layer.drift))"]
    if let errors = layer.errors {
      figures = [
        "own error \(NumberText.percent(errors.own))",
        "inherited \(NumberText.percent(errors.inherited))",
        "\(NumberText.significant(errors.excess)) × what rounding explains",
      ]
      if let share = errors.share { figures.append("share \(NumberText.percent(share))") }
      if let steps = errors.ownInSteps, steps.isFinite {
        figures.append("\(NumberText.significant(steps)) steps")
      }
      if layer.drift != nil { figures.append("nrmse \(NumberText.significant(layer.drift))") }
    }
    let name = "\(index) \(PlainText.shortened(type, to: 40))"
    var title = [name, PlainText.shortened(layer.name, to: 100), layer.shapeText] + figures
    if isBlamed { title.insert("blamed", at: 1) }
    let figure =
      heat.isOwn
      ? layer.errors.map { "×" + NumberText.significant($0.excess, 2) } ?? ""
      : NumberText.significant(layer.drift, 2)
    return Node(
      label: name, kind: kind, figure: degree ?? 0 >= 1 || isBlamed ? figure : "",
      title: title.joined(separator: " · "), row: row)
  }

  // MARK: Drawing

  var section: Markup {
    """
    <section aria-labelledby="graph">
    <h2 id="graph">Model graph <small>\(report.graph?.ops.count ?? nodes.count)</small></h2>
    <p class="lead">\(lead)</p>
    <div class="graph" tabindex="0" role="group" aria-label="Model graph, can be scrolled">
    <svg viewBox="0 0 \(at: layout.width) \(at: layout.height)" width="\(at: layout.width)" \
    height="\(at: layout.height)" role="img" aria-label="\(description)">
    \(edges)\(boxes)</svg>
    </div>
    \(legend)</section>

    """
  }

  private var lead: String {
    let colour =
      heat.isOwn
      ? "The candidate’s ops, coloured by their own error over what rounding explains."
      : "The candidate’s ops, coloured by drift (nrmse)."
    let chain =
      report.graph == nil
      ? " Traces do not tell which op reads which: layers are drawn in execution order." : ""
    return colour + chain + " A click leads to the layer’s row."
  }

  private var description: String {
    let blamed = report.findings.compactMap(\.where.op).map(\.description)
    let ops = PlainText.count(nodes.count { $0.label != "input" }, "op")
    return "Graph of \(ops)"
      + (blamed.isEmpty ? "" : ", blamed: \(blamed.prefix(20).joined(separator: ", "))")
      + "; the same figures are in the layer table"
  }

  private var edges: Markup {
    var (straight, skip) = ("", "")
    for edge in layout.edges {
      let text = Self.path(edge.points)
      if edge.isSkip { skip += text } else { straight += text }
    }
    var result = Markup.none
    if !skip.isEmpty { result += "<path class=\"edge skip\" d=\"\(skip)\"/>\n" }
    if !straight.isEmpty { result += "<path class=\"edge\" d=\"\(straight)\"/>\n" }
    return result
  }

  /// A curve that leaves and enters every point straight down.
  private static func path(_ points: [(x: Double, y: Double)]) -> String {
    func text(_ value: Double) -> String { NumberText.coordinate(value) }
    var result = ""
    let half = GraphLayout.nodeHeight / 2
    var last = points[0]
    last.y += half
    result += "M\(text(last.x)) \(text(last.y))"
    for (index, point) in points.enumerated().dropFirst() {
      let end = (x: point.x, y: point.y - half)
      if end.x == last.x {
        result += "V\(text(end.y))"
      } else {
        let middle = (last.y + end.y) / 2
        result +=
          "C\(text(last.x)) \(text(middle)) \(text(end.x)) \(text(middle)) \(text(end.x)) \(text(end.y))"
      }
      last = end
      if index < points.count - 1 {
        last.y = point.y + half
        result += "V\(text(last.y))"
      }
    }
    return result
  }

  private var boxes: Markup {
    let (width, height) = (GraphLayout.nodeWidth, GraphLayout.nodeHeight)
    var result = Markup.none
    for (node, place) in zip(nodes, layout.places) {
      let (left, top) = (place.x - width / 2, place.y - height / 2)
      let room = (node.figure.isEmpty ? 26 : 25) - node.figure.count
      let figure: Markup =
        node.figure.isEmpty
        ? .none
        : "<text x=\"\(at: left + width - 8)\" y=\"\(at: top + 17)\" text-anchor=\"end\">\(node.figure)</text>"
      let inside: Markup = """
        <rect x="\(at: left)" y="\(at: top)" width="\(at: width)" height="\(at: height)" rx="4"/>\
        <text x="\(at: left + 8)" y="\(at: top + 17)">\(PlainText.cut(node.label, to: room))</text>\(figure)\
        <title>\(node.title)</title>
        """
      if let row = node.row {
        result +=
          "<a class=\"\(node.kind)\" href=\"#\(HTMLRenderer.rowIdentifier(row))\">\(inside)</a>\n"
      } else {
        result += "<g class=\"\(node.kind)\">\(inside)</g>\n"
      }
    }
    return result
  }

  private var legend: Markup {
    let words = heat.isOwn ? Heat.ownWords : Heat.driftWords
    var keys = Markup.none
    for (degree, word) in words.enumerated() {
      keys += "<span class=\"item\"><span class=\"heat d\(degree)\"></span>\(word)</span> "
    }
    let blamed: Markup =
      report.findings.contains { $0.where.op != nil }
      ? "<span class=\"item\"><span class=\"heat blamed\"></span>blamed</span> " : .none
    return """
      <p class="legend">\(heat.isOwn ? "times what rounding explains:" : "nrmse:") \(keys)\(blamed)\
      <span class="item"><span class="swatch gap"></span>not compared</span></p>

      """
  }
}
