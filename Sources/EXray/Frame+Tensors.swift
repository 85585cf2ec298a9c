/// A Swift type whose values in memory are elements of a tensor.
public protocol TensorElement: BitwiseCopyable {
  /// The element type that the values are.
  static var elementType: ElementType { get }
}

extension Float: TensorElement {
  /// The element type, `float32`.
  public static var elementType: ElementType { .float32 }
}

extension Double: TensorElement {
  /// The element type, `float64`.
  public static var elementType: ElementType { .float64 }
}

#if !(os(macOS) && arch(x86_64))
  extension Float16: TensorElement {
    /// The element type, `float16`.
    public static var elementType: ElementType { .float16 }
  }
#endif

extension UInt8: TensorElement {
  /// The element type, `uint8`.
  public static var elementType: ElementType { .uint8 }
}

extension Int8: TensorElement {
  /// The element type, `int8`.
  public static var elementType: ElementType { .int8 }
}

extension UInt16: TensorElement {
  /// The element type, `uint16`.
  public static var elementType: ElementType { .uint16 }
}

extension Int16: TensorElement {
  /// The element type, `int16`.
  public static var elementType: ElementType { .int16 }
}

extension UInt32: TensorElement {
  /// The element type, `uint32`.
  public static var elementType: ElementType { .uint32 }
}

extension Int32: TensorElement {
  /// The element type, `int32`.
  public static var elementType: ElementType { .int32 }
}

extension UInt64: TensorElement {
  /// The element type, `uint64`.
  public static var elementType: ElementType { .uint64 }
}

extension Int64: TensorElement {
  /// The element type, `int64`.
  public static var elementType: ElementType { .int64 }
}

extension Bool: TensorElement {
  /// The element type, `bool`.
  public static var elementType: ElementType { .bool }
}

extension Frame {
  /// Logs a tensor from an array.
  ///
  /// - Parameters:
  ///   - values: As many as the shape has elements, in row-major order.
  ///   - name: The tensor's name in the model.
  ///   - index: The position within the role. A frame takes each position once, but for custom tensors.
  ///   - quantization: How stored integers stand for real numbers.
  public func log<Element: TensorElement>(
    _ role: TensorRole, _ values: [Element], shape: Shape, name: String = "", index: Int = 0,
    quantization: Quantization? = nil
  ) {
    values.withBytes {
      log(
        role, $0, Element.self, shape: shape, name: name, index: index, quantization: quantization)
    }
  }

  /// Logs a tensor from values that lie in a row.
  ///
  /// - Parameters:
  ///   - values: As many as the shape has elements, in row-major order.
  ///   - name: The tensor's name in the model.
  ///   - index: The position within the role. A frame takes each position once, but for custom tensors.
  ///   - quantization: How stored integers stand for real numbers.
  public func log<Element: TensorElement>(
    _ role: TensorRole, _ values: Span<Element>, shape: Shape, name: String = "", index: Int = 0,
    quantization: Quantization? = nil
  ) {
    unsafe log(
      role, values.bytes, Element.self, shape: shape, name: name, index: index,
      quantization: quantization)
  }

  private func log<Element: TensorElement>(
    _ role: TensorRole, _ bytes: RawSpan, _: Element.Type, shape: Shape, name: String, index: Int,
    quantization: Quantization?
  ) {
    guard let state, state.core.takes(role) else { return }
    log(
      role, bytes,
      as: TensorDescription(
        name: name, elementType: Element.elementType, shape: shape, quantization: quantization),
      index: index)
  }
}

extension Array where Element: BitwiseCopyable {
  /// Calls `body` with the elements' bytes.
  ///
  /// In place of `span.bytes`: the optimizer of Swift 6.3 gives the memory of a short array literal up too early
  /// where nothing but a span of it is used.
  func withBytes(_ body: (RawSpan) -> Void) {
    unsafe withUnsafeBytes { body(unsafe RawSpan(_unsafeBytes: $0)) }
  }
}
