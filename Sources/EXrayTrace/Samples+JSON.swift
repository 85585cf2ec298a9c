import EXrayJSON

// The JSON of each sample: members in a fixed order, so that equal samples give equal bytes.

extension FrameDescription {
  /// - Parameter raw: The media type and the name of the frame's raw input, where it has one.
  func json(raw: (mediaType: String, name: String)?) -> String {
    let known = label.map { #","label":\#(quoted($0))"# } ?? ""
    let input =
      raw.map {
        #","raw":{"mediaType":\#(quoted($0.mediaType)),"name":\#(quoted($0.name))}"#
      } ?? ""
    return #"{"index":\#(index),"name":\#(quoted(name))\#(known)"#
      + #","timeNanoseconds":\#(timeNanoseconds)\#(input)}"#
  }

  init(json: JSONTree) throws(Fault) {
    self.init(
      index: try json.integer("index"), name: try json.text("name"),
      label: try json.optionalText("label"),
      timeNanoseconds: try json.integer("timeNanoseconds"))
  }
}

extension LatencySample {
  var json: String {
    #"{"preprocessNanoseconds":\#(preprocessNanoseconds)"#
      + #","inferenceNanoseconds":\#(inferenceNanoseconds)"#
      + #","endToEndNanoseconds":\#(endToEndNanoseconds)}"#
  }

  init(json: JSONTree) throws(Fault) {
    self.init(
      preprocessNanoseconds: try json.integer("preprocessNanoseconds"),
      inferenceNanoseconds: try json.integer("inferenceNanoseconds"),
      endToEndNanoseconds: try json.integer("endToEndNanoseconds"))
  }
}

extension MemorySample {
  var json: String { #"{"residentBytes":\#(residentBytes),"peakBytes":\#(peakBytes)}"# }

  init(json: JSONTree) throws(Fault) {
    self.init(
      residentBytes: try json.integer("residentBytes"), peakBytes: try json.integer("peakBytes"))
  }
}

extension SpanSample {
  var json: String {
    #"{"name":\#(quoted(name)),"startNanoseconds":\#(startNanoseconds)"#
      + #","durationNanoseconds":\#(durationNanoseconds)}"#
  }

  init(json: JSONTree) throws(Fault) {
    self.init(
      name: try json.text("name"), startNanoseconds: try json.integer("startNanoseconds"),
      durationNanoseconds: try json.integer("durationNanoseconds"))
  }
}

extension OpTimingSample {
  var json: String {
    let index = opIndex.map { #","opIndex":\#($0)"# } ?? ""
    return #"{"label":\#(quoted(label))\#(index),"microseconds":\#(microseconds)}"#
  }

  init(json: JSONTree) throws(Fault) {
    var opIndex: Int?
    if json["opIndex"] != nil { opIndex = try json.integer("opIndex") as Int }
    self.init(
      label: try json.text("label"), opIndex: opIndex,
      microseconds: try json.integer("microseconds"))
  }
}

/// A text in quotes; control characters are escaped by their numbers only.
private func quoted(_ text: String) -> String { JSONTree.quoted(text, escapes: .numeric) }
