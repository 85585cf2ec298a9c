import EXrayCore
import EXrayModel

/// A layer, what was measured about it, and what the models say of it.
struct Suspect {
  var layer: LayerEvidence
  var op: Op
  var expected: ExpectedRounding.Errors
  var weights: WeightComparison?
  var referenceActivation: String?
  /// Real units per step of the op's first input; 0 for floating point.
  var inputStep: Double
  /// The constants that an elementwise op adds or multiplies with, of both models; nil where there are none.
  var operands: (candidate: [Float], reference: [Float])?
  /// For joined tensors, the channels of each.
  var groups: [Range<Int>]
  /// Whether all weights have one scale in a model that otherwise has a scale a channel.
  var isPerTensor: Bool
  /// Whether the reference stores the result in the same integers.
  var isStoredAlike: Bool

  /// Whether the result differs from the same integers by single steps here and there: kernels that round otherwise.
  ///
  /// Where a result repeats a few values all over, as after a map of one pixel is enlarged, such steps do not
  /// average out, and rounding theory alone takes them for more than rounding.
  var isOffByOne: Bool {
    let (total, step) = (layer.own.total, Double(layer.own.step))
    return isStoredAlike && step > 0 && total.largestError <= 1.01 * step
      && total.error <= 0.6 * step
  }

  /// The root mean squared own error; without what few clipped values cost, which calibration leaves out on purpose.
  var own: Double {
    let total = layer.own.total
    guard !isClipped else { return total.error }
    return (max(0, total.squaredError - total.clippedEnergy) / Double(max(1, total.count)))
      .squareRoot()
  }

  /// Whether more values are cut off, or further, than a healthy calibration does.
  var isClipped: Bool {
    let total = layer.own.total
    let clipped = total.belowRange + total.aboveRange
    guard clipped >= 2, let range = layer.own.range else { return false }
    let needed = max(0, total.highestWanted) - min(0, total.lowestWanted)
    let share = Double(clipped) / Double(total.count)
    // One unusual input makes a few values of a healthy layer twice as large as the calibration has seen.
    if needed > 1.9 * (range.upperBound - range.lowerBound), share > 0.002 { return true }
    return clipped >= 16 && share > 0.01
  }

  /// The range that the op's values need, and the one that its tensor holds; nil where it holds any value.
  var extents: (needed: Double, held: Double)? {
    guard let range = layer.own.range else { return nil }
    let total = layer.own.total
    return (
      Double(max(0, total.highestWanted)) - Double(min(0, total.lowestWanted)),
      Double(range.upperBound) - Double(range.lowerBound)
    )
  }

  /// One of several tensors that are joined, and that needs a small part of the range.
  struct Group {
    var channels: Range<Int>
    var needed: Double
    var held: Double
    var relative: Double
  }

  /// Of the tensors that are joined to this one the one that loses most.
  var smallGroup: Group? {
    guard let range = layer.own.range, groups.count > 1 else { return nil }
    let held = Double(range.upperBound) - Double(range.lowerBound)
    let found = groups.compactMap { channels -> Group? in
      let sum = layer.own.channels[channels].reduce(into: ResultSums.Channel()) { $0.merge($1) }
      guard sum.squaredWanted > 0 else { return nil }
      let needed = Double(max(0, sum.highestWanted)) - Double(min(0, sum.lowestWanted))
      return Group(
        channels: channels, needed: needed, held: held,
        relative: (sum.squaredError / sum.squaredWanted).squareRoot())
    }.filter { $0.held > 8 * $0.needed && $0.relative > 0.02 }
    return found.max { $0.relative < $1.relative }
  }

  /// Own error over what rounding explains.
  var excess: Double {
    own == 0 ? 0 : expected.attainable > 0 ? own / expected.attainable : .infinity
  }

  /// Own error over the size of the result.
  var relative: Double {
    layer.signal.rootMeanSquare > 0 ? own / layer.signal.rootMeanSquare : own > 0 ? .infinity : 0
  }

