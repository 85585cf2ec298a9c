import EXrayCore
public import EXrayValidation

/// Renders a report as one HTML file that needs nothing else: no network, no fonts, no other file.
///
/// A content security policy forbids everything but the page's own style, its own script (both by their hash)
/// and pictures inside the page. Everything that comes from files is escaped.
public enum HTMLRenderer {
  /// The report as a page; the same report and pictures always give the same bytes.
  public static func render(
    _ report: ValidationReport, pictures: ReportPictures = ReportPictures()
  ) -> String {
    let style = HTMLStyle.text
    let script = HTMLScript.text
    let title = "\(report.verdict.word) · \(PlainText.shortened(report.candidate.model, to: 80))"
    var sections = Markup.none
    sections += findings(report)
    sections += checks(report)
    sections += worth(report)
    sections += notes(report)
    sections += inputPictures(pictures)
    sections += outputPictures(pictures)
    sections += errors(report)
    sections += anatomy(report)
    sections += drift(report)
    sections += answers(report, classNames: pictures.classNames)
    sections += tensors(report)
    sections += runs(report)
    let page: Markup = """
      <!doctype html>
      <html lang="en">
      <head>
      <meta charset="utf-8">
      <meta http-equiv="Content-Security-Policy" content="\(policy(style: style, script: script))">
      <meta name="viewport" content="width=device-width, initial-scale=1">
      <meta name="color-scheme" content="light dark">
      <meta name="referrer" content="no-referrer">
      <title>\(title)</title>
      <style>\(Markup(trusted: style))</style>
      </head>
      <body>
      \(header(report))
      <main>
      \(sections)</main>
      <footer>\(report.tool) · report schema \(report.schemaVersion)</footer>
      <script>\(Markup(trusted: script))</script>
      </body>
      </html>

      """
    return page.text
  }

  private static func policy(style: String, script: String) -> String {
    "default-src 'none'; img-src data:; style-src '\(hash(style))'; script-src '\(hash(script))'; "
      + "base-uri 'none'; form-action 'none'"
  }

  private static func hash(_ text: String) -> String {
    var digest = SHA256()
    let bytes = Array(text.utf8)
    unsafe digest.update(bytes.span.bytes)
    let digits = Array(digest.hexadecimal.utf8).map { $0 < 0x3a ? $0 - 0x30 : $0 - 0x57 }
    let raw = stride(from: 0, to: digits.count - 1, by: 2).map { digits[$0] << 4 | digits[$0 + 1] }
    return "sha256-" + Base64.text(raw)
  }

  private static func header(_ report: ValidationReport) -> Markup {
    let verdict = report.verdict
    return """
      <header class="\(verdict.rawValue)">
      <div class="page">
      <p class="verdict"><span aria-hidden="true">\(verdict.sign)</span> \(verdict.word)</p>
      <h1>\(Markup.prose(report.summary))</h1>
      <p class="subjects"><span><span class="key candidate">candidate</span> \
      <b>\(short(report.candidate.model))</b></span> \
      <span><span class="key reference">reference</span> \
      <b>\(short(report.reference.model))</b></span></p>
      <dl class="tiles">\(tiles(report))</dl>
      </div>
      </header>
      """
  }

  private static func short(_ name: String) -> String { PlainText.shortened(name, to: 120) }

  private static func tiles(_ report: ValidationReport) -> Markup {
    var tiles: [Markup] = []
    func tile(_ label: String, _ value: Markup, _ detail: String, _ mark: Markup = "") {
      tiles.append(
        "<div\(mark)><dt>\(label)</dt><dd><b>\(value)</b> <span>\(detail)</span></dd></div>\n")
    }
    tile(
      "Frames", "\(report.frames)", report.accuracy.map { "\($0.labelledFrames) labelled" } ?? "")
    if let accuracy = report.accuracy {
      tile(
        "Top-1 accuracy", "\(NumberText.percent(accuracy.candidate.top1))",
        "reference " + NumberText.percent(accuracy.reference.top1))
    }
    if let answers = report.answers {
      tile("Same first answer", "\(NumberText.percent(answers.top1Agreement))", "of frames")
    }
    if report.layers.isEmpty {
      tile("Layers", "–", "not captured")
    } else {
      let failing = report.failingLayers.count
      tile(
        "Layers", "\(report.comparedLayers.count)",
        "of \(report.layers.count) compared" + (failing > 0 ? ", \(failing) failing" : ""))
      if let worst = report.worstLayers(1).first, let drift = worst.drift {
        tile("Largest drift", "\(NumberText.significant(drift))", "nrmse, layer \(worst.index)")
      }
    }
    if let latency = report.latency {
      tile(
        "Median latency",
        "\(NumberText.duration(nanoseconds: latency.candidate.medianNanoseconds))",
        "reference " + NumberText.duration(nanoseconds: latency.reference.medianNanoseconds))
    }
    return tiles.joined()
  }

