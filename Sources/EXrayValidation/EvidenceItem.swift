/// One thing that a comparison's worth rests on, and whether it bears weight.
public struct EvidenceItem: Sendable, Hashable, Codable {
  /// What was looked at; readers must accept others.
  public enum Subject: String, Sendable, Hashable, Codable, CaseIterable {
    /// Frames that both runs have.
    case frames
    /// Layers and outputs that could be compared.
    case coverage
    /// Layers whose recorded values are not the ones that the run had.
    case staleLayers = "stale-layers"
    /// Two runs that should differ and hold the same values.
    case identicalRuns = "identical-runs"
    /// Outputs that answer the same whatever comes in, on both sides.
    case outputValues = "output-values"
    /// Whether a run without captured layers gives the same outputs.
    case capture
    /// Whether the same inputs give the same outputs again.
    case repeatability
  }

  /// How much weight it bears.
  public enum Worth: String, Sendable, Hashable, Codable {
    /// A fault would have shown.
    case sound
    /// A fault could have been missed, or what looks like one may be none.
    case weak
    /// It could not be looked at.
    case unknown
  }

  /// What was looked at.
  public var subject: Subject
  /// How much weight it bears.
  public var worth: Worth
  /// What was seen, with numbers, and for weak evidence what to do; one sentence.
  public var detail: String

  /// Creates an item.
  public init(_ subject: Subject, _ worth: Worth, _ detail: String) {
    self.subject = subject
    self.worth = worth
    self.detail = detail
  }
}
