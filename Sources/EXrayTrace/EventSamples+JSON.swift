import EXrayJSON

extension ScalarSample {
  func appendJSON(to json: inout [UInt8]) {
    json.append(#"{"name":"#)
    json.append(quoted: name)
    json.append(#","value":"#)
    json.append(number: value)
    json.append("}")
  }

  init(json: JSONTree) throws(Fault) {
    self.init(name: try json.text("name"), value: try json.number("value"))
  }
}

extension SensorReading {
  func appendJSON(to json: inout [UInt8]) {
    switch self {
    case .orientation(let x, let y, let z, let w):
      Self.append(x, y, z, to: &json)
      json.append(#","w":"#)
      json.append(number: w)
    case .accelerometer(let x, let y, let z), .gyroscope(let x, let y, let z):
      Self.append(x, y, z, to: &json)
    case .light(let lux):
      json.append(#"{"lux":"#)
      json.append(number: lux)
    case .temperature(let celsius):
      json.append(#"{"celsius":"#)
      json.append(number: celsius)
    }
    json.append("}")
  }

  private static func append(_ x: Double, _ y: Double, _ z: Double, to json: inout [UInt8]) {
    json.append(#"{"x":"#)
    json.append(number: x)
    json.append(#","y":"#)
    json.append(number: y)
    json.append(#","z":"#)
    json.append(number: z)
  }

  init(kind: SensorKind, json: JSONTree) throws(Fault) {
    var components: [Double] = []
    for name in kind.componentNames { components.append(try json.number(name)) }
    guard let reading = SensorReading(kind: kind.rawValue, components: components) else {
      throw Fault("is of an unknown kind of sensor")
    }
    self = reading
  }
}

extension FindingSample {
  func appendJSON(to json: inout [UInt8]) {
    json.append(#"{"check":"#)
    json.append(quoted: check)
    json.append(#","outcome":"#)
    json.append(quoted: outcome.rawValue)
    json.append(#","message":"#)
    json.append(quoted: message)
    if let tensor {
      json.append(#","tensor":"#)
      json.append(quoted: tensor)
    }
    json.append("}")
  }

  init(json: JSONTree) throws(Fault) {
    let word = try json.text("outcome")
    guard let outcome = Outcome(rawValue: word) else {
      throw Fault("has the outcome \(word.prefix(40)), neither fail nor inconclusive")
    }
    self.init(
      check: try json.text("check"), outcome: outcome, message: try json.text("message"),
      tensor: try json.optionalText("tensor"))
  }
}

extension GapSample {
  func appendJSON(to json: inout [UInt8]) {
    json.append(#"{"reason":"#)
    json.append(quoted: reason)
    json.append(#","eventCount":"#)
    json.append(digits: eventCount)
    json.append(#","byteCount":"#)
    json.append(digits: byteCount)
    if let firstFrame {
      json.append(#","firstFrame":"#)
      json.append(digits: UInt64(firstFrame))
    }
    if let lastFrame {
      json.append(#","lastFrame":"#)
      json.append(digits: UInt64(lastFrame))
    }
    json.append("}")
  }

  init(json: JSONTree) throws(Fault) {
    self.init(
      reason: try json.text("reason"), eventCount: try json.integer("eventCount"),
      byteCount: try json.integer("byteCount"), firstFrame: try json.optionalInteger("firstFrame"),
      lastFrame: try json.optionalInteger("lastFrame"))
  }
}

extension OverheadSample {
  /// The members in their order.
  private static var members: [(key: StaticString, value: WritableKeyPath<Self, UInt64>)] {
    [
      ("frames", \.frames), ("events", \.events), ("bytes", \.bytes),
      ("droppedEvents", \.droppedEvents), ("droppedBytes", \.droppedBytes),
      ("appNanoseconds", \.appNanoseconds), ("writerNanoseconds", \.writerNanoseconds),
      ("peakRingBytes", \.peakRingBytes), ("fileBytes", \.fileBytes),
    ]
  }

  func appendJSON(to json: inout [UInt8]) {
    for (position, member) in Self.members.enumerated() {
      json.append(position == 0 ? #"{""# : #",""#)
      json.append(member.key)
      json.append(#"":"#)
      json.append(digits: self[keyPath: member.value])
    }
    json.append("}")
  }

  init(json: JSONTree) throws(Fault) {
    self.init()
    for member in Self.members {
      self[keyPath: member.value] = try json.integer(member.key.description)
    }
  }
}

/// Processor time has a message of its own.
enum ProcessorSample {
  static func appendJSON(_ nanoseconds: UInt64, to json: inout [UInt8]) {
    json.append(#"{"processorNanoseconds":"#)
    json.append(digits: nanoseconds)
    json.append("}")
  }

  static func nanoseconds(json: JSONTree) throws(Fault) -> UInt64 {
    try json.integer("processorNanoseconds")
  }
}
