internal import EXrayJSON

extension SoundRecipe {
  private static let keys = [
    "exraySoundRecipe", "name", "signal", "preEmphasis", "frames", "spectrum", "mel", "log", "mfcc",
    "normalize", "layout",
  ]

  /// Reads a recipe.
  ///
  /// - Parameters:
  ///   - json: The text as UTF-8.
  ///   - file: What messages call it.
  /// - Throws: ``SoundError`` `.invalidRecipe` or `.unknownKey`, with the key and the byte.
  public init(json: [UInt8], file: String) throws(SoundError) {
    let tree: JSONTree
    do throws(JSONError) {
      tree = try JSONTree(parsing: json, limits: JSONLimits(byteCount: 1 << 20, depth: 17))
    } catch {
      throw SoundError(.invalidRecipe, file: file, offset: error.offset, error.message)
    }
    let reader = try SoundRecipeReader(tree, path: "", keys: Self.keys, file: file)
    if let version = try reader.integer("exraySoundRecipe", 0...Int(Int32.max)),
      version != Self.version
    {
      throw reader.error(
        "exraySoundRecipe",
        "is version \(version), this exray reads version \(Self.version); install a newer exray")
    }
    self.init(name: try reader.string("name"))
    try readSignal(reader)
    preEmphasis = try reader.number("preEmphasis", "from 0 to 1") { (0...1).contains($0) } ?? 0
    try readFrames(reader)
    try reader.choice("spectrum", &spectrum)
    try readMel(reader)
    try readLog(reader)
    try readMFCC(reader)
    try readNormalize(reader)
    try reader.choice("layout", &layout)
  }

  private mutating func readSignal(_ recipe: SoundRecipeReader) throws(SoundError) {
    let keys = ["sampleRate", "resample", "channels", "byteOrder", "scale", "length"]
    guard let reader = try recipe.object("signal", keys: keys) else { return }
    signal.sampleRate = try reader.integer("sampleRate", 1...768_000) ?? signal.sampleRate
    try reader.choice("resample", &signal.resample)
    try reader.choice("channels", &signal.channels)
    try reader.choice("byteOrder", &signal.byteOrder)
    try reader.choice("scale", &signal.scale)
    signal.length = try reader.integer("length", 1...soundValueLimit)
  }

  private mutating func readFrames(_ recipe: SoundRecipeReader) throws(SoundError) {
    let keys = ["length", "hop", "window", "fft", "pad", "count"]
    guard let reader = try recipe.object("frames", keys: keys) else { return }
    frames.length = try reader.integer("length", 1...65_536) ?? frames.length
    frames.hop = try reader.integer("hop", 1...soundValueLimit) ?? frames.hop
    try reader.choice("window", &frames.window)
    frames.fft =
      try reader.integer("fft", 1...65_536) ?? Frames.enclosingPower(of: frames.length)
    try reader.choice("pad", &frames.pad)
    frames.count = try reader.integer("count", 1...65_536)
    guard frames.length <= frames.fft else {
      throw reader.error("fft", "must be at least the frame's length, \(frames.length)")
    }
  }

  private mutating func readMel(_ recipe: SoundRecipeReader) throws(SoundError) {
    let keys = ["bands", "low", "high", "formula", "triangles", "norm"]
    guard let reader = try recipe.object("mel", keys: keys) else { return }
    var mel = Mel()
    mel.bands = try reader.integer("bands", 1...1024) ?? mel.bands
    let half = Double(signal.sampleRate) / 2
    mel.low = try reader.number("low", "from 0") { $0 >= 0 } ?? 0
    mel.high =
      try reader.number("high", "above mel.low, at most half the sample rate, \(half)") {
        $0 > mel.low && $0 <= half
      } ?? half
    guard mel.low < mel.high else {
      throw reader.error("low", "must be below mel.high, \(mel.high)")
    }
    try reader.choice("formula", &mel.formula)
    try reader.choice("triangles", &mel.triangles)
    try reader.choice("norm", &mel.norm)
    self.mel = mel
  }

  private mutating func readLog(_ recipe: SoundRecipeReader) throws(SoundError) {
    let keys = ["kind", "offset", "floor", "range"]
    guard let reader = try recipe.object("log", keys: keys) else { return }
    try reader.choice("kind", &log.kind)
    log.offset = try reader.number("offset", "from 0") { $0 >= 0 } ?? 0
    log.floor = try reader.number("floor", "from 0") { $0 >= 0 } ?? 0
    log.range = try reader.number("range", "above 0") { $0 > 0 }
    guard log.kind == .none || log.offset + log.floor > 0 else {
      throw reader.error("offset", "or floor must be above 0, so that silence has a logarithm")
    }
  }

