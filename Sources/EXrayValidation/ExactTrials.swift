import EXrayCore
import EXrayPreprocess

/// A chain that was run exactly, and what the best function of its levels leaves over.
struct Trial: Sendable {
  var chain: Chain
  var table: LevelTable
  var affine: Affine
  /// The curve that levels go through before the line.
  var transfer: Recipe.Normalize.Transfer
  /// Which of the ways of storing integers leaves less than the line; nil for none.
  var hypothesis: Int?
  /// Whether values follow levels in coarse steps that no known way of storing makes.
  var isStaircase = false
  /// Other curves than ``transfer`` after which a line makes the same coarse steps.
  var otherTransfers: [Recipe.Normalize.Transfer] = []
  /// Root mean squared rest in levels.
  var residual: Double
  var explainedVariance: Double
}

/// Runs chains over the frames, each once.
struct ExactTrials {
  private let search: RecipeSearch
  private let frames: [RecipeSearch.Frame]
  /// The values that an input of integers can hold; nil for other types.
  let range: ClosedRange<Float>?
  /// Ways of storing whole levels, and from the first chain on that needs them those of real levels.
  private let hypotheses: StoredHypotheses
  private var fineHypotheses: StoredHypotheses?
  private(set) var done: [Chain: Trial] = [:]
  private var failed: Set<Chain> = []
  private var images: [ImageKey: [Image]] = [:]
  /// The last cropped pictures, which the next interpolations resize.
  private var cropped: (key: CropKey, pictures: [Picture])?
  private var sources: [(key: SourceKey, pictures: [Picture])] = []

  /// What the resized picture depends on.
  private struct ImageKey: Hashable {
    var source: SourceKey
    var crop: Recipe.Crop
    var shift: [Int]
    var method: Recipe.Resize.Method
    var swapsAxes: Bool
    /// How grey is computed before the resize; nil where the colours are resized.
    var luma: Recipe.Luma?
  }

  private struct CropKey: Hashable {
    var source: SourceKey
    var crop: Recipe.Crop
    var shift: [Int]
    var swapsAxes: Bool
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
    hypotheses = StoredHypotheses(search, .whole)
  }

  /// The ways in which a chain's levels can have been stored; those of both kinds have the same order.
  func hypotheses(of chain: Chain) -> StoredHypotheses {
    chain.precision == .float ? fineHypotheses ?? hypotheses : hypotheses
  }

  /// How real levels are told apart: where values are integers, few cells do for a step.
  private var fineCells: LevelCells { LevelCells(resolution: search.step > 0 ? 8 : 64) }

  /// Forgets a chain that another one is preferred to.
  mutating func discard(_ chain: Chain) {
    done[chain] = nil
    failed.insert(chain)
  }

  /// Runs a chain; nil where the pictures do not allow it or their levels do not vary.
  mutating func run(_ chain: Chain) -> Trial? {
    if let known = done[chain] { return known }
    guard !failed.contains(chain), let table = table(chain), let trial = trial(chain, table) else {
      failed.insert(chain)
      return nil
    }
    done[chain] = trial
    return trial
  }

  /// What a chain's levels became; nil where the pictures do not allow it.
  private mutating func table(_ chain: Chain) -> LevelTable? {
    let isFine = chain.precision == .float
    var table = LevelTable(channels: search.channels, cells: isFine ? fineCells : .whole)
    if isFine {
      guard let images = unrounded(chain) else { return nil }
      for (frame, image) in zip(frames, images) {
        table.add(image, search.view(frame, chain.reading))
      }
      if fineHypotheses == nil { fineHypotheses = StoredHypotheses(search, fineCells) }
    } else {
      guard let images = finished(chain) else { return nil }
      for (frame, image) in zip(frames, images) {
        table.add(image, search.view(frame, chain.reading))
      }
    }
    return table
  }

