/// What a tensor is, without its values.
public struct TensorDescription: Sendable, Hashable, Codable {
  /// The tensor's name in the model; may be empty and need not be unique.
  public var name: String
  /// The type of one element.
  public var elementType: ElementType
  /// The extents, for one run.
  public var shape: Shape
  /// How stored integers stand for real numbers; nil for tensors that are not quantized.
  public var quantization: Quantization?

  /// Creates a description.
  public init(
    name: String, elementType: ElementType, shape: Shape, quantization: Quantization? = nil
  ) {
    self.name = name
    self.elementType = elementType
    self.shape = shape
    self.quantization = quantization
  }

  /// Bytes of the packed values, or nil where they have no fixed size.
  public var byteCount: Int? { shape.byteCount(of: elementType) }
}

/// The op that made a tensor.
public struct OpReference: Sendable, Hashable, Codable {
  /// Index of the op in its subgraph's execution order, from 0.
  public var index: Int
  /// The op's type as the model format spells it (`CONV_2D`), or a custom op's own name.
  public var type: String

  /// Creates a reference.
  public init(index: Int, type: String) {
    self.index = index
    self.type = type
  }
}
