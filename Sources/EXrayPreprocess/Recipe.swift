/// How a picture becomes a model's input: one value a stage, in the order in which stages run.
///
/// Decode → orient → crop → resize → color → layout → normalize; quantising is taken from the model, so
/// that one recipe serves the float and the int8 file. Every stage has a default that does the least.
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
  /// The order of values in memory.
  public var layout: Layout
  /// How 8-bit levels become real numbers.
  public var normalize: Normalize

  /// Creates a recipe; stages that are left out do the least.
  public init(
    name: String? = nil, decode: Decode = .init(), orient: Orient = .init(), crop: Crop = .none,
    resize: Resize = .init(), color: Color = .rgb, layout: Layout = .nhwc,
    normalize: Normalize = .none
  ) {
    self.name = name
    self.decode = decode
    self.orient = orient
    self.crop = crop
    self.resize = resize
    self.color = color
    self.layout = layout
    self.normalize = normalize
  }

  /// How a JPEG is unpacked; PNG has one way only.
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

    /// The inverse cosine transform.
    public var transform: Transform
    /// The way back from subsampled colour.
    public var upsampling: Upsampling

    /// Creates the stage.
    public init(transform: Transform = .accurate, upsampling: Upsampling = .fancy) {
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
    /// One channel of luma, computed from the decoded picture as by Pillow's `convert("L")`.
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
      case .rgb, .bgr, .gray3, .gray3AfterResize: 3
      }
    }
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
