// The schemas of Foxglove's that traces use, with the numbers and types of its own definitions.
// Source: Foxglove SDK, schemas/proto/foxglove.

/// A message type of protocol buffers, in a file of its own.
struct ProtobufMessage {
  /// The type of a field; raw values are those of `FieldDescriptorProto.Type`.
  enum Kind: UInt64 {
    case double = 1
    case int64 = 3
    case int32 = 5
    case fixed32 = 7
    case text = 9
    case message = 11
    case bytes = 12
    case choice = 14
  }

  struct Field {
    var name: String
    var number: UInt64
    var kind: Kind
    /// The full name of a message's or a choice's type.
    var type: String?
    var isRepeated = false

    init(_ name: String, _ number: UInt64, _ kind: Kind) {
      self.name = name
      self.number = number
      self.kind = kind
    }

    init(_ name: String, _ number: UInt64, _ type: ProtobufMessage, isRepeated: Bool = false) {
      self.init(name, number, .message)
      self.type = type.fullName
      self.isRepeated = isRepeated
    }

    init(_ name: String, _ number: UInt64, choice: String) {
      self.init(name, number, .choice)
      type = choice
    }
  }

  var package = "foxglove"
  var name: String
  /// The path by which other files import the definition; nil where it follows from the name.
  var ownPath: String?
  var imports: [ProtobufMessage] = []
  var fields: [Field]
  /// A type of choices inside the message: the names of the values from 0.
  var choices: (name: String, values: [String])?

  var fullName: String { "\(package).\(name)" }
  var path: String { ownPath ?? "\(package)/\(name).proto" }

  /// The definition with all that it imports, as a `FileDescriptorSet`.
  var fileDescriptorSet: [UInt8] {
    var done: Set<String> = []
    var bytes: [UInt8] = []
    append(to: &bytes, &done)
    return bytes
  }

  private func append(to bytes: inout [UInt8], _ done: inout Set<String>) {
    guard done.insert(path).inserted else { return }
    for each in imports { each.append(to: &bytes, &done) }
    bytes.append(field: 1) { file in
      file.append(field: 1, text: path)
      file.append(field: 2, text: package)
      for each in imports { file.append(field: 3, text: each.path) }
      file.append(field: 4) { appendDescriptor(to: &$0) }
      file.append(field: 12, text: "proto3")
    }
  }

  private func appendDescriptor(to bytes: inout [UInt8]) {
    bytes.append(field: 1, text: name)
    for field in fields {
      bytes.append(field: 2) {
        $0.append(field: 1, text: field.name)
        $0.append(field: 3, varint: field.number)
        $0.append(field: 4, varint: field.isRepeated ? 3 : 1)
        $0.append(field: 5, varint: field.kind.rawValue)
        if let type = field.type { $0.append(field: 6, text: "." + type) }
      }
    }
    guard let choices else { return }
    bytes.append(field: 4) { choice in
      choice.append(field: 1, text: choices.name)
      for (number, name) in choices.values.enumerated() {
        choice.append(field: 2) {
          $0.append(field: 1, text: name)
          $0.append(field: 2, varint: UInt64(number))
        }
      }
    }
  }
}

extension ProtobufMessage {
  static let timestamp = ProtobufMessage(
    package: "google.protobuf", name: "Timestamp", ownPath: "google/protobuf/timestamp.proto",
    fields: [Field("seconds", 1, .int64), Field("nanos", 2, .int32)])

  static let compressedImage = ProtobufMessage(
    name: "CompressedImage", imports: [timestamp],
    fields: [
      Field("timestamp", 1, timestamp), Field("frame_id", 4, .text), Field("data", 2, .bytes),
      Field("format", 3, .text),
    ])

  static let rawImage = ProtobufMessage(
    name: "RawImage", imports: [timestamp],
    fields: [
      Field("timestamp", 1, timestamp), Field("frame_id", 7, .text), Field("width", 2, .fixed32),
      Field("height", 3, .fixed32), Field("encoding", 4, .text), Field("step", 5, .fixed32),
      Field("data", 6, .bytes),
    ])

  static let imageAnnotations = ProtobufMessage(
    name: "ImageAnnotations",
    imports: [circleAnnotation, keyValuePair, pointsAnnotation, textAnnotation, timestamp],
    fields: [
      Field("timestamp", 5, timestamp), Field("circles", 1, circleAnnotation, isRepeated: true),
      Field("points", 2, pointsAnnotation, isRepeated: true),
      Field("texts", 3, textAnnotation, isRepeated: true),
      Field("metadata", 4, keyValuePair, isRepeated: true),
    ])

  private static let circleAnnotation = ProtobufMessage(
    name: "CircleAnnotation", imports: [color, keyValuePair, point2, timestamp],
    fields: [
      Field("timestamp", 1, timestamp), Field("position", 2, point2),
      Field("diameter", 3, .double), Field("thickness", 4, .double),
      Field("fill_color", 5, color), Field("outline_color", 6, color),
      Field("metadata", 7, keyValuePair, isRepeated: true),
    ])

  private static let pointsAnnotation = ProtobufMessage(
    name: "PointsAnnotation", imports: [color, keyValuePair, point2, timestamp],
    fields: [
      Field("timestamp", 1, timestamp), Field("type", 2, choice: "foxglove.PointsAnnotation.Type"),
      Field("points", 3, point2, isRepeated: true), Field("outline_color", 4, color),
      Field("outline_colors", 5, color, isRepeated: true), Field("fill_color", 6, color),
      Field("thickness", 7, .double), Field("metadata", 8, keyValuePair, isRepeated: true),
    ], choices: ("Type", ["UNKNOWN", "POINTS", "LINE_LOOP", "LINE_STRIP", "LINE_LIST"]))

  private static let textAnnotation = ProtobufMessage(
    name: "TextAnnotation", imports: [color, keyValuePair, point2, timestamp],
    fields: [
      Field("timestamp", 1, timestamp), Field("position", 2, point2), Field("text", 3, .text),
      Field("font_size", 4, .double), Field("text_color", 5, color),
      Field("background_color", 6, color), Field("metadata", 7, keyValuePair, isRepeated: true),
    ])

  private static let point2 = ProtobufMessage(
    name: "Point2", fields: [Field("x", 1, .double), Field("y", 2, .double)])

  private static let color = ProtobufMessage(
    name: "Color",
    fields: [
      Field("r", 1, .double), Field("g", 2, .double), Field("b", 3, .double),
      Field("a", 4, .double),
    ])

  private static let keyValuePair = ProtobufMessage(
    name: "KeyValuePair", fields: [Field("key", 1, .text), Field("value", 2, .text)])
}