  /// The op, in words.
  var place: String { "op \(layer.op.index) \(layer.op.type)" }

  /// How much the layer matters: its part in the final error, or its own error where that is unknown.
  var weight: Double {
    if layer.own.notFinite > 0 { return .infinity }
    return max(abs(layer.share ?? 0), min(0.1, max(relative, smallGroup?.relative ?? 0)))
  }

  // MARK: Facts of the models

  init(
    _ layer: LayerEvidence, _ rounding: ExpectedRounding, candidate: Model, reference: Model
  ) {
    let op = candidate.primary.ops[layer.op.index]
    let other = Self.weightedOp(behind: layer.referenceTensor, like: op, in: reference)
    let otherWeights = other.flatMap { OpWeights($0, of: reference) }
    let comparison = OpWeights(op, of: candidate).flatMap { own in
      otherWeights.flatMap { WeightComparison(candidate: own, reference: $0) }
    }
    let maker = reference.primary.ops[layer.referenceOp.index]
    let tensors = candidate.primary.tensors
    let inputs = op.inputs.filter { $0 >= 0 }.map { tensors[$0].description }
    self.layer = layer
    self.op = op
    expected = rounding.errors(of: layer, reference: otherWeights)
    weights = comparison
    referenceActivation = maker.activation
    inputStep = Double(inputs.first?.step ?? 0)
    operands = Self.operands(op, of: candidate).flatMap { own in
      Self.operands(maker, of: reference).map { (own, $0) }
    }
    groups = op.type == "CONCATENATION" ? Self.groups(inputs, of: layer.description) : []
    let stored = reference.primary.tensors[layer.referenceTensor].description
    isStoredAlike =
      layer.description.elementType.isInteger
      && stored.elementType == layer.description.elementType
      && stored.quantization == layer.description.quantization
    isPerTensor =
      Set(comparison?.candidate.scales ?? []).count == 1
      && (comparison?.channels.count ?? 0) > 1 && candidate.hasPerChannelWeights
  }

  /// The constant that an elementwise op adds or multiplies with.
  private static func operands(_ op: Op, of model: Model) -> [Float]? {
    guard ["ADD", "SUB", "MUL", "DIV"].contains(op.type) else { return nil }
    return op.inputs.lazy.filter { $0 >= 0 }.compactMap { model.constantValues(of: $0) }.first
  }

  /// The channels of each joined tensor; none where they are joined along another dimension.
  private static func groups(
    _ inputs: [TensorDescription], of result: TensorDescription
  ) -> [Range<Int>] {
    let counts = inputs.map(\.channelCount)
    guard counts.reduce(0, +) == result.channelCount else { return [] }
    var start = 0
    return counts.map { count in
      defer { start += count }
      return start..<start + count
    }
  }

  /// The op of a type that makes a tensor, or that an op of one input makes it from.
  private static func weightedOp(behind tensor: Int, like op: Op, in model: Model) -> Op? {
    var tensor = tensor
    for _ in 0..<4 {
      guard let maker = model.primary.ops.first(where: { $0.outputs.contains(tensor) }) else {
        return nil
      }
      if maker.type == op.type { return maker }
      guard let source = maker.inputs.first, source >= 0 else { return nil }
      tensor = source
    }
    return nil
  }
}

extension Op {
  /// The activation that the op ends with: fused into it, or the op itself.
  var activation: String? {
    ["RELU", "RELU6", "RELU_N1_TO_1"].contains(type) ? type : fusedActivation
  }
}

extension Model {
  /// Whether some op's weights have a scale a channel.
  fileprivate var hasPerChannelWeights: Bool {
    primary.tensors.contains {
      $0.constantBytes != nil && $0.description.elementType == .int8
        && Set($0.description.quantization?.scales ?? []).count > 1
    }
  }
}
