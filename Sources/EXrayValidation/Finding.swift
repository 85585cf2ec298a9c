/// What a comparison concludes.
public enum Verdict: String, Sendable, Hashable, Codable {
  /// Nothing found, on evidence that could have shown a fault.
  case pass
  /// At least one finding.
  case fail
  /// The evidence is too weak to say.
  case inconclusive
}

/// One named fault with its evidence.
public struct Finding: Sendable, Hashable, Codable {
  /// The cause's identifier.
  public var cause: Cause
  /// One line that a person reads first.
  public var title: String
  /// Where the fault sits.
  public var `where`: Location
  /// How sure the naming is, 0 to 1.
  public var confidence: Double
  /// The facts behind it, one a line, with numbers.
  public var evidence: [String]
  /// What to change.
  public var fix: String
  /// What the fix gained when it was replayed; nil where no replay was possible.
  public var gain: Gain?

  /// Creates a finding.
  public init(
    cause: Cause, title: String, where location: Location, confidence: Double,
    evidence: [String], fix: String, gain: Gain? = nil
  ) {
    self.cause = cause
    self.title = title
    self.where = location
    self.confidence = confidence
    self.evidence = evidence
    self.fix = fix
    self.gain = gain
  }

  /// A place in the chain from the raw input to the answer.
  public struct Location: Sendable, Hashable, Codable {
    /// The stage: a recipe stage (`color`, `normalize`), `input`, `layer`, `output` or `runtime`.
    public var stage: String
    /// The candidate's op index, for layers.
    public var op: Int?
    /// The candidate's tensor name, for layers, inputs and outputs.
    public var tensor: String?

    /// Creates a location.
    public init(stage: String, op: Int? = nil, tensor: String? = nil) {
      self.stage = stage
      self.op = op
      self.tensor = tensor
    }

    private enum CodingKeys: CodingKey { case stage, op, tensor }

    /// Writes every key, absent values as null.
    public func encode(to encoder: any Encoder) throws {
      var container = encoder.container(keyedBy: CodingKeys.self)
      try container.encode(stage, forKey: .stage)
      try container.encode(op, forKey: .op)
      try container.encode(tensor, forKey: .tensor)
    }
  }

  /// A measurement with the fault and without it, over the same frames.
  public struct Gain: Sendable, Hashable, Codable {
    /// The measurement (`accuracy.top1`, `top1_agreement`, `cosine_similarity`).
    public var metric: String
    /// Its value with the fault.
    public var before: Double
    /// Its value after the fix was replayed.
    public var after: Double
    /// How many frames were replayed.
    public var frames: Int

    /// Creates a gain.
    public init(metric: String, before: Double, after: Double, frames: Int) {
      self.metric = metric
      self.before = before
      self.after = after
      self.frames = frames
    }
  }

  private enum CodingKeys: CodingKey {
    case cause, title, `where`, confidence, evidence, fix, gain
  }

  /// Writes every key, absent values as null.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(cause, forKey: .cause)
    try container.encode(title, forKey: .title)
    try container.encode(`where`, forKey: .where)
    try container.encode(confidence, forKey: .confidence)
    try container.encode(evidence, forKey: .evidence)
    try container.encode(fix, forKey: .fix)
    try container.encode(gain, forKey: .gain)
  }
}
