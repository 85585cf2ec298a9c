import EXrayCore
import EXrayMatching
import EXrayModel
import EXrayPreprocess
import EXrayRuntime
import EXrayValidation

/// What every tensor that both models share held over a few frames, as it was stored.
struct LayerRecording {
  /// A tensor of the candidate and the one of the reference beside it, by index.
  struct Pair {
    var candidate: Int
    var reference: Int
    var candidateOp: OpReference?
    var referenceOp: OpReference?
    /// How the candidate's axes are reordered to be the reference's; nil where they need not be.
    var permutation: AxisPermutation?
  }

  /// One frame: packed values by tensor.
  struct Frame {
    var candidate: [Int: [UInt8]] = [:]
    var reference: [Int: [UInt8]] = [:]

    var byteCount: Int {
      candidate.values.reduce(0) { $0 + $1.count } + reference.values.reduce(0) { $0 + $1.count }
    }
  }

  /// Inputs, then layers in the candidate's order.
  let pairs: [Pair]
  private(set) var frames: [Frame] = []
  /// Both models' tensors by index, with the shapes that they have in a run: a file may leave extents open.
  private let candidateTensors: [TensorDescription]
  private let referenceTensors: [TensorDescription]
  /// The pair of each tensor of the reference, and of each of the candidate.
  private let candidates: [Int: Pair]
  private let references: [Int: Pair]

  /// Bytes of layers that are kept at once.
  private static let memoryLimit = 512 << 20

  /// Runs both models with every layer exposed.
  ///
  /// - Parameter frameLimit: How many frames are kept at most; fewer where they are large.
  init(
    candidate: PipelineSpecification, reference: PipelineSpecification, inputs: InputList,
    frameLimit: Int, observer: (any ProgressObserver)?
  ) throws {
    var first = try OpenedModel(
      file: candidate.model, runtime: candidate.runtime, options: candidate.options,
      capture: .layers)
    var second = try OpenedModel(
      file: reference.model, runtime: reference.runtime, options: reference.options,
      capture: .layers)
    let matching = LayerMatching(
      candidate: candidate.model.model, reference: reference.model.model)
    pairs = Self.pairs(first, second, candidate.model.model.primary, matching)
    candidateTensors = Self.tensors(of: candidate.model.model.primary, in: first)
    referenceTensors = Self.tensors(of: reference.model.model.primary, in: second)
    candidates = Dictionary(
      pairs.map { ($0.reference, $0) }, uniquingKeysWith: { first, _ in first })
    references = Dictionary(
      pairs.map { ($0.candidate, $0) }, uniquingKeysWith: { first, _ in first })
    let pipelines = [
      try InputPipeline(
        recipe: candidate.recipe, input: first.onlyInput(), modelName: candidate.model.name,
        recipeFile: candidate.recipeFile),
      try InputPipeline(
        recipe: reference.recipe, input: second.onlyInput(), modelName: reference.model.name,
        recipeFile: reference.recipeFile),
    ]
    let feed = try FrameFeed(inputs: inputs, pipelines: pipelines, labels: nil)
    defer { feed.cancel() }
    var limit = min(frameLimit, feed.count)
    while frames.count < limit, let prepared = try feed.next() {
      let (own, other) = (prepared.sides[0].bytes, prepared.sides[1].bytes)
      try unsafe first.session.write(own.span.bytes, toInput: 0)
      try unsafe second.session.write(other.span.bytes, toInput: 0)
      try first.session.start()
      try second.session.start()
      _ = try first.session.finish()
      _ = try second.session.finish()
      var frame = Frame()
      for pair in pairs {
        frame.candidate[pair.candidate] = try first.bytes(of: pair.candidate, input: own)
        frame.reference[pair.reference] = try second.bytes(of: pair.reference, input: other)
      }
      limit = min(limit, max(1, Self.memoryLimit / max(1, frame.byteCount)))
      frames.append(frame)
      observer?.progress("record layers", done: frames.count, of: limit)
    }
  }

  private static func tensors(
    of graph: Subgraph, in opened: borrowing OpenedModel
  ) -> [TensorDescription] {
    var tensors = graph.tensors.map(\.description)
    for tensor in opened.tensors where tensors.indices.contains(tensor.tensorIndex) {
      tensors[tensor.tensorIndex].shape = tensor.compared.description.shape
    }
    return tensors
  }

  private static func pairs(
    _ first: borrowing OpenedModel, _ second: borrowing OpenedModel, _ graph: Subgraph,
    _ matching: LayerMatching
  ) -> [Pair] {
    let (own, other) = (first.tensors, second.tensors)
    let comparison = RunComparison(
      candidate: own.map(\.compared), reference: other.map(\.compared), matching: matching)
    let pairs = comparison.pairs.map { pair in
      let (one, two) = (own[pair.candidate], other[pair.reference])
      return Pair(
        candidate: graph.quantized(one.tensorIndex), reference: two.tensorIndex,
        candidateOp: one.compared.op, referenceOp: two.compared.op, permutation: pair.permutation)
    }.sorted { ($0.candidateOp?.index ?? -1) < ($1.candidateOp?.index ?? -1) }
    // A tensor that is only stored in another type beside it stands for the same one of the reference.
    var seen: (candidate: Set<Int>, reference: Set<Int>) = ([], [])
    return pairs.filter {
      seen.candidate.insert($0.candidate).inserted && seen.reference.insert($0.reference).inserted
    }
  }

