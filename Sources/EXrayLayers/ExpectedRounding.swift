import EXrayCore
import EXrayModel

/// The mean square of what reaches an op, channel by channel.
public struct ChannelMoments: Sendable, Hashable {
  private var sums: [Double]
  private var count = 0

  init(channelCount: Int) { sums = [Double](repeating: 0, count: max(1, channelCount)) }

  mutating func add(_ values: [Float]) {
    var channel = 0
    for value in values {
      if value.isFinite { sums[channel] += Double(value) * Double(value) }
      channel += 1
      if channel == sums.count { channel = 0 }
    }
    count += values.count / sums.count
  }

  /// Mean squares, in real units squared.
  var meanSquares: [Double] { sums.map { $0 / Double(max(1, count)) } }
}

/// How large the error of an op is that does nothing wrong.
///
/// Rounding moves a value by up to half a step, evenly: its variance is step²/12. That of the weights reaches the
/// result multiplied by the inputs, that of the result itself as it is; values that an activation clamps carry none.
/// Source: Widrow and Kollár, Quantization Noise, 2008, chapter 5.
struct ExpectedRounding {
  /// Root mean squares, in real units.
  struct Errors {
    /// With the model's own scales.
    var actual: Double
    /// With weights a scale a channel, and a result no more than twice as coarse as its values need.
    var attainable: Double
    /// What of ``actual`` the weights make.
    var weights: Double
  }

  private let graph: Subgraph
  /// Mean squares of the tensors at which the model is cut.
  private let moments: [Int: ChannelMoments]
  private let makers: [Int: Op]

  init(_ model: Model, moments: [Int: ChannelMoments]) {
    graph = model.primary
    self.moments = moments
    var makers: [Int: Op] = [:]
    for op in graph.ops {
      for output in op.outputs { makers[output] = op }
    }
    self.makers = makers
  }

  /// The ops from the cuts before a layer to it, itself first.
  private func stretch(to op: Op) -> [Op] {
    var ops = [op]
    var next = 0
    while next < ops.count, ops.count < 64 {
      for input in ops[next].inputs where moments[input] == nil {
        guard let maker = makers[input], !ops.contains(where: { $0.index == maker.index }) else {
          continue
        }
        ops.append(maker)
      }
      next += 1
    }
    return ops
  }

  /// The expected error of a layer.
  ///
  /// - Parameter reference: The reference's weights of the same op, which tell the scales that would do.
  func errors(of layer: LayerEvidence, reference: OpWeights?) -> Errors {
    let op = graph.ops[layer.op.index]
    let step = layer.step
    let attainableStep = keepsScale(op, step) ? step : min(step, 2 * neededStep(layer))
    let floor = stretch(to: op).map { self.floor($0, layer) }.max() ?? 0
    var (actual, attainable, weights) = (0.0, 0.0, 0.0)
    let perChannel = weightVariances(of: op, layer: layer, reference: reference)
    var count = 0
    for (index, channel) in layer.own.channels.enumerated() {
      let inside = Double(channel.inside)
      let (own, ideal) = perChannel.map { $0[min(index, $0.count - 1)] } ?? (0, 0)
      actual += (own + step * step / 12) * inside
      attainable += (ideal + attainableStep * attainableStep / 12) * inside
      weights += own * inside
      count += channel.count
    }
    let n = Double(max(1, count))
    return Errors(
      actual: (actual / n + floor * floor).squareRoot(),
      attainable: (attainable / n + floor * floor).squareRoot(),
      weights: (weights / n).squareRoot())
  }

