import EXrayCore
import EXrayPreprocess

extension RecipeSearch {
  /// Identifies how the frames' inputs were made.
  ///
  /// - Parameter frames: A few frames; their decoded pictures are in memory together.
  public func identify(_ frames: [Frame]) -> Identification {
    let first = identifyAsDecoded(frames)
    guard frames.contains(where: \.hasAlpha) else { return first.found }
    if let best = first.best, isExact(best) { return first.found }
    var answers = [first]
    let gray = Recipe.Decode.Alpha.on(red: 128, green: 128, blue: 128)
    var colors = [Recipe.Decode.Alpha.drop, .white, .black, gray]
    var fits = 0
    while let alpha = colors.first {
      colors.removeFirst()
      guard alpha != base.decode.alpha, let blended = self.blended(frames, alpha) else { continue }
      var other = self
      other.base.decode.alpha = alpha
      var answer = other.identifyAsDecoded(blended)
      if intended != nil, answer.found.isExplained {
        answer.found.differences.insert(
          .init(
            cause: .decode, stage: "decode", found: words(other.base.decode),
            intended: words(base.decode)), at: 0)
        answer.found.intendedResidualInLSB = first.found.intendedResidualInLSB
      }
      answers.append(answer)
      if let best = answer.best, isExact(best) { break }
      // The colour that the best chain shows; a better chain shows it better.
      if colors.isEmpty, fits < 2, let color = ground(answers.compactMap(\.best), frames) {
        fits += 1
        colors.append(color)
      }
    }
    func residual(_ answer: Answer) -> Double {
      answer.found.isExplained ? answer.best?.residual ?? .infinity : .infinity
    }
    guard let least = answers.map(residual).min(), least.isFinite,
      let answer = answers.first(where: { isEqual(residual($0), least) })
    else { return first.found }
    return answer.found
  }

  /// What a search found, and the chain behind it.
  private typealias Answer = (found: Identification, best: Trial?)

  /// The frames with their transparency treated in another way; nil where that changes nothing.
  private func blended(_ frames: [Frame], _ alpha: Recipe.Decode.Alpha) -> [Frame]? {
    var options = base.decode
    options.alpha = alpha
    var hasChanged = false
    var result: [Frame] = []
    for frame in frames {
      var frame = frame
      if frame.hasAlpha {
        guard let picture = frame.decode?(options) else { return nil }
        if picture.image != frame.picture.image { hasChanged = true }
        frame.picture = picture
      }
      result.append(frame)
    }
    return hasChanged ? result : nil
  }

  /// The colour that transparent pictures were laid on, by least squares; nil where that says nothing.
  ///
  /// A value is a·black + b·(white − black) + c, and the colour 255·b/a.
  private func ground(_ trials: [Trial], _ frames: [Frame]) -> Recipe.Decode.Alpha? {
    guard channels == 3, let chain = trials.min(by: { $0.residual < $1.residual })?.chain,
      let dark = blended(frames, .black) ?? (base.decode.alpha == .black ? frames : nil),
      let bright = blended(frames, .white) ?? (base.decode.alpha == .white ? frames : nil)
    else { return nil }
    func images(_ frames: [Frame], _ alpha: Recipe.Decode.Alpha) -> [Image]? {
      var (other, own) = (self, chain)
      other.base.decode.alpha = alpha
      own.decode = other.base.decode
      var trials = ExactTrials(other, frames)
      return trials.finished(own)
    }
    guard let blacks = images(dark, .black), let whites = images(bright, .white) else { return nil }
    var levels: [UInt8] = []
    for channel in 0..<3 {
      var sums = [[Double]](repeating: [0, 0, 0, 0], count: 3)
      for (index, frame) in frames.enumerated() {
        let view = view(frame, chain.reading)
        for pixel in 0..<width * height {
          let black = Double(blacks[index].pixels[pixel * 3 + channel])
          let veil = Double(whites[index].pixels[pixel * 3 + channel]) - black
          let value = Double(
            view.values[pixel * view.pixelStride + channel * view.channelStride])
          let terms = [black, veil, 1, value]
          for i in 0..<3 { for j in 0..<4 { sums[i][j] += terms[i] * terms[j] } }
        }
      }
      guard let line = solved(sums), line[0] != 0 else { return nil }
      let level = 255 * line[1] / line[0]
      guard level > -8, level < 263 else { return nil }
      levels.append(UInt8(max(0, min(255, level.rounded()))))
    }
    // Channels are in the model's order.
    let order = chain.color.order ?? [0, 1, 2]
    var primaries = levels
    for channel in 0..<3 { primaries[order[channel]] = levels[channel] }
    return .on(red: primaries[0], green: primaries[1], blue: primaries[2])
  }

