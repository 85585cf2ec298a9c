/// The names that a trace's records have; `Documentation/trace-format.md` is their specification.
enum TraceLayout {
  static let profile = "exray"
  static let library = "exray 0.1.0"
  static let formatVersion = 1
  static let runMetadata = "exray.run"
  static let tensorEncoding = "exray.tensor"
  static let rawEncoding = "exray.raw"
  /// The longest JSON message that is written or read.
  static let jsonByteLimit = 16 << 20
  /// The most values inside one another in a JSON message that is read.
  static let jsonDepthLimit = 32
  /// Records of a frame from which on its tensors get a chunk apart from its JSON messages.
  static let separateChunkByteCount = 64 << 10

  /// The channels that each trace has beside its tensors, in the order of their declaration.
  enum Stream: String, CaseIterable {
    case frames, raw, latency, memory, spans, ops

    var topic: String { "/\(rawValue)" }
    var encoding: String { self == .raw ? TraceLayout.rawEncoding : "json" }

    /// The JSON schema of the payload, with its name.
    var schema: (name: String, text: String)? {
      switch self {
      case .raw: nil
      case .frames:
        (
          "exray.Frame",
          object(
            """
            "index":{"type":"integer"},"name":{"type":"string"},"label":{"type":"string"},\
            "timeNanoseconds":{"type":"integer"},"raw":{"type":"object","properties":{\
            "mediaType":{"type":"string"},"name":{"type":"string"}}}
            """)
        )
      case .latency:
        (
          "exray.Latency",
          object(
            """
            "preprocessNanoseconds":{"type":"integer"},"inferenceNanoseconds":{"type":"integer"},\
            "endToEndNanoseconds":{"type":"integer"}
            """)
        )
      case .memory:
        (
          "exray.Memory",
          object(#""residentBytes":{"type":"integer"},"peakBytes":{"type":"integer"}"#)
        )
      case .spans:
        (
          "exray.Spans",
          array(
            """
            "name":{"type":"string"},"startNanoseconds":{"type":"integer"},\
            "durationNanoseconds":{"type":"integer"}
            """)
        )
      case .ops:
        (
          "exray.OpTimings",
          array(
            """
            "label":{"type":"string"},"opIndex":{"type":"integer"},\
            "microseconds":{"type":"integer"}
            """)
        )
      }
    }

    private func object(_ properties: String) -> String {
      #"{"type":"object","properties":{\#(properties)}}"#
    }

    private func array(_ properties: String) -> String {
      #"{"type":"array","items":\#(object(properties))}"#
    }
  }
}
