import EXrayValidation

extension HTMLRenderer {
  /// Accuracy, the answers' confusion and latency, side by side where there is room.
  static func answers(_ report: ValidationReport, classNames: [String]) -> Markup {
    var columns: [Markup] = []
    if let accuracy = report.accuracy { columns.append(self.accuracy(accuracy)) }
    if let latency = report.latency { columns.append(self.latency(latency)) }
    var result = Markup.none
    if !columns.isEmpty {
      result += "<div class=\"columns\">\n\(columns.joined())</div>\n"
    }
    if let answers = report.answers { result += confusion(answers, classNames: classNames) }
    return result
  }

  // MARK: Accuracy

  private static func accuracy(_ accuracy: AccuracyComparison) -> Markup {
    let rows: [(label: String, side: String, value: Double, interval: (Double, Double)?)] = [
      ("top-1", "candidate", accuracy.candidate.top1, accuracy.candidate.interval),
      ("", "reference", accuracy.reference.top1, accuracy.reference.interval),
      ("top-5", "candidate", accuracy.candidate.top5, nil),
      ("", "reference", accuracy.reference.top5, nil),
    ]
    var bars = Markup.none
    for (index, row) in rows.enumerated() {
      let y = Double(index) * 26 + (index > 1 ? 16 : 4)
      let value = clamped(row.value)
      bars += """
        <text x="0" y="\(at: y + 14)">\(row.label)</text>\
        <rect class="track" x="48" y="\(at: y)" width="330" height="18"/>\
        <rect class="\(row.side)" x="48" y="\(at: y)" width="\(at: value * 330)" height="18"/>

        """
      if let interval = row.interval {
        let (first, last) = (48 + clamped(interval.0) * 330, 48 + clamped(interval.1) * 330)
        bars += """
          <path class="whisker" d="M\(at: first) \(at: y + 5)v8m0-4H\(at: last)m0-4v8"/>

          """
      }
      bars +=
        "<text class=\"strong\" x=\"388\" y=\"\(at: y + 14)\">\(NumberText.percent(row.value))</text>\n"
    }
    let difference = NumberText.signed(accuracy.difference * 100, 1)
    let label =
      "Top-1 accuracy: candidate \(NumberText.percent(accuracy.candidate.top1)), reference "
      + "\(NumberText.percent(accuracy.reference.top1)). Top-5: candidate "
      + "\(NumberText.percent(accuracy.candidate.top5)), reference \(NumberText.percent(accuracy.reference.top5))"
    return """
      <section aria-labelledby="accuracy">
      <h2 id="accuracy">Accuracy</h2>
      <p class="lead">Top-1 \(difference) points, \(accuracy.significanceWords) (exact McNemar test, \
      \(PlainText.count(accuracy.labelledFrames, "labelled frame"))). Whiskers: 95 % intervals\
      \(intervals(accuracy)).</p>
      <svg class="chart" viewBox="0 0 450 116" role="img" aria-label="\(label)">
      \(bars)</svg>
      \(keys)
      </section>

      """
  }

  private static func intervals(_ accuracy: AccuracyComparison) -> String {
    let texts = [accuracy.candidate, accuracy.reference].compactMap(\.interval).map {
      NumberText.fixed($0.lower * 100, 1) + "–" + NumberText.fixed($0.upper * 100, 1)
    }
    return texts.count == 2 ? ", \(texts[0]) and \(texts[1])" : ""
  }

  private static var keys: Markup {
    "<p class=\"legend\"><span class=\"key candidate\">candidate</span> <span class=\"key reference\">reference</span></p>"
  }

  private static func clamped(_ value: Double) -> Double {
    value.isFinite ? min(max(value, 0), 1) : 0
  }

  // MARK: Latency

  private static func latency(_ latency: LatencyComparison) -> Markup {
    let sides = [("candidate", latency.candidate), ("reference", latency.reference)]
    let longest = Double(
      max(1, sides.map { max($0.1.p90Nanoseconds, $0.1.medianNanoseconds) }.max() ?? 1))
    var bars = Markup.none
    var words: [String] = []
    for (index, (side, times)) in sides.enumerated() {
      let y = Double(index) * 34 + 4
      let median = Double(times.medianNanoseconds) / longest * 270
      let p90 = Double(times.p90Nanoseconds) / longest * 270
      let texts = (
        NumberText.duration(nanoseconds: times.medianNanoseconds),
        NumberText.duration(nanoseconds: times.p90Nanoseconds)
      )
      words.append("\(side) median \(texts.0), 90th percentile \(texts.1)")
      bars += """
        <rect class="\(side) faint" x="0" y="\(at: y)" width="\(at: p90)" height="22"/>\
        <rect class="\(side)" x="0" y="\(at: y)" width="\(at: median)" height="22"/>\
        <text class="strong" x="282" y="\(at: y + 15)">\(texts.0) <tspan class="soft">p90 \(texts.1)</tspan></text>

        """
    }
    let caveat: Markup =
      latency.caveat.map { "<p class=\"quiet\">\(Markup.prose($0))</p>\n" } ?? .none
    return """
      <section aria-labelledby="latency">
      <h2 id="latency">Latency</h2>
      <p class="lead">Time inside the runtime’s run call: median (solid) and 90th percentile (faint).</p>
      <svg class="chart" viewBox="0 0 450 72" role="img" aria-label="\(words.joined(separator: "; "))">
      \(bars)</svg>
      \(keys)
      \(caveat)</section>

      """
  }