  private func identifyAsDecoded(_ frames: [Frame]) -> Answer {
    let count = width * height * channels
    guard !frames.isEmpty, frames.allSatisfy({ $0.values.count == count }) else {
      return (.init(ruledOut: ["no input has the size of the model's"]), nil)
    }
    guard frames.allSatisfy({ $0.values.allSatisfy(\.isFinite) }) else {
      return (.init(ruledOut: ["the input holds values that are not finite"]), nil)
    }
    let grid = CoarseGrid(self, frames)
    let crops = candidateCrops(frames)
    let matches = grid.matches(crops)
    guard !matches.isEmpty else {
      return (.init(ruledOut: ["no recipe fits the shape"]), nil)
    }
    var trials = ExactTrials(self, frames)
    search(matches, crops, grid, &trials)
    let found = describe(trials, tried: (crops.count, matches), frames: frames)
    return (found, best(trials))
  }

  /// The rest, in levels, that storing the numbers explains.
  func noise(_ trial: Trial) -> Double {
    if trial.hypothesis != nil || trial.isStaircase { return 0 }
    let slope = trial.affine.slopes.reduce(0) { $0 + abs($1) } / Float(channels)
    return slope > 0 ? storingNoise / Double(slope) : 0
  }

  /// The chain that the base recipe stands for.
  var baseChain: Chain {
    let isInterleaved = base.layout == .nhwc || base.layout.rawValue == "HWC-as-CHW"
    return Chain(
      decode: base.decode, orient: base.orient.with(base.orient.dihedral), crop: base.crop,
      method: base.resize.method, color: base.color, luma: base.luma,
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
    if chain.luma != base.luma { count += 1 }
    if layout(chain.reading) != self.base.layout { count += 1 }
    if chain.reading.hasOtherSign { count += 1 }
    return count
  }

  /// The simplest chain among those that explain as much as the best.
  func best(_ trials: ExactTrials) -> Trial? {
    guard let least = trials.done.values.map(\.residual).min(), least.isFinite else { return nil }
    func cost(_ trial: Trial) -> Int {
      let own = trial.isStaircase ? 4 : 2
      return departures(trial.chain)
        + (trial.hypothesis.map { trials.hypotheses.all[$0].departures } ?? own)
    }
    return trials.done.values.filter { isEqual($0.residual, least) }.min {
      let (a, b) = (cost($0), cost($1))
      if a != b { return a < b }
      return $0.residual != $1.residual
        ? $0.residual < $1.residual : order($0.chain) < order($1.chain)
    }
  }

  /// Whether a rest is no clear improvement over another.
  ///
  /// What leaves nothing at all is exact to the last level; other rests hold a library's own rounding.
  func isEqual(_ residual: Double, _ least: Double) -> Bool {
    residual <= least * 1.05 + (least < 0.001 ? 0.005 : 0.02)
  }

  /// A fixed order, so that equal chains are always reported alike.
  func order(_ chain: Chain) -> String {
    let method = Recipe.Resize.Method.allCases.firstIndex(of: chain.method) ?? 0
    let crops = ["none", "center-fraction", "short-side", "letterbox"]
    let crop = crops.firstIndex(of: chain.crop.mode.rawValue) ?? crops.count
    return "\(crop) \(chain.crop) \(method + 100) \(chain.orient) \(chain.color) \(chain.shift)"
      + " \(chain.luma) \(chain.reading) \(chain.decode)"
  }

  // MARK: Candidates

  /// Crops worth trying: the intended one and those that people use.
  private func candidateCrops(_ frames: [Frame]) -> [Recipe.Crop] {
    var crops: [Recipe.Crop] = [base.crop, .none]
    crops += [1, 0.875, 0.9, 0.8, 0.75, 0.95, 0.85, 0.7, 0.6, 0.5].map { .centerFraction($0) }
    crops.append(Recipe.Crop(mode: .centerPixels))
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

  // MARK: Exact chains

  /// Turns, memory orders and orientations that may be right, with the part of each picture that they show.
  private func placed(
    _ matches: [CoarseMatch], _ grid: CoarseGrid
  ) -> [(match: CoarseMatch, parts: [Rectangle])] {
    var groups: [(match: CoarseMatch, parts: [Rectangle], rest: Double)] = []
    var seen: [String: Int] = [:]
    guard let least = matches.first?.rest else { return [] }
    for match in matches.prefix(600) where match.rest <= 4 * least + 0.01 {
      // Of each orientation and memory order the two best parts, whatever the colours.
      let key = "\(match.orient) \(match.reading)"
      let isNew = seen[key] == nil
      guard seen[key, default: 0] < 2, !isNew || seen.count < 6 else { continue }
      guard
        !groups.contains(where: {
          $0.match.crop == match.crop && "\($0.match.orient) \($0.match.reading)" == key
        })
      else { continue }
      seen[key, default: 0] += 1
      guard let found = grid.registered(match) else { continue }
      groups.append((match, found.parts, found.rest))
    }
    let best = groups.map(\.rest).min() ?? 1
    return groups.sorted { $0.rest < $1.rest }.filter { $0.rest <= 3 * best + 0.01 }.prefix(5)
      .map { ($0.match, $0.parts) }
  }

  /// Runs the chains whose crops show what the inputs show, then varies what is left.
  private func search(
    _ matches: [CoarseMatch], _ crops: [Recipe.Crop], _ grid: CoarseGrid,
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
    if let best = best(trials), best.explainedVariance < 0.5, range == nil {
      // Far from everything; what follows changes details.
      return
    }
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
    guard range != nil, best(trials).map({ !isExact($0) && $0.residual > 1 }) ?? true else {
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

  private var range: ClosedRange<Float>? {
    input.elementType.isInteger ? input.representableRange : nil
  }

  /// Whether a trial leaves nothing that another chain could explain.
  func isExact(_ trial: Trial) -> Bool {
    let noise = noise(trial)
    // A line through a few coarse steps leaves much, whatever the chain.
    return noise < 1.5 && trial.residual <= 0.005 + noise * 1.02
  }

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

  /// Interpolations that show whether a crop is right, one or more of each phase.
  private func probes(_ phase: SamplingPhase) -> [Recipe.Resize.Method] {
    let usual: [Recipe.Resize.Method] =
      switch phase {
      case .halfPixel: [.bilinearPillow, .bilinearOpenCV, .nearestPillow]
      case .corners: [.bilinearTFAlignCorners]
      case .legacy: [.bilinearTFLegacy]
      case .floor: [.nearestOpenCV]
      }
    let own = base.resize.method
    return own.phase == phase && !usual.contains(own) ? [own] + usual : usual
  }

  /// Crops, shifts and phases that show about the given parts of the pictures, the nearest first.
  private func geometries(
    like parts: [Rectangle], _ match: CoarseMatch, _ crops: [Recipe.Crop], _ grid: CoarseGrid
  ) -> [SourceGeometry] {
    let turn = match.orient.dihedral
    let moments: [Recipe.Orient.Moment] =
      turn == .identity ? [.beforeCrop] : Recipe.Orient.Moment.allCases
    let shifts = (-2...2).flatMap { x in (-2...2).map { y in [x, y] } }
    let scale = parts.reduce(0) { max($0, $1.width / Double(width)) }
    var result: [SourceGeometry] = []
    for phase in SamplingPhase.allCases {
      var near: [(geometry: SourceGeometry, distance: Double, order: Int)] = []
      for crop in crops {
        for when in moments {
          var geometry = SourceGeometry(
            crop: crop, shift: [0, 0], turn: turn, when: when, phase: phase)
          guard let distance = distance(geometry, parts, match, grid),
            distance <= 4 + 2 * scale
          else { continue }
          let canMove = [.none, .centerFraction, .centerPixels, .box].contains(crop.mode)
          for shift in canMove ? shifts : [[0, 0]] {
            geometry.shift = shift
            guard let distance = self.distance(geometry, parts, match, grid),
              distance <= max(1.25, scale)
            else { continue }
            let isBase = crop == base.crop && shift == [0, 0]
            // A moved crop has to fit better than one that is not.
            let cost = isBase ? 0 : shift == [0, 0] ? 0.1 : 0.2
            near.append((geometry, distance + cost * min(1, scale), near.count))
          }
        }
      }
      near.sort { ($0.distance, $0.order) < ($1.distance, $1.order) }
      let least = near.first?.distance ?? .infinity
      let limit = phase == .halfPixel ? 10 : 4
      result += near.prefix(limit).filter { $0.distance <= least + 0.75 + 0.25 * scale }
        .map(\.geometry)
    }
    return result
  }

  private func distance(
    _ geometry: SourceGeometry, _ parts: [Rectangle], _ match: CoarseMatch, _ grid: CoarseGrid
  ) -> Double? {
    var largest = 0.0
    for (frame, part) in parts.enumerated() {
      guard let own = grid.rectangle(geometry, frame: frame, exif: match.orient.exif) else {
        return nil
      }
      largest = max(largest, own.distance(to: part))
    }
    return largest
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
    let chain = trial.chain
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
      for when in Recipe.Orient.Moment.allCases { run(chain, &trials) { $0.orient.when = when } }
    }
    run(chain, &trials) { ($0.crop, $0.shift) = (base.crop, [0, 0]) }
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