  /// What explains a table best: a line a channel, one after a curve, or a way of storing integers.
  private func trial(_ chain: Chain, _ table: LevelTable) -> Trial? {
    var best: Trial?
    func offer(_ transfer: Recipe.Normalize.Transfer) {
      let curved = transfer == .none ? table : table.curved(transfer)
      guard let affine = curved.affine(inside: range) ?? curved.affine(inside: nil) else { return }
      let rest = curved.rest(affine, range: range)
      var residual = rest.residualInLevels
      if let best {
        // A level of a curve is worth more or less than one of the picture: compare what is left of the values.
        let share = (1 - rest.explainedVariance) / max(1 - best.explainedVariance, 1e-12)
        residual = best.residual * max(0, share).squareRoot()
        guard residual < best.residual * 0.8 else { return }
      }
      best = Trial(
        chain: chain, table: curved, affine: affine, transfer: transfer, residual: residual,
        explainedVariance: rest.explainedVariance)
    }
    offer(.none)
    if let straight = best, straight.residual > 1, straight.residual < 40 {
      for transfer in Recipe.Normalize.Transfer.allCases where transfer != .none {
        offer(transfer)
      }
    }
    let hypotheses = hypotheses(of: chain)
    guard let (index, rest) = hypotheses.best(table), rest.residualInLevels.isFinite,
      best.map({ rest.residualInLevels <= $0.residual * 1.05 + 0.02 }) ?? true,
      rest.explainedVariance > 0.2
    else { return best.map { staircase($0, table) ?? $0 } }
    let normalize = hypotheses.all[index].normalize
    let stored = Trial(
      chain: chain, table: table,
      affine: table.affine(inside: range) ?? Affine(normalize, channels: table.channels),
      transfer: .none, hypothesis: index, residual: rest.residualInLevels,
      explainedVariance: rest.explainedVariance)
    return staircase(stored, table) ?? stored
  }

  /// What any rising or falling function of levels leaves, where steps are coarser than levels and it leaves far less.
  private func staircase(_ trial: Trial, _ table: LevelTable) -> Trial? {
    let line = trial.affine.slopes.reduce(0) { $0 + abs($1) } / Float(search.channels)
    guard trial.table.cells == .whole, search.step > 4 * line, trial.residual > 0.5,
      let rest = trial.table.monotoneRest(tolerance: Double(search.step) / 2),
      rest.residualInLevels < 0.5 * trial.residual
    else { return nil }
    var result = trial
    (result.hypothesis, result.isStaircase) = (nil, true)
    (result.residual, result.explainedVariance) = (rest.residualInLevels, rest.explainedVariance)
    fitLine(&result, to: table)
    return result
  }

  /// Takes the first curve after which a line makes the steps of a staircase, none at all before the others.
  private func fitLine(_ trial: inout Trial, to table: LevelTable) {
    guard let range else { return }
    var fits: [(transfer: Recipe.Normalize.Transfer, table: LevelTable, affine: Affine)] = []
    for transfer in Recipe.Normalize.Transfer.allCases {
      let curved = transfer == .none ? table : table.curved(transfer)
      if let affine = StaircaseFit(curved, step: search.step, range: range).affine {
        fits.append((transfer, curved, affine))
      }
    }
    guard let first = fits.first else { return }
    (trial.transfer, trial.table, trial.affine) = first
    trial.otherTransfers = fits.dropFirst().map(\.transfer)
  }

