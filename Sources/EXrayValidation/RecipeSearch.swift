public import EXrayCore
public import EXrayPreprocess

/// Identifies the recipe that made model inputs from pictures, in stages instead of by brute force.
///
/// 1. Means over a coarse grid of cells say, for every crop, turn, colour and memory order at once, how much
///    of the values' variance a line a channel explains.
/// 2. The few chains that remain are run exactly, with every interpolation.
/// 3. The values are tabled by level; from the table follows what any normalisation leaves over.
/// 4. Every stage is varied alone to find what the evidence cannot tell apart.
public struct RecipeSearch: Sendable {
  /// A picture and what reached the model.
  public struct Frame: Sendable {
    /// What messages call it.
    public var name: String
    /// The decoded picture.
    public var picture: Picture
    /// The model's input as real values, in memory order.
    public var values: [Float]
    /// The same with the sign bit of every stored byte the other way; empty for other types than int8 and uint8.
    public var valuesOfOtherSign: [Float]
    /// Decodes the picture in another way; nil where there is only one.
    public var decode: (@Sendable (Recipe.Decode) -> Picture?)?
    /// Whether the picture may have had transparency.
    public var hasAlpha: Bool

    /// Creates a frame.
    public init(
      name: String, picture: Picture, values: [Float], valuesOfOtherSign: [Float] = [],
      decode: (@Sendable (Recipe.Decode) -> Picture?)? = nil, hasAlpha: Bool = false
    ) {
      self.hasAlpha = hasAlpha
      self.name = name
      self.picture = picture
      self.values = values
      self.valuesOfOtherSign = valuesOfOtherSign
      self.decode = decode
    }
  }

  /// The recipe that should have been used; nil where nobody says.
  let intended: Recipe?
  /// What departures are counted from.
  var base: Recipe
  let input: TensorDescription
  let width: Int
  let height: Int
  let channels: Int
  /// Whether the array's shape has its channels last.
  let isChannelsLast: Bool

  /// Creates a search, or nil where the input is no picture.
  ///
  /// - Parameters:
  ///   - intended: The recipe that should have been used, its sizes open or the input's.
  ///   - input: The model's input as it was stored: `[1, H, W, C]` or `[1, C, H, W]`, 1 or 3 channels.
  public init?(intended: Recipe?, input: TensorDescription) {
    let extents = input.shape.dimensions
    guard extents.count == 4, extents[0] == 1, extents.allSatisfy({ $0 > 0 }) else { return nil }
    let counts: Set<Int> = [1, 3]
    let canBeLast = counts.contains(extents[3])
    let canBeFirst = counts.contains(extents[1])
    guard canBeLast || canBeFirst else { return nil }
    isChannelsLast = canBeLast && !(canBeFirst && intended?.layout == .nchw)
    let axes = isChannelsLast ? [1, 2, 3] : [2, 3, 1]
    (height, width, channels) = (extents[axes[0]], extents[axes[1]], extents[axes[2]])
    guard isWithinLimit(width, height) else { return nil }
    self.input = input
    self.intended = intended
    var base = intended ?? Recipe(color: channels == 1 ? .gray : .rgb)
    if intended == nil { base.layout = isChannelsLast ? .nhwc : .nchw }
    if base.color.channels != channels { base.color = channels == 1 ? .gray : .rgb }
    (base.resize.width, base.resize.height) = (width, height)
    self.base = base
    self.base = completed(base)
  }

  /// A recipe with its open sizes filled in.
  public func completed(_ recipe: Recipe) -> Recipe {
    var recipe = recipe
    recipe.resize.width = recipe.resize.width ?? width
    recipe.resize.height = recipe.resize.height ?? height
    // The centre pixels of the model's size follow a turn of the resized picture: they stay open.
    if recipe.crop.mode == .centerPixels, recipe.crop.width == width, recipe.crop.height == height {
      (recipe.crop.width, recipe.crop.height) = (nil, nil)
    }
    return recipe
  }

  /// The values in one memory order, and with their signs as stored or the other way.
  func view(_ frame: Frame, _ reading: Reading) -> TargetView {
    TargetView(
      values: reading.hasOtherSign ? frame.valuesOfOtherSign : frame.values, width: width,
      height: height, channels: channels, isInterleaved: reading.isInterleaved)
  }

  /// The ways to read the values.
  func readings(_ frames: [Frame]) -> [Reading] {
    let orders = channels == 1 ? [isChannelsLast] : [isChannelsLast, !isChannelsLast]
    let hasBytes = !frames.isEmpty && frames.allSatisfy { !$0.valuesOfOtherSign.isEmpty }
    return (hasBytes ? [false, true] : [false]).flatMap { sign in
      orders.map { Reading(isInterleaved: $0, hasOtherSign: sign) }
    }
  }

  /// The layout that a reading stands for.
  func layout(_ reading: Reading) -> Recipe.Layout {
    if channels == 1 { return base.layout == .nchw ? .nchw : .nhwc }
    if isChannelsLast { return reading.isInterleaved ? .nhwc : .chwAsHWC }
    if !reading.isInterleaved { return .nchw }
    return Recipe.Layout.allCases.first { $0.rawValue == "HWC-as-CHW" } ?? .nhwc
  }

  /// The real value of one step of stored integers; 0 for floating-point numbers.
  var step: Float { input.elementType.isInteger ? input.quantization?.scale ?? 1 : 0 }

  /// Half a step, spread evenly, in values: what storing alone leaves over.
  var storingNoise: Double { Double(step) / 12.0.squareRoot() }
}

/// A way to read a model's input.
struct Reading: Sendable, Hashable {
  var isInterleaved: Bool
  var hasOtherSign = false
}

/// What is done to a picture before its levels become values.
struct Chain: Sendable, Hashable {
  var decode: Recipe.Decode
  var orient: Recipe.Orient
  var crop: Recipe.Crop
  var method: Recipe.Resize.Method
  /// Whether resized levels are rounded.
  var precision = Recipe.Resize.Precision.levels
  var color: Recipe.Color
  /// How grey is computed; of no matter where the colours stay.
  var luma: Recipe.Luma
  var reading: Reading
  /// Pixels by which the crop is off, to the right and downwards.
  var shift = [0, 0]
}

extension Recipe.Orient {
  /// The turn and the mirror as one of the eight.
  var dihedral: Dihedral {
    let turns = rotate.rawValue / 90 + (flip == .vertical ? 2 : 0)
    return Dihedral(quarterTurns: turns % 4, isMirrored: flip != .none)
  }

  /// This stage with another turn and mirror, in the shortest spelling.
  func with(_ turn: Dihedral) -> Recipe.Orient {
    var result = self
    let isVertical = turn.isMirrored && turn.quarterTurns == 2
    result.flip = isVertical ? .vertical : turn.isMirrored ? .horizontal : .none
    result.rotate = isVertical ? .none : Turn(rawValue: turn.quarterTurns * 90) ?? .none
    return result
  }
}

private func isWithinLimit(_ width: Int, _ height: Int) -> Bool {
  let (area, overflow) = width.multipliedReportingOverflow(by: height)
  return !overflow && area <= pixelLimit
}