  private static func findings(_ report: ValidationReport) -> Markup {
    guard !report.findings.isEmpty else { return .none }
    let heading = report.gainHeading
    let cards = report.findings.enumerated().map {
      card(of: $1, number: $0 + 1, heading: heading)
    }.joined()
    return """
      <section aria-labelledby="findings">
      <h2 id="findings">Findings <small>\(report.findings.count)</small></h2>
      \(cards)\(report.allFixes.map(together) ?? .none)</section>

      """
  }

  private static func card(of finding: Finding, number: Int, heading: String) -> Markup {
    let confidence = min(max(finding.confidence.isFinite ? finding.confidence : 0, 0), 1)
    let evidence = finding.evidence.map { "<li>\(Markup.prose($0))</li>" as Markup }.joined()
    var parts: Markup = """
      <article class="finding" aria-labelledby="finding-\(number)">
      <div class="what">
      <h3 id="finding-\(number)"><span class="number">\(number)</span> \(Markup.prose(finding.title))</h3>
      <p class="meta"><code class="cause">\(finding.cause.identifier)</code> \
      <span>at \(finding.placeWords(nameLimit: 120))</span> \
      <span class="confidence"><svg viewBox="0 0 40 6" width="40" height="6" aria-hidden="true">\
      <rect class="track" width="40" height="6" rx="3"/>\
      <rect class="level" width="\(at: confidence * 40)" height="6" rx="3"/></svg> \
      \(NumberText.percent(finding.confidence, 0)) confident</span></p>

      """
    if !evidence.text.isEmpty { parts += "<ul class=\"evidence\">\(evidence)</ul>\n" }
    parts += "</div>\n<div class=\"remedy\">\n"
    if !finding.fix.isEmpty {
      parts += "<h4>Fix</h4>\n<p class=\"fix\">\(Markup.prose(finding.fix))</p>\n"
    }
    parts +=
      finding.gain.map { gain($0, heading: heading) }
      ?? "<p class=\"quiet\">Not proven by replay.</p>\n"
    parts += "</div>\n</article>\n"
    return parts
  }

  /// What the comparison's worth rests on.
  private static func worth(_ report: ValidationReport) -> Markup {
    guard !report.evidence.isEmpty else { return .none }
    let items = report.evidence.map { item -> Markup in
      let sign =
        switch item.worth {
        case .sound: "✓"
        case .weak: "✗ weak:"
        case .unknown: "? unknown:"
        }
      return "<li>\(sign) \(Markup.prose(item.detail))</li>\n"
    }.joined()
    return """
      <section aria-labelledby="worth">
      <h2 id="worth">What this rests on</h2>
      <ul class="notes worth">
      \(items)</ul>
      </section>

      """
  }

  private static func notes(_ report: ValidationReport) -> Markup {
    guard !report.notes.isEmpty else { return .none }
    let items = report.notes.map { "<li>\(Markup.prose($0))</li>\n" as Markup }.joined()
    return """
      <section aria-labelledby="notes">
      <h2 id="notes">Notes</h2>
      <ul class="notes">
      \(items)</ul>
      </section>

      """
  }

  private static func runs(_ report: ValidationReport) -> Markup {
    func row(_ label: String, _ value: (RunSummary) -> String) -> Markup {
      let both = (value(report.candidate), value(report.reference))
      let mark: Markup = both.0 == both.1 ? "" : " class=\"differs\""
      return "<tr\(mark)><th scope=\"row\">\(label)</th><td>\(both.0)</td><td>\(both.1)</td></tr>\n"
    }
    let rows = [
      row("Model") { PlainText.shortened($0.model, to: 240) },
      row("SHA-256") { PlainText.shortened($0.modelSHA256, to: 240) },
      row("Recipe") {
        $0.recipe.map { PlainText.shortened($0, to: 240) } ?? "none, tensors as input"
      },
      row("Runtime") { PlainText.shortened($0.runtime, to: 240) },
      row("Kernels") { PlainText.shortened($0.kernels, to: 240) },
      row("Threads") { $0.threads.description },
      row("Device") { PlainText.shortened($0.device, to: 240) },
    ]
    return """
      <section aria-labelledby="runs">
      <h2 id="runs">What ran</h2>
      <div class="scroll"><table class="runs">
      <thead><tr><td></td><th scope="col"><span class="key candidate">candidate</span></th>\
      <th scope="col"><span class="key reference">reference</span></th></tr></thead>
      <tbody>
      \(rows.joined())</tbody>
      </table></div>
      </section>

      """
  }
}