  // MARK: Values

  /// A candidate's tensor, its axes in the reference's order.
  func description(candidate tensor: Int) -> TensorDescription {
    var description = candidateTensors[tensor]
    if let permutation = references[tensor]?.permutation {
      description.shape = Shape(permutation.reorderedExtents)
    }
    return description
  }

  func description(reference tensor: Int) -> TensorDescription {
    referenceTensors[tensor]
  }

  /// Real values of a candidate's tensor in one frame, their axes in the reference's order.
  func reals(candidate tensor: Int, in frame: Frame) -> [Float] {
    inReferenceOrder(
      Self.reals(frame.candidate[tensor], candidateTensors[tensor]), tensor)
  }

  /// Real values of a reference's tensor in one frame.
  func reals(reference tensor: Int, in frame: Frame) -> [Float] {
    Self.reals(frame.reference[tensor], description(reference: tensor))
  }

  /// Values of a candidate's tensor as the candidate orders them, their axes in the reference's order.
  func inReferenceOrder(_ values: [Float], _ tensor: Int) -> [Float] {
    references[tensor]?.permutation?.reordered(values) ?? values
  }

  /// Whether the candidate has a tensor beside this one of the reference.
  func hasPartner(reference tensor: Int) -> Bool { candidates[tensor] != nil }

  /// What the candidate made, as it would be stored in the reference's tensor.
  func candidateValues(asReference tensor: Int, in frame: Frame) throws -> [UInt8] {
    guard let pair = candidates[tensor], let bytes = frame.candidate[pair.candidate] else {
      return frame.reference[tensor] ?? []
    }
    return try description(reference: tensor).stored(
      bytes, of: candidateTensors[pair.candidate], pair.permutation)
  }

  /// What the reference made, as it would be stored in the candidate's tensor.
  func referenceValues(asCandidate tensor: Int, in frame: Frame) throws -> [UInt8] {
    guard let pair = references[tensor], let bytes = frame.reference[pair.reference] else {
      return frame.candidate[tensor] ?? []
    }
    return try candidateTensors[tensor].stored(
      bytes, of: description(reference: pair.reference), pair.permutation?.inverse)
  }

  /// Real values of the candidate's tensor beside one of the reference's.
  func candidateReals(besideReference tensor: Int, in frame: Frame) -> [Float] {
    candidates[tensor].map { reals(candidate: $0.candidate, in: frame) } ?? []
  }

  private static func reals(_ bytes: [UInt8]?, _ description: TensorDescription) -> [Float] {
    guard let bytes else { return [] }
    return unsafe description.realValues(in: bytes.span.bytes) ?? []
  }
}

extension TensorDescription {
  /// Values that another tensor holds, as this one stores them.
  ///
  /// - Parameter permutation: How the other tensor's axes are reordered to be this one's.
  func stored(
    _ bytes: [UInt8], of other: TensorDescription, _ permutation: AxisPermutation? = nil
  ) throws -> [UInt8] {
    if other.elementType == elementType, other.quantization == quantization {
      guard let permutation else { return bytes }
      return unsafe permutation.reordered(bytes.span.bytes, of: other)
    }
    let values = unsafe other.realValues(in: bytes.span.bytes) ?? []
    return try storedBytes(for: permutation?.reordered(values) ?? values)
  }
}

extension OpenedModel {
  /// A copy of the packed values of one of its tensors.
  borrowing func bytes(of tensorIndex: Int, input: [UInt8]) throws -> [UInt8] {
    guard let tensor = tensors.first(where: { $0.tensorIndex == tensorIndex }) else { return [] }
    return try withValues(tensor, inputBytes: input) { span in
      unsafe span.withUnsafeBytes { unsafe [UInt8]($0) }
    }
  }
}

extension Subgraph {
  /// The tensor that a QUANTIZE op stores a tensor in, where no other op reads it; else the tensor itself.
  ///
  /// What the next op gets is what its own error must be measured against. A scale that joined tensors share is the
  /// fault of the op that joins them.
  fileprivate func quantized(_ tensor: Int) -> Int {
    let readers = ops.filter { $0.inputs.contains(tensor) }
    guard readers.count == 1, readers[0].type == "QUANTIZE", !outputs.contains(tensor),
      let copy = readers[0].outputs.first,
      !ops.contains(where: { $0.type == "CONCATENATION" && $0.inputs.contains(copy) })
    else { return tensor }
    return copy
  }
}
