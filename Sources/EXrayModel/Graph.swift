public import EXrayCore

/// One graph of a model: tensors, and ops in execution order.
public struct Subgraph: Sendable {
  /// The graph's name; often empty or `main`.
  public let name: String
  /// All tensors, by index.
  public let tensors: [Tensor]
  /// All ops in execution order.
  public let ops: [Op]
  /// Indices of the tensors that the caller sets.
  public let inputs: [Int]
  /// Indices of the tensors that the caller reads.
  public let outputs: [Int]
}

/// One tensor of a graph.
public struct Tensor: Sendable {
  /// The tensor's index in its subgraph.
  public let index: Int
  /// Name, type, shape and quantization.
  public let description: TensorDescription
  /// The shape with -1 where the caller may choose the extent; nil where the file gives none.
  public let shapeSignature: [Int]?
  /// Index of the buffer that holds the constant data.
  public let bufferIndex: Int
  /// Where the constant data lies in the file; nil for tensors that ops or callers write.
  public let constantBytes: Range<Int>?
  /// Whether the tensor keeps its values between runs.
  public let isVariable: Bool

  let isSparse: Bool
  let offset: Int
}

/// One op of a graph.
public struct Op: Sendable {
  /// The op's index in execution order, from 0.
  public let index: Int
  /// The op's type as the schema spells it (`CONV_2D`), or a custom op's own name.
  public let type: String
  /// Whether the op is not one of the schema's.
  public let isCustom: Bool
  /// The version of the op that the model needs.
  public let version: Int
  /// Indices of the tensors that the op reads; -1 where an optional one is absent.
  public let inputs: [Int]
  /// Indices of the tensors that the op writes; -1 where an optional one is absent.
  public let outputs: [Int]
  /// The activation that the op applies to its result, as the schema spells it (`RELU6`); nil for none.
  public let fusedActivation: String?

  /// The op as layers and traces name it.
  public var reference: OpReference { OpReference(index: index, type: type) }

  let options: OpOptions
  let offset: Int
}

/// Where an op's options lie; their table is kept because its layout is known only by its type.
struct OpOptions: Sendable {
  var type: UInt8
  var offset: Int?
  var secondType: UInt8
  var secondOffset: Int?
}

/// A named way to call a graph.
public struct Signature: Sendable {
  /// A signature's own name for a tensor.
  public struct Entry: Sendable, Hashable {
    /// The name.
    public let name: String
    /// Index of the tensor in the signature's subgraph.
    public let tensorIndex: Int
  }

  /// The name of the signature.
  public let key: String
  /// The tensors that the caller sets.
  public let inputs: [Entry]
  /// The tensors that the caller reads.
  public let outputs: [Entry]
  /// Index of the subgraph that runs.
  public let subgraph: Int

  let offset: Int
}
