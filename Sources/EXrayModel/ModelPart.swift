import EXrayCore

/// A part of a model as a model of its own, fed with tensors that the whole model computes.
public struct ModelPart: Sendable {
  /// The part; it keeps all tensors of the whole under their indices.
  public let model: Model
  /// For each input of the part, the tensor of the whole whose values it takes.
  public let inputs: [Int]
  /// For each output of the part, the tensor of the whole that it computes.
  public let outputs: [Int]

  /// The same part in a file that holds nothing else of the whole; as it is where it cannot be copied out.
  public func compacted() throws(ModelError) -> ModelPart {
    guard let model = try model.compacted() else { return self }
    return ModelPart(model: model, inputs: inputs, outputs: outputs)
  }
}

extension Model {
  /// The model cut at tensors: what lies between the cuts is computed from given values of the cut tensors.
  ///
  /// Where all tensors that ops read are cut, every op stands alone, and one run of the part gives each op's
  /// result on inputs of the caller's choice. Inputs of the graph are cut always.
  ///
  /// - Parameter cuts: Indices of tensors; those that no op reads, that are constant or shaped by a run are ignored.
  /// - Returns: A part whose outputs are the cut tensors that ops make, and the graph's outputs that can be given out.
  public func cut(at cuts: Set<Int>) throws(ModelError) -> ModelPart {
    let choice = LayerChoice(self)
    let wanted = Set(primary.outputs).union(cuts)
    let readable = cuts.filter { choice.canExpose($0) }
    var draft = ModelDraft(self)
    var copies: [Int: Int] = [:]
    for op in draft.ops {
      for tensor in op.inputs where readable.contains(tensor) && copies[tensor] == nil {
        var description = draft.description(of: tensor)
        description.name = "cut/\(tensor)"
        copies[tensor] = draft.addTensor(description)
      }
    }
    for index in draft.ops.indices {
      draft.ops[index].inputs = draft.ops[index].inputs.map { copies[$0] ?? $0 }
    }
    let sources = copies.keys.sorted()
    draft.inputs += sources.compactMap { copies[$0] }
    return try part(
      of: draft, inputs: primary.inputs + sources,
      outputs: made(by: primary.ops).filter {
        wanted.contains($0) && (choice.canExpose($0) || primary.outputs.contains($0))
      })
  }

  /// What the ops from `op` on compute, from the values of the tensors that they read.
  ///
  /// - Returns: A part whose outputs are those of the graph that these ops make; nil where a tensor that they need
  ///   cannot be given to them.
  public func suffix(from op: Int) throws(ModelError) -> ModelPart? {
    let later = ops(from: op, LayerChoice(self))
    guard let inputs = suffixInputs(from: op) else { return nil }
    let made = Set(made(by: later))
    var draft = ModelDraft(self)
    draft.ops = later.map(ModelDraft.Op.init)
    draft.inputs = inputs
    return try part(
      of: draft, inputs: inputs, outputs: primary.outputs.filter { made.contains($0) })
  }

  /// The tensors that the ops before `end` hand on: what later ops read and what the graph gives out of them.
  public func liveTensors(at end: Int) -> [Int] {
    let choice = LayerChoice(self)
    let later = Set(primary.ops.filter { $0.index >= end }.flatMap(\.inputs))
    let given = Set(primary.outputs)
    return made(by: primary.ops.filter { $0.index < end }).filter {
      later.contains($0) && choice.canExpose($0)
        || given.contains($0) && !choice.isFixed[$0]
    }
  }

  /// The ops that compute some tensors, as a model of its own.
  ///
  /// - Parameters:
  ///   - tensors: Indices of tensors that ops make.
  ///   - given: Tensors that are given instead of computed, besides the graph's inputs; those that cannot be are ignored.
  public func part(
    making tensors: [Int], given: Set<Int> = []
  ) throws(ModelError) -> ModelPart {
    let choice = LayerChoice(self)
    let sources = given.filter { choice.canExpose($0) && !tensors.contains($0) }
      .union(primary.inputs)
    var needed = Set(tensors)
    var ops: [Op] = []
    for op in primary.ops.reversed()
    where op.outputs.contains(where: { needed.contains($0) && !sources.contains($0) }) {
      ops.append(op)
      needed.formUnion(op.inputs)
    }
    var draft = ModelDraft(self)
    draft.ops = ops.reversed().map(ModelDraft.Op.init)
    let inputs = needed.intersection(sources).sorted()
    draft.inputs = inputs
    return try part(of: draft, inputs: inputs, outputs: tensors)
  }

  /// The tensors that the ops from `op` on must be given; nil where one of them cannot be.
  public func suffixInputs(from op: Int) -> [Int]? {
    let choice = LayerChoice(self)
    let later = ops(from: op, choice)
    let made = Set(made(by: later))
    let given = Set(primary.inputs)
    var inputs: [Int] = []
    for tensor in later.flatMap(\.inputs)
    where tensor >= 0 && !made.contains(tensor) && !inputs.contains(tensor) {
      let source = primary.tensors[tensor]
      guard source.constantBytes == nil, !source.isVariable else { continue }
      guard given.contains(tensor) || choice.canExpose(tensor) else { return nil }
      inputs.append(tensor)
    }
    return inputs
  }

  /// The ops from `op` on, and those before it that depend on constants alone.
  private func ops(from op: Int, _ choice: LayerChoice) -> [Op] {
    primary.ops.filter {
      $0.index >= op || $0.outputs.allSatisfy { $0 < 0 || choice.isFixed[$0] }
    }
  }

  private func made(by ops: [Op]) -> [Int] { ops.flatMap(\.outputs).filter { $0 >= 0 } }

  private func part(
    of draft: ModelDraft, inputs: [Int], outputs: [Int]
  ) throws(ModelError) -> ModelPart {
    var draft = draft
    draft.outputs = outputs
    // LiteRT ends the process where two inputs or two outputs share a name.
    for tensor in Set(inputs + outputs) where tensor < primary.tensors.count {
      draft.rename(tensor, to: "\(tensor)/\(primary.tensors[tensor].description.name)")
    }
    return ModelPart(model: try draft.written(), inputs: inputs, outputs: outputs)
  }
}