  // MARK: Confusion

  private static func confusion(_ answers: AnswerComparison, classNames: [String]) -> Markup {
    let body =
      answers.classCount <= 20 && answers.classCount > 0
      ? matrix(answers, classNames: classNames) : disagreements(answers, classNames: classNames)
    return """
      <section aria-labelledby="answers">
      <h2 id="answers">First answers</h2>
      <p class="lead">Both runs give the same first answer on \(NumberText.percent(answers.top1Agreement)) \
      of frames, \(PlainText.count(answers.classCount, "class").replacing("classs", with: "classes")) in all.</p>
      \(body)</section>

      """
  }

  private static func name(of index: Int, _ names: [String]) -> String {
    guard names.indices.contains(index), !names[index].isEmpty else { return "class \(index)" }
    return names[index]
  }

  /// The reference's answers as rows, the candidate's as columns.
  private static func matrix(_ answers: AnswerComparison, classNames: [String]) -> Markup {
    let count = answers.classCount
    let cell = count <= 4 ? 56.0 : count <= 10 ? 44.0 : 34.0
    let names = (0..<count).map { PlainText.cut(name(of: $0, classNames), to: 20) }
    let longest = Double(names.map(\.count).max() ?? 0)
    let labelWidth = longest * 7 + 14
    let top = longest * 5 + 20
    let side = Double(count) * cell
    let largest = Double(max(1, answers.confusion.map(\.count).max() ?? 1))
    var cells = Markup.none
    for pair in answers.confusion
    where pair.count > 0 && (0..<count).contains(pair.reference)
      && (0..<count).contains(pair.candidate)
    {
      let x = labelWidth + Double(pair.candidate) * cell
      let y = top + Double(pair.reference) * cell
      let kind = pair.reference == pair.candidate ? "same" : "other"
      let strength = 0.14 + 0.41 * Double(min(max(pair.count, 0), 1 << 40)) / largest
      let words =
        "reference \(PlainText.shortened(name(of: pair.reference, classNames), to: 60)), candidate "
        + "\(PlainText.shortened(name(of: pair.candidate, classNames), to: 60)): \(PlainText.count(pair.count, "frame"))"
      cells += """
        <g><rect class="\(kind)" x="\(at: x + 1)" y="\(at: y + 1)" width="\(at: cell - 2)" \
        height="\(at: cell - 2)" fill-opacity="\(at: strength)"/>\
        <text x="\(at: x + cell / 2)" y="\(at: y + cell / 2 + 4)" text-anchor="middle">\
        \(pair.count)</text><title>\(words)</title></g>

        """
    }
    var labels = Markup.none
    for (index, label) in names.enumerated() {
      let middle = (Double(index) + 0.5) * cell
      labels += """
        <text x="\(at: labelWidth - 8)" y="\(at: top + middle + 4)" text-anchor="end">\(label)</text>\
        <text transform="translate(\(at: labelWidth + middle + 4) \(at: top - 8)) rotate(-45)">\(label)</text>

        """
    }
    let width = labelWidth + side + top
    return """
      <div class="scroll"><svg class="chart matrix" viewBox="0 0 \(at: width) \(at: top + side + 4)" \
      width="\(at: width)" height="\(at: top + side + 4)" role="img" \
      aria-label="Confusion matrix of first answers: rows are the reference’s, columns the candidate’s">
      <rect class="frame" x="\(at: labelWidth)" y="\(at: top)" width="\(at: side)" height="\(at: side)"/>
      \(cells)\(labels)</svg></div>
      <p class="quiet">Rows: reference. Columns: candidate. The diagonal is agreement.</p>

      """
  }

  private static func disagreements(_ answers: AnswerComparison, classNames: [String]) -> Markup {
    let different = answers.confusion.filter { $0.reference != $0.candidate && $0.count > 0 }
    guard !different.isEmpty else {
      return "<p class=\"quiet\">No frame is answered differently.</p>\n"
    }
    let shown = different.prefix(12)
    let largest = Double(max(1, shown.map(\.count).max() ?? 1))
    let rows = shown.map { pair -> Markup in
      """
      <tr><td>\(PlainText.shortened(name(of: pair.reference, classNames), to: 60))</td>\
      <td>\(PlainText.shortened(name(of: pair.candidate, classNames), to: 60))</td>\
      <td class="n">\(pair.count)</td><td class="spark"><svg viewBox="0 0 100 8" width="100" height="8" \
      aria-hidden="true"><rect class="other" width="\(at: Double(pair.count) / largest * 100)" height="8"/></svg>\
      </td></tr>

      """
    }
    let rest = different.count - shown.count
    let more: Markup =
      rest > 0 ? "<p class=\"quiet\">And \(rest) more kinds of disagreement.</p>\n" : .none
    return """
      <div class="scroll"><table class="disagreements">
      <thead><tr><th scope="col">Reference answers</th><th scope="col">Candidate answers</th>\
      <th scope="col" class="n">Frames</th><td></td></tr></thead>
      <tbody>
      \(rows.joined())</tbody>
      </table></div>
      \(more)
      """
  }
}
