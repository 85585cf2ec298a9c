public import EXrayCore

/// What part a tensor plays in a run.
public enum TensorRole: String, Codable, Sendable, CaseIterable {
  /// An input of the model.
  case input
  /// A tensor that an op of the model made.
  case layer
  /// An output of the model.
  case output
  /// A tensor inside of the model that stands for its input, as the one before the classifier.
  case embedding
  /// Any other tensor of the app; a frame may have it several times.
  case custom
}

/// A tensor of which a trace holds the values, or sketches of them; at most once a frame but for
/// ``TensorRole/custom``.
public struct TensorStream: Hashable, Codable, Sendable {
  /// What part the tensor plays.
  public var role: TensorRole
  /// The position within its role, from 0.
  public var index: Int
  /// The tensor's index in the model's primary subgraph, where it has one.
  public var tensorIndex: Int?
  /// The op that made it, where one did.
  public var op: OpReference?
  /// Name, type, shape and quantization.
  public var description: TensorDescription

  /// Creates a stream.
  public init(
    role: TensorRole, index: Int, tensorIndex: Int? = nil, op: OpReference? = nil,
    description: TensorDescription
  ) {
    self.role = role
    self.index = index
    self.tensorIndex = tensorIndex
    self.op = op
    self.description = description
  }

  /// The channel's topic, as `/layers/0007`.
  public var topic: String {
    switch role {
    case .input: "/inputs/\(index)"
    case .output: "/outputs/\(index)"
    case .embedding: "/embeddings/\(index)"
    case .layer: "/layers/\(fourDigits)"
    case .custom: "/tensors/\(fourDigits)"
    }
  }

  private var fourDigits: String {
    String(repeating: "0", count: max(0, 4 - String(index).utf8.count)) + "\(index)"
  }

  /// The description as a channel's metadata.
  var entries: [String: String] {
    var entries = [
      "role": role.rawValue, "index": String(index), "name": description.name,
      "elementType": description.elementType.rawValue,
      "shape": description.shape.dimensions.map(String.init).joined(separator: ","),
    ]
    entries["tensorIndex"] = tensorIndex.map(String.init)
    entries["op"] = op?.type
    entries["opIndex"] = op.map { String($0.index) }
    if let quantization = description.quantization {
      entries["scales"] = quantization.scales.map { "\($0)" }.joined(separator: ",")
      entries["zeroPoints"] = quantization.zeroPoints.map(String.init).joined(separator: ",")
      entries["axis"] = String(quantization.axis)
    }
    return entries
  }

  /// Reads a channel's metadata.
  init(entries: [String: String]) throws(Fault) {
    let fields = Fields(entries)
    let roleName = try fields.text("role")
    guard let role = TensorRole(rawValue: roleName) else {
      throw Fault(
        "has the role \(roleName), none of \(TensorRole.allCases.map(\.rawValue).joined(separator: ", "))"
      )
    }
    let typeName = try fields.text("elementType")
    guard let elementType = ElementType(rawValue: typeName) else {
      throw Fault("has the element type \(typeName), which this program does not know")
    }
    var quantization: Quantization?
    if entries["scales"] != nil {
      let scales: [Float] = try fields.list("scales")
      let zeroPoints: [Int64] = try fields.list("zeroPoints")
      guard scales.count == zeroPoints.count else {
        throw Fault("has \(scales.count) scales and \(zeroPoints.count) zero points")
      }
      quantization = Quantization(
        scales: scales, zeroPoints: zeroPoints, axis: try fields.integer("axis"))
    }
    var op: OpReference?
    if let type = entries["op"] {
      op = OpReference(index: try fields.integer("opIndex"), type: type)
    }
    var tensorIndex: Int?
    if entries["tensorIndex"] != nil { tensorIndex = try fields.integer("tensorIndex") as Int }
    self.init(
      role: role, index: try fields.integer("index"), tensorIndex: tensorIndex, op: op,
      description: TensorDescription(
        name: try fields.text("name"), elementType: elementType,
        shape: Shape(try fields.list("shape")), quantization: quantization))
    try check()
  }

  /// Refuses a description that no tensor has, so that whoever reads a trace may count on it.
  func check() throws(Fault) {
    let shape = description.shape
    guard index >= 0, tensorIndex ?? 0 >= 0, op?.index ?? 0 >= 0 else {
      throw Fault("has a negative index")
    }
    // The product without zeros: even partial products of the extents must be representable.
    guard shape.dimensions.allSatisfy({ $0 >= 0 }),
      Shape(shape.dimensions.map { max($0, 1) })
        .byteCount(of: description.elementType.bitWidth == nil ? .uint8 : description.elementType)
        != nil
    else { throw Fault("has the shape \(shape), which no memory holds") }
    guard let quantization = description.quantization else { return }
    guard quantization.scales.allSatisfy(\.isFinite) else {
      throw Fault("has a scale that is not a finite number")
    }
    guard quantization.scales.count == quantization.zeroPoints.count,
      quantization.axis >= 0, quantization.axis < max(1, shape.rank)
    else {
      throw Fault(
        "has \(quantization.scales.count) scales, \(quantization.zeroPoints.count) zero points and"
          + " axis \(quantization.axis) for the shape \(shape)")
    }
  }
}
