import EXrayCore
import EXrayPreprocess

/// A normalisation and a way of storing integers, and what they make of every level.
struct StoredHypothesis: Sendable {
  var name: String
  var normalize: Recipe.Normalize
  var quantize: Recipe.Quantize
  /// What goes wrong in storing, in words; nil where nothing does.
  var storingFault: String?
  /// Whether the normalisation is the intended one.
  var isIntended: Bool
  /// Whether levels go through another transfer curve than the intended one.
  var isBent: Bool
  /// The least and the greatest value stored for a level, (channel, cell): spellings of a formula differ in last bits.
  var low: [Float]
  var high: [Float]

  /// Faults that it stands for.
  var departures: Int { (isIntended ? 0 : 1) + (storingFault == nil ? 0 : 1) + (isBent ? 1 : 0) }
}

/// The ways in which levels can have become the integers of an input, the likeliest first.
///
/// Integers are told apart by what is stored for each level, rounding and cutting included: where a step is
/// coarser than a level, a straight line says little.
struct StoredHypotheses: Sendable {
  private(set) var all: [StoredHypothesis] = []
  /// How many go without a transfer curve that was not intended; the others follow.
  private var plainCount = 0
  private let channels: Int
  private let cells: LevelCells

  init(_ search: RecipeSearch, _ cells: LevelCells) {
    channels = search.channels
    self.cells = cells
    guard search.input.elementType.isInteger, let scale = search.input.quantization?.scale,
      let zero = search.input.quantization?.zeroPoint, scale > 0, scale.isFinite
    else { return }
    let input = TensorDescription(
      name: "levels", elementType: search.input.elementType, shape: [cells.count],
      quantization: Quantization(scales: [scale], zeroPoints: [zero]))
    var normalizations: [(name: String, normalize: Recipe.Normalize, isIntended: Bool)] = []
    if let intended = search.intended?.normalize {
      normalizations.append(("the intended one", intended, true))
    }
    normalizations += KnownNormalization.all.map { ($0.name, $0.normalize, false) }
    if let intended = search.intended?.normalize {
      normalizations += NormalizationNaming.variations(intended, channels: channels).map {
        ($0.0, $0.1, false)
      }
    }
    let faults = Self.faults(search.base.quantize, zeroPoint: zero, isUnit: scale == 1 && zero == 0)
    let wanted = search.base.normalize.transfer
    addAll(normalizations, faults, wanted, wanted, input, scale)
    plainCount = all.count
    for transfer in Recipe.Normalize.Transfer.allCases where transfer != wanted {
      addAll(normalizations, faults, transfer, wanted, input, scale)
    }
  }

  /// Every normalisation with every fault, after one transfer curve.
  private mutating func addAll(
    _ normalizations: [(name: String, normalize: Recipe.Normalize, isIntended: Bool)],
    _ faults: [Fault], _ transfer: Recipe.Normalize.Transfer,
    _ wanted: Recipe.Normalize.Transfer, _ input: TensorDescription, _ scale: Float
  ) {
    // The likeliest first: no fault, one in storing, one in normalising, one in each.
    for (isIntended, hasFault) in [(true, false), (true, true), (false, false), (false, true)] {
      for item in normalizations where item.isIntended == isIntended {
        for fault in hasFault ? faults.dropFirst() : faults.prefix(1) {
          var normalize = item.normalize
          normalize.transfer = transfer
          add(item.name, normalize, isIntended, fault, input, scale, isBent: transfer != wanted)
        }
      }
    }
  }

  private mutating func add(
    _ name: String, _ normalize: Recipe.Normalize, _ isIntended: Bool, _ fault: Fault,
    _ input: TensorDescription, _ scale: Float, isBent: Bool
  ) {
    var hypothesis = StoredHypothesis(
      name: name, normalize: normalize, quantize: fault.quantize,
      storingFault: fault.words, isIntended: isIntended, isBent: isBent, low: [], high: [])
    let levels = cells.levels
    for channel in 0..<channels {
      let reals = normalize.reals(of: levels, channel: channel).map { $0 + fault.steps * scale }
      func stored(_ shift: Float) -> [Float]? {
        guard
          let bytes = try? input.storedBytes(
            for: reals.map { $0 + shift * scale }, fault.quantize)
        else { return nil }
        return unsafe input.realValues(in: bytes.span.bytes)
      }
      // What a curve gives is often rounded to a level again; a cell of real levels has a width. Where a level is
      // worth little, a fixed margin would hold many.
      let level = abs(1 / (normalize.divisor * normalize.std(channel: channel))) / scale
      let halfCell = cells == .whole ? 0 : 0.5 / Float(cells.resolution)
      let margin = min(0.02, 0.5 * level) + (halfCell + (isBent ? 0.5 : 0)) * level
      guard let low = stored(-margin), let high = stored(margin) else { continue }
      hypothesis.low += zip(low, high).map { min($0, $1) }
      hypothesis.high += zip(low, high).map { max($0, $1) }
    }
    if hypothesis.low.count == channels * cells.count { all.append(hypothesis) }
  }

