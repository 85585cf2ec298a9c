import EXrayValidation

extension HTMLRenderer {
  // MARK: What fixes gain

  /// The measurement before and after a fix, with the interval of what it gains.
  static func gain(_ gain: Finding.Gain, heading: String) -> Markup {
    let (before, after) = gain.texts
    let values = [gain.before, gain.after].map { $0.isFinite ? max($0, 0) : 0 }
    let full = max(1, values[0], values[1])
    let widths = values.map { $0 / full * 180 }
    return """
      <h4>\(heading)</h4>
      <svg class="gain" viewBox="0 0 300 48" width="300" height="48" role="img" \
      aria-label="\(gain.words)">
      <rect class="track" x="52" y="4" width="180" height="14" rx="2"/>\
      <rect class="track" x="52" y="28" width="180" height="14" rx="2"/>
      <rect class="before" x="52" y="4" width="\(at: widths[0])" height="14" rx="2"/>\
      <rect class="after" x="52" y="28" width="\(at: widths[1])" height="14" rx="2"/>
      <text x="0" y="15">before</text><text x="0" y="39">after</text>
      <text class="strong" x="240" y="15">\(before)</text>\
      <text class="strong" x="240" y="39">\(after)</text>
      </svg>
      <p class="quiet">\(gain.metricWords) on \(PlainText.count(gain.frames, "frame"))</p>
      \(gain.intervalWords.map { "<p class=\"quiet\">\($0)</p>\n" as Markup } ?? .none)

      """
  }

  /// What all fixes gain together, below the findings.
  static func together(_ gain: Finding.Gain) -> Markup {
    """
    <div class="together">
    \(self.gain(gain, heading: "All fixes together, replayed"))</div>

    """
  }

  // MARK: Custom checks

  /// The user's own checks as a table.
  static func checks(_ report: ValidationReport) -> Markup {
    guard !report.checks.isEmpty else { return .none }
    let rows = report.checks.map { check -> Markup in
      let evidence = check.evidence.map { "<li>\($0)</li>" as Markup }.joined()
      let list: Markup = evidence.text.isEmpty ? "" : "<ul class=\"evidence\">\(evidence)</ul>"
      return """
        <tr class="check \(check.outcome.rawValue)"><td class="status">\
        <span aria-hidden="true">\(check.outcome.sign)</span> \(check.outcome.rawValue)</td>\
        <td><code>\(PlainText.shortened(check.name, to: 200))</code></td>\
        <td>\(check.message)\(list)</td></tr>

        """
    }
    return """
      <section aria-labelledby="checks">
      <h2 id="checks">Custom checks <small>\(report.checks.count)</small></h2>
      <div class="scroll"><table class="checks">
      <thead><tr><th scope="col">Outcome</th><th scope="col">Check</th>\
      <th scope="col">What it says</th></tr></thead>
      <tbody>
      \(rows.joined())</tbody>
      </table></div>
      </section>

      """
  }
}
