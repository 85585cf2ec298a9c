import EXrayCore
import EXrayPreprocess

// Chains that are run exactly, and varied stage by stage.
extension RecipeSearch {
  /// Runs the chains whose crops show what the inputs show, then varies what is left.
  func search(
    _ matches: [CoarseMatch], _ crops: [Recipe.Crop], _ grid: CoarseGrid, _ frames: [Frame],
    _ trials: inout ExactTrials
  ) {
    _ = trials.run(baseChain)
    if let trial = best(trials), isExact(trial) {
      vary(trial, [], &trials)
      return
    }
    var geometries: [(Recipe.Orient.EXIF, SourceGeometry)] = []
    var placed: [(chain: Chain, probes: [Recipe.Resize.Method])] = []
    for (match, parts) in self.placed(matches, grid) {
      for geometry in self.geometries(like: parts, match, crops, grid) {
        geometries.append((match.orient.exif, geometry))
        var orient = match.orient.with(geometry.turn)
        orient.when = geometry.turn == .identity ? base.orient.when : geometry.when
        let chain = Chain(
          decode: base.decode, orient: orient, crop: geometry.crop, method: .none,
          color: match.color, luma: base.luma, reading: match.reading, shift: geometry.shift)
        placed.append((chain, probes(geometry.phase)))
      }
    }
    // In large pictures interpolations that look at every pixel are run for the best parts alone.
    let isLarge = trials.pixelCount > 3_000_000
    var leading: [(index: Int, residual: Double)] = []
    for (index, place) in placed.enumerated() {
      var least = Double.infinity
      for method in place.probes where !isLarge || !method.readsEveryPixel {
        var chain = place.chain
        chain.method = method
        least = min(least, trials.run(chain)?.residual ?? .infinity)
      }
      leading.append((index, least))
    }
    leading.sort { ($0.residual, $0.index) < ($1.residual, $1.index) }
    for (index, _) in leading.prefix(isLarge ? 4 : 0) {
      for method in placed[index].probes {
        var chain = placed[index].chain
        chain.method = method
        _ = trials.run(chain)
      }
    }
    if best(trials).map({ $0.explainedVariance < 0.8 }) ?? true {
      // The parts led astray: the coarse stage's crops as they are.
      for match in matches.prefix(12) {
        for method in probes(.halfPixel) where !isLarge || !method.readsEveryPixel {
          _ = trials.run(
            Chain(
              decode: base.decode, orient: match.orient, crop: match.crop, method: method,
              color: match.color, luma: base.luma, reading: match.reading))
        }
      }
    }
    if let best = best(trials), best.explainedVariance < 0.5, trials.range == nil {
      // Far from everything; what follows changes details.
      return
    }
    // An unrounded chain that leaves nothing spares the variations that would look for its rest.
    settlePrecision(&trials, frames)
    for _ in 0..<4 {
      guard let start = best(trials) else { return }
      for trial in leaders(trials) { vary(trial, geometries, &trials) }
      if best(trials)?.chain == start.chain { break }
    }
    descendThroughShifts(&trials)
    runWithoutPlacement(crops, &trials)
  }

  /// Where most values are cut off, means of cells show no part of the picture: every crop is run.
  private func runWithoutPlacement(_ crops: [Recipe.Crop], _ trials: inout ExactTrials) {
    guard trials.range != nil, best(trials).map({ !isExact($0) && $0.residual > 1 }) ?? true else {
      return
    }
    var readings = Set(trials.done.keys.map(\.reading))
    readings.insert(baseChain.reading)
    for reading in self.readings([]).filter({ !$0.hasOtherSign }) { readings.insert(reading) }
    var chain = baseChain
    for reading in readings.sorted(by: { "\($0)" < "\($1)" }) {
      chain.reading = reading
      for turn in Dihedral.all {
        chain.orient = baseChain.orient.with(turn)
        _ = trials.run(chain)
      }
      chain.orient = baseChain.orient
      for crop in crops {
        chain.crop = crop
        for method in [base.resize.method, .bilinearPillow] {
          chain.method = method
          _ = trials.run(chain)
        }
      }
      (chain.crop, chain.method) = (baseChain.crop, baseChain.method)
      for method in Recipe.Resize.Method.allCases {
        chain.method = method
        _ = trials.run(chain)
      }
      chain.method = baseChain.method
    }
    for _ in 0..<3 {
      guard let start = best(trials) else { return }
      vary(start, [], &trials)
      if best(trials)?.chain == start.chain { break }
    }
  }

  /// Whether the bytes of the input have another meaning with their signs the other way.
  private var hasBytes: Bool { input.elementType == .int8 || input.elementType == .uint8 }

