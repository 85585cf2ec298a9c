public import EXrayCore

/// Everything that was measured about the layers of a candidate and of its reference.
public struct Dissection: Sendable {
  /// The layers in the candidate's order of execution.
  public var layers: [LayerEvidence]
  /// What could not be measured, one a line.
  public var notes: [String] = []
  /// Mean squares of the candidate's tensors.
  var moments: [Int: ChannelMoments] = [:]
  /// The part of the final error that rounding or changing the inputs makes; nil where it is unknown.
  public private(set) var inputShare: Double?
  /// What the model's quantized inputs can hold; nil where none is quantized.
  private(set) var inputRange: ClosedRange<Float>?
  /// What the reference's inputs hold, and how many of them the candidate's cannot.
  private(set) var inputValues = (
    count: 0, beyondRange: 0, lowest: Float.infinity, highest: -Float.infinity
  )

  /// A dissection of these layers, before the first frame.
  public init(layers: [LayerEvidence]) { self.layers = layers }

  /// One tensor in one frame; all as real numbers.
  public struct Values: Sendable {
    /// The candidate's.
    public var candidate: [Float]
    /// The reference's.
    public var reference: [Float]

    /// Creates values.
    public init(candidate: [Float], reference: [Float]) {
      self.candidate = candidate
      self.reference = reference
    }
  }

  /// Adds one frame of an input of the model.
  public mutating func add(input tensor: Int, _ description: TensorDescription, _ values: Values) {
    add(moments: tensor, values.candidate, description)
    guard let range = description.realRange else { return }
    let (low, high) = (range.lowerBound - description.step, range.upperBound + description.step)
    inputValues.count += values.reference.count
    inputValues.beyondRange += values.reference.count { $0 < low || $0 > high }
    if inputRange == nil { inputRange = range }
    for value in values.reference where value.isFinite {
      inputValues.lowest = min(inputValues.lowest, value)
      inputValues.highest = max(inputValues.highest, value)
    }
  }

  private mutating func add(
    moments tensor: Int, _ values: [Float], _ description: TensorDescription
  ) {
    moments[tensor, default: ChannelMoments(channelCount: description.channelCount)].add(values)
  }

  /// Adds one frame of one layer.
  ///
  /// - Parameter replayed: The reference's op on the candidate's inputs.
  public mutating func add(layer: Int, _ values: Values, replayed: [Float]) {
    layers[layer].own.add(given: values.candidate, wanted: replayed)
    layers[layer].inherited.add(replayed, values.reference)
    layers[layer].add(signal: values.reference)
    add(moments: layers[layer].tensor, values.candidate, layers[layer].description)
  }

  /// Divides the shares of stretches among layers.
  ///
  /// - Parameter cuts: For each share, the reference's op that it begins before; the first is the inputs'.
  public mutating func divide(_ shares: ErrorShares, cuts: [Int]) {
    guard let values = shares.shares, values.count == cuts.count else { return }
    inputShare = values.first
    for index in cuts.indices.dropFirst() {
      let stretch = cuts[index - 1]..<cuts[index]
      let members = layers.indices.filter { stretch.contains(layers[$0].referenceOp.index) }
      // A stretch of several layers goes to its last: only there the candidate is back on the reference's path.
      if let last = members.last { layers[last].share = values[index] }
    }
  }
}
