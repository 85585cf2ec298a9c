import EXrayPreprocess

/// A normalisation that people use, with the name they use for it.
struct KnownNormalization: Sendable {
  var name: String
  var normalize: Recipe.Normalize

  static let all: [KnownNormalization] = [
    .init(name: "none (levels 0 to 255)", normalize: .init()),
    .init(name: "[0,1] (x / 255)", normalize: .init(divisor: 255)),
    .init(name: "[-1,1] (x / 127.5 − 1)", normalize: .init(divisor: 127.5, mean: [1])),
    .init(name: "(x − 127) / 128", normalize: .init(mean: [127], std: [128])),
    .init(name: "(x − 128) / 128", normalize: .init(mean: [128], std: [128])),
    .init(name: "x − 128", normalize: .init(mean: [128])),
    .init(
      name: "ImageNet mean and standard deviation",
      normalize: .init(divisor: 255, mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225])),
    .init(
      name: "ImageNet mean and standard deviation in BGR order",
      normalize: .init(divisor: 255, mean: [0.406, 0.456, 0.485], std: [0.225, 0.224, 0.229])),
    .init(
      name: "ImageNet mean only", normalize: .init(mean: [123.675, 116.28, 103.53])),
    .init(name: "[0,1] twice (x / 255 / 255)", normalize: .init(divisor: 65025)),
  ]

  /// The known normalisation within one level of `affine` from 0 to 255, if there is one.
  static func nearest(to affine: Affine) -> KnownNormalization? {
    all.map { ($0, affine.distance(to: Affine($0.normalize, channels: affine.slopes.count))) }
      .filter { $0.1 < 1 }
      .min { $0.1 < $1.1 }?.0
  }
}

extension Recipe.Crop {
  /// The crop as a person says it.
  var words: String {
    switch mode {
    case .none: "the whole picture"
    case .centerFraction:
      "the centre square of \(decimal(Float(fraction ?? 1))) of the shorter side"
    case .centerPixels:
      if let width, let height {
        "the centre \(width) × \(height) pixels"
      } else {
        "as many pixels of the centre as the model takes"
      }
    case .letterbox: "the whole picture on a canvas of the model's shape"
    case .shortSide:
      "the shorter side resized to \(shortSide.map(String.init) ?? "?") pixels, then the centre"
    case .box:
      "the rectangle of \(width ?? 0) × \(height ?? 0) pixels at (\(x ?? 0), \(y ?? 0))"
    }
  }
}
