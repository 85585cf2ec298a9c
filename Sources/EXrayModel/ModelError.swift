/// Why a model file cannot be used.
public struct ModelError: Error, Sendable, Hashable, CustomStringConvertible {
  /// What kind of fault; more may be added.
  public struct Code: Sendable, Hashable, CustomStringConvertible {
    /// The code as reports spell it.
    public let description: String

    private init(_ description: String) { self.description = description }

    /// The file is not a TensorFlow Lite model.
    public static var notTFLite: Self { .init("not-tflite") }
    /// An offset or a length points outside the file.
    public static var outOfBounds: Self { .init("out-of-bounds") }
    /// A table, a vector or a string is not one.
    public static var malformed: Self { .init("malformed") }
    /// The file names far more parts than its size can hold.
    public static var tooComplex: Self { .init("too-complex") }
    /// A part that every model has is absent.
    public static var missingPart: Self { .init("missing-part") }
    /// An index names a tensor, buffer, op code or subgraph that is not there.
    public static var invalidIndex: Self { .init("invalid-index") }
    /// A tensor's element type is unknown.
    public static var unsupportedType: Self { .init("unsupported-type") }
    /// A tensor's extents cannot be.
    public static var invalidShape: Self { .init("invalid-shape") }
    /// A tensor, or all tensors together, would need an absurd amount of memory.
    public static var tooLarge: Self { .init("too-large") }
    /// Scales, zero points or the quantized dimension cannot be.
    public static var invalidQuantization: Self { .init("invalid-quantization") }
    /// A constant's data disagrees with its shape and type.
    public static var invalidConstant: Self { .init("invalid-constant") }
    /// A signature is incomplete or contradicts itself.
    public static var invalidSignature: Self { .init("invalid-signature") }
    /// An op reads what nothing made before it, or writes what it must not.
    public static var invalidOrder: Self { .init("invalid-order") }
    /// An op's inputs, outputs or options cannot be.
    public static var invalidOp: Self { .init("invalid-op") }
    /// Subgraphs call each other in a circle.
    public static var recursiveSubgraphs: Self { .init("recursive-subgraphs") }
    /// The model keeps constants outside its flatbuffer, so its layers cannot be exposed.
    public static var externalBuffers: Self { .init("external-buffers") }
  }

  /// What kind of fault.
  public let code: Code
  /// What is wrong, with numbers and names, and what to do.
  public let message: String
  /// Where in the file, in bytes from its start, if the fault has a place.
  public let byteOffset: Int?

  /// Creates an error.
  public init(_ code: Code, _ message: String, byteOffset: Int? = nil) {
    self.code = code
    self.message = message
    self.byteOffset = byteOffset
  }

  /// The message, after the byte offset where there is one.
  public var description: String {
    byteOffset.map { "byte \($0): \(message)" } ?? message
  }
}

/// What to do about a model that an exporter would never write.
let exportAgain = "fetch the file again or export the model again"
