import EXrayPreprocess

// Which crops can have shown what the inputs show.
extension RecipeSearch {
  /// Crops worth trying: the intended one and those that people use.
  func candidateCrops(_ frames: [Frame]) -> [Recipe.Crop] {
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

  /// Turns, memory orders and orientations that may be right, with the part of each picture that they show.
  func placed(
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

  /// Crops, shifts and phases that show about the given parts of the pictures, the nearest first.
  func geometries(
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
      if near.isEmpty, phase == .halfPixel, turn == .identity, let part = parts.first,
        parts.count == 1
      {
        for crop in boxes(like: part) {
          let geometry = SourceGeometry(
            crop: crop, shift: [0, 0], turn: turn, when: .beforeCrop, phase: phase)
          near.append(
            (geometry, distance(geometry, parts, match, grid) ?? .infinity, near.count))
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

  /// Rectangles of whole pixels about a part that no named crop shows.
  private func boxes(like part: Rectangle) -> [Recipe.Crop] {
    func edges(_ position: Double) -> [Int] {
      let nearest = Int(position.rounded())
      let other = position < Double(nearest) ? nearest - 1 : nearest + 1
      return abs(position - Double(nearest)) < 0.25 ? [nearest] : [nearest, other]
    }
    guard [part.x, part.y, part.width, part.height].allSatisfy({ abs($0) < 65_535 }) else {
      return []
    }
    var crops: [Recipe.Crop] = []
    for left in edges(part.x) {
      for right in edges(part.x + part.width) where right > left {
        for top in edges(part.y) {
          for bottom in edges(part.y + part.height) where bottom > top {
            crops.append(
              Recipe.Crop(
                mode: .box, width: right - left, height: bottom - top, x: left, y: top))
          }
        }
      }
    }
    return crops
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

  /// Interpolations that show whether a crop is right, one or more of each phase.
  func probes(_ phase: SamplingPhase) -> [Recipe.Resize.Method] {
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
}
