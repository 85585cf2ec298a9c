public import EXrayCore

/// The result of an op, as an output of an edited model.
public struct Layer: Sendable, Hashable {
  /// Index of the tensor in the primary subgraph.
  public let tensorIndex: Int
  /// The op that makes it.
  public let op: OpReference
  /// Name, type, shape and quantization.
  public let description: TensorDescription
}

/// A copy of a model whose layers are outputs.
public struct ExposedModel: Sendable {
  /// The edited file; it has no signatures and runs by subgraph index.
  public let bytes: [UInt8]
  /// Every exposed op result in execution order, including those that were outputs already.
  public let layers: [Layer]
  /// The tensor of every output of the edited model, in order: the original outputs first.
  public let outputs: [Int]
}

extension Model {
  /// Writes a copy of the model that gives every layer out.
  ///
  /// Constants and op order stay as they are, so the values of all layers and outputs stay too, bit
  /// for bit, with LiteRT's builtin and reference kernels. Left out, unless they are outputs of the
  /// model already: inputs; variables, strings, resources and variants; results that depend on
  /// constants alone, which delegates fold and never write; results whose shape only a run decides,
  /// which LiteRT cannot give out; and empty results.
  ///
  /// - Throws: ``ModelError`` `.externalBuffers` for models whose constants lie outside the
  ///   flatbuffer.
  public func exposingLayers() throws(ModelError) -> ExposedModel {
    guard !hasExternalBuffers else {
      throw ModelError(
        .externalBuffers,
        """
        the model keeps constants outside its flatbuffer, so its layers cannot be exposed; run it \
        without capturing layers, or export it under 2 GB
        """)
    }
    var outputs = primary.outputs
    var isOutput = Set(outputs)
    let choice = LayerChoice(self)
    var layers: [Layer] = []
    var isListed: Set<Int> = []
    for op in primary.ops {
      for index in op.outputs where index >= 0 {
        guard isOutput.contains(index) || choice.canExpose(index) else { continue }
        guard isListed.insert(index).inserted else { continue }
        if isOutput.insert(index).inserted { outputs.append(index) }
        layers.append(
          Layer(
            tensorIndex: index, op: op.reference, description: primary.tensors[index].description))
      }
    }
    var draft = ModelDraft(self)
    draft.outputs = outputs
    for (tensor, name) in repeatedNames(of: outputs) { draft.rename(tensor, to: name) }
    return ExposedModel(bytes: try draft.written().bytes, layers: layers, outputs: outputs)
  }

  /// Outputs whose name an earlier output has, each with a name of its own.
  ///
  /// LiteRT ends the process where two outputs share a name.
  private func repeatedNames(of outputs: [Int]) -> [(tensor: Int, name: String)] {
    var seen: Set<String> = []
    return outputs.compactMap { output in
      let name = primary.tensors[output].description.name
      return name.isEmpty || seen.insert(name).inserted ? nil : (output, "\(name)#\(output)")
    }
  }
}
