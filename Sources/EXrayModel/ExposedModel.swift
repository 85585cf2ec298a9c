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
    let edited = try edited(outputs: outputs)
    // A damaged file may store one vector inside another; prove that the copy is still sound.
    _ = try Model(edited)
    return ExposedModel(bytes: edited, layers: layers, outputs: outputs)
  }

  /// A copy whose primary subgraph has the given outputs; signatures, which would contradict them, go.
  private func edited(outputs: [Int]) throws(ModelError) -> [UInt8] {
    var file = FlatBuffer(bytes)
    let root = try file.table(at: file.follow(0))
    guard let graphs = try file.vector(root, 2, stride: 4), graphs.count > 0 else {
      throw ModelError(.missingPart, "the model has no graph to run; \(exportAgain)")
    }
    file.place = .subgraph(0)
    let graph = try file.table(at: file.follow(graphs.start))
    guard let field = try file.field(graph, 2) else {
      throw ModelError(
        .missingPart, "subgraph 0 has no list of outputs to extend; \(exportAgain)",
        byteOffset: graph.offset)
    }
    let start = (bytes.count + 3) / 4 * 4
    guard start + 4 * (outputs.count + 1) <= Int(Int32.max) else {
      throw ModelError(
        .tooLarge,
        """
        a longer list of outputs would push the file of \(bytes.count) bytes over 2 GiB; run it \
        without capturing layers
        """)
    }
    var edited: [UInt8] = []
    edited.reserveCapacity(start + 4 * (outputs.count + 1))
    edited += bytes
    edited += [UInt8](repeating: 0, count: start - bytes.count)
    func word(_ value: Int) -> [UInt8] {
      let bits = UInt32(truncatingIfNeeded: value)
      return [0, 8, 16, 24].map { UInt8(truncatingIfNeeded: bits >> $0) }
    }
    edited += word(outputs.count)
    for output in outputs { edited += word(output) }
    edited.replaceSubrange(field..<field + 4, with: word(start - field))
    for (nameField, name) in try repeatedNames(of: outputs, in: graph, of: file) {
      let position = edited.count
      edited += word(name.utf8.count) + Array(name.utf8) + [0]
      while edited.count % 4 != 0 { edited.append(0) }
      edited.replaceSubrange(nameField..<nameField + 4, with: word(position - nameField))
    }
    file.place = .model
    if let signatures = try file.vector(root, 7, stride: 4) {
      edited.replaceSubrange(signatures.start - 4..<signatures.start, with: word(0))
    }
    return edited
  }

  /// The name fields of outputs whose name an earlier output has, each with a name of its own.
  ///
  /// LiteRT ends the process where two outputs share a name.
  private func repeatedNames(
    of outputs: [Int], in graph: FlatBuffer.Table, of file: FlatBuffer
  ) throws(ModelError) -> [(field: Int, name: String)] {
    guard let tensors = try file.vector(graph, 0, stride: 4) else { return [] }
    var file = file
    var seen: Set<String> = []
    var result: [(field: Int, name: String)] = []
    for output in outputs {
      let name = primary.tensors[output].description.name
      guard !name.isEmpty, !seen.insert(name).inserted else { continue }
      let tensor = try file.table(at: file.follow(tensors.start + 4 * output))
      guard let field = try file.field(tensor, 3) else { continue }
      result.append((field, "\(name)#\(output)"))
    }
    return result
  }
}
