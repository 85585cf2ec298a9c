extension Recipe {
  /// Which part of a picture is used.
  public struct Crop: Sendable, Hashable {
    /// The ways to choose a part.
    public enum Mode: String, Sendable, Hashable, CaseIterable {
      /// The whole picture; a resize to another aspect ratio then squashes it.
      case none
      /// The centre square of ``Crop/fraction`` of the shorter side.
      ///
      /// Side s = fraction × min(w, h), rounded half to even; left = ⌊(w − s) / 2⌋, top likewise.
      case centerFraction = "center-fraction"
      /// The centre ``Crop/width`` × ``Crop/height`` pixels, by default the model's size.
      ///
      /// Left = ⌊(w − width) / 2⌋, top likewise; what lies outside the picture has the colour ``Crop/pad``.
      case centerPixels = "center-pixels"
      /// The picture is centred on the smallest canvas of the model's aspect ratio that holds it.
      ///
      /// Left = ⌊(canvas − w) / 2⌋, top likewise; the rest of the canvas has the colour ``Crop/pad``.
      case letterbox
      /// The picture is resized until its shorter side has ``Crop/shortSide`` pixels, then cropped to size.
      ///
      /// The longer side is cut to whole pixels; left = (w − width) / 2 rounded half to even. This is
      /// torchvision's `Resize(256)` and `CenterCrop(224)`.
      case shortSide = "short-side"
      /// The rectangle of ``Crop/x``, ``Crop/y``, ``Crop/width`` and ``Crop/height``.
      case box
    }

    /// The way to choose a part.
    public var mode: Mode
    /// The part of the shorter side, above 0 and at most 1; of `center-fraction` alone.
    public var fraction: Double?
    /// Width in pixels; of `center-pixels` and `box`.
    public var width: Int?
    /// Height in pixels; of `center-pixels` and `box`.
    public var height: Int?
    /// Left edge in pixels; of `box` alone.
    public var x: Int?
    /// Top edge in pixels; of `box` alone.
    public var y: Int?
    /// The shorter side before the crop, in pixels; of `short-side` alone.
    public var shortSide: Int?
    /// Red, green and blue of what lies outside the picture; nil is black.
    public var pad: [UInt8]?

    /// Creates the stage.
    public init(
      mode: Mode, fraction: Double? = nil, width: Int? = nil, height: Int? = nil, x: Int? = nil,
      y: Int? = nil, shortSide: Int? = nil, pad: [UInt8]? = nil
    ) {
      self.mode = mode
      self.fraction = fraction
      self.width = width
      self.height = height
      self.x = x
      self.y = y
      self.shortSide = shortSide
      self.pad = pad
    }

    /// The whole picture.
    public static let none = Crop(mode: .none)
    /// The whole picture on a black canvas of the model's aspect ratio.
    public static let letterbox = Crop(mode: .letterbox)

    /// The centre square of a part of the shorter side.
    public static func centerFraction(_ fraction: Double) -> Crop {
      Crop(mode: .centerFraction, fraction: fraction)
    }

    /// The centre pixels, black where the picture is smaller.
    public static func centerPixels(width: Int, height: Int) -> Crop {
      Crop(mode: .centerPixels, width: width, height: height)
    }

    /// A resize of the shorter side, then the centre pixels.
    public static func shortSide(_ pixels: Int) -> Crop {
      Crop(mode: .shortSide, shortSide: pixels)
    }

    /// What is used of the picture, in words.
    public var words: String {
      switch mode {
      case .none: "the whole picture, squashed to size"
      case .centerFraction: "the centre square of \(fraction ?? 1) of the shorter side"
      case .centerPixels:
        "the centre \(width.map(String.init) ?? "?")×\(height.map(String.init) ?? "?") pixels"
      case .letterbox: "the whole picture, letterboxed"
      case .shortSide:
        "the centre after a resize of the shorter side to \(shortSide.map(String.init) ?? "?")"
      case .box:
        "the rectangle of \(width ?? 0)×\(height ?? 0) pixels at (\(x ?? 0), \(y ?? 0))"
      }
    }
  }

  /// The size that the model takes, and the interpolation.
  public struct Resize: Sendable, Hashable {
    /// An interpolation as one library computes it, to the bit.
    public enum Method: String, Sendable, Hashable, CaseIterable {
      /// Pillow's resize: widened filters when shrinking, 8-bit fixed point with 22 fractional bits.
      case bilinearPillow = "bilinear/pillow"
      case bicubicPillow = "bicubic/pillow"
      case nearestPillow = "nearest/pillow"
      case boxPillow = "box/pillow"
      case lanczosPillow = "lanczos/pillow"
      /// OpenCV's `resize`: four neighbours whatever the scale, 11-bit fixed point.
      case bilinearOpenCV = "bilinear/opencv"
      case nearestOpenCV = "nearest/opencv"
      /// OpenCV's `INTER_AREA`.
      case areaOpenCV = "area/opencv"
      /// TensorFlow's `tf.image.resize`: half-pixel centres, no antialiasing, float32.
      ///
      /// Results are rounded half to even to 8 bits.
      case bilinearTFHalfPixel = "bilinear/tf-half-pixel"
      case nearestTFHalfPixel = "nearest/tf-half-pixel"
      case bicubicTFHalfPixel = "bicubic/tf-half-pixel"
      /// `tf.compat.v1.image.resize` with `align_corners=True`, rounded half to even to 8 bits.
      case bilinearTFAlignCorners = "bilinear/tf-align-corners"
      /// `tf.compat.v1.image.resize` by default, rounded half to even to 8 bits.
      case bilinearTFLegacy = "bilinear/tf-legacy"
      /// `tf.image.resize` with `antialias=True`, rounded likewise.
      case bilinearTFAntialias = "bilinear/tf-antialias"
      case bicubicTFAntialias = "bicubic/tf-antialias"
      case lanczos3TFAntialias = "lanczos3/tf-antialias"
      /// `tf.image.resize` with `method="area"`, rounded likewise.
      case areaTF = "area/tf"
      /// OpenCV's `INTER_CUBIC` without Intel's library, which builds for Intel use by default.
      case bicubicOpenCV = "bicubic/opencv"
      /// OpenCV's `INTER_LANCZOS4`.
      case lanczos4OpenCV = "lanczos4/opencv"
      /// OpenCV's `INTER_LINEAR_EXACT` and `INTER_NEAREST_EXACT`.
      case bilinearExactOpenCV = "bilinear-exact/opencv"
      case nearestExactOpenCV = "nearest-exact/opencv"
      /// PyTorch's `interpolate` of 8-bit tensors, 16-bit weights; bicubic with a = −0.75.
      case bilinearPyTorch = "bilinear/pytorch"
      case bicubicPyTorch = "bicubic/pytorch"
      /// The same with `align_corners=True`.
      case bilinearPyTorchAlignCorners = "bilinear/pytorch-align-corners"
      case bicubicPyTorchAlignCorners = "bicubic/pytorch-align-corners"
      /// The same with `antialias=True`: torchvision's `resize` of tensors; bicubic with a = −0.5.
      case bilinearPyTorchAntialias = "bilinear/pytorch-antialias"
      case bicubicPyTorchAntialias = "bicubic/pytorch-antialias"
      /// No interpolation: the crop must give the model's size.
      case none
    }

    /// What becomes of the interpolated levels.
    public enum Precision: String, Sendable, Hashable, CaseIterable {
      /// They are rounded to 8 bits, as the library does for 8-bit pictures.
      case levels = "8-bit"
      /// They stay float32: the library is given a float picture, or gives one, as TensorFlow does.
      ///
      /// Also what comes of normalising before the resize, up to the last bits of float32.
      case float
    }

    /// Width that the model gets; nil is the model's own.
    public var width: Int?
    /// Height that the model gets; nil is the model's own.
    public var height: Int?
    /// The interpolation.
    public var method: Method
    /// What becomes of the interpolated levels.
    public var precision: Precision

    /// Creates the stage.
    public init(
      width: Int? = nil, height: Int? = nil, method: Method = .bilinearPillow,
      precision: Precision = .levels
    ) {
      self.precision = precision
      self.width = width
      self.height = height
      self.method = method
    }
  }
}