  private struct Fault {
    var words: String?
    var quantize: Recipe.Quantize
    /// Steps by which all values are off.
    var steps: Float = 0
  }

  /// What goes wrong in storing integers; the first is nothing.
  private static func faults(
    _ base: Recipe.Quantize, zeroPoint: Int64, isUnit: Bool
  ) -> [Fault] {
    var faults = [Fault(words: nil, quantize: base)]
    func add(_ words: String, _ change: (inout Recipe.Quantize) -> Void) {
      var quantize = base
      change(&quantize)
      if quantize != base { faults.append(Fault(words: words, quantize: quantize)) }
    }
    add("no rounding: fractions cut off") { $0.rounding = .floor }
    add("no rounding: cut towards zero") { $0.rounding = .truncate }
    if zeroPoint != 0 {
      faults.append(Fault(words: "no zero point", quantize: base, steps: -Float(zeroPoint)))
    }
    for steps in [128, -128] {
      faults.append(
        Fault(
          words: "every value \(abs(steps)) steps too \(steps > 0 ? "high" : "low")",
          quantize: base, steps: Float(steps)))
    }
    guard !isUnit else { return faults }
    add("quantized twice") { $0.fault = .twice }
    add("real values stored without scale and zero point") { $0.fault = .missing }
    add("real values stored without scale and zero point, wrapped around") {
      $0.fault = .missingWrapped
    }
    return faults
  }

  /// The first that explains a table about as well as the best does.
  func best(_ table: LevelTable) -> (index: Int, rest: LevelTable.Rest)? {
    var rests = all.prefix(plainCount).map { table.rest(low: $0.low, high: $0.high) }
    if let least = rests.map(\.residualInLevels).min(), least > 0.5 {
      rests += all.dropFirst(plainCount).map { table.rest(low: $0.low, high: $0.high) }
    }
    guard let least = rests.map(\.residualInLevels).min(), least.isFinite else { return nil }
    return rests.indices.first { rests[$0].residualInLevels <= least * 1.05 + 0.02 }
      .map { ($0, rests[$0]) }
  }
}

extension LevelTable {
  typealias Rest = (residualInLevels: Double, explainedVariance: Double)

  /// What is left where each level stands for values from `low` to `high`, (channel, cell).
  ///
  /// Levels are those that would leave as great a part of the picture's variance: where values are cut
  /// off, a step has no fixed worth in levels.
  func rest(low: [Float], high: [Float]) -> Rest {
    var (inLevels, inValues) = (0.0, 0.0)
    for channel in 0..<channels {
      var squared = squares[channel]
      var (n, sum, position, spread) = (0.0, 0.0, 0.0, 0.0)
      for (level, slot) in zip(levels, slots(channel)) where counts[slot] > 0 {
        let count = counts[slot]
        let value = max(Double(low[slot]), min(Double(high[slot]), sums[slot] / count))
        squared += count * value * value - 2 * sums[slot] * value
        n += count
        sum += sums[slot]
        position += count * Double(level)
        spread += count * Double(level) * Double(level)
      }
      guard n > 0 else { continue }
      let total = max(0, squares[channel] - sum * sum / n)
      squared = max(0, squared)
      if squared <= 1e-9 * max(squares[channel], 1e-30) { squared = 0 }
      inValues += squared
      if squared > 0 {
        let variance = max(0, spread - position * position / n)
        inLevels += total > 0 ? min(1, squared / total) * variance : .infinity
      }
    }
    let (count, total) = (max(1, count), total)
    return (
      (inLevels / count).squareRoot(),
      total > 0 ? max(0, 1 - inValues / total) : (inValues == 0 ? 1 : 0)
    )
  }

  /// What the best function of levels leaves; nil where it neither rises nor falls throughout.
  func monotoneRest(tolerance: Double) -> Rest? {
    var means = sums
    for slot in means.indices where counts[slot] > 0 { means[slot] /= counts[slot] }
    for channel in 0..<channels {
      var known: [Double] = []
      for slot in slots(channel) where counts[slot] >= 8 {
        known.append(means[slot])
      }
      let steps = zip(known, known.dropFirst()).map { $1 - $0 }
      guard steps.allSatisfy({ $0 >= -tolerance }) || steps.allSatisfy({ $0 <= tolerance }) else {
        return nil
      }
    }
    let values = means.map { Float($0) }
    return rest(low: values, high: values)
  }
}
