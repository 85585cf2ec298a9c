public import EXrayCore

/// A tensor that a run of a model gives out, and where it is found.
public struct CapturedTensor: Sendable, Hashable {
  /// The position among what a session takes or gives.
  public enum Place: Sendable, Hashable {
    case input(Int)
    case output(Int)
  }

  /// What part a tensor plays in its model.
  public enum Part: Sendable, Hashable {
    case input
    case layer
    case output
  }

  /// Where the session keeps it.
  public let place: Place
  /// What part it plays in the model, which may have been edited to give out its layers.
  public let part: Part
  /// Index of the tensor in the primary subgraph.
  public let tensorIndex: Int
  /// The op that makes it, where one does.
  public let op: OpReference?
  /// Name, type, shape of the session and quantization.
  public let description: TensorDescription
}

extension Subgraph {
  /// The tensors of a session that runs this graph, or a copy of it that gives out more.
  ///
  /// - Parameters:
  ///   - inputs: Index and description of each tensor that the session takes.
  ///   - outputs: Index and description of each tensor that the session gives.
  /// - Returns: Inputs, then layers in execution order, then outputs in the model's order.
  public func captured(
    inputs: [(tensorIndex: Int, description: TensorDescription)],
    outputs: [(tensorIndex: Int, description: TensorDescription)]
  ) -> [CapturedTensor] {
    var makers: [Int: OpReference] = [:]
    for op in ops {
      for output in op.outputs { makers[output] = op.reference }
    }
    func captured(
      _ tensor: (tensorIndex: Int, description: TensorDescription), _ place: CapturedTensor.Place,
      _ part: CapturedTensor.Part
    ) -> CapturedTensor {
      var description = tensor.description
      if tensors.indices.contains(tensor.tensorIndex) {
        description = tensors[tensor.tensorIndex].description
        description.shape = tensor.description.shape
      }
      return CapturedTensor(
        place: place, part: part, tensorIndex: tensor.tensorIndex,
        op: part == .input ? nil : makers[tensor.tensorIndex], description: description)
    }
    let taken = inputs.enumerated().map { captured($1, .input($0), .input) }
    let made = outputs.enumerated().map { index, tensor in
      captured(
        tensor, .output(index), self.outputs.contains(tensor.tensorIndex) ? .output : .layer)
    }
    let layers = made.filter { $0.part == .layer }
      .sorted { ($0.op?.index ?? 0) < ($1.op?.index ?? 0) }
    let results = made.filter { $0.part == .output }.sorted {
      let first = self.outputs.firstIndex(of: $0.tensorIndex) ?? 0
      return first < self.outputs.firstIndex(of: $1.tensorIndex) ?? 0
    }
    return taken + layers + results
  }
}
