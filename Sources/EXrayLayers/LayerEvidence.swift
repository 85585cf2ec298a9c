public import EXrayCore

/// The squared size of a difference, summed over elements.
public struct Energy: Sendable, Hashable {
  /// Sum of the squared differences, in real units squared.
  public private(set) var sum = 0.0
  /// Elements summed over.
  public private(set) var count = 0
  /// The largest difference, in real units.
  public private(set) var largest: Float = 0

  /// Nothing.
  public init() {}

  /// Adds the differences of two lists; those that are not finite are left out.
  public mutating func add(_ first: [Float], _ second: [Float]) {
    for (a, b) in zip(first, second) {
      let difference = a - b
      guard difference.isFinite else { continue }
      sum += Double(difference) * Double(difference)
      count += 1
      largest = max(largest, abs(difference))
    }
  }

  /// The root mean square, in real units.
  public var rootMeanSquare: Double { count > 0 ? (sum / Double(count)).squareRoot() : 0 }
}

/// What was measured about one layer of the candidate, beside the reference's.
///
/// With c the candidate's result in its graph, r the reference's op on the candidate's own inputs, and r₀ the
/// reference's result in its graph: own error = c − r, inherited error = r − r₀.
public struct LayerEvidence: Sendable {
  /// The candidate's op and the tensor that it makes.
  public let op: OpReference
  /// Index of the candidate's tensor.
  public let tensor: Int
  /// The candidate's tensor.
  public let description: TensorDescription
  /// The reference's op.
  public let referenceOp: OpReference
  /// Index of the reference's tensor.
  public let referenceTensor: Int
  /// c against r.
  public var own: ResultSums
  /// r − r₀.
  public var inherited = Energy()
  /// r₀ − 0: the size of the reference's result.
  public var signal = Energy()
  /// c against the candidate's op on the same inputs with kernels that are trusted.
  public var kernel = Energy()
  /// c against the candidate's op on the same inputs, alone, with its own kernels.
  public var context = Energy()
  /// The candidate's op on the reference's inputs, against r₀.
  public var clean = Energy()
  /// r₀ against the values that the candidate's tensor can hold: how many lie more than a step beyond.
  public private(set) var beyondRange = 0
  /// The op's part of the error of the final output; nil where it could not be told apart.
  public var share: Double?

  /// Evidence before the first frame.
  public init(
    op: OpReference, tensor: Int, description: TensorDescription, referenceOp: OpReference,
    referenceTensor: Int
  ) {
    self.op = op
    self.tensor = tensor
    self.description = description
    self.referenceOp = referenceOp
    self.referenceTensor = referenceTensor
    own = ResultSums(
      channelCount: description.channelCount, range: description.realRange,
      step: description.step)
  }

  /// Real units per stored step; 0 for floating-point tensors.
  public var step: Double { Double(description.step) }

  /// Adds the reference's result.
  mutating func add(signal values: [Float]) {
    signal.add(values, [Float](repeating: 0, count: values.count))
    guard let range = own.range else { return }
    let (low, high) = (range.lowerBound - own.step, range.upperBound + own.step)
    beyondRange += values.count { $0 < low || $0 > high }
  }

  /// The part of the reference's values that the candidate's tensor cannot hold.
  var beyondRangeShare: Double {
    signal.count > 0 ? Double(beyondRange) / Double(signal.count) : 0
  }
}

extension TensorDescription {
  /// Extent of the innermost dimension.
  var channelCount: Int { shape.dimensions.last ?? 1 }

  /// Real units per stored step; 0 where there is no single one.
  var step: Float { elementType.isInteger ? quantization?.scale ?? 0 : 0 }

  /// The real values that quantized integers can stand for; nil for other tensors.
  var realRange: ClosedRange<Float>? {
    guard let range = elementType.integerRange, let scale = quantization?.scale, scale > 0,
      let zero = quantization?.zeroPoint
    else { return nil }
    // 64-bit integers leave no room for a zero point.
    let (low, high) = (
      Double(range.lowerBound) - Double(zero), Double(range.upperBound) - Double(zero)
    )
    return scale * Float(low)...scale * Float(high)
  }
}
