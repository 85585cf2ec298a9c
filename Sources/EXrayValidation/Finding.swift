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
  /// What this fix alone gained when it was replayed; nil where no replay was possible.
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
    /// 95 % interval of ``after`` − ``before``: lower bound, then upper bound; nil where there is none.
    public var interval: [Double]?
    /// How the interval was worked out (`agresti-min`, `paired-bootstrap`); nil without one.
    public var method: String?

    /// Creates a gain.
    public init(
      metric: String, before: Double, after: Double, frames: Int, interval: [Double]? = nil,
      method: String? = nil
    ) {
      self.metric = metric
      self.before = before
      self.after = after
      self.frames = frames
      self.interval = interval
      self.method = method
    }

    private enum CodingKeys: CodingKey { case metric, before, after, frames, interval, method }

    /// Writes every key, absent values and an interval that is not finite as null.
    public func encode(to encoder: any Encoder) throws {
      var container = encoder.container(keyedBy: CodingKeys.self)
      try container.encode(metric, forKey: .metric)
      try container.encode(before, forKey: .before)
      try container.encode(after, forKey: .after)
      try container.encode(frames, forKey: .frames)
      let isFinite = interval?.allSatisfy(\.isFinite) ?? false
      try container.encode(isFinite ? interval : nil, forKey: .interval)
      try container.encode(method, forKey: .method)
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

/// What a user's own check concluded.
public struct CustomCheckResult: Sendable, Hashable, Codable {
  /// The check's name: its own, or the command that was called.
  public var name: String
  /// What it concludes; inconclusive where it gave no answer.
  public var outcome: Verdict
  /// The conclusion in one line.
  public var message: String
  /// The facts behind it, one a line, with numbers.
  public var evidence: [String]

  /// Creates a result.
  public init(name: String, outcome: Verdict, message: String, evidence: [String] = []) {
    self.name = name
    self.outcome = outcome
    self.message = message
    self.evidence = evidence
  }
}
