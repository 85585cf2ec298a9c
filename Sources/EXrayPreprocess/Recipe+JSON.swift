import EXrayJSON

extension Recipe {
  private static let keys = [
    "exrayRecipe", "name", "decode", "orient", "crop", "resize", "color", "luma", "layout",
    "normalize", "quantize",
  ]

  /// The most bytes of a recipe's text, 1 MiB; a recipe is a few hundred bytes.
  public static let byteLimit = 1 << 20
  /// A recipe needs four levels.
  private static let limits = JSONLimits(byteCount: byteLimit, depth: 17)

  /// Reads a recipe.
  ///
  /// - Parameters:
  ///   - json: The text as UTF-8.
  ///   - file: What messages call it.
  /// - Throws: ``PreprocessError`` `.invalidRecipe` or `.unknownKey`, with the key and the byte.
  public init(json: [UInt8], file: String) throws(PreprocessError) {
    let tree: JSONTree
    do throws(JSONError) {
      tree = try JSONTree(parsing: json, limits: Self.limits)
    } catch {
      throw PreprocessError(.invalidRecipe, file: file, offset: error.offset, error.message)
    }
    try self.init(tree, file: file)
  }

  /// The recipe as JSON: every stage spelled out, keys sorted, the same text for equal recipes.
  ///
  /// Rare keys (`decode.alpha`, `decode.yuv`, `resize.precision`, `luma`, `normalize.transfer`,
  /// `quantize`) are left out at their defaults, so that older readers understand the others.
  ///
  /// - Parameter isPretty: Whether the text is laid out on several lines.
  public func json(isPretty: Bool = false) -> String {
    tree.text(JSONStyle(isPretty: isPretty)) + (isPretty ? "\n" : "")
  }

  init(_ tree: JSONTree, file: String?) throws(PreprocessError) {
    let reader = try RecipeReader(tree, path: "", keys: Self.keys, file: file)
    if let version = try reader.integer("exrayRecipe", in: 0...Int(Int32.max)),
      version != Self.version
    {
      throw reader.error(
        "exrayRecipe",
        "is version \(version), this exray reads version \(Self.version); install a newer exray")
    }
    self.init(
      name: try reader.string("name"), decode: try Decode(reader), orient: try Orient(reader),
      crop: try Crop(reader), resize: try Resize(reader),
      color: try reader.choice("color", Color.self) ?? .rgb,
      luma: try reader.choice("luma", Luma.self) ?? .pillow,
      layout: try reader.choice("layout", Layout.self) ?? .nhwc,
      normalize: try Normalize(reader), quantize: try Quantize(reader))
  }

  var tree: JSONTree {
    .object([
      "exrayRecipe": .integer(Self.version), "name": name.map(JSONTree.string),
      "decode": decode.tree, "orient": orient.tree, "crop": crop.tree, "resize": resize.tree,
      "color": .string(color.rawValue),
      "luma": luma == .pillow ? nil : .string(luma.rawValue), "layout": .string(layout.rawValue),
      "normalize": normalize.tree, "quantize": quantize.tree,
    ])
  }
}

extension Recipe: Codable {
  /// Reads the same structure as ``init(json:file:)``, with the same checks.
  public init(from decoder: any Decoder) throws {
    try self.init(try JSONTree(from: decoder), file: nil)
  }

  /// Writes the same structure as ``json(isPretty:)``.
  public func encode(to encoder: any Encoder) throws { try tree.encode(to: encoder) }
}

extension Recipe.Decode {
  init(_ recipe: RecipeReader) throws(PreprocessError) {
    self.init()
    let keys = ["dct", "upsampling", "alpha", "yuv"]
    guard let reader = try recipe.object("decode", keys: keys) else { return }
    transform = try reader.choice("dct", Transform.self) ?? transform
    upsampling = try reader.choice("upsampling", Upsampling.self) ?? upsampling
    alpha = try Alpha(reader) ?? alpha
    yuv = try reader.choice("yuv", YUV.self) ?? yuv
  }

