import EXrayCore
import EXrayPreprocess

/// A chain that was run exactly, and what the best line a channel leaves over.
struct Trial: Sendable {
  var chain: Chain
  var table: LevelTable
  var affine: Affine
  /// Root mean squared rest in levels.
  var residual: Double
  var explainedVariance: Double
}

/// Runs chains over the frames, each once.
struct ExactTrials {
  private let search: RecipeSearch
  private let frames: [RecipeSearch.Frame]
  let range: ClosedRange<Float>?
  private(set) var done: [Chain: Trial] = [:]
  private var failed: Set<Chain> = []
  private var images: [ImageKey: [Image]] = [:]
  private var sources: [(key: SourceKey, pictures: [Picture])] = []

  /// What the resized picture depends on.
  private struct ImageKey: Hashable {
    var source: SourceKey
    var crop: Recipe.Crop
    var shift: [Int]
    var method: Recipe.Resize.Method
    var swapsAxes: Bool
    var isGray: Bool
  }

  private struct SourceKey: Hashable {
    var decode: Recipe.Decode
    var exif: Recipe.Orient.EXIF
    var turn: Dihedral
  }

  init(_ search: RecipeSearch, _ frames: [RecipeSearch.Frame]) {
    self.search = search
    self.frames = frames
    range = search.input.elementType.isInteger ? search.input.representableRange : nil
  }

  /// Runs a chain; nil where the pictures do not allow it or their levels do not vary.
  mutating func run(_ chain: Chain) -> Trial? {
    if let known = done[chain] { return known }
    guard !failed.contains(chain), let images = finished(chain) else {
      failed.insert(chain)
      return nil
    }
    var table = LevelTable(channels: search.channels)
    for (frame, image) in zip(frames, images) {
      table.add(image, search.view(frame, chain.reading))
    }
    guard let affine = table.affine(inside: range) ?? table.affine(inside: nil) else {
      failed.insert(chain)
      return nil
    }
    let rest = table.rest(affine, range: range)
    let trial = Trial(
      chain: chain, table: table, affine: affine, residual: rest.residualInLevels,
      explainedVariance: rest.explainedVariance)
    done[chain] = trial
    return trial
  }

  /// The pictures after all stages up to the colours; nil where one does not allow them.
  private mutating func finished(_ chain: Chain) -> [Image]? {
    guard let resized = resized(chain) else { return nil }
    let isLate = chain.orient.when == .afterResize
    let recipe = Recipe(
      orient: isLate
        ? .init(rotate: chain.orient.rotate, flip: chain.orient.flip, when: .afterResize) : .init(),
      resize: .init(width: search.width, height: search.height, method: .none), color: chain.color,
      luma: search.base.luma)
    var result: [Image] = []
    for image in resized {
      guard
        let picture = try? Picture(width: image.width, height: image.height, pixels: image.pixels),
        let image = try? recipe.image(from: picture), image.channels == search.channels
      else { return nil }
      result.append(image)
    }
    return result
  }

  /// The pictures cropped and resized, in three channels.
  private mutating func resized(_ chain: Chain) -> [Image]? {
    let isLate = chain.orient.when == .afterResize
    let turn = chain.orient.dihedral
    let source = SourceKey(
      decode: chain.decode, exif: chain.orient.exif, turn: isLate ? .identity : turn)
    let key = ImageKey(
      source: source, crop: chain.crop, shift: chain.shift, method: chain.method,
      swapsAxes: isLate && turn.swapsAxes, isGray: chain.color == .gray || chain.color == .gray3)
    if let known = images[key] { return known.isEmpty ? nil : known }
    images[key] = []
    guard let pictures = pictures(source) else { return nil }
    let (width, height) =
      key.swapsAxes ? (search.height, search.width) : (search.width, search.height)
    var recipe = Recipe(
      crop: chain.crop, resize: .init(width: width, height: height, method: chain.method),
      color: key.isGray ? .gray3 : .rgb, luma: search.base.luma)
    var result: [Image] = []
    for picture in pictures {
      recipe.crop = chain.crop.shifted(
        chain.shift, width: picture.width, height: picture.height, size: (width, height))
      guard let image = try? recipe.image(from: picture) else { return nil }
      result.append(image)
    }
    images[key] = result
    return result
  }

  /// The decoded pictures, set upright and turned; the last two ways are kept.
  private mutating func pictures(_ key: SourceKey) -> [Picture]? {
    if let known = sources.first(where: { $0.key == key }) { return known.pictures }
    var result: [Picture] = []
    for frame in frames {
      var picture = frame.picture
      if key.decode != search.base.decode {
        guard let other = frame.decode?(key.decode) else { return nil }
        picture = other
      }
      var image = key.exif == .apply ? picture.upright : picture.image
      if key.turn != .identity {
        image = image.rotatedClockwise(quarterTurns: key.turn.quarterTurns)
        if key.turn.isMirrored { image = image.flippedHorizontally() }
      }
      guard
        let turned = try? Picture(width: image.width, height: image.height, pixels: image.pixels)
      else { return nil }
      result.append(turned)
    }
    if sources.count == 2 { sources.removeFirst() }
    sources.append((key, result))
    return result
  }
}

extension Recipe.Crop {
  /// The crop moved by whole pixels, cut to the picture where it held all of it.
  func shifted(
    _ shift: [Int], width: Int, height: Int, size: (width: Int, height: Int)
  ) -> Recipe.Crop {
    guard shift.contains(where: { $0 != 0 }) else { return self }
    let part = rectangle(width: width, height: height, size: size)
    var (left, top) = (Int(part.x) + shift[0], Int(part.y) + shift[1])
    var (right, bottom) = (left + Int(part.width), top + Int(part.height))
    if mode == .none {
      (left, top) = (max(0, left), max(0, top))
      (right, bottom) = (min(width, right), min(height, bottom))
    }
    return Recipe.Crop(
      mode: .box, width: max(1, right - left), height: max(1, bottom - top), x: left, y: top,
      pad: pad)
  }
}
