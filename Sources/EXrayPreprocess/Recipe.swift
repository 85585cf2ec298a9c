/// How a picture becomes a model's input: one value a stage, in the order in which stages run.
///
/// Decode → orient → crop → resize → color → layout → normalize → quantize; scale and zero point are
/// taken from the model, so that one recipe serves the float and the int8 file. Every stage has a default that does the least.
/// The JSON is documented in `Documentation/recipes.md`.
public struct Recipe: Sendable, Hashable {
  /// The version of the JSON that this code reads and writes, its key `exrayRecipe`.
  public static let version = 1

  /// What the recipe is for, in words.
  public var name: String?
  /// How compressed pictures are unpacked.
  public var decode: Decode
  /// How the picture is turned and mirrored.
  public var orient: Orient
  /// Which part of the picture is used.
  public var crop: Crop
  /// The size that the model takes, and the interpolation.
  public var resize: Resize
  /// Which channels there are, and their order.
  public var color: Color
  /// How grey is computed.
  public var luma: Luma
  /// The order of values in memory.
  public var layout: Layout
  /// How 8-bit levels become real numbers.
  public var normalize: Normalize
  /// How real numbers become integers, beside the model's scale and zero point.
  public var quantize: Quantize

  /// Creates a recipe; stages that are left out do the least.
  public init(
    name: String? = nil, decode: Decode = .init(), orient: Orient = .init(), crop: Crop = .none,
    resize: Resize = .init(), color: Color = .rgb, luma: Luma = .pillow, layout: Layout = .nhwc,
    normalize: Normalize = .none, quantize: Quantize = .init()
  ) {
    self.luma = luma
    self.quantize = quantize
    self.name = name
    self.decode = decode
    self.orient = orient
    self.crop = crop
    self.resize = resize
    self.color = color
    self.layout = layout
    self.normalize = normalize
  }

  /// How a picture is unpacked.
  public struct Decode: Sendable, Hashable {
    /// The inverse cosine transform of libjpeg-turbo.
    public enum Transform: String, Sendable, Hashable, CaseIterable {
      /// The accurate integer transform: what Pillow, OpenCV and libjpeg use by default.
      case accurate
      /// The fast, less exact integer transform (`JDCT_IFAST`).
      case fast
    }

    /// How colour that was stored at half resolution is brought back to full resolution.
    public enum Upsampling: String, Sendable, Hashable, CaseIterable {
      /// Triangle filter: what Pillow, OpenCV and libjpeg use by default.
      case fancy
      /// Every value repeated.
      case plain
    }

    /// What becomes of a PNG's transparency.
    public enum Alpha: Sendable, Hashable {
      /// It is dropped, whatever colour lies below: Pillow's `convert("RGB")` and `cv2.imread`.
      case drop
      /// The picture is laid on a colour.
      case on(red: UInt8, green: UInt8, blue: UInt8)

      /// The picture is laid on white.
      public static let white = Alpha.on(red: 255, green: 255, blue: 255)
      /// The picture is laid on black: premultiplied alpha.
      public static let black = Alpha.on(red: 0, green: 0, blue: 0)

      /// `drop`, `white`, `black`, or the levels of red, green and blue.
      public var words: String {
        switch self {
        case .drop: "drop"
        case .white: "white"
        case .black: "black"
        case .on(let red, let green, let blue): "[\(red), \(green), \(blue)]"
        }
      }
    }

    /// The colour matrix and the range of a YUV frame.
    public enum YUV: String, Sendable, Hashable, CaseIterable {
      /// ITU-R BT.601, luma from 16 to 235: OpenCV's `cvtColor`.
      case bt601Video = "bt601/video"
      /// ITU-R BT.601, luma from 0 to 255: JPEG, and most of Android's cameras.
      case bt601Full = "bt601/full"
      /// ITU-R BT.709, luma from 16 to 235: high-definition video.
      case bt709Video = "bt709/video"
      /// ITU-R BT.709, luma from 0 to 255.
      case bt709Full = "bt709/full"
    }

    /// The inverse cosine transform of a JPEG.
    public var transform: Transform
    /// The way back from a JPEG's subsampled colour.
    public var upsampling: Upsampling
    /// What becomes of a PNG's transparency.
    public var alpha: Alpha
    /// The colour matrix and the range of a YUV frame.
    public var yuv: YUV

    /// Creates the stage.
    public init(
      transform: Transform = .accurate, upsampling: Upsampling = .fancy, alpha: Alpha = .drop,
      yuv: YUV = .bt601Video
    ) {
      self.alpha = alpha
      self.yuv = yuv
      self.transform = transform
      self.upsampling = upsampling
    }
  }

  /// How the picture is turned and mirrored: first by EXIF, then turned, then mirrored.
  public struct Orient: Sendable, Hashable {
    /// What happens to the orientation that the camera noted in the file.
    public enum EXIF: String, Sendable, Hashable, CaseIterable {
      /// The pixels are used as stored: what Pillow and TensorFlow do by default.
      case ignore
      /// The picture is set upright before anything else: what OpenCV does by default.
      case apply
    }

