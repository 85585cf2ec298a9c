/// The extents of a tensor, slowest-changing dimension first (row-major).
///
/// A scalar has no dimensions and one element.
public struct Shape: Sendable, Hashable, Codable, ExpressibleByArrayLiteral,
  CustomStringConvertible
{
  /// Extent of every dimension, in elements.
  public var dimensions: [Int]

  /// Creates a shape from its extents.
  public init(_ dimensions: [Int]) { self.dimensions = dimensions }

  /// Creates a shape from its extents.
  public init(arrayLiteral elements: Int...) { dimensions = elements }

  /// Reads the extents as a plain JSON array.
  public init(from decoder: any Decoder) throws {
    dimensions = try decoder.singleValueContainer().decode([Int].self)
  }

  /// Writes the extents as a plain JSON array.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(dimensions)
  }

  /// Number of dimensions.
  public var rank: Int { dimensions.count }

  /// Number of elements, or nil where a dimension is negative or the product exceeds `Int.max`.
  public var elementCount: Int? {
    var count = 1
    for dimension in dimensions {
      guard dimension >= 0 else { return nil }
      let (product, overflow) = count.multipliedReportingOverflow(by: dimension)
      if overflow { return nil }
      count = product
    }
    return count
  }

  /// Bytes that a packed tensor of this shape takes, or nil where that has no fixed or no representable value.
  public func byteCount(of elementType: ElementType) -> Int? {
    guard let elementCount, let bits = elementType.bitWidth else { return nil }
    let (total, overflow) = elementCount.multipliedReportingOverflow(by: bits)
    if overflow { return nil }
    return total / 8 + (total % 8 == 0 ? 0 : 1)
  }

  /// The shape as `[1, 224, 224, 3]`.
  public var description: String {
    "[" + dimensions.map(String.init).joined(separator: ", ") + "]"
  }
}
