import EXrayCore

extension Model {
  /// The real values of a constant of the primary graph, also of one that is stored in another type and converted
  /// by a DEQUANTIZE op; nil for tensors that depend on inputs and for types without real values.
  ///
  /// - Complexity: O(*n*) in the constant's size.
  public func constantValues(of tensor: Int) -> [Float]? {
    guard let tensor = constant(behind: tensor), let place = tensor.constantBytes else {
      return nil
    }
    return unsafe tensor.description.realValues(in: bytes.span.bytes.extracting(place))
  }

  /// The constant that a tensor is, or that it is converted from.
  public func constant(behind index: Int) -> Tensor? {
    guard primary.tensors.indices.contains(index) else { return nil }
    let tensor = primary.tensors[index]
    if tensor.constantBytes != nil { return tensor.isSparse ? nil : tensor }
    guard
      let op = primary.ops.first(where: { $0.type == "DEQUANTIZE" && $0.outputs == [index] }),
      let source = op.inputs.first, primary.tensors.indices.contains(source),
      primary.tensors[source].constantBytes != nil, !primary.tensors[source].isSparse
    else { return nil }
    return primary.tensors[source]
  }
}