  var tree: JSONTree {
    .object([
      "dct": .string(transform.rawValue), "upsampling": .string(upsampling.rawValue),
      "alpha": alpha.tree,
      "yuv": yuv == .bt601Video ? nil : .string(yuv.rawValue),
    ])
  }
}

extension Recipe.Decode.Alpha {
  /// The value of `decode.alpha`: a name, one level, or three.
  init?(_ reader: RecipeReader) throws(PreprocessError) {
    guard let tree = reader["alpha"] else { return nil }
    let allowed =
      "it is \"drop\", \"white\", \"black\", one whole level from 0 to 255, or red, green and blue"
    if case .string(let name) = tree.value {
      switch name {
      case "drop": self = .drop
      case "white": self = .white
      case "black": self = .black
      default: throw reader.error("alpha", "cannot be \"\(name.prefix(60))\"; \(allowed)")
      }
      return
    }
    let levels = try reader.numbers("alpha", "from 0 to 255") { (0...255).contains($0) } ?? []
    guard levels.allSatisfy({ $0 == $0.rounded() }), levels.count == 1 || levels.count == 3,
      let last = levels.last
    else { throw reader.error("alpha", "cannot hold these numbers; \(allowed)") }
    self = .on(
      red: UInt8(levels[0]), green: UInt8(levels.count == 3 ? levels[1] : last), blue: UInt8(last))
  }

  /// Nil where it is dropped.
  var tree: JSONTree? {
    switch self {
    case .drop: nil
    case .white, .black: .string(words)
    case .on(let red, let green, let blue):
      .array([red, green, blue].map { .integer($0) })
    }
  }
}

extension Recipe.Orient {
  init(_ recipe: RecipeReader) throws(PreprocessError) {
    self.init()
    let keys = ["exif", "rotate", "flip", "when"]
    guard let reader = try recipe.object("orient", keys: keys) else { return }
    exif = try reader.choice("exif", EXIF.self) ?? exif
    flip = try reader.choice("flip", Flip.self) ?? flip
    when = try reader.choice("when", Moment.self) ?? when
    if let degrees = try reader.integer("rotate", in: 0...270) {
      guard let turn = Turn(rawValue: degrees) else {
        throw reader.error("rotate", "cannot be \(degrees); it is 0, 90, 180 or 270, clockwise")
      }
      rotate = turn
    }
  }

  var tree: JSONTree {
    .object([
      "exif": .string(exif.rawValue), "rotate": .integer(rotate.rawValue),
      "flip": .string(flip.rawValue), "when": .string(when.rawValue),
    ])
  }
}

extension Recipe.Crop {
  private static let sides = 1...65_535

  init(_ recipe: RecipeReader) throws(PreprocessError) {
    self.init(mode: .none)
    let keys = ["mode", "fraction", "width", "height", "x", "y", "shortSide", "pad"]
    guard let reader = try recipe.object("crop", keys: keys) else { return }
    mode = try reader.choice("mode", Mode.self) ?? .none
    fraction = try reader.number("fraction", "above 0 and at most 1") { $0 > 0 && $0 <= 1 }
    width = try reader.integer("width", in: Self.sides)
    height = try reader.integer("height", in: Self.sides)
    x = try reader.integer("x", in: -65_535...65_535)
    y = try reader.integer("y", in: -65_535...65_535)
    shortSide = try reader.integer("shortSide", in: Self.sides)
    if let levels = try reader.numbers("pad", "from 0 to 255", { (0...255).contains($0) }) {
      guard levels.allSatisfy({ $0 == $0.rounded() }), levels.count == 1 || levels.count == 3 else {
        throw reader.error("pad", "must be one whole level or three, red, green and blue")
      }
      pad = (0..<3).map { UInt8(levels[min($0, levels.count - 1)]) }
    }
    let needed: [String: [String]] = [
      "center-fraction": ["fraction"], "short-side": ["shortSide"],
      "box": ["x", "y", "width", "height"],
    ]
    for key in needed[mode.rawValue] ?? [] where reader[key] == nil {
      throw reader.error(key, "is missing; mode \"\(mode.rawValue)\" needs it")
    }
    let allowed: [String: [String]] = [
      "center-fraction": ["fraction"], "center-pixels": ["width", "height", "pad"],
      "letterbox": ["pad"], "short-side": ["shortSide"],
      "box": ["x", "y", "width", "height", "pad"],
    ]
    for key in keys.dropFirst() where reader[key] != nil {
      if !(allowed[mode.rawValue] ?? []).contains(key) {
        throw reader.error(key, "has no meaning with mode \"\(mode.rawValue)\"; remove it")
      }
    }
  }

