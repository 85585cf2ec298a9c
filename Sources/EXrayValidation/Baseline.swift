public import EXrayCore

/// What healthy runs of one model came to, layer by layer: how far is normal where no theory says it.
///
/// `Documentation/baselines.md` says how limits are learnt and used.
public struct Baseline: Codable, Sendable {
  /// What one layer of healthy runs keeps to; nil for what they did not measure.
  public struct Layer: Codable, Sendable {
    /// The candidate's tensor.
    public var tensor: String
    /// The candidate's op.
    public var op: OpReference
    /// Largest nrmse.
    public var nrmse: Double?
    /// Largest own error.
    public var own: Double?
    /// Largest own error over what rounding explains.
    public var excess: Double?

    /// Creates a layer.
    public init(tensor: String, op: OpReference, nrmse: Double?, own: Double?, excess: Double?) {
      self.tensor = tensor
      self.op = op
      self.nrmse = nrmse
      self.own = own
      self.excess = excess
    }
  }

  /// What one output keeps to.
  public struct Output: Codable, Sendable {
    /// The candidate's tensor.
    public var tensor: String
    /// Largest nrmse.
    public var nrmse: Double
  }

  /// What one healthy run came to.
  public struct Sample: Sendable {
    /// The run under suspicion.
    public var candidate: RunSummary
    /// The run that is trusted.
    public var reference: RunSummary
    /// What the report concluded.
    public var verdict: Verdict
    /// Frames that were compared.
    public var frames: Int
    /// What each layer came to.
    public var layers: [Layer]
    /// What each output came to.
    public var outputs: [Output] = []
    /// Share of equal first answers.
    public var agreement: Double?

    /// Creates a sample.
    public init(
      candidate: RunSummary, reference: RunSummary, verdict: Verdict, frames: Int, layers: [Layer]
    ) {
      self.candidate = candidate
      self.reference = reference
      self.verdict = verdict
      self.frames = frames
      self.layers = layers
    }

    /// What a comparison came to.
    public init(_ report: ValidationReport) {
      self.init(
        candidate: report.candidate, reference: report.reference, verdict: report.verdict,
        frames: report.frames,
        layers: report.layers.compactMap { row in
          guard let side = row.candidate, let op = side.op, row.metrics != nil || row.errors != nil
          else { return nil }
          return Layer(
            tensor: side.tensor, op: op, nrmse: row.metrics?.relativeDrift, own: row.errors?.own,
            excess: row.errors?.excess)
        })
      outputs = report.outputs.compactMap { row in
        guard let side = row.candidate, let drift = row.metrics?.relativeDrift else { return nil }
        return Output(tensor: side.tensor, nrmse: drift)
      }
      agreement = report.answers?.top1Agreement
    }
  }

  /// Version of the JSON schema.
  public var schemaVersion = 1
  /// Name and version of the program that learnt it.
  public var tool: String
  /// Reports that it was learnt from.
  public var reports: Int
  /// Frames in all of them.
  public var frames: Int
  /// The run under suspicion, as in the first report.
  public var candidate: RunSummary
  /// The run that is trusted, likewise.
  public var reference: RunSummary
  /// The layers, in the candidate's order.
  public var layers: [Layer]
  /// The outputs, in order.
  public var outputs: [Output]
  /// Smallest share of equal first answers; nil where outputs are no class scores.
  public var agreement: Double?

  /// Learns from healthy runs of one model against one reference.
  ///
  /// - Precondition: There is a sample.
  public init(_ samples: [Sample], tool: String) {
    self.tool = tool
    reports = samples.count
    frames = samples.reduce(0) { $0 + $1.frames }
    candidate = samples[0].candidate
    reference = samples[0].reference
    var order: [Place] = []
    var seen: [Place: [Layer]] = [:]
    for layer in samples.flatMap(\.layers) {
      let place = Place(tensor: layer.tensor, op: layer.op.index)
      if seen[place] == nil { order.append(place) }
      seen[place, default: []].append(layer)
    }
    layers = order.sorted { $0.op < $1.op }.compactMap { place in
      guard let rows = seen[place], let first = rows.first else { return nil }
      return Layer(
        tensor: first.tensor, op: first.op,
        nrmse: Self.limit(rows.compactMap(\.nrmse), atLeast: Self.floor),
        own: Self.limit(rows.compactMap(\.own), atLeast: Self.floor),
        excess: Self.limit(rows.compactMap(\.excess), atLeast: 1))
    }
    var names: [String] = []
    for output in samples.flatMap(\.outputs) where !names.contains(output.tensor) {
      names.append(output.tensor)
    }
    outputs = names.compactMap { name in
      let values = samples.flatMap(\.outputs).filter { $0.tensor == name }.map(\.nrmse)
      return Self.limit(values, atLeast: Self.floor).map { Output(tensor: name, nrmse: $0) }
    }
    agreement = samples.compactMap(\.agreement).min().map { max(0, 1 - max(0.05, 2 * (1 - $0))) }
  }

  struct Place: Hashable {
    var tensor: String
    var op: Int
  }

  // MARK: Limits

  /// Below this no difference is a finding.
  private static let floor = 1e-3
  /// What few reports are given: twice the largest value that they saw.
  private static let margin = 2.0
  /// The least that many reports are given.
  private static let leastMargin = 1.25
  /// From as many reports on, the spread is known well enough to be used.
  private static let fewReports = 5

  /// How far healthy runs may go, from how far some went.
  ///
  /// With five values or more the upper one-sided tolerance limit of their logarithms: with 95 % confidence it covers
  /// 99 % of such runs, if logarithms are normal. It is kept between 1.25 and 2 times the largest value; with fewer
  /// values it is 2 times.
  ///
  /// Source: Natrella, Experimental Statistics (NBS Handbook 91), 1963, section 2-5.
  static func limit(_ values: [Double], atLeast floor: Double) -> Double? {
    let values = values.filter { $0.isFinite && $0 >= 0 }
    guard let largest = values.max() else { return nil }
    let widest = margin * largest
    guard values.count >= fewReports, largest > 0 else { return max(floor, widest) }
    let logarithms = values.map { decimalLogarithm(max($0, largest / 1000)) }
    let n = Double(values.count)
    let mean = logarithms.reduce(0, +) / n
    let deviation =
      (logarithms.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / (n - 1)).squareRoot()
    let (cover, confidence) = (2.3263478740, 1.6448536270)
    let a = 1 - confidence * confidence / (2 * (n - 1))
    let b = cover * cover - confidence * confidence / n
    let factor = (cover + (cover * cover - a * b).squareRoot()) / a
    let learnt = powerOfTen(mean + factor * deviation)
    return max(floor, min(widest, max(leastMargin * largest, learnt)))
  }
}