  /// The best chain and others of another geometry that are nearly as good.
  private func leaders(_ trials: ExactTrials) -> [Trial] {
    guard let best = best(trials) else { return [] }
    if isExact(best) { return [best] }
    var found = [best]
    let order = trials.done.values.sorted {
      $0.residual != $1.residual
        ? $0.residual < $1.residual : self.order($0.chain) < self.order($1.chain)
    }
    for trial in order {
      guard trial.residual <= 1.5 * best.residual + 0.5, found.count < 3 else { break }
      let isNew = !found.contains {
        $0.chain.crop == trial.chain.crop && $0.chain.shift == trial.chain.shift
          && $0.chain.orient == trial.chain.orient && $0.chain.reading == trial.chain.reading
      }
      if isNew { found.append(trial) }
    }
    return found
  }

  /// All interpolations, the quick and the usual ones first.
  private static let methods: [Recipe.Resize.Method] = {
    let usual: [Recipe.Resize.Method] = [
      .bilinearPillow, .bilinearOpenCV, .nearestPillow, .nearestOpenCV, .nearestTFHalfPixel,
      .nearestExactOpenCV, .bilinearTFHalfPixel, .areaOpenCV, .bicubicPillow, .none,
    ]
    return usual + Recipe.Resize.Method.allCases.filter { !usual.contains($0) }
  }()

  /// Runs the chains that differ from one in a single stage.
  private func vary(
    _ trial: Trial, _ geometries: [(Recipe.Orient.EXIF, SourceGeometry)],
    _ trials: inout ExactTrials
  ) {
    var chain = trial.chain
    chain.precision = .levels
    _ = trials.run(chain)
    let moments = Recipe.Orient.Moment.allCases
    func run(_ chain: Chain, _ trials: inout ExactTrials, _ change: (inout Chain) -> Void) {
      var other = chain
      change(&other)
      if other != chain { _ = trials.run(other) }
    }
    for method in Self.methods {
      // Methods of whole pixels give the same levels at some sizes; others do not.
      if let exact = best(trials), isExact(exact), !exact.chain.method.takesWholePixels { break }
      run(chain, &trials) { $0.method = method }
    }
    for color in Recipe.Color.allCases where color.channels == channels {
      run(chain, &trials) { $0.color = color }
    }
    if let best = best(trials), best.chain.color.order == nil, best.residual > 0 {
      for luma in Recipe.Luma.allCases { run(best.chain, &trials) { $0.luma = luma } }
    }
    for (exif, geometry) in geometries
    where exif == chain.orient.exif && geometry.turn == chain.orient.dihedral
      && geometry.phase == chain.method.phase
    {
      run(chain, &trials) {
        ($0.crop, $0.shift) = (geometry.crop, geometry.shift)
        if geometry.turn != .identity { $0.orient.when = geometry.when }
      }
    }
    if chain.orient.dihedral != .identity {
      for when in moments { run(chain, &trials) { $0.orient.when = when } }
    }
    run(chain, &trials) { ($0.crop, $0.shift) = (base.crop, [0, 0]) }
    // Choosing whole pixels moves the picture by up to half of one, which looks like another crop.
    for method in Self.methods where method.takesWholePixels && method != .none {
      for when in chain.orient.dihedral == .identity ? [chain.orient.when] : moments {
        run(chain, &trials) {
          ($0.crop, $0.shift, $0.method, $0.orient.when) = (base.crop, [0, 0], method, when)
        }
      }
    }
    if hasBytes { run(chain, &trials) { $0.reading.hasOtherSign.toggle() } }
    for turn in Dihedral.all where turn != chain.orient.dihedral {
      run(chain, &trials) {
        $0.orient = $0.orient.with(turn)
        $0.orient.when = turn == .identity ? base.orient.when : .afterResize
      }
    }
    // Decoders change a few levels; what becomes of transparency is varied by ``identify(_:)``.
    guard let best = best(trials), best.residual > 0.05 + noise(best), best.residual < 12 else {
      return
    }
    for transform in Recipe.Decode.Transform.allCases {
      for upsampling in Recipe.Decode.Upsampling.allCases {
        run(best.chain, &trials) {
          ($0.decode.transform, $0.decode.upsampling) = (transform, upsampling)
        }
      }
    }
  }

  /// Moves the crop pixel by pixel as long as that explains more.
  private func descendThroughShifts(_ trials: inout ExactTrials) {
    guard var best = best(trials), best.residual > 0.35 + noise(best),
      [.none, .centerFraction, .centerPixels, .box].contains(best.chain.crop.mode)
    else { return }
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
      vary(best, [], &trials)
      best = self.best(trials) ?? best
    }
  }
}
