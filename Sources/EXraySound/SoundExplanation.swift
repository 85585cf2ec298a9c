/// Why a sound's features are not the intended ones, as `Documentation/causes.md` names it.
public enum SoundCause: String, Sendable, Hashable, CaseIterable {
  case sampleRate = "preprocess.sound.sample-rate"
  case channelMix = "preprocess.sound.channel-mix"
  case byteOrder = "preprocess.sound.byte-order"
  case scaling = "preprocess.sound.scaling"
  case preEmphasis = "preprocess.sound.pre-emphasis"
  case framing = "preprocess.sound.framing"
  case window = "preprocess.sound.window"
  case fftSize = "preprocess.sound.fft-size"
  case spectrum = "preprocess.sound.spectrum"
  case melRange = "preprocess.sound.mel-range"
  case melFilters = "preprocess.sound.mel-filters"
  case logarithm = "preprocess.sound.log"
  case mfcc = "preprocess.sound.mfcc"
  case normalization = "preprocess.sound.normalization"
  case layout = "preprocess.sound.layout"
}

/// One line of a recipe that is not as intended.
public struct SoundDifference: Sendable, Hashable {
  /// Which fault it is.
  public var cause: SoundCause
  /// The recipe's key, as `mel.high`.
  public var key: String
  /// What the intended recipe says.
  public var intended: String
  /// What was found.
  public var found: String
}

/// What a detective found out about a model's sound features.
public struct SoundExplanation: Sendable, Hashable {
  /// The recipe that fits best.
  public var recipe: SoundRecipe
  /// The part of the features' variance that the recipe explains, at most 1; not-a-number where
  /// features cannot be judged.
  public var explainedVariance: Double
  /// What is left, root mean square, in the features' unit.
  public var residual: Double
  /// What is left in quantisation steps, or in 255ths of the features' range where they are not quantised.
  public var residualInLSB: Double?
  /// The same were the intended recipe right; nil where it makes no features of this size.
  public var intendedResidualInLSB: Double?
  /// Whether the recipe explains the features.
  public var isExplained: Bool
  /// How the recipe departs from the intended one; empty where it does not, or where nothing explains.
  public var differences: [SoundDifference]
  /// Other recipes with as few departures that the evidence cannot tell apart: their differences.
  public var ambiguous: [[SoundDifference]]
  /// What the search tried without success, where nothing explains.
  public var ruledOut: [SoundCause]
  /// Recipes tried.
  public var triedCount: Int
}

extension SoundRecipe {
  /// How this recipe departs from an intended one; what follows from another departure is left out.
  public func differences(from intended: SoundRecipe) -> [SoundDifference] {
    var list: [SoundDifference] = []
    func add(_ cause: SoundCause, _ key: String, _ old: String, _ new: String) {
      if old != new { list.append(.init(cause: cause, key: key, intended: old, found: new)) }
    }
    let (a, b) = (intended, self)
    let rates = (a.signal.sampleRate, b.signal.sampleRate)
    add(.sampleRate, "signal.sampleRate", "\(rates.0)", "\(rates.1)")
    add(.sampleRate, "signal.resample", a.signal.resample.rawValue, b.signal.resample.rawValue)
    add(.channelMix, "signal.channels", a.signal.channels.rawValue, b.signal.channels.rawValue)
    add(.byteOrder, "signal.byteOrder", a.signal.byteOrder.rawValue, b.signal.byteOrder.rawValue)
    add(.scaling, "signal.scale", a.signal.scale.rawValue, b.signal.scale.rawValue)
    add(.preEmphasis, "preEmphasis", "\(a.preEmphasis)", "\(b.preEmphasis)")
    // Lengths in milliseconds change with the rate, an FFT that is just large enough with the length.
    let follows =
      rates.0 != rates.1 && b.frames.length == a.frames.length * rates.1 / rates.0
      && b.frames.hop == a.frames.hop * rates.1 / rates.0
    if !follows {
      add(.framing, "frames.length", "\(a.frames.length)", "\(b.frames.length)")
      add(.framing, "frames.hop", "\(a.frames.hop)", "\(b.frames.hop)")
    }
    add(.framing, "frames.pad", a.frames.pad.rawValue, b.frames.pad.rawValue)
    add(.window, "frames.window", a.frames.window.rawValue, b.frames.window.rawValue)
    // One that is too short for the length has to grow.
    let isForced =
      a.frames.fft < b.frames.length
      && b.frames.fft == Frames.enclosingPower(of: b.frames.length)
    if !a.frames.isFollowed(by: b.frames), !isForced {
      add(.fftSize, "frames.fft", "\(a.frames.fft)", "\(b.frames.fft)")
    }
    add(.spectrum, "spectrum", a.spectrum.rawValue, b.spectrum.rawValue)
    addBands(from: a, add)
    add(.logarithm, "log.kind", a.log.kind.rawValue, b.log.kind.rawValue)
    // Without a logarithm they are not used.
    if a.log.kind != .none, b.log.kind != .none {
      add(
        .logarithm, "log.offset, log.floor", "\(a.log.offset), \(a.log.floor)",
        "\(b.log.offset), \(b.log.floor)")
      add(.logarithm, "log.range", Self.words(a.log.range), Self.words(b.log.range))
    }
    add(.normalization, "normalize", Self.words(a.normalize), Self.words(b.normalize))
    add(.layout, "layout", a.layout.rawValue, b.layout.rawValue)
    return list
  }

  private func addBands(
    from a: SoundRecipe, _ add: (SoundCause, String, String, String) -> Void
  ) {
    if a.mel == nil || mel == nil {
      add(.melFilters, "mel", a.mel == nil ? "none" : "bands", mel == nil ? "none" : "bands")
    }
    if let old = a.mel, let new = mel {
      // Bands that were never transformed are as many as the coefficients.
      if a.mfcc == nil || mfcc != nil || new.bands != a.mfcc?.count {
        add(.melFilters, "mel.bands", "\(old.bands)", "\(new.bands)")
      }
      add(.melRange, "mel.low", "\(old.low)", "\(new.low)")
      // A band that ends at half the rate ends lower with a lower rate.
      if signal.sampleRate == a.signal.sampleRate
        || new.high != min(old.high, Double(signal.sampleRate) / 2)
      {
        add(.melRange, "mel.high", "\(old.high)", "\(new.high)")
      }
      add(.melFilters, "mel.formula", old.formula.rawValue, new.formula.rawValue)
      add(.melFilters, "mel.triangles", old.triangles.rawValue, new.triangles.rawValue)
      add(.melFilters, "mel.norm", old.norm.rawValue, new.norm.rawValue)
    }
    if a.mfcc == nil || mfcc == nil {
      add(.mfcc, "mfcc", a.mfcc == nil ? "none" : "used", mfcc == nil ? "none" : "used")
    }
    if let old = a.mfcc, let new = mfcc {
      add(.mfcc, "mfcc.count", "\(old.count)", "\(new.count)")
      add(.mfcc, "mfcc.first", "\(old.first)", "\(new.first)")
      add(.mfcc, "mfcc.scaling", old.scaling.rawValue, new.scaling.rawValue)
      add(.mfcc, "mfcc.lifter", "\(old.lifter)", "\(new.lifter)")
    }
  }

  private static func words(_ value: Double?) -> String { value.map { "\($0)" } ?? "none" }

  private static func words(_ value: Normalize) -> String {
    switch value {
    case .none: "none"
    case .perClip: "per-clip"
    case .perFeature: "per-feature"
    case .affine(let mean, let std): "(x - \(mean)) / \(std)"
    }
  }
}
