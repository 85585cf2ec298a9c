public import EXrayCore

/// Collects the distance between two tensors over frames, keeping sums and no values.
public struct DifferenceAccumulator: Sendable {
  private let candidateLoader: ElementLoader
  private let referenceLoader: ElementLoader
  private let elementCount: Int
  private let candidateScale: Double?
  private var sums = DifferenceSums()
  private var worst: (nrmse: Double, frame: String)?

  /// Creates an accumulator, or nil where the two tensors cannot be compared element by element.
  public init?(candidate: TensorDescription, reference: TensorDescription) {
    guard let first = ElementLoader(candidate), let second = ElementLoader(reference),
      let count = candidate.shape.elementCount, count == reference.shape.elementCount,
      candidate.byteCount != nil, reference.byteCount != nil
    else { return nil }
    candidateLoader = first
    referenceLoader = second
    elementCount = count
    candidateScale =
      candidate.elementType.isInteger ? candidate.quantization?.scale.map(Double.init) : nil
  }

  /// Adds one frame.
  ///
  /// - Returns: The frame's own nrmse, or nil where it has none.
  /// - Precondition: Both spans hold at least the bytes that their descriptions tell.
  @discardableResult
  public mutating func add(candidate: RawSpan, reference: RawSpan, frame: String) -> Double? {
    let frameSums = DifferenceKernel.sums(
      candidate: candidate, candidateLoader, reference: reference, referenceLoader,
      count: elementCount)
    sums.merge(frameSums)
    guard let nrmse = Self.metrics(frameSums, scale: nil).nrmse else { return nil }
    if worst.map({ nrmse > $0.nrmse }) ?? true { worst = (nrmse, frame) }
    return nrmse
  }

  /// The metrics over every frame added, or nil where no element was compared.
  public var metrics: DifferenceMetrics? {
    sums.count + sums.candidateNotFinite + sums.referenceNotFinite == 0
      ? nil : Self.metrics(sums, scale: candidateScale)
  }

  /// Name of the frame with the largest nrmse.
  public var worstFrame: String? { worst?.frame }

  private static func metrics(_ sums: DifferenceSums, scale: Double?) -> DifferenceMetrics {
    let count = Double(max(1, sums.count))
    let mse = sums.squaredDifference / count
    let rmse = mse.squareRoot()
    let range = sums.referenceMaximum - sums.referenceMinimum
    let peak = max(abs(sums.referenceMaximum), abs(sums.referenceMinimum))
    let hasValues = sums.count > 0
    return DifferenceMetrics(
      count: sums.count, mse: mse, maxAbsDiff: sums.maxSquaredDifference.squareRoot(),
      nrmse: hasValues && range > 0 ? rmse / range : nil,
      cosineSimilarity: hasValues ? cosine(sums) : nil,
      sqnrDB: hasValues && mse > 0 && sums.squaredReference > 0
        ? 10 * decimalLogarithm(sums.squaredReference / sums.squaredDifference) : nil,
      psnrDB: hasValues && mse > 0 && peak > 0 ? 20 * decimalLogarithm(peak / rmse) : nil,
      rmseOverScale: scale.flatMap { hasValues && $0 > 0 ? rmse / $0 : nil },
      candidateNotFinite: sums.candidateNotFinite, referenceNotFinite: sums.referenceNotFinite)
  }

  private static func cosine(_ sums: DifferenceSums) -> Double {
    switch (sums.squaredCandidate == 0, sums.squaredReference == 0) {
    case (true, true): 1
    case (true, false), (false, true): 0
    case (false, false):
      min(
        1,
        max(
          -1,
          sums.product / (sums.squaredCandidate.squareRoot() * sums.squaredReference.squareRoot())
        ))
    }
  }
}
