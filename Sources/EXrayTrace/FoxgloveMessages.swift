// Pictures and boxes as Foxglove's messages; `FoxgloveSchemas.swift` defines the fields.

private let frameID = "camera"

extension [UInt8] {
  fileprivate mutating func append(field number: Int, time nanoseconds: UInt64) {
    append(field: number) {
      $0.append(field: 1, varint: nanoseconds / 1_000_000_000)
      $0.append(field: 2, varint: nanoseconds % 1_000_000_000)
    }
  }
}

/// A picture file, as `foxglove.CompressedImage`.
enum PictureMessage {
  /// The name that Foxglove has for a kind of picture file, or nil where its viewer shows none of this kind.
  static func format(ofMediaType mediaType: String) -> String? {
    switch mediaType {
    case "image/jpeg": "jpeg"
    case "image/png": "png"
    case "image/webp": "webp"
    default: nil
    }
  }

  /// What precedes the file's bytes, which end the message.
  static func head(format: String, byteCount: Int, time: UInt64) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.append(field: 1, time: time)
    bytes.append(field: 4, text: frameID)
    bytes.append(field: 3, text: format)
    bytes.append(field: 2, .delimited)
    bytes.append(varint: UInt64(byteCount))
    return bytes
  }

  /// The place of the file's bytes in a message.
  static func data(in message: RawSpan) throws(Fault) -> Range<Int> {
    var fields = ProtobufFields(0..<message.byteCount)
    var data = 0..<0
    while let field = try fields.next(in: message) {
      if case (2, .delimited(let range)) = field { data = range }
    }
    return data
  }
}

/// Pixels, as `foxglove.RawImage`.
enum ImageMessage {
  /// What precedes the pixels, which end the message.
  static func head(_ layout: ImageLayout, byteCount: Int, time: UInt64) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.append(field: 1, time: time)
    bytes.append(field: 7, text: frameID)
    bytes.append(field: 2, fixed32: UInt32(clamping: layout.width))
    bytes.append(field: 3, fixed32: UInt32(clamping: layout.height))
    bytes.append(field: 4, text: layout.encoding.rawValue)
    bytes.append(field: 5, fixed32: UInt32(clamping: layout.rowByteCount))
    bytes.append(field: 6, .delimited)
    bytes.append(varint: UInt64(byteCount))
    return bytes
  }

  /// The layout and the place of the pixels in a message.
  static func parse(_ message: RawSpan) throws(Fault) -> (layout: ImageLayout, data: Range<Int>) {
    var fields = ProtobufFields(0..<message.byteCount)
    var layout = ImageLayout(width: 0, height: 0, rowByteCount: 0, encoding: .mono8)
    var name = ""
    var data = 0..<0
    while let field = try fields.next(in: message) {
      switch field {
      case (2, .fixed32(let value)): layout.width = Int(clamping: value)
      case (3, .fixed32(let value)): layout.height = Int(clamping: value)
      case (4, .delimited(let range)): name = try message.text(at: range)
      case (5, .fixed32(let value)): layout.rowByteCount = Int(clamping: value)
      case (6, .delimited(let range)): data = range
      default: break
      }
    }
    guard let encoding = ImageLayout.Encoding(rawValue: name) else {
      throw Fault("has the encoding \(name.prefix(40)), which this program does not know")
    }
    layout.encoding = encoding
    do throws(Fault) {
      try layout.check(data.count)
    } catch {
      throw Fault("holds a picture that \(error.text)")
    }
    return (layout, data)
  }
}

