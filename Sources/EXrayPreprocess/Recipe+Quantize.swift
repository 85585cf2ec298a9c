import EXrayJSON

extension Recipe {
  /// How real numbers become the integers of a quantized input, beside the model's scale and zero point.
  ///
  /// The default is what a correct pipeline does. The rest describes other rules and faults, which only
  /// show in tensors of integers.
  public struct Quantize: Sendable, Hashable {
    /// Which whole number is taken.
    public enum Rounding: String, Sendable, Hashable, CaseIterable {
      /// The nearest, halves to the even one: NumPy's `round`.
      case halfEven = "half-even"
      /// The nearest, halves away from zero: C's `round`.
      case halfAway = "half-away"
      /// The next towards zero: a cast in C, Java or NumPy.
      case truncate
      /// The next below.
      case floor
    }

    /// When the zero point is added.
    public enum ZeroPoint: String, Sendable, Hashable, CaseIterable {
      /// round(real / scale + zero point).
      case beforeRounding = "before-rounding"
      /// round(real / scale) + zero point, as TensorFlow Lite's kernels do.
      case afterRounding = "after-rounding"
    }

    /// What is done wrong.
    public enum Fault: String, Sendable, Hashable, CaseIterable {
      case none
      /// Real numbers are stored as they are, without scale and zero point, cut at the type's ends.
      case missing
      /// The same, with what does not fit wrapped around, as a cast does.
      case missingWrapped = "missing-wrapped"
      /// The stored values are taken for real numbers and quantized again.
      case twice
      /// The bits of the type of the other sign: uint8 in an int8 input, or the reverse.
      case otherSign = "other-sign"
    }

    /// Which whole number is taken.
    public var rounding: Rounding
    /// When the zero point is added.
    public var zeroPoint: ZeroPoint
    /// What is done wrong.
    public var fault: Fault

    /// Creates the stage.
    public init(
      rounding: Rounding = .halfEven, zeroPoint: ZeroPoint = .beforeRounding, fault: Fault = .none
    ) {
      self.rounding = rounding
      self.zeroPoint = zeroPoint
      self.fault = fault
    }
  }
}

extension Recipe.Quantize {
  init(_ recipe: RecipeReader) throws(PreprocessError) {
    self.init()
    let keys = ["rounding", "zeroPoint", "fault"]
    guard let reader = try recipe.object("quantize", keys: keys) else { return }
    rounding = try reader.choice("rounding", Rounding.self) ?? rounding
    zeroPoint = try reader.choice("zeroPoint", ZeroPoint.self) ?? zeroPoint
    fault = try reader.choice("fault", Fault.self) ?? fault
  }

  /// Nil where nothing departs from the default.
  var tree: JSONTree? {
    if self == Self() { return nil }
    return .object([
      "rounding": .string(rounding.rawValue), "zeroPoint": .string(zeroPoint.rawValue),
      "fault": .string(fault.rawValue),
    ])
  }

  /// Real / scale + zero point as a whole number.
  @inline(__always)
  func steps(_ real: Float, _ scale: Float, _ zeroPoint: Int64) -> Int64 {
    let steps = real / scale
    if steps.isNaN { return zeroPoint }
    if self.zeroPoint == .beforeRounding { return whole(steps + Float(zeroPoint)) }
    let (sum, overflow) = whole(steps).addingReportingOverflow(zeroPoint)
    return overflow ? (steps < 0 ? .min : .max) : sum
  }

  /// The whole number, cut at the ends; 0 for not-a-number.
  @inline(__always)
  func whole(_ value: Float) -> Int64 {
    if value.isNaN { return 0 }
    if value >= 0x1p63 { return .max }
    if value < -0x1p63 { return .min }
    return switch rounding {
    case .halfEven: Int64(value.rounded(.toNearestOrEven))
    case .halfAway: Int64(value.rounded(.toNearestOrAwayFromZero))
    case .truncate: Int64(value.rounded(.towardZero))
    case .floor: Int64(value.rounded(.down))
    }
  }
}