  private mutating func readMFCC(_ recipe: SoundRecipeReader) throws(SoundError) {
    let keys = ["count", "first", "scaling", "lifter"]
    guard let reader = try recipe.object("mfcc", keys: keys) else { return }
    guard let mel else { throw reader.error("count", "needs bands; add the key \"mel\"") }
    var mfcc = MFCC()
    mfcc.first = try reader.integer("first", 0...(mel.bands - 1)) ?? 0
    let most = mel.bands - mfcc.first
    mfcc.count = try reader.integer("count", 1...most) ?? most
    try reader.choice("scaling", &mfcc.scaling)
    mfcc.lifter = try reader.integer("lifter", 0...1024) ?? 0
    self.mfcc = mfcc
  }

  private mutating func readNormalize(_ recipe: SoundRecipeReader) throws(SoundError) {
    guard let reader = try recipe.object("normalize", keys: ["kind", "mean", "std"]) else { return }
    let mean = try reader.numbers("mean", "that are finite") { _ in true }
    let std = try reader.numbers("std", "other than 0") { $0 != 0 }
    let kind = try reader.string("kind") ?? "affine"
    if kind == "affine" {
      normalize = .affine(mean: mean ?? [0], std: std ?? [1])
      for (key, values) in [("mean", mean), ("std", std)] {
        guard let count = values?.count, count > 1, count != featureCount else { continue }
        throw reader.error(
          key, "has \(count) numbers; give one, or \(featureCount) for the features")
      }
      return
    }
    let kinds = ["none": Normalize.none, "per-clip": .perClip, "per-feature": .perFeature]
    guard let found = kinds[kind] else {
      throw reader.error("kind", "is none of \"none\", \"affine\", \"per-clip\", \"per-feature\"")
    }
    guard mean == nil, std == nil else {
      throw reader.error("kind", "\"\(kind)\" has no mean and std; remove them")
    }
    normalize = found
  }

  /// The recipe as JSON: every stage spelled out, keys sorted, the same text for equal recipes.
  ///
  /// - Parameter isPretty: Whether the text is laid out on several lines.
  public func json(isPretty: Bool = false) -> String {
    tree.text(JSONStyle(isPretty: isPretty)) + (isPretty ? "\n" : "")
  }

  private var tree: JSONTree {
    .object([
      "exraySoundRecipe": .integer(Self.version), "name": name.map(JSONTree.string),
      "signal": .object([
        "sampleRate": .integer(signal.sampleRate), "resample": .string(signal.resample.rawValue),
        "channels": .string(signal.channels.rawValue), "scale": .string(signal.scale.rawValue),
        "byteOrder": .string(signal.byteOrder.rawValue),
        "length": signal.length.map { .integer($0) },
      ]),
      "preEmphasis": .number(preEmphasis),
      "frames": .object([
        "length": .integer(frames.length), "hop": .integer(frames.hop),
        "window": .string(frames.window.rawValue), "fft": .integer(frames.fft),
        "pad": .string(frames.pad.rawValue), "count": frames.count.map { .integer($0) },
      ]),
      "spectrum": .string(spectrum.rawValue),
      "mel": mel.map { mel in
        .object([
          "bands": .integer(mel.bands), "low": .number(mel.low), "high": .number(mel.high),
          "formula": .string(mel.formula.rawValue), "triangles": .string(mel.triangles.rawValue),
          "norm": .string(mel.norm.rawValue),
        ])
      },
      "log": .object([
        "kind": .string(log.kind.rawValue), "offset": .number(log.offset),
        "floor": .number(log.floor), "range": log.range.map { .number($0) },
      ]),
      "mfcc": mfcc.map { mfcc in
        .object([
          "count": .integer(mfcc.count), "first": .integer(mfcc.first),
          "scaling": .string(mfcc.scaling.rawValue), "lifter": .integer(mfcc.lifter),
        ])
      },
      "normalize": normalize.tree, "layout": .string(layout.rawValue),
    ])
  }
}

extension SoundRecipe.Frames {
  /// The least power of two that is not below a length, the default FFT size.
  static func enclosingPower(of length: Int) -> Int {
    var power = 1
    while power < length { power *= 2 }
    return power
  }

  /// The FFT size that goes with another length: one that is the length, or the next power of two, stays so.
  func following(_ other: Int) -> Int {
    if other == length { return fft }
    if fft == length { return other }
    return fft == Self.enclosingPower(of: length) || fft < other
      ? Self.enclosingPower(of: other) : fft
  }

  /// Whether other frames have an FFT size that goes with their length.
  func isFollowed(by other: Self) -> Bool {
    if other.fft == following(other.length) { return true }
    // One that is both the length and the next power of two may stay either.
    return other.length != length && fft == Self.enclosingPower(of: length)
      && other.fft == Self.enclosingPower(of: other.length)
  }
}

extension SoundRecipe.Normalize {
  fileprivate var tree: JSONTree {
    let list = { (values: [Double]) -> JSONTree in
      values.count == 1 ? .number(values[0]) : .array(values.map { .number($0) })
    }
    return switch self {
    case .none: .object(["kind": .string("none")])
    case .perClip: .object(["kind": .string("per-clip")])
    case .perFeature: .object(["kind": .string("per-feature")])
    case .affine(let mean, let std):
      .object(["kind": .string("affine"), "mean": list(mean), "std": list(std)])
    }
  }
}