/// Boxes, as `foxglove.ImageAnnotations`: each an outline whose metadata holds what the outline does not, and a text
/// where it has a label or a score.
enum BoxesMessage {
  static func append(_ boxes: [BoxSample], time: UInt64, to bytes: inout [UInt8]) {
    for box in boxes {
      bytes.append(field: 2) {
        $0.append(field: 1, time: time)
        $0.append(field: 2, varint: 2)  // LINE_LOOP
        let (right, bottom) = (box.x + box.width, box.y + box.height)
        for (x, y) in [(box.x, box.y), (right, box.y), (right, bottom), (box.x, bottom)] {
          $0.append(field: 3) { append(x, y, to: &$0) }
        }
        $0.append(field: 4) { appendColor(to: &$0) }
        $0.append(field: 7, double: 2)
        append("width", "\(box.width)", to: &$0)
        append("height", "\(box.height)", to: &$0)
        append("label", box.label, to: &$0)
        if let score = box.score { append("score", "\(score)", to: &$0) }
      }
    }
    for box in boxes where !box.label.isEmpty || box.score != nil {
      let words = [box.label, box.score.map { "\($0)" } ?? ""]
      bytes.append(field: 3) {
        $0.append(field: 1, time: time)
        $0.append(field: 2) { append(box.x, box.y, to: &$0) }
        $0.append(field: 3, text: words.filter { !$0.isEmpty }.joined(separator: " "))
        $0.append(field: 4, double: 12)
        $0.append(field: 5) { appendColor(to: &$0) }
      }
    }
    bytes.append(field: 5, time: time)
  }

  static func parse(_ message: RawSpan) throws(Fault) -> [BoxSample] {
    var fields = ProtobufFields(0..<message.byteCount)
    var boxes: [BoxSample] = []
    while let field = try fields.next(in: message) {
      if case (2, .delimited(let range)) = field, let box = try box(in: message, range) {
        boxes.append(box)
      }
    }
    return boxes
  }

  /// The box that an annotation outlines, or nil where it is another figure.
  private static func box(in message: RawSpan, _ range: Range<Int>) throws(Fault) -> BoxSample? {
    var fields = ProtobufFields(range)
    var kind: UInt64 = 0
    var corners: [(x: Double, y: Double)] = []
    var notes: [String: String] = [:]
    while let field = try fields.next(in: message) {
      switch field {
      case (2, .varint(let value)): kind = value
      case (3, .delimited(let range)):
        guard corners.count < 4 else { return nil }
        corners.append(try point(in: message, range))
      case (8, .delimited(let range)):
        var pair = ProtobufFields(range)
        var texts = ["", ""]
        while let field = try pair.next(in: message) {
          if case (1...2, .delimited(let range)) = field {
            texts[Int(field.number) - 1] = try message.text(at: range)
          }
        }
        notes[texts[0]] = texts[1]
      default: break
      }
    }
    guard kind == 2, corners.count == 4 else { return nil }
    return BoxSample(
      x: corners[0].x, y: corners[0].y,
      width: notes["width"].flatMap(Double.init) ?? corners[2].x - corners[0].x,
      height: notes["height"].flatMap(Double.init) ?? corners[2].y - corners[0].y,
      label: notes["label"] ?? "", score: notes["score"].flatMap(Double.init))
  }

  private static func point(
    in message: RawSpan, _ range: Range<Int>
  ) throws(Fault) -> (x: Double, y: Double) {
    var fields = ProtobufFields(range)
    var point = (x: 0.0, y: 0.0)
    while let field = try fields.next(in: message) {
      switch field {
      case (1, .fixed64(let bits)): point.x = Double(bitPattern: bits)
      case (2, .fixed64(let bits)): point.y = Double(bitPattern: bits)
      default: break
      }
    }
    return point
  }

  private static func append(_ x: Double, _ y: Double, to bytes: inout [UInt8]) {
    bytes.append(field: 1, double: x)
    bytes.append(field: 2, double: y)
  }

  private static func append(_ key: String, _ value: String, to bytes: inout [UInt8]) {
    bytes.append(field: 8) {
      $0.append(field: 1, text: key)
      $0.append(field: 2, text: value)
    }
  }

  /// Opaque green.
  private static func appendColor(to bytes: inout [UInt8]) {
    bytes.append(field: 2, double: 1)
    bytes.append(field: 4, double: 1)
  }
}
