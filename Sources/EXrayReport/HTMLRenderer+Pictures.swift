import EXrayValidation

extension HTMLRenderer {
  /// What each side's model saw, side by side, worst frame first.
  static func inputPictures(_ pictures: ReportPictures) -> Markup {
    section(
      pictures.inputs, id: "inputs", title: "What the models saw",
      lead: "Model inputs turned back into pictures, the frames that differ most first.",
      alternative: "model input")
  }

  /// Outputs that are pictures themselves, side by side.
  static func outputPictures(_ pictures: ReportPictures) -> Markup {
    section(
      pictures.outputs, id: "outputs", title: "What the models answered",
      lead: "Output maps of the same frames.", alternative: "output map")
  }

  private static func section(
    _ frames: [ReportPictures.Frame], id: String, title: String, lead: String, alternative: String
  ) -> Markup {
    guard !frames.isEmpty else { return .none }
    let figures = frames.map { frame -> Markup in
      let name = PlainText.shortened(frame.name, to: 80)
      let candidate = picture(frame.candidatePNG, "candidate", "\(alternative), \(name)")
      let reference = picture(frame.referencePNG, "reference", "\(alternative), \(name)")
      return """
        <figure>
        <div class="pair">\(candidate)\(reference)</div>
        <figcaption><b>\(name)</b> \(Markup.prose(PlainText.cut(frame.caption, to: 400)))</figcaption>
        </figure>

        """
    }
    return """
      <section aria-labelledby="\(id)">
      <h2 id="\(id)">\(title)</h2>
      <p class="lead">\(lead)</p>
      <div class="pictures">
      \(figures.joined())</div>
      </section>

      """
  }

  private static func picture(_ png: [UInt8], _ side: String, _ description: String) -> Markup {
    let size = pixelSize(png)
    let picture: Markup
    if let size {
      let mark: Markup = max(size.width, size.height) < 128 ? " class=\"small\"" : ""
      picture = """
        <img\(mark) src="data:image/png;base64,\(Markup(trusted: Base64.text(png)))" \
        width="\(size.width)" height="\(size.height)" alt="\(side) \(description)">
        """
    } else {
      picture = "<span class=\"missing\">no picture</span>"
    }
    return "<div><span class=\"key \(side)\">\(side)</span>\(picture)</div>"
  }

  /// The size in a PNG's header, or nil where the bytes are no PNG.
  private static func pixelSize(_ png: [UInt8]) -> (width: Int, height: Int)? {
    let signature: [UInt8] = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]
    guard png.count > 24, Array(png.prefix(8)) == signature else { return nil }
    func number(at offset: Int) -> Int {
      png[offset..<offset + 4].reduce(0) { $0 << 8 | Int($1) }
    }
    let size = (width: number(at: 16), height: number(at: 20))
    return size.width > 0 && size.height > 0 ? size : nil
  }
}
