/// One of the eight ways to turn and mirror a picture.
struct Dihedral: Sendable, Hashable {
  /// Quarter turns clockwise, 0 to 3, applied first.
  var quarterTurns: Int
  /// Whether the turned picture is then mirrored left to right.
  var isMirrored: Bool

  static let identity = Dihedral(quarterTurns: 0, isMirrored: false)

  static let all: [Dihedral] = [false, true].flatMap { mirrored in
    (0..<4).map { Dihedral(quarterTurns: $0, isMirrored: mirrored) }
  }

  /// Whether width and height change places.
  var swapsAxes: Bool { quarterTurns % 2 == 1 }

  /// Position in the original picture of the element at (x, y) of the turned one.
  ///
  /// - Parameters:
  ///   - width: Width of the turned picture, in elements.
  ///   - height: Height of the turned picture, in elements.
  @inline(__always)
  func source(x: Int, y: Int, width: Int, height: Int) -> (x: Int, y: Int) {
    let x = isMirrored ? width - 1 - x : x
    switch quarterTurns {
    case 1: return (y, width - 1 - x)
    case 2: return (width - 1 - x, height - 1 - y)
    case 3: return (height - 1 - y, x)
    default: return (x, y)
    }
  }

  /// What was done to the picture, in words.
  var words: String {
    switch (quarterTurns, isMirrored) {
    case (0, false): "upright"
    case (1, false): "turned 90° clockwise"
    case (2, false): "turned 180°"
    case (3, false): "turned 90° counter-clockwise"
    case (0, true): "mirrored left to right"
    case (1, true): "x and y axes swapped (a quarter turn and a mirror)"
    case (2, true): "mirrored top to bottom"
    default: "axes swapped along the other diagonal (a quarter turn and a mirror)"
    }
  }
}
