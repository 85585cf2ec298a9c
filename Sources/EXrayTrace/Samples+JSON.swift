import EXrayJSON

// The JSON of each sample: members in a fixed order, so that equal samples give equal bytes.

extension FrameDescription {
  /// - Parameter raw: The frame's raw input, where it has one.
  func appendJSON(to json: inout [UInt8], raw: RawDescription?) {
    json.append(#"{"index":"#)
    json.append(digits: UInt64(clamping: index))
    json.append(#","name":"#)
    json.append(quoted: name)
    if let label {
      json.append(#","label":"#)
      json.append(quoted: label)
    }
    json.append(#","timeNanoseconds":"#)
    json.append(digits: timeNanoseconds)
    if let raw {
      json.append(#","raw":"#)
      raw.appendJSON(to: &json)
    }
    json.append("}")
  }

  init(json: JSONTree) throws(Fault) {
    self.init(
      index: try json.integer("index"), name: try json.text("name"),
      label: try json.optionalText("label"),
      timeNanoseconds: try json.integer("timeNanoseconds"))
  }
}

extension RawDescription {
  func appendJSON(to json: inout [UInt8]) {
    json.append(#"{"mediaType":"#)
    json.append(quoted: mediaType)
    json.append(#","name":"#)
    json.append(quoted: name)
    if let sha256 {
      json.append(#","sha256":"#)
      json.append(quoted: sha256)
    }
    if let byteCount {
      json.append(#","byteCount":"#)
      json.append(digits: byteCount)
    }
    json.append("}")
  }

  init(json: JSONTree) throws(Fault) {
    self.init(
      mediaType: try json.text("mediaType"), name: try json.text("name"),
      sha256: try json.optionalText("sha256"), byteCount: try json.optionalInteger("byteCount"))
  }
}

extension LatencySample {
  func appendJSON(to json: inout [UInt8]) {
    json.append(#"{"preprocessNanoseconds":"#)
    json.append(digits: preprocessNanoseconds)
    json.append(#","inferenceNanoseconds":"#)
    json.append(digits: inferenceNanoseconds)
    json.append(#","endToEndNanoseconds":"#)
    json.append(digits: endToEndNanoseconds)
    json.append("}")
  }

  init(json: JSONTree) throws(Fault) {
    self.init(
      preprocessNanoseconds: try json.integer("preprocessNanoseconds"),
      inferenceNanoseconds: try json.integer("inferenceNanoseconds"),
      endToEndNanoseconds: try json.integer("endToEndNanoseconds"))
  }
}

extension MemorySample {
  func appendJSON(to json: inout [UInt8]) {
    json.append(#"{"residentBytes":"#)
    json.append(digits: residentBytes)
    json.append(#","peakBytes":"#)
    json.append(digits: peakBytes)
    json.append("}")
  }

  init(json: JSONTree) throws(Fault) {
    self.init(
      residentBytes: try json.integer("residentBytes"), peakBytes: try json.integer("peakBytes"))
  }
}

extension SpanSample {
  func appendJSON(to json: inout [UInt8]) {
    json.append(#"{"name":"#)
    json.append(quoted: name)
    json.append(#","startNanoseconds":"#)
    json.append(digits: startNanoseconds)
    json.append(#","durationNanoseconds":"#)
    json.append(digits: durationNanoseconds)
    json.append("}")
  }

  init(json: JSONTree) throws(Fault) {
    self.init(
      name: try json.text("name"), startNanoseconds: try json.integer("startNanoseconds"),
      durationNanoseconds: try json.integer("durationNanoseconds"))
  }
}

extension OpTimingSample {
  func appendJSON(to json: inout [UInt8]) {
    json.append(#"{"label":"#)
    json.append(quoted: label)
    if let opIndex {
      json.append(#","opIndex":"#)
      json.append(contentsOf: String(opIndex).utf8)
    }
    json.append(#","microseconds":"#)
    json.append(contentsOf: String(microseconds).utf8)
    json.append("}")
  }

  init(json: JSONTree) throws(Fault) {
    self.init(
      label: try json.text("label"), opIndex: try json.optionalInteger("opIndex"),
      microseconds: try json.integer("microseconds"))
  }
}
