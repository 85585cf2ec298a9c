public import EXrayCore

/// Which layer of the candidate stands beside which layer of the reference.
public struct TensorMatching: Sendable {
  /// One tensor as matching sees it.
  public struct Tensor: Sendable {
    /// The op that made it; nil for inputs.
    public var op: OpReference?
    /// Name, type and shape.
    public var description: TensorDescription

    /// Creates a tensor.
    public init(op: OpReference?, description: TensorDescription) {
      self.op = op
      self.description = description
    }
  }

  /// Position in the candidate's list and position in the reference's list; nil where one side has no such tensor.
  public struct Pair: Sendable, Hashable {
    /// Position in the candidate's list.
    public var candidate: Int?
    /// Position in the reference's list.
    public var reference: Int?
  }

  /// Every tensor of both sides exactly once, in the candidate's order.
  public let pairs: [Pair]

  /// Aligns two lists of layers, both in execution order.
  ///
  /// The alignment keeps the order of both sides and maximises the sum of scores: equal names count
  /// most, then equal op types; tensors of different element counts never match.
  /// Source: Needleman and Wunsch, A general method applicable to the search for similarities, 1970.
  ///
  /// - Complexity: O(*n*·*m*) time and space.
  public init(candidate: [Tensor], reference: [Tensor]) {
    let rows = candidate.count
    let columns = reference.count
    let candidateNames = candidate.map { Self.nameParts($0.description.name) }
    let referenceNames = reference.map { Self.nameParts($0.description.name) }
    var best = [[Int32]](repeating: [Int32](repeating: 0, count: columns + 1), count: rows + 1)
    for row in stride(from: rows - 1, through: 0, by: -1) {
      for column in stride(from: columns - 1, through: 0, by: -1) {
        let score = Self.score(
          candidate[row], candidateNames[row], reference[column], referenceNames[column])
        let matched = score > 0 ? score + best[row + 1][column + 1] : 0
        best[row][column] = max(matched, best[row + 1][column], best[row][column + 1])
      }
    }
    var pairs: [Pair] = []
    var (row, column) = (0, 0)
    while row < rows || column < columns {
      if row < rows, column < columns {
        let score = Self.score(
          candidate[row], candidateNames[row], reference[column], referenceNames[column])
        if score > 0, best[row][column] == score + best[row + 1][column + 1] {
          pairs.append(Pair(candidate: row, reference: column))
          row += 1
          column += 1
          continue
        }
      }
      if row < rows, column == columns || best[row][column] == best[row + 1][column] {
        pairs.append(Pair(candidate: row, reference: nil))
        row += 1
      } else {
        pairs.append(Pair(candidate: nil, reference: column))
        column += 1
      }
    }
    self.pairs = pairs
  }

  /// Converters join the names of fused ops with semicolons; any shared part ties two tensors.
  private static func nameParts(_ name: String) -> Set<Substring> {
    Set(name.split(separator: ";").filter { !$0.isEmpty })
  }

  private static func score(
    _ candidate: Tensor, _ candidateName: Set<Substring>, _ reference: Tensor,
    _ referenceName: Set<Substring>
  ) -> Int32 {
    guard candidate.description.shape.elementCount == reference.description.shape.elementCount
    else { return 0 }
    let sameOp = candidate.op?.type == reference.op?.type
    // Conversions between number formats exist on one side only; they match nothing but their like.
    let conversions: Set<String?> = ["QUANTIZE", "DEQUANTIZE"]
    if !sameOp, conversions.contains(candidate.op?.type) || conversions.contains(reference.op?.type)
    {
      return 0
    }
    if candidate.description.name == reference.description.name, !candidateName.isEmpty {
      return sameOp ? 16 : 12
    }
    if !candidateName.isDisjoint(with: referenceName) { return sameOp ? 10 : 6 }
    return sameOp && candidate.description.shape == reference.description.shape ? 2 : 0
  }
}
