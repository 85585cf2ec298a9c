/// Distances between a candidate's and a reference's tensor, in the field's usual terms.
///
/// With d = candidate − reference over all elements of all frames, both as real values:
/// `mse` = mean d², `nrmse` = √mse / (max − min of the reference), `rmse_over_scale` = √mse / the candidate's
/// quantization step, `sqnr_db` = 10·log₁₀(Σ reference² / Σ d²), `psnr_db` = 20·log₁₀(max |reference| / √mse).
/// Values that do not exist (no range, no noise, nothing finite) are null, never infinite.
public struct DifferenceMetrics: Sendable, Hashable, Codable {
  /// Elements compared, over all frames.
  public var count: Int
  /// Mean squared difference, in real units squared.
  public var mse: Double
  /// Largest absolute difference, in real units.
  public var maxAbsDiff: Double
  /// Root mean squared difference over the reference's range.
  public var nrmse: Double?
  /// Cosine of the angle between both; 1 where both are zero, 0 where one is.
  public var cosineSimilarity: Double?
  /// Signal to (quantization) noise ratio in decibels.
  public var sqnrDB: Double?
  /// Peak signal to noise ratio in decibels, the peak being max |reference|.
  public var psnrDB: Double?
  /// Root mean squared difference in steps of the candidate's quantization; rounding alone gives about 0.29.
  public var rmseOverScale: Double?
  /// Elements that are NaN or infinite in the candidate.
  public var candidateNotFinite: Int
  /// Elements that are NaN or infinite in the reference.
  public var referenceNotFinite: Int

  /// The JSON names, spelt as the field spells them.
  private enum CodingKeys: String, CodingKey {
    case count, mse, nrmse
    case maxAbsDiff = "max_abs_diff"
    case cosineSimilarity = "cosine_similarity"
    case sqnrDB = "sqnr_db"
    case psnrDB = "psnr_db"
    case rmseOverScale = "rmse_over_scale"
    case candidateNotFinite = "candidate_not_finite"
    case referenceNotFinite = "reference_not_finite"
  }

  /// Creates metrics.
  public init(
    count: Int, mse: Double, maxAbsDiff: Double, nrmse: Double?, cosineSimilarity: Double?,
    sqnrDB: Double?, psnrDB: Double?, rmseOverScale: Double?, candidateNotFinite: Int,
    referenceNotFinite: Int
  ) {
    self.count = count
    self.mse = mse
    self.maxAbsDiff = maxAbsDiff
    self.nrmse = nrmse
    self.cosineSimilarity = cosineSimilarity
    self.sqnrDB = sqnrDB
    self.psnrDB = psnrDB
    self.rmseOverScale = rmseOverScale
    self.candidateNotFinite = candidateNotFinite
    self.referenceNotFinite = referenceNotFinite
  }

  /// Writes every key, absent values as null.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(count, forKey: .count)
    try container.encode(mse, forKey: .mse)
    try container.encode(maxAbsDiff, forKey: .maxAbsDiff)
    try container.encode(nrmse, forKey: .nrmse)
    try container.encode(cosineSimilarity, forKey: .cosineSimilarity)
    try container.encode(sqnrDB, forKey: .sqnrDB)
    try container.encode(psnrDB, forKey: .psnrDB)
    try container.encode(rmseOverScale, forKey: .rmseOverScale)
    try container.encode(candidateNotFinite, forKey: .candidateNotFinite)
    try container.encode(referenceNotFinite, forKey: .referenceNotFinite)
  }

  /// The root mean squared difference over the reference's range, or over its magnitude where it is constant.
  ///
  /// nil where both are nothing to measure by: the reference is zero everywhere.
  package var relativeDrift: Double? {
    if let nrmse { return nrmse }
    // A constant reference has no range; √mse over its magnitude is the peak ratio undone.
    guard let psnrDB else { return mse == 0 && count > 0 ? 0 : nil }
    return powerOfTen(-psnrDB / 20)
  }
}