  var tree: JSONTree {
    .object([
      "mode": .string(mode.rawValue), "fraction": fraction.map { .number($0) },
      "width": width.map { .integer($0) }, "height": height.map { .integer($0) },
      "x": x.map { .integer($0) }, "y": y.map { .integer($0) },
      "shortSide": shortSide.map { .integer($0) },
      "pad": pad.map { .array($0.map { .integer($0) }) },
    ])
  }
}

extension Recipe.Resize {
  init(_ recipe: RecipeReader) throws(PreprocessError) {
    self.init()
    let keys = ["width", "height", "method", "precision"]
    guard let reader = try recipe.object("resize", keys: keys) else { return }
    width = try reader.integer("width", in: 1...65_535)
    height = try reader.integer("height", in: 1...65_535)
    method = try reader.choice("method", Method.self) ?? method
    precision = try reader.choice("precision", Precision.self) ?? precision
  }

  var tree: JSONTree {
    .object([
      "width": width.map { .integer($0) }, "height": height.map { .integer($0) },
      "method": .string(method.rawValue),
      "precision": precision == .levels ? nil : .string(precision.rawValue),
    ])
  }
}

extension Recipe.Normalize {
  private static let named: [(name: String, value: Self)] = [
    ("none", .none), ("[0,1]", .zeroToOne), ("[-1,1]", .minusOneToOne), ("imagenet", .imageNet),
  ]

  init(_ recipe: RecipeReader) throws(PreprocessError) {
    self.init()
    guard let tree = recipe["normalize"] else { return }
    if case .string(let name) = tree.value {
      guard let known = Self.named.first(where: { $0.name == name }) else {
        let names = Self.named.map { "\"\($0.name)\"" }.joined(separator: ", ")
        throw recipe.error(
          "normalize",
          "cannot be \"\(name.prefix(60))\"; it is \(names), or an object with divisor, mean, std")
      }
      self = known.value
      return
    }
    let keys = ["divisor", "mean", "std", "transfer"]
    guard let reader = try recipe.object("normalize", keys: keys) else { return }
    transfer = try reader.choice("transfer", Transfer.self) ?? transfer
    let isDivisor = { (value: Double) in Float(value).isFinite && Float(value) != 0 }
    let condition = "other than 0 that float32 can hold"
    if let value = try reader.number("divisor", condition, isDivisor) { divisor = Float(value) }
    if let values = try reader.numbers("std", condition, isDivisor) {
      std = values.map { Float($0) }
    }
    if let values = try reader.numbers("mean", "that float32 can hold", { Float($0).isFinite }) {
      mean = values.map { Float($0) }
    }
    // Values grow evenly with the level, so the ends tell.
    for channel in 0..<max(mean.count, std.count) {
      let values = table(channel: channel)
      for level in [0, 255] where !values[level].isFinite {
        throw recipe.error(
          "normalize",
          "makes \(values[level]) of the level \(level); correct divisor, mean and std")
      }
    }
  }

  var tree: JSONTree {
    if let known = Self.named.first(where: { $0.value == self }) { return .string(known.name) }
    func list(_ values: [Float]) -> JSONTree {
      values.count == 1 ? .number(values[0]) : .array(values.map { .number($0) })
    }
    return .object([
      "divisor": .number(divisor), "mean": list(mean), "std": list(std),
      "transfer": transfer == .none ? nil : .string(transfer.rawValue),
    ])
  }
}
