/// One call of the app, as a slot of the ring holds it; what varies in size lies in the ring's bytes.
struct Event: BitwiseCopyable {
  enum Kind: UInt8 {
    case beginFrame, endFrame, span, preprocess, inference, ops
    case tensor, rawInput, image, boxes, scalar, sensor
    case description, check
  }

  static let noFrame = UInt32.max

  var kind: Kind
  var time: UInt64
  var frame = Event.noFrame
  /// What the kind says: a stream, a name, a sensor.
  var id: UInt32 = 0
  var values: (UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0)
  /// Of a tensor: whether it goes into the trace, and whether checks want it.
  var isLogged = true
  var isChecked = false
  // The ring's part.
  var byteCount = 0
  var textByteCount = 0
  var offset = 0
  var end: UInt64 = 0

  init(_ kind: Kind, at time: UInt64, frame: UInt32 = Event.noFrame, id: UInt32 = 0) {
    self.kind = kind
    self.time = time
    self.frame = frame
    self.id = id
  }

  /// The frame, or nil for what belongs to none.
  var frameIndex: UInt32? { frame == Event.noFrame ? nil : frame }
}

/// A box as it lies in the ring.
struct PackedBox: BitwiseCopyable {
  var x: Double
  var y: Double
  var width: Double
  var height: Double
  var score: Double
  var hasScore: UInt32
  var label: UInt32
}

/// The time of an op as it lies in the ring.
struct PackedOp: BitwiseCopyable {
  var microseconds: Int
  /// −1 where there is none.
  var opIndex: Int
  var label: UInt64
}
