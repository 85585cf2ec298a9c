import EXrayCore
import EXrayPreprocess

extension RecipeSearch {
  /// Identifies how the frames' inputs were made.
  ///
  /// - Parameter frames: A few frames; their decoded pictures are in memory together.
  public func identify(_ frames: [Frame]) -> Identification {
    let found = identifyAsDecoded(frames)
    guard !found.isExplained, frames.contains(where: \.hasAlpha) else { return found }
    for alpha in Recipe.Decode.Alpha.allCases where alpha != base.decode.alpha {
      var other = self
      other.base.decode.alpha = alpha
      let blended = frames.compactMap { frame -> Frame? in
        var frame = frame
        guard
          let picture = frame.decode?(other.base.decode) ?? (frame.hasAlpha ? nil : frame.picture)
        else { return nil }
        frame.picture = picture
        return frame
      }
      guard blended.count == frames.count else { continue }
      var found = other.identifyAsDecoded(blended)
      guard found.isExplained else { continue }
      if intended != nil {
        found.differences.insert(
          .init(
            cause: .decode, stage: "decode", found: words(other.base.decode),
            intended: words(base.decode)), at: 0)
      }
      return found
    }
    return found
  }

  private func identifyAsDecoded(_ frames: [Frame]) -> Identification {
    let count = width * height * channels
    guard !frames.isEmpty, frames.allSatisfy({ $0.values.count == count }) else {
      return .init(ruledOut: ["no input has the size of the model's"])
    }
    guard frames.allSatisfy({ $0.values.allSatisfy(\.isFinite) }) else {
      return .init(ruledOut: ["the input holds values that are not finite"])
    }
    let grid = CoarseGrid(self, frames)
    let crops = candidateCrops(frames)
    let matches = grid.matches(crops)
    guard let first = matches.first else { return .init(ruledOut: ["no recipe fits the shape"]) }
    var trials = ExactTrials(self, frames)
    descend(from: starts(matches, first.rest), matches: matches, &trials)
    if let best = best(trials), best.residual > 0.35 + noise(best) {
      descendThroughShifts(best, &trials)
    }
    return describe(trials, tried: (crops.count, matches), frames: frames)
  }

  /// The rest, in levels, that storing the numbers explains.
  func noise(_ trial: Trial) -> Double {
    let slope = trial.affine.slopes.reduce(0) { $0 + abs($1) } / Float(channels)
    return slope > 0 ? storingNoise / Double(slope) : 0
  }

  /// The chain that the base recipe stands for.
  var baseChain: Chain {
    let isInterleaved = base.layout == .nhwc || base.layout.rawValue == "HWC-as-CHW"
    return Chain(
      decode: base.decode, orient: base.orient.with(base.orient.dihedral), crop: base.crop,
      method: base.resize.method, color: base.color,
      reading: Reading(isInterleaved: isInterleaved == true))
  }

  /// Stages in which a chain departs from the base recipe.
  func departures(_ chain: Chain) -> Int {
    let base = baseChain
    var count = chain.decode == base.decode ? 0 : 1
    if chain.orient.exif != base.orient.exif { count += 1 }
    if chain.orient.dihedral != base.orient.dihedral { count += 1 }
    if chain.crop != base.crop || chain.shift != base.shift { count += 1 }
    if chain.method != base.method { count += 1 }
    if chain.color != base.color { count += 1 }
    if layout(chain.reading) != self.base.layout { count += 1 }
    if chain.reading.hasOtherSign { count += 1 }
    return count
  }

  /// The simplest chain among those that explain as much as the best.
  func best(_ trials: ExactTrials) -> Trial? {
    guard let least = trials.done.values.map(\.residual).min(), least.isFinite else { return nil }
    return trials.done.values.filter { isEqual($0.residual, least) }.min {
      let (a, b) = (departures($0.chain), departures($1.chain))
      if a != b { return a < b }
      return $0.residual != $1.residual
        ? $0.residual < $1.residual : order($0.chain) < order($1.chain)
    }
  }

  /// Whether a rest is no clear improvement over another.
  func isEqual(_ residual: Double, _ least: Double) -> Bool { residual <= least * 1.05 + 0.02 }

  /// A fixed order, so that equal chains are always reported alike.
  func order(_ chain: Chain) -> String {
    let method = Recipe.Resize.Method.allCases.firstIndex(of: chain.method) ?? 0
    let crops = ["none", "center-fraction", "short-side", "letterbox"]
    let crop = crops.firstIndex(of: chain.crop.mode.rawValue) ?? crops.count
    return "\(crop) \(chain.crop) \(method + 100) \(chain.orient) \(chain.color) \(chain.shift)"
  }

  // MARK: Candidates