  /// What arithmetic costs beside rounding: in float32, in the tables of quantized functions, in ops that are
  /// graphs of their own.
  private func floor(_ op: Op, _ layer: LayerEvidence) -> Double {
    let signal = layer.signal.rootMeanSquare
    let isQuantized = op.outputs.contains {
      $0 >= 0 && graph.tensors[$0].description.step > 0
    }
    switch op.type {
    case "SOFTMAX", "LOG_SOFTMAX", "LOGISTIC", "TANH", "GELU", "HARD_SWISH", "EXP", "RSQRT", "SQRT",
      "LOG", "ELU", "L2_NORMALIZATION":
      return (isQuantized ? 0.02 : 1e-3) * signal
    case "UNIDIRECTIONAL_SEQUENCE_LSTM", "BIDIRECTIONAL_SEQUENCE_LSTM", "LSTM", "SVDF", "RNN",
      "UNIDIRECTIONAL_SEQUENCE_RNN", "BIDIRECTIONAL_SEQUENCE_RNN":
      return (isQuantized ? 0.1 : 1e-3) * signal
    default: return (op.isCustom ? 1e-2 : 3e-4) * signal
    }
  }

  /// Whether the result has an input's scale, as pooling and reshaping must.
  private func keepsScale(_ op: Op, _ step: Double) -> Bool {
    [
      "AVERAGE_POOL_2D", "MAX_POOL_2D", "RESHAPE", "PAD", "PADV2", "TRANSPOSE", "STRIDED_SLICE",
      "SLICE",
      "SQUEEZE", "EXPAND_DIMS", "GATHER", "SPLIT", "SPLIT_V", "SPACE_TO_BATCH_ND",
      "BATCH_TO_SPACE_ND",
      "DEPTH_TO_SPACE", "SPACE_TO_DEPTH", "RESIZE_BILINEAR", "RESIZE_NEAREST_NEIGHBOR", "MEAN",
      "SUM",
      "REDUCE_MAX", "REDUCE_MIN", "UNPACK", "REVERSE_V2", "TILE",
    ].contains(op.type)
      && op.inputs.contains {
        $0 >= 0 && Double(graph.tensors[$0].description.step) == step
      }
  }

  /// The step that the values of a result need in 8 bits, with 0 among them.
  private func neededStep(_ layer: LayerEvidence) -> Double {
    let total = layer.own.total
    guard total.count > 0, let range = layer.description.elementType.integerRange else { return 0 }
    let low = min(0, Double(total.lowestWanted))
    let high = max(0, Double(total.highestWanted))
    return (high - low) / (Double(range.upperBound) - Double(range.lowerBound))
  }

  /// What rounded weights cost a channel: with the model's scales, and with one scale a channel that fits.
  private func weightVariances(
    of op: Op, layer: LayerEvidence, reference: OpWeights?
  ) -> [(own: Double, ideal: Double)]? {
    let input = op.type == "TRANSPOSE_CONV" ? 2 : 0
    guard ["CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED", "TRANSPOSE_CONV"].contains(op.type),
      op.inputs.count > max(1, input), let moment = moments[op.inputs[input]]
    else { return nil }
    let weights = graph.tensors[op.inputs[1]].description
    guard weights.elementType.isInteger, let scales = weights.quantization?.scales, !scales.isEmpty
    else { return nil }
    let means = moment.meanSquares
    let extents = weights.shape.dimensions
    let area = extents.count == 4 ? Double(extents[1] * extents[2]) : 1
    let whole = means.reduce(0, +)
    // Fully connected layers have one scale by convention.
    let isPerChannel = op.type != "FULLY_CONNECTED" || scales.count > 1
    let peaks = reference?.channels.map { $0.reduce(0) { max($0, abs($1)) } }
    let peak = peaks?.max()
    let levels = weights.elementType == .int4 ? Float(7) : 127
    return layer.own.channels.indices.map { channel in
      let scale = Double(scales[min(channel, scales.count - 1)])
      var energy = area * whole
      if op.type == "FULLY_CONNECTED" {
        energy = whole * Double(max(1, (extents.last ?? 1) / max(1, means.count)))
      } else if op.type == "DEPTHWISE_CONV_2D" {
        energy = area * means[channel * means.count / layer.own.channels.count]
      }
      var ideal = scale
      if let peaks, let peak, channel < peaks.count {
        ideal = min(scale, Double((isPerChannel ? peaks[channel] : peak) / levels))
      }
      return (scale * scale / 12 * energy, ideal * ideal / 12 * energy)
    }
  }
}
