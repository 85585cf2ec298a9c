/// The error of one layer, split into what its op does wrong and what it inherits.
///
/// With c the candidate's result, r what the reference's op makes of the candidate's own inputs and r₀ the reference's
/// result: own error = c − r, inherited error = r − r₀. Both as root mean square over that of r₀.
public struct LayerErrors: Sendable, Hashable, Codable {
  /// Own error, relative to the size of the reference's result.
  public var own: Double
  /// Inherited error, likewise.
  public var inherited: Double
  /// The op's part of the error of the final output, all parts summing to 1; nil where it is not known.
  public var share: Double?
  /// Own error in quantization steps of the result; nil for floating point.
  public var ownInSteps: Double?
  /// Own error over what rounding explains: near 1 where nothing is wrong.
  public var excess: Double

  /// The JSON names.
  private enum CodingKeys: String, CodingKey {
    case own, inherited, share, excess
    case ownInSteps = "own_in_steps"
  }

  /// Creates errors.
  public init(
    own: Double, inherited: Double, share: Double?, ownInSteps: Double?, excess: Double
  ) {
    self.own = own
    self.inherited = inherited
    self.share = share
    self.ownInSteps = ownInSteps
    self.excess = excess
  }

  /// Writes every key; what is absent or not finite as null.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(own.isFinite ? own : nil, forKey: .own)
    try container.encode(inherited.isFinite ? inherited : nil, forKey: .inherited)
    try container.encode(share.flatMap { $0.isFinite ? $0 : nil }, forKey: .share)
    try container.encode(ownInSteps.flatMap { $0.isFinite ? $0 : nil }, forKey: .ownInSteps)
    try container.encode(excess.isFinite ? excess : nil, forKey: .excess)
  }
}