  /// Crops worth trying: the intended one and those that people use.
  private func candidateCrops(_ frames: [Frame]) -> [Recipe.Crop] {
    var crops: [Recipe.Crop] = [base.crop, .none]
    crops += [1, 0.875, 0.9, 0.8, 0.75, 0.95, 0.85, 0.7, 0.6, 0.5].map { .centerFraction($0) }
    crops.append(.centerPixels(width: width, height: height))
    let side = min(width, height)
    let ratios = [8.0 / 7, 1.05, 1.1, 1.15, 1.2, 1.25, 1]
    crops += ([232, 236, 240, 248, 256, 288, 320, 342] + ratios.map { Int(Double(side) * $0) })
      .filter { $0 >= side && $0 <= side * 2 }.map { .shortSide($0) }
    if base.crop.mode == .shortSide, let short = base.crop.shortSide {
      crops.append(.shortSide(short))
    }
    let pads: [[UInt8]?] = [nil, [114], [127], [128], [255], base.crop.pad]
    for pad in pads { crops.append(Recipe.Crop(mode: .letterbox, pad: pad)) }
    var seen: Set<Recipe.Crop> = []
    return crops.filter { seen.insert($0).inserted }
  }

  /// Chains to start from: the best crops, turns, colours and orders of the coarse stage.
  private func starts(_ matches: [CoarseMatch], _ least: Double) -> [Chain] {
    var chains: [Chain] = []
    var crops: [Recipe.Crop] = []
    var shapes: Set<[String]> = []
    for match in matches.prefix(400) where match.rest <= 4 * least + 0.004 {
      let shape = ["\(match.orient)", "\(match.color)", "\(match.reading)"]
      let isNewCrop = !crops.contains(match.crop)
      if isNewCrop, crops.count >= 6 { continue }
      if !shapes.contains(shape), shapes.count >= 4 { continue }
      if isNewCrop || shapes.insert(shape).inserted {
        crops.append(match.crop)
        shapes.insert(shape)
        chains.append(chain(match))
      }
    }
    return chains
  }

  private func chain(_ match: CoarseMatch) -> Chain {
    Chain(
      decode: base.decode, orient: match.orient, crop: match.crop, method: base.resize.method,
      color: match.color, reading: match.reading)
  }

  // MARK: Descent

  /// Varies one stage after the other from the best of several starts until nothing gets better.
  private func descend(
    from starts: [Chain], matches: [CoarseMatch], _ trials: inout ExactTrials
  ) {
    let probes: [Recipe.Resize.Method] = [base.resize.method, .bilinearPillow, .nearestOpenCV]
    for start in starts {
      for method in probes {
        var chain = start
        chain.method = method
        _ = trials.run(chain)
      }
    }
    _ = trials.run(baseChain)
    guard let least = matches.first?.rest else { return }
    let close = matches.prefix(400).filter { $0.rest <= 4 * least + 0.004 }
    for _ in 0..<3 {
      guard let best = best(trials) else { return }
      for chain in variations(best.chain, close) { _ = trials.run(chain) }
      if best.residual > 0.1 + noise(best), best.residual < 6,
        let found = self.best(trials)
      {
        // What becomes of transparency is varied by ``identify(_:)``.
        for transform in Recipe.Decode.Transform.allCases {
          for upsampling in Recipe.Decode.Upsampling.allCases {
            var chain = found.chain
            (chain.decode.transform, chain.decode.upsampling) = (transform, upsampling)
            _ = trials.run(chain)
          }
        }
      }
      if self.best(trials)?.chain == best.chain { return }
    }
  }

  /// The chains that differ from one in a single stage.
  private func variations(_ chain: Chain, _ matches: [CoarseMatch]) -> [Chain] {
    var chains: [Chain] = []
    func add(_ change: (inout Chain) -> Void) {
      var other = chain
      change(&other)
      if other != chain { chains.append(other) }
    }
    for method in Recipe.Resize.Method.allCases { add { $0.method = method } }
    var crops: [Recipe.Crop] = [base.crop]
    for match in matches where crops.count < 7 && !crops.contains(match.crop) {
      crops.append(match.crop)
    }
    for crop in crops { add { $0.crop = crop } }
    if chain.orient.dihedral != .identity {
      for when in Recipe.Orient.Moment.allCases { add { $0.orient.when = when } }
    }
    for turn in Dihedral.all where turn != chain.orient.dihedral {
      add {
        $0.orient = $0.orient.with(turn)
        $0.orient.when = turn == .identity ? base.orient.when : .afterResize
      }
    }
    for match in matches where match.crop == chain.crop && match.orient.exif != chain.orient.exif {
      add { $0.orient = match.orient }
    }
    for color in Recipe.Color.allCases where color.channels == channels {
      add { $0.color = color }
    }
    return chains
  }

  /// Moves the crop pixel by pixel as long as that explains more.
  private func descendThroughShifts(_ start: Trial, _ trials: inout ExactTrials) {
    guard [.none, .centerFraction, .centerPixels, .box].contains(start.chain.crop.mode) else {
      return
    }
    var best = start
    for _ in 0..<3 {
      var improved = best
      for dx in -1...1 {
        for dy in -1...1 where (dx, dy) != (0, 0) {
          var chain = best.chain
          chain.shift = [chain.shift[0] + dx, chain.shift[1] + dy]
          if let trial = trials.run(chain), trial.residual < improved.residual * 0.9 {
            improved = trial
          }
        }
      }
      guard improved.chain != best.chain else { break }
      best = improved
      for method in Recipe.Resize.Method.allCases {
        var chain = best.chain
        chain.method = method
        if let trial = trials.run(chain), trial.residual < best.residual { best = trial }
      }
    }
  }
}
