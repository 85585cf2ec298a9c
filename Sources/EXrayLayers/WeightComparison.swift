import EXrayCore
import EXrayModel

/// The weights and biases of one op in both models.
struct OpWeights {
  /// Real values, channel by channel of the result: one list a channel.
  let channels: [[Float]]
  /// One value a channel; empty where there is no bias.
  let bias: [Float]
  /// The kernel's extents as (height, width, depth) within a channel.
  let extents: (height: Int, width: Int, depth: Int)
  /// Steps that the weights are stored in, one a channel; empty for floating point.
  let scales: [Float]

  /// Reads the weights; nil for ops without constant weights.
  init?(_ op: Op, of model: Model) {
    let weightsAt = 1
    guard ["CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED", "TRANSPOSE_CONV"].contains(op.type),
      op.inputs.count > weightsAt, let tensor = model.constant(behind: op.inputs[weightsAt]),
      let values = model.constantValues(of: op.inputs[weightsAt])
    else { return nil }
    let shape = tensor.description.shape.dimensions
    switch (op.type, shape.count) {
    case ("DEPTHWISE_CONV_2D", 4):
      let (area, depth) = (shape[1] * shape[2], shape[3])
      guard values.count == area * depth else { return nil }
      channels = (0..<depth).map { channel in (0..<area).map { values[$0 * depth + channel] } }
      extents = (shape[1], shape[2], 1)
    case ("FULLY_CONNECTED", 2):
      guard values.count == shape[0] * shape[1] else { return nil }
      channels = (0..<shape[0]).map { Array(values[$0 * shape[1]..<($0 + 1) * shape[1]]) }
      extents = (1, 1, shape[1])
    case (_, 4):
      let size = shape[1] * shape[2] * shape[3]
      guard values.count == shape[0] * size else { return nil }
      channels = (0..<shape[0]).map { Array(values[$0 * size..<($0 + 1) * size]) }
      extents = (shape[1], shape[2], shape[3])
    default: return nil
    }
    let isInteger = tensor.description.elementType.isInteger
    scales = isInteger ? tensor.description.quantization?.scales ?? [] : []
    let biasAt = op.type == "TRANSPOSE_CONV" ? 3 : 2
    bias =
      op.inputs.count > biasAt && op.inputs[biasAt] >= 0
      ? model.constantValues(of: op.inputs[biasAt]) ?? [] : []
  }
}

/// How the weights of a candidate's op stand to the reference's.
struct WeightComparison {
  /// One channel of the result.
  struct Channel {
    /// The factor that turns the reference's weights into the candidate's, by least squares.
    var ratio: Double
    /// The cosine between both; 1 where one is a multiple of the other.
    var cosine: Double
    /// Whether the candidate's weights are all zero and the reference's are not.
    var isDead: Bool
    /// Mean square of what the factor leaves.
    var residual: Double
    /// Energy of the reference's weights.
    var energy: Double
  }

  let channels: [Channel]
  let candidate: OpWeights
  let reference: OpWeights

  init?(candidate: OpWeights, reference: OpWeights) {
    guard candidate.channels.count == reference.channels.count,
      candidate.channels.first?.count == reference.channels.first?.count
    else { return nil }
    self.candidate = candidate
    self.reference = reference
    channels = zip(candidate.channels, reference.channels).map(Self.compared)
  }

  private static func compared(_ candidate: [Float], _ reference: [Float]) -> Channel {
    var (product, first, second) = (0.0, 0.0, 0.0)
    for (c, r) in zip(candidate, reference) {
      product += Double(c) * Double(r)
      first += Double(c) * Double(c)
      second += Double(r) * Double(r)
    }
    let ratio = second > 0 ? product / second : 1
    let size = (first * second).squareRoot()
    return Channel(
      ratio: ratio, cosine: size > 0 ? product / size : first == second ? 1 : 0,
      isDead: first == 0 && second > 0,
      residual: max(0, first - ratio * product) / Double(max(1, candidate.count)), energy: second)
  }

  /// The cosine over all channels together, each weighed by its energy.
  var cosine: Double {
    let energy = channels.reduce(0) { $0 + $1.energy }
    guard energy > 0 else { return 1 }
    return channels.reduce(0) { $0 + $1.cosine * $1.energy } / energy
  }

  /// Median and spread (half of the middle 80 %) of the channels' ratios, dead ones left out.
  var ratios: (median: Double, spread: Double) {
    let sorted = channels.filter { !$0.isDead && $0.energy > 0 }.map(\.ratio).sorted()
    guard !sorted.isEmpty else { return (1, 0) }
    let tenth = sorted.count / 10
    return (sorted[sorted.count / 2], (sorted[sorted.count - 1 - tenth] - sorted[tenth]) / 2)
  }

  /// Whether each channel is a multiple of the reference's, but for rounding.
  var areMultiples: Bool {
    var (left, rounding, energy) = (0.0, 0.0, 0.0)
    for (index, channel) in channels.enumerated() {
      left += channel.residual
      energy += channel.energy / Double(max(1, candidate.channels[index].count))
      if !candidate.scales.isEmpty {
        let scale = Double(candidate.scales[min(index, candidate.scales.count - 1)])
        rounding += scale * scale / 12
      }
    }
    return left < 6 * rounding + 1e-5 * energy
  }