  /// The pictures after all stages up to the colours; nil where one does not allow them.
  mutating func finished(_ chain: Chain) -> [Image]? {
    guard let resized = resized(chain) else { return nil }
    let recipe = Recipe(
      orient: lateOrient(chain),
      resize: .init(width: search.width, height: search.height, method: .none), color: chain.color,
      luma: chain.luma)
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

  /// The pictures after all stages up to the colours, with levels that are not rounded; nil where one does not allow them.
  private mutating func unrounded(_ chain: Chain) -> [FloatImage]? {
    let isLate = chain.orient.when == .afterResize
    let turn = chain.orient.dihedral
    let source = SourceKey(
      decode: chain.decode, exif: chain.orient.exif, turn: isLate ? .identity : turn)
    let size =
      isLate && turn.swapsAxes ? (search.height, search.width) : (search.width, search.height)
    guard let pictures = pictures(source) else { return nil }
    var recipe = Recipe(
      orient: lateOrient(chain),
      resize: .init(width: search.width, height: search.height, method: chain.method),
      color: chain.color, luma: chain.luma)
    var result: [FloatImage] = []
    for picture in pictures {
      recipe.crop = chain.crop.shifted(
        chain.shift, width: picture.width, height: picture.height, size: size)
      guard let image = try? recipe.floatImage(from: picture), image.channels == search.channels
      else { return nil }
      result.append(image)
    }
    return result
  }

  /// The turn that follows the resize.
  private func lateOrient(_ chain: Chain) -> Recipe.Orient {
    guard chain.orient.when == .afterResize else { return .init() }
    return .init(rotate: chain.orient.rotate, flip: chain.orient.flip, when: .afterResize)
  }

  /// The pictures cropped and resized, in three channels.
  private mutating func resized(_ chain: Chain) -> [Image]? {
    let isLate = chain.orient.when == .afterResize
    let turn = chain.orient.dihedral
    let source = SourceKey(
      decode: chain.decode, exif: chain.orient.exif, turn: isLate ? .identity : turn)
    let isGray = chain.color == .gray || chain.color == .gray3
    let key = ImageKey(
      source: source, crop: chain.crop, shift: chain.shift, method: chain.method,
      swapsAxes: isLate && turn.swapsAxes, luma: isGray ? chain.luma : nil)
    if let known = images[key] { return known.isEmpty ? nil : known }
    images[key] = []
    let (width, height) =
      key.swapsAxes ? (search.height, search.width) : (search.width, search.height)
    let cropKey = CropKey(
      source: source, crop: chain.crop, shift: chain.shift, swapsAxes: key.swapsAxes)
    guard let (pictures, isCropped) = pictures(cropKey, (width, height)) else { return nil }
    var recipe = Recipe(
      crop: chain.crop, resize: .init(width: width, height: height, method: chain.method),
      color: isGray ? .gray3 : .rgb, luma: chain.luma)
    if isCropped { recipe.crop = .none }
    var result: [Image] = []
    for picture in pictures {
      if !isCropped {
        recipe.crop = chain.crop.shifted(
          chain.shift, width: picture.width, height: picture.height, size: (width, height))
      }
      guard let image = try? recipe.image(from: picture) else { return nil }
      result.append(image)
    }
    images[key] = result
    return result
  }

  /// The turned pictures, cropped where that is a stage of its own.
  private mutating func pictures(
    _ key: CropKey, _ size: (width: Int, height: Int)
  ) -> (pictures: [Picture], isCropped: Bool)? {
    if let cropped, cropped.key == key { return (cropped.pictures, true) }
    guard let pictures = pictures(key.source) else { return nil }
    // Grey is computed before a pad is put around it.
    let isPart: Set<Recipe.Crop.Mode> = [.centerFraction, .centerPixels, .box]
    guard key.crop.mode == .none ? key.shift != [0, 0] : isPart.contains(key.crop.mode) else {
      return (pictures, false)
    }
    var result: [Picture] = []
    for picture in pictures {
      let crop = key.crop.shifted(
        key.shift, width: picture.width, height: picture.height, size: size)
      let part = crop.rectangle(width: picture.width, height: picture.height, size: size)
      let whole = Rectangle(
        x: 0, y: 0, width: Double(picture.width), height: Double(picture.height))
      let recipe = Recipe(
        crop: crop,
        resize: .init(width: Int(part.width), height: Int(part.height), method: .none))
      guard part.isInside(whole), let image = try? recipe.image(from: picture),
        let cut = try? Picture(width: image.width, height: image.height, pixels: image.pixels)
      else { return (pictures, false) }
      result.append(cut)
    }
    cropped = (key, result)
    return (result, true)
  }

  /// Pixels of all pictures.
  var pixelCount: Int { frames.reduce(0) { $0 + $1.picture.width * $1.picture.height } }

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
