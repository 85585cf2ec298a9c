import EXrayReport
import EXrayTestKit
import EXrayValidation
import Foundation
import Testing

@Suite("HTML report")
struct HTMLRendererTests {
  private static let voidElements: Set<String> = ["meta", "img", "br", "hr", "input", "link"]

  /// Checks that tags nest, and returns the names of all elements.
  private func elements(_ page: String) throws -> [String] {
    var open: [String] = []
    var names: [String] = []
    let body = page.replacing(/<(style|script)>[\s\S]*?<\/(style|script)>/, with: "")
    for match in body.matches(of: /<(\/?)([a-z][a-z0-9]*)((?:[^<>"]|"[^"]*")*?)(\/?)>/) {
      let name = String(match.2)
      if match.1 == "/" {
        let last = open.popLast()
        try #require(last == name, "</\(name)> closes <\(last ?? "nothing")>")
      } else {
        names.append(name)
        if match.4.isEmpty, !Self.voidElements.contains(name) { open.append(name) }
      }
    }
    #expect(open.isEmpty)
    return names
  }

  @Test("Elements nest, identifiers are unique and referred to", arguments: SampleReports.names)
  func structure(name: String) throws {
    let page = HTMLRenderer.render(
      SampleReports.report(name), pictures: SamplePictures.pictures(frames: 2, side: 24, maps: true)
    )
    let names = try elements(page)
    #expect(names.count { $0 == "h1" } == 1)
    #expect(names.contains("main"))
    let identifiers = page.matches(of: /\ id="([^"]+)"/).map { String($0.1) }
    #expect(Set(identifiers).count == identifiers.count)
    for reference in page.matches(of: /aria-labelledby="([^"]+)"/) {
      #expect(identifiers.contains(String(reference.1)))
    }
    // Every picture and every drawing says in words what it shows, or is marked as ornament.
    for image in page.matches(of: /<img[^>]*>/) { #expect(image.0.contains(" alt=\"")) }
    for drawing in page.matches(of: /<svg[^>]*>/) {
      #expect(drawing.0.contains("aria-label=") || drawing.0.contains("aria-hidden=\"true\""))
    }
  }

  @Test(
    "Every angle bracket and quote of the page is markup of its own", arguments: SampleReports.names
  )
  func escaping(name: String) throws {
    let page = HTMLRenderer.render(SampleReports.report(name))
    let body = page.replacing(/<(style|script)>[\s\S]*?<\/(style|script)>/, with: "")
    let rest = body.replacing(/<!doctype html>/, with: "")
      .replacing(/<\/?[a-z][a-z0-9]*(?: [a-z:A-Z0-9-]+(?:="[^"<>]*")?)* ?\/?>/, with: "")
    #expect(!rest.contains("<") && !rest.contains(">") && !rest.contains("\""))
    #expect(page.matches(of: /<script/).count == 1)
    #expect(!page.contains("\u{1b}") && !page.contains("\u{0}") && !page.contains("\u{202e}"))
  }

  @Test("The page asks the network for nothing and forbids it", arguments: SampleReports.names)
  func selfContained(name: String) {
    let page = HTMLRenderer.render(
      SampleReports.report(name), pictures: SamplePictures.pictures(frames: 1, side: 24))
    // Base64 may hold two slashes by chance: the digests of the policy, and the pictures.
    let text = page.replacing(/(?:sha256-|base64,)[A-Za-z0-9+\/=]+/, with: "")
    #expect(!text.contains("http:") && !text.contains("https:") && !text.contains("//"))
    #expect(!page.contains("url(") && !page.contains("@import") && !page.contains(" style=\""))
    #expect(page.contains("content=\"default-src &#39;none&#39;; img-src data:;"))
    #expect(!page.contains("unsafe-inline"))
    for source in page.matches(of: /\ (?:src|href)="([^"]{0,22})/) {
      #expect(source.1 == "data:image/png;base64," || source.1.hasPrefix("#"))
    }
  }

  @Test("The policy's hashes are those of the style and the script")
  func policy() throws {
    let page = HTMLRenderer.render(SampleReports.healthy)
    for element in ["style", "script"] {
      let opening = try #require(page.range(of: "<\(element)>"))
      let closing = try #require(page.range(of: "</\(element)>"))
      let text = page[opening.upperBound..<closing.lowerBound]
      let digest = hash(Array(text.utf8))
      #expect(page.contains("\(element)-src &#39;sha256-\(digest)&#39;"))
    }
  }

  @Test("Sizes stay in bounds: 150 layers without pictures fit in 400 kB, a small report in 32 kB")
  func sizes() {
    #expect(HTMLRenderer.render(SampleReports.long).utf8.count < 400_000)
    #expect(HTMLRenderer.render(SampleReports.tiny).utf8.count < 32_000)
    var report = SampleReports.failing
    for index in report.layers.indices {
      report.layers[index].candidate?.tensor = String(repeating: "n", count: 200_000)
    }
    #expect(HTMLRenderer.render(report).utf8.count < 400_000)
  }

  @Test("Every layer has its bar and its row, failing ones marked")
  func layers() throws {
    let report = SampleReports.failing
    let page = HTMLRenderer.render(report)
    let chart = try #require(page.firstMatch(of: /<svg class="chart drift"[\s\S]*?<\/svg>/)).0
    #expect(chart.matches(of: /<rect class="bar"/).count == 57)
    #expect(chart.matches(of: /<rect class="gap"/).count == 3)
    #expect(chart.matches(of: /<g class="fail">/).count == 36)
    #expect(chart.contains("first failing: 22 CONV_2D"))
    let rows = page.matches(of: /<tr class="(?:pass|fail|gap)"(?: id="row-[0-9]+")?>/).count
    #expect(rows == report.inputs.count + report.layers.count + report.outputs.count)
  }

  @Test("Few classes give a matrix, many a list of disagreements with class names")
  func confusion() {
    let pictures = SamplePictures.pictures(frames: 0)
    let few = HTMLRenderer.render(SampleReports.healthy, pictures: pictures)
    #expect(few.contains("class=\"chart matrix\""))
    let many = HTMLRenderer.render(SampleReports.failing, pictures: pictures)
    #expect(!many.contains("class=\"chart matrix\""))
    #expect(many.contains("<td>class name 207</td><td>class name 208</td><td class=\"n\">4</td>"))
  }

  @Test("Pictures are inside the page as they were given; bytes that are no PNG are left out")
  func pictures() throws {
    var pictures = SamplePictures.pictures(frames: 1, side: 24)
    let png = pictures.inputs[0].candidatePNG
    let page = HTMLRenderer.render(SampleReports.tiny, pictures: pictures)
    #expect(page.contains("base64,\(Data(png).base64EncodedString())\" width=\"24\" height=\"24\""))
    pictures.inputs[0].candidatePNG = Array("<svg onload=alert(1)>".utf8)
    let other = HTMLRenderer.render(SampleReports.tiny, pictures: pictures)
    #expect(other.contains("no picture"))
    #expect(other.matches(of: /<img/).count == 1)
  }

  @Test("Base 64 of every remainder equals Foundation's", arguments: 25..<31)
  func base64(count: Int) {
    var png = SamplePictures.png(side: 4, seed: 0, swapped: false)
    png = Array(png.prefix(count))
    var pictures = SamplePictures.pictures(frames: 1, side: 4)
    pictures.inputs[0].candidatePNG = png
    let page = HTMLRenderer.render(SampleReports.tiny, pictures: pictures)
    #expect(page.contains("base64,\(Data(png).base64EncodedString())\""))
  }
}