  /// A rearrangement of the candidate's weights that makes them the reference's.
  enum Rearrangement: Equatable {
    /// Input channels in this order.
    case channelOrder([Int])
    /// Another order within the kernel, in words.
    case layout(String)
  }

  /// The rearrangement that explains the difference; nil where none does or none is needed.
  func rearrangement() -> Rearrangement? {
    let plain = cosine
    let (height, width, depth) = candidate.extents
    func gain(_ order: [Int]) -> Bool {
      let turned = zip(candidate.channels, reference.channels).map { weights, wanted in
        Self.compared(order.map { weights[$0] }, wanted)
      }
      let energy = turned.reduce(0) { $0 + $1.energy }
      guard energy > 0 else { return false }
      let cosine = turned.reduce(0) { $0 + $1.cosine * $1.energy } / energy
      return cosine > 0.95 && cosine > plain + 0.02
    }
    func order(_ place: (Int, Int, Int) -> (Int, Int, Int), _ rows: Int, _ columns: Int) -> [Int] {
      (0..<height * width * depth).map { index in
        let (y, x, d) = place(index / (width * depth), index / depth % width, index % depth)
        return (y * columns + x) * depth + d
      }
    }
    if (2...4).contains(depth), candidate.extents.height * candidate.extents.width > 1 || depth <= 4
    {
      for permutation in Self.permutations(depth) where permutation != Array(0..<depth) {
        if gain(order({ ($0, $1, permutation[$2]) }, height, width)) {
          return .channelOrder(permutation)
        }
      }
    }
    if height == width, height > 1, gain(order({ ($1, $0, $2) }, height, width)) {
      return .layout("the kernel's height and width are swapped")
    }
    if height * width > 1 {
      if gain(order({ (height - 1 - $0, width - 1 - $1, $2) }, height, width)) {
        return .layout("the kernel is turned by half a turn")
      }
      if gain(order({ ($0, width - 1 - $1, $2) }, height, width)) {
        return .layout("the kernel is mirrored left to right")
      }
      if gain(order({ (height - 1 - $0, $1, $2) }, height, width)) {
        return .layout("the kernel is mirrored top to bottom")
      }
      if height * width * depth <= 1 << 16, depth > 1 {
        // Rows, columns and depth written in another order.
        let transposed = (0..<height * width * depth).map { index -> Int in
          let (y, x, d) = (index / (width * depth), index / depth % width, index % depth)
          return (d * height + y) * width + x
        }
        if gain(transposed) { return .layout("depth is stored before height and width") }
      }
    }
    if let words = transposition { return .layout(words) }
    return hasSameValuesElsewhere ? .layout("the same values stand in another order") : nil
  }

  /// Inputs and outputs exchanged: in the weights' meaning, or in the memory alone.
  private var transposition: String? {
    let (rows, columns) = (channels.count, candidate.channels.first?.count ?? 0)
    let plain = cosine
    guard rows > 1, columns > 1, rows * columns <= 1 << 22 else { return nil }
    let (area, depth) = (
      candidate.extents.height * candidate.extents.width, candidate.extents.depth
    )
    func matches(_ value: (Int, Int) -> Float) -> Bool {
      let turned = (0..<rows).map { row in
        Self.compared((0..<columns).map { value(row, $0) }, reference.channels[row])
      }
      let energy = turned.reduce(0) { $0 + $1.energy }
      guard energy > 0 else { return false }
      let cosine = turned.reduce(0) { $0 + $1.cosine * $1.energy } / energy
      return cosine > 0.95 && cosine > plain + 0.02
    }
    if depth == rows,
      matches({ candidate.channels[$1 % depth][$1 / depth * depth + $0] })
    {
      return "input and output channels are swapped"
    }
    let flat = candidate.channels.flatMap(\.self)
    if matches({ flat[$1 * rows + $0] }) { return "the weights are stored inputs first" }
    guard area > 1 else { return nil }
    return matches({ flat[($1 % depth * rows + $0) * area + $1 / depth] })
      ? "the weights are stored input, output, height, width" : nil
  }

  /// Whether each channel holds the reference's values in another order.
  private var hasSameValuesElsewhere: Bool {
    guard (candidate.channels.first?.count ?? 0) > 8, cosine < 0.6 else { return false }
    let sorted = zip(candidate.channels, reference.channels).map {
      Self.compared($0.sorted(), $1.sorted())
    }
    let energy = sorted.reduce(0) { $0 + $1.energy }
    return energy > 0 && sorted.reduce(0) { $0 + $1.cosine * $1.energy } / energy > 0.998
  }

  private static func permutations(_ count: Int) -> [[Int]] {
    guard count > 1 else { return [Array(0..<count)] }
    return permutations(count - 1).flatMap { shorter in
      (0..<count).map { position in
        var longer = shorter
        longer.insert(count - 1, at: position)
        return longer
      }
    }
  }

  /// Other rows: the candidate's channels in another order.
  var isRowOrderWrong: Bool {
    guard channels.count > 1, cosine < 0.9 else { return false }
    var matched = 0
    for weights in candidate.channels.prefix(16) {
      let best = reference.channels.map { Self.compared(weights, $0).cosine }.max() ?? 0
      if best > 0.98 { matched += 1 }
    }
    return matched == min(16, channels.count)
  }
}
