import EXrayPreprocess

/// Where the centres of resized pixels lie in the picture that is resized.
enum SamplingPhase: Sendable, Hashable, CaseIterable {
  /// (u + ½)·scale: pixels are areas.
  case halfPixel
  /// The corner pixels' centres fall together.
  case corners
  /// u·scale: the first pixels' centres fall together.
  case legacy
  /// Whole pixels ⌊u·scale⌋.
  case floor
}

extension Recipe.Resize.Method {
  var phase: SamplingPhase {
    switch self {
    case .bilinearTFAlignCorners, .bilinearPyTorchAlignCorners, .bicubicPyTorchAlignCorners:
      .corners
    case .bilinearTFLegacy: .legacy
    case .nearestOpenCV: .floor
    default: .halfPixel
    }
  }

  /// Whether results are levels of the picture itself.
  var takesWholePixels: Bool {
    switch self {
    case .nearestPillow, .nearestOpenCV, .nearestTFHalfPixel, .nearestExactOpenCV, .none: true
    default: false
    }
  }

  /// Whether shrinking looks at every pixel, and not at a few neighbours of each result.
  var readsEveryPixel: Bool {
    switch self {
    case .bilinearPillow, .bicubicPillow, .boxPillow, .lanczosPillow, .areaOpenCV, .areaTF,
      .bilinearTFAntialias, .bicubicTFAntialias, .lanczos3TFAntialias, .bilinearPyTorchAntialias,
      .bicubicPyTorchAntialias:
      true
    default: false
    }
  }
}

/// Which part of a picture a chain shows, in the picture's own pixels before it is turned.
struct SourceGeometry: Sendable, Hashable {
  var crop: Recipe.Crop
  var shift: [Int]
  var turn: Dihedral
  var when: Recipe.Orient.Moment
  var phase: SamplingPhase

  /// The part shown; samples' centres are taken for centres of equal cells.
  ///
  /// - Parameters:
  ///   - width: The picture's width in pixels.
  ///   - height: Its height.
  ///   - size: What the model takes.
  func rectangle(width: Int, height: Int, size: (width: Int, height: Int)) -> Rectangle? {
    let isTurnedFirst = when == .beforeCrop
    let (w, h) = isTurnedFirst && turn.swapsAxes ? (height, width) : (width, height)
    let target = !isTurnedFirst && turn.swapsAxes ? (size.height, size.width) : size
    guard let seen = sampled(w, h, target) else { return nil }
    guard isTurnedFirst else { return seen }
    return turn.source(seen, width: Double(w), height: Double(h))
  }

  /// The same in the picture that is cropped.
  private func sampled(_ w: Int, _ h: Int, _ size: (width: Int, height: Int)) -> Rectangle? {
    if crop.mode == .shortSide, shift == [0, 0] {
      let target = crop.shortSide ?? min(w, h)
      let long = target * max(w, h) / max(1, min(w, h))
      let (width, height) = w <= h ? (target, long) : (long, target)
      func start(_ whole: Int, _ part: Int) -> Double {
        (Double(whole - part) / 2).rounded(.toNearestOrEven)
      }
      let (left, top) = (start(width, size.width), start(height, size.height))
      let x = span(0, Double(w), width, from: left, to: left + Double(size.width))
      let y = span(0, Double(h), height, from: top, to: top + Double(size.height))
      return Rectangle(x: x.start, y: y.start, width: x.length, height: y.length)
    }
    let part = crop.shifted(shift, width: w, height: h, size: size)
      .rectangle(width: w, height: h, size: size)
    guard part.width >= 1, part.height >= 1 else { return nil }
    let x = span(part.x, part.width, size.width, from: 0, to: Double(size.width))
    let y = span(part.y, part.height, size.height, from: 0, to: Double(size.height))
    return Rectangle(x: x.start, y: y.start, width: x.length, height: y.length)
  }

  /// One axis: pixels `from` to `to` of `count` resized ones, of the part `start` and `length`.
  private func span(
    _ start: Double, _ length: Double, _ count: Int, from: Double, to: Double
  ) -> (start: Double, length: Double) {
    let isResized = length != Double(count)
    let phase = isResized ? phase : .halfPixel
    let hasCorners = phase == .corners && count > 1
    let slope = hasCorners ? (length - 1) / Double(count - 1) : length / Double(count)
    let shift: Double =
      switch phase {
      case .halfPixel: 0
      case .corners, .legacy: 0.5 - 0.5 * slope
      case .floor: -0.5 * slope
      }
    return (start + from * slope + shift, (to - from) * slope)
  }
}

extension Dihedral {
  /// The part of the original picture that a rectangle of the turned one shows.
  ///
  /// - Parameters:
  ///   - width: Width of the turned picture.
  ///   - height: Height of the turned picture.
  func source(_ rectangle: Rectangle, width: Double, height: Double) -> Rectangle {
    func place(_ x: Double, _ y: Double) -> (x: Double, y: Double) {
      let x = isMirrored ? width - x : x
      return switch quarterTurns {
      case 1: (y, width - x)
      case 2: (width - x, height - y)
      case 3: (height - y, x)
      default: (x, y)
      }
    }
    let a = place(rectangle.x, rectangle.y)
    let b = place(rectangle.x + rectangle.width, rectangle.y + rectangle.height)
    return Rectangle(
      x: min(a.x, b.x), y: min(a.y, b.y), width: abs(a.x - b.x), height: abs(a.y - b.y))
  }
}

extension Rectangle {
  /// Whether it reaches nowhere beyond another.
  func isInside(_ other: Rectangle) -> Bool {
    x >= other.x && y >= other.y && x + width <= other.x + other.width
      && y + height <= other.y + other.height
  }

  /// The largest distance of two rectangles' edges.
  func distance(to other: Rectangle) -> Double {
    max(
      abs(x - other.x), abs(y - other.y), abs(x + width - other.x - other.width),
      abs(y + height - other.y - other.height))
  }
}