    /// A turn clockwise, in degrees.
    public enum Turn: Int, Sendable, Hashable, CaseIterable {
      case none = 0
      case quarter = 90
      case half = 180
      case threeQuarters = 270
    }

    /// A mirror image.
    public enum Flip: String, Sendable, Hashable, CaseIterable {
      case none
      /// Left and right change places.
      case horizontal
      /// Top and bottom change places.
      case vertical
    }

    /// When the turn and the flip happen; EXIF is always first.
    public enum Moment: String, Sendable, Hashable, CaseIterable {
      /// The decoded picture is turned, then cropped and resized.
      case beforeCrop = "before-crop"
      /// The resized picture is turned. Differs by rounding, and by a pixel where a margin is odd.
      case afterResize = "after-resize"
    }

    /// What happens to the orientation that the file notes.
    public var exif: EXIF
    /// The turn clockwise.
    public var rotate: Turn
    /// The mirror image, after the turn.
    public var flip: Flip
    /// When the turn and the flip happen.
    public var when: Moment

    /// Creates the stage.
    public init(
      exif: EXIF = .ignore, rotate: Turn = .none, flip: Flip = .none, when: Moment = .beforeCrop
    ) {
      self.exif = exif
      self.rotate = rotate
      self.flip = flip
      self.when = when
    }

    /// This stage followed by a turn, and by a mirror image from left to right, of the resized picture.
    ///
    /// - Parameters:
    ///   - quarterTurns: Quarter turns clockwise; any integer.
    ///   - mirrored: Whether left and right change places after the turn.
    public func turned(quarterTurns: Int, mirrored: Bool) -> Orient {
      // A vertical mirror is a half turn and a horizontal one; a turn moved across a mirror reverses.
      var (turns, isMirrored) = (rotate.rawValue / 90, flip != .none)
      if flip == .vertical { turns += 2 }
      turns += isMirrored ? -quarterTurns : quarterTurns
      if mirrored { isMirrored.toggle() }
      var result = self
      result.rotate = Turn(rawValue: ((turns % 4) + 4) % 4 * 90) ?? .none
      result.flip = isMirrored ? .horizontal : .none
      result.when = .afterResize
      return result
    }
  }

  /// Which channels a model gets, and their order.
  public enum Color: String, Sendable, Hashable, CaseIterable {
    /// Red, green, blue.
    case rgb = "RGB"
    /// Blue, green, red: what `cv2.imread` gives.
    case bgr = "BGR"
    /// The other orders of the three channels; no library gives them, faulty pipelines do.
    case rbg = "RBG"
    case grb = "GRB"
    case gbr = "GBR"
    case brg = "BRG"
    /// One channel of luma, computed from the decoded picture; see ``Recipe/Luma``.
    case gray = "GRAY"
    /// The same luma in three equal channels.
    case gray3 = "GRAY3"
    /// One channel of luma, computed from the resized picture.
    case grayAfterResize = "GRAY/after-resize"
    /// The luma of the resized picture in three equal channels.
    case gray3AfterResize = "GRAY3/after-resize"

    /// Channels that the model gets: 1 or 3.
    public var channels: Int {
      switch self {
      case .gray, .grayAfterResize: 1
      case .rgb, .bgr, .rbg, .grb, .gbr, .brg, .gray3, .gray3AfterResize: 3
      }
    }

    /// Which of red, green and blue each channel is; nil for grey.
    public var order: [Int]? {
      switch self {
      case .rgb: [0, 1, 2]
      case .bgr: [2, 1, 0]
      case .rbg: [0, 2, 1]
      case .grb: [1, 0, 2]
      case .gbr: [1, 2, 0]
      case .brg: [2, 0, 1]
      case .gray, .gray3, .grayAfterResize, .gray3AfterResize: nil
      }
    }
  }

  /// How the luma of a pixel is computed; libraries differ by one level here and there.
  public enum Luma: String, Sendable, Hashable, CaseIterable {
    /// (19595·R + 38470·G + 7471·B + 32768) / 65536: Pillow's `convert("L")`.
    case pillow
    /// (9798·R + 19235·G + 3735·B + 16384) / 32768: OpenCV's `cvtColor`.
    case openCV = "opencv"
    /// 0.2989·R + 0.587·G + 0.114·B in float32, cut off: `tf.image.rgb_to_grayscale`.
    ///
    /// On 8-bit pictures, level × 255.5 / 255 is cut to a whole number.
    case tensorFlow = "tensorflow"
  }

  /// The order of values in memory.
  public enum Layout: String, Sendable, Hashable, CaseIterable {
    /// All channels of a pixel together, row by row: TensorFlow's order.
    case nhwc = "NHWC"
    /// One plane a channel: PyTorch's order.
    case nchw = "NCHW"
    /// One plane a channel, in a tensor that expects the channels of a pixel together.
    ///
    /// No correct pipeline does this; the name exists because faulty ones do.
    case chwAsHWC = "CHW-as-HWC"
  }
}
