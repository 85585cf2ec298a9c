import EXrayCore
import EXrayValidation

extension HTMLRenderer {
  /// Inputs, layers and outputs as tables; layers can be sorted by every column.
  static func tensors(_ report: ValidationReport) -> Markup {
    table(report.inputs, id: "input-tensors", title: "Model inputs")
      + table(report.layers, id: "layers", title: "Layers")
      + table(report.outputs, id: "output-tensors", title: "Model outputs")
  }

  private static func table(_ tensors: [TensorComparison], id: String, title: String) -> Markup {
    guard !tensors.isEmpty else { return .none }
    let hasOps = tensors.contains { !$0.opType.isEmpty }
    let largest = tensors.compactMap(\.drift).max() ?? 0
    let heads: [(text: String, mark: Markup, explanation: String)] = [
      ("#", " class=\"n\"", "position in execution order"),
      ("Status", "", "what the comparison came to"),
      ("Op", "", "the op that made the tensor"), ("Tensor", "", "the tensor’s name"),
      ("Shape", "", "extents"), ("Type", "", "candidate | reference"),
      ("nrmse", " class=\"n\"", "root mean squared difference over the reference’s range"),
      ("Cosine", " class=\"n\"", "cosine similarity"),
      ("SQNR dB", " class=\"n\"", "signal to quantization noise ratio"),
      ("Max |d|", " class=\"n\"", "largest absolute difference"),
      (
        "LSB", " class=\"n\"",
        "root mean squared difference in steps of the candidate’s quantization"
      ),
      ("Worst frame", "", "the frame with the largest nrmse"),
    ]
    let headings = heads.filter { hasOps || $0.text != "Op" }.map {
      "<th scope=\"col\"\($0.mark) title=\"\($0.explanation)\">\($0.text)</th>" as Markup
    }
    let prefix = commonScope(tensors)
    let rows = tensors.enumerated().map { position, tensor in
      row(
        tensor, identifier: id == "layers" ? rowIdentifier(position) : nil, hasOps: hasOps,
        largest: largest, scope: prefix)
    }
    let lead: Markup =
      prefix.isEmpty
      ? .none
      : "<p class=\"quiet\">All names begin with <code>\(PlainText.shortened(prefix, to: 160))</code>, left out here.</p>\n"
    let sortable: Markup = tensors.count > 1 ? " data-sortable" : ""
    return """
      <section aria-labelledby="\(id)">
      <h2 id="\(id)">\(title) <small>\(tensors.count)</small></h2>
      \(lead)<div class="scroll"><table class="tensors"\(sortable)>
      <thead><tr>\(headings.joined())</tr></thead>
      <tbody>
      \(rows.joined())</tbody>
      </table></div>
      </section>

      """
  }

  /// The scope (`MobilenetV1/`) that all names of a long table share, so that rows need not repeat it.
  private static func commonScope(_ tensors: [TensorComparison]) -> String {
    let names = tensors.flatMap { [$0.candidate?.tensor, $0.reference?.tensor] }.compactMap(\.self)
    guard tensors.count > 3, let first = names.first else { return "" }
    var shared = Array(first.utf8.prefix(400))
    for name in names {
      let bytes = Array(name.utf8.prefix(shared.count))
      let length = zip(shared, bytes).prefix { $0 == $1 }.count
      shared.removeLast(shared.count - length)
    }
    guard let slash = shared.lastIndex(of: UInt8(ascii: "/")) else { return "" }
    return String(decoding: shared[...slash], as: UTF8.self)
  }

  private static func row(
    _ tensor: TensorComparison, identifier: String?, hasOps: Bool, largest: Double, scope: String
  ) -> Markup {
    let mark: Markup = identifier.map { " id=\"\($0)\"" } ?? .none
    let metrics = tensor.metrics
    let bar = largest > 0 ? (tensor.drift ?? 0) / largest * 48 : 0
    let status = tensor.status
    let kind = status == .pass ? "pass" : status == .fail ? "fail" : "gap"
    let op: Markup =
      hasOps ? "<td class=\"op\">\(PlainText.shortened(tensor.opType, to: 40))</td>" : .none
    return """
      <tr class="\(kind)"\(mark)><td class="n">\(tensor.index)</td><td class="status">\(status.words)</td>\(op)\
      <td class="tensor">\(names(tensor, scope: scope))</td><td class="shape">\(tensor.shapeText)</td>\
      <td class="type">\(tensor.typeText)</td>\
      <td class="n drift"\(sortKey(tensor.drift))><svg viewBox="0 0 48 8" width="48" height="8" \
      aria-hidden="true"><rect class="bar" width="\(at: bar)" height="8"/></svg> \
      <span>\(NumberText.significant(tensor.drift))</span></td>\
      <td class="n"\(sortKey(metrics?.cosineSimilarity))>\(NumberText.fixed(metrics?.cosineSimilarity, 4))</td>\
      <td class="n"\(sortKey(metrics?.sqnrDB))>\(NumberText.fixed(metrics?.sqnrDB, 1))</td>\
      <td class="n"\(sortKey(metrics?.maxAbsDiff))>\(NumberText.significant(metrics?.maxAbsDiff))</td>\
      <td class="n"\(sortKey(metrics?.rmseOverScale))>\(NumberText.fixed(metrics?.rmseOverScale, 2))</td>\
      \(worstFrame(tensor.worstFrame))</tr>

      """
  }

  private static func worstFrame(_ name: String?) -> Markup {
    guard let name else { return "<td></td>" }
    let full = PlainText.shortened(name, to: 120)
    return "<td class=\"worst\" title=\"\(full)\">\(PlainText.ending(full, within: 16))</td>"
  }

  /// What the script sorts by; absent values sort last.
  private static func sortKey(_ value: Double?) -> Markup {
    guard let value, value.isFinite else { return " data-key=\"\"" }
    return " data-key=\"\(value.description)\""
  }

  /// The candidate's name, and the reference's below where it is another.
  private static func names(_ tensor: TensorComparison, scope: String) -> Markup {
    func full(_ name: String) -> String { PlainText.shortened(name, to: 240) }
    func short(_ name: String) -> String {
      // A fused tensor lists several names; the scope goes from each.
      full(scope.isEmpty ? name : name.replacing(scope, with: ""))
    }
    var result: Markup =
      "<span class=\"name\" title=\"\(full(tensor.name))\">\(short(tensor.name))</span>"
    if let candidate = tensor.candidate, let reference = tensor.reference,
      candidate.tensor != reference.tensor
    {
      result += """
        <span class="name other" title="\(full(reference.tensor))">reference: \
        \(short(reference.tensor))</span>
        """
    } else if tensor.candidate == nil, tensor.reference != nil {
      result += "<span class=\"name other\">only in the reference</span>"
    } else if tensor.reference == nil, tensor.candidate != nil {
      result += "<span class=\"name other\">only in the candidate</span>"
    }
    if let metrics = tensor.metrics,
      metrics.candidateNotFinite > 0 || metrics.referenceNotFinite > 0
    {
      result += """
        <span class="name alarm">not finite: \(metrics.candidateNotFinite) in the candidate, \
        \(metrics.referenceNotFinite) in the reference</span>
        """
    }
    return result
  }
}
