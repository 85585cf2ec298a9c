/// The names that a trace's records have; `Documentation/trace-format.md` is their specification.
enum TraceLayout {
  static let profile = "exray"
  static let library = "exray 0.1.0"
  static let formatVersion = 1
  static let runMetadata = "exray.run"
  static let tensorEncoding = "exray.tensor"
  static let sketchEncoding = "exray.sketch"
  /// The sequence of messages that belong to no frame.
  static let noFrame = UInt32.max
  /// The longest JSON message, and the longest list of boxes, that is written or read.
  static let jsonByteLimit = 16 << 20
  /// The most values inside one another in a JSON message that is read.
  static let jsonDepthLimit = 32
  /// Bytes of records from which on tensors get a chunk apart from the small messages, and of small messages
  /// that wait for one.
  static let separateChunkByteCount = 64 << 10
}

extension TraceLayout {
  /// The channels that a trace has beside its tensors' as soon as something is written to them.
  enum Stream: Int, CaseIterable {
    case frames, raw, picture, latency, memory, processor, spans, ops
    case image, boxes, scalars, findings, gaps, overhead
    case orientation, accelerometer, gyroscope, light, temperature

    init(_ sensor: SensorKind) {
      self =
        switch sensor {
        case .orientation: .orientation
        case .accelerometer: .accelerometer
        case .gyroscope: .gyroscope
        case .light: .light
        case .temperature: .temperature
        }
    }

    /// The sensor whose readings the channel holds.
    var sensor: SensorKind? {
      switch self {
      case .orientation: .orientation
      case .accelerometer: .accelerometer
      case .gyroscope: .gyroscope
      case .light: .light
      case .temperature: .temperature
      default: nil
      }
    }

    var topic: String { Self.topics[rawValue] }

    /// By raw value; made once, because readers ask for it with every message.
    private static let topics = allCases.map { stream in
      if let sensor = stream.sensor { return "/sensors/\(sensor.rawValue)" }
      return stream == .picture ? "/raw" : "/\(stream)"
    }

    var encoding: String {
      if self == .raw { return "exray.raw" }
      return message == nil ? "json" : "protobuf"
    }

    var metadata: [String: String] {
      guard let unit = sensor?.unit, !unit.isEmpty else { return [:] }
      return ["unit": unit]
    }

    /// Whether a frame has at most one message.
    var isOncePerFrame: Bool {
      switch self {
      case .frames, .raw, .picture, .latency, .memory, .processor, .spans, .ops: true
      default: false
      }
    }

    /// The type of the payload, where it is of Foxglove's.
    var message: ProtobufMessage? {
      switch self {
      case .picture: .compressedImage
      case .image: .rawImage
      case .boxes: .imageAnnotations
      default: nil
      }
    }

    /// The schema of the payload, with its name.
    var schema: (name: String, encoding: String, data: [UInt8])? {
      if let message { return (message.fullName, "protobuf", message.fileDescriptorSet) }
      return jsonSchema.map { ($0.name, "jsonschema", Array($0.text.utf8)) }
    }

    private var jsonSchema: (name: String, text: String)? {
      switch self {
      case .raw, .picture, .image, .boxes: nil
      case .frames:
        (
          "exray.Frame",
          object(
            """
            "index":{"type":"integer"},"name":{"type":"string"},"label":{"type":"string"},\
            "timeNanoseconds":{"type":"integer"},"raw":{"type":"object","properties":{\
            "mediaType":{"type":"string"},"name":{"type":"string"},"sha256":{"type":"string"},\
            "byteCount":{"type":"integer"}}}
            """)
        )
      case .latency:
        (
          "exray.Latency",
          object(
            integers("preprocessNanoseconds", "inferenceNanoseconds", "endToEndNanoseconds"))
        )
      case .memory: ("exray.Memory", object(integers("residentBytes", "peakBytes")))
      case .processor: ("exray.Processor", object(integers("processorNanoseconds")))
      case .spans:
        (
          "exray.Spans",
          array(texts("name") + "," + integers("startNanoseconds", "durationNanoseconds"))
        )
      case .ops:
        ("exray.OpTimings", array(texts("label") + "," + integers("opIndex", "microseconds")))
      case .scalars: ("exray.Scalar", object(texts("name") + "," + numbers("value")))
      case .findings: ("exray.Finding", object(texts("check", "outcome", "message", "tensor")))
      case .gaps:
        (
          "exray.Gap",
          object(
            texts("reason") + "," + integers("eventCount", "byteCount", "firstFrame", "lastFrame"))
        )
      case .overhead:
        (
          "exray.Overhead",
          object(
            integers(
              "frames", "events", "bytes", "droppedEvents", "droppedBytes", "appNanoseconds",
              "writerNanoseconds", "peakRingBytes", "fileBytes"))
        )
      case .orientation: ("exray.Orientation", object(numbers("x", "y", "z", "w")))
      case .accelerometer: ("exray.Accelerometer", object(numbers("x", "y", "z")))
      case .gyroscope: ("exray.Gyroscope", object(numbers("x", "y", "z")))
      case .light: ("exray.Light", object(numbers("lux")))
      case .temperature: ("exray.Temperature", object(numbers("celsius")))
      }
    }

    private func integers(_ names: String...) -> String { members(names, "integer") }

    private func numbers(_ names: String...) -> String { members(names, "number") }

    private func texts(_ names: String...) -> String { members(names, "string") }

    private func members(_ names: [String], _ type: String) -> String {
      names.map { #""\#($0)":{"type":"\#(type)"}"# }.joined(separator: ",")
    }

    private func object(_ properties: String) -> String {
      #"{"type":"object","properties":{\#(properties)}}"#
    }

    private func array(_ properties: String) -> String {
      #"{"type":"array","items":\#(object(properties))}"#
    }
  }
}
