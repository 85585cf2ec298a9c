public import EXrayModel

/// What speaks for two layers being the same.
public enum MatchReason: String, Sendable, Hashable, Codable, CaseIterable {
  /// The op's constants are the same, up to number formats and the scale of each channel.
  case weights
  /// What they are made from, or what is made from them, is matched.
  case topology
  /// The names are equal or share a part.
  case name
  /// The values of a frame are the same, up to rounding.
  case activations
  /// The extents are the same, maybe in another order.
  case shape
  /// They stand at the same place in both orders of execution, or of the interface.
  case order
}

/// Which tensor of a candidate carries the values of which tensor of a reference.
///
/// Evidence is gathered from weights, topology, names, shapes and values; `Documentation/matching.md` tells how.
/// What cannot be told apart is listed as ambiguous and never paired.
public struct LayerMatching: Sendable {
  /// Two tensors that carry the same values.
  public struct Pair: Sendable, Hashable {
    /// The candidate's tensor: its index in the model, or its position in the list.
    public var candidate: Int
    /// The reference's tensor, likewise.
    public var reference: Int
    /// How likely the pair is right, 0 to 1, from the evidence taken as independent.
    public var confidence: Double
    /// The evidence, in the order of ``MatchReason``.
    public var reasons: [MatchReason]
    /// How the candidate's axes must be reordered to be the reference's; nil where values have one order.
    public var permutation: AxisPermutation?
    /// Whether values can be compared one by one: not where they are arranged differently and nobody knows how.
    public var isArrangementKnown: Bool

    /// Creates a pair.
    public init(
      candidate: Int, reference: Int, confidence: Double, reasons: [MatchReason],
      permutation: AxisPermutation? = nil, isArrangementKnown: Bool = true
    ) {
      self.candidate = candidate
      self.reference = reference
      self.confidence = confidence
      self.reasons = reasons
      self.permutation = permutation
      self.isArrangementKnown = isArrangementKnown
    }
  }

  /// Tensors that can be exchanged for each other: each of one list may be any of the other.
  public struct AmbiguousGroup: Sendable, Hashable {
    /// The candidate's tensors, ascending.
    public var candidates: [Int]
    /// The reference's tensors, ascending.
    public var references: [Int]
  }

  /// Why a tensor has no partner.
  public enum Absence: Sendable, Hashable {
    /// The other side has nothing like it.
    case noCounterpart
    /// It only stores, reshapes or transposes what another tensor of its side holds.
    case conversion
    /// It is part of what this tensor of its side, which has a partner, comes to.
    case folded(into: Int)
    /// It is one of a group of ``ambiguous``.
    case ambiguous
  }

  /// A tensor without a partner.
  public struct Unmatched: Sendable, Hashable {
    /// The tensor.
    public var tensor: Int
    /// Why it has none.
    public var absence: Absence
  }

  /// The pairs in the candidate's order.
  public let pairs: [Pair]
  /// What cannot be told apart.
  public let ambiguous: [AmbiguousGroup]
  /// The candidate's tensors without a partner, in its order.
  public let unmatchedCandidates: [Unmatched]
  /// The reference's tensors without a partner, in its order.
  public let unmatchedReferences: [Unmatched]

  init(
    pairs: [Pair], ambiguous: [AmbiguousGroup] = [], unmatchedCandidates: [Unmatched],
    unmatchedReferences: [Unmatched]
  ) {
    self.pairs = pairs
    self.ambiguous = ambiguous
    self.unmatchedCandidates = unmatchedCandidates
    self.unmatchedReferences = unmatchedReferences
  }

  /// Matches the tensors of two models: inputs, and what ops make that depends on more than constants.
  ///
  /// - Parameters:
  ///   - candidateValues: Fingerprints of the values that the candidate's tensors have in one frame, by tensor.
  ///   - referenceValues: The same of the reference, for the same input.
  /// - Complexity: O(*n* log *n*) in ops and tensors and O(*w*) in the bytes of constants; ops with weights of one
  ///   shape that are not equal are compared each with each, by 64 numbers, up to a bound.
  public init(
    candidate: Model, reference: Model, candidateValues: [Int: ValuePrint] = [:],
    referenceValues: [Int: ValuePrint] = [:]
  ) {
    if candidate.bytes == reference.bytes {
      self.init(identical: LayerGraph(candidate))
      return
    }
    var matcher = ModelMatcher(
      LayerGraph(candidate), LayerGraph(reference), values: (candidateValues, referenceValues))
    self = matcher.match()
  }

  /// Every layer of a model beside itself.
  private init(identical graph: LayerGraph) {
    let layers = graph.tensors.indices.filter { graph.isLayer($0) }
    self.init(
      pairs: layers.map {
        Pair(
          candidate: $0, reference: $0, confidence: 0.999,
          reasons: [.weights, .topology, .name, .shape, .order])
      }, unmatchedCandidates: [], unmatchedReferences: [])
  }
}
