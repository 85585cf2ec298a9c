import EXrayCore
import EXrayMatching
import EXrayPreprocess
import EXrayTrace
import EXrayValidation

/// Gathers what a report needs from the frames of two runs: distances, samples for the detective, pictures.
struct EvidenceCollector {
  private(set) var comparison: RunComparison
  private(set) var samples: [RecipeSearch.Sample] = []
  /// What the first output of each frame came to.
  private(set) var outcomes: [FrameOutcome] = []
  /// How many frames there will be.
  let frameCount: Int
  /// Where values go that custom checks asked for.
  var files: CheckTensors?
  private var worst: [WorstFrame] = []
  private let candidate: [RunComparison.Tensor]
  private let reference: [RunComparison.Tensor]
  private let sampleInterval: Int
  private var frames = 0

  /// Frames that the detective looks at, and frames shown in the report.
  private static let sampleLimit = 6
  private static let shownFrames = 4

  init(
    _ comparison: RunComparison, candidate: [RunComparison.Tensor],
    reference: [RunComparison.Tensor], frameCount: Int
  ) {
    self.comparison = comparison
    self.candidate = candidate
    self.reference = reference
    self.frameCount = frameCount
    sampleInterval = max(1, frameCount / Self.sampleLimit)
  }

  /// Both tensors of a pair.
  func tensors(
    of pair: RunComparison.Pair
  ) -> (candidate: RunComparison.Tensor, reference: RunComparison.Tensor) {
    (candidate[pair.candidate], reference[pair.reference])
  }

  /// One frame's values for one pair of tensors, and its position, as a function that lends them.
  typealias PairAccess = (Int, RunComparison.Pair, (RawSpan, RawSpan) -> Void) throws -> Void

  /// Positions of the layers' pairs among the comparison's, where layers can be added by themselves: custom checks
  /// are handed all tensors in order.
  var layerPairs: Range<Int>? {
    guard files == nil else { return nil }
    let pairs = comparison.pairs
    return (pairs.firstIndex(where: \.isLayer) ?? pairs.count)..<pairs.count
  }

  /// Adds the layers of a frame on several threads, before the frame itself is added.
  ///
  /// - Parameters:
  ///   - groups: Of ``layerPairs``; one thread takes all of a group.
  ///   - access: Lends the values of a pair of tensors.
  mutating func addLayers(
    _ groups: [Range<Int>], frame: String,
    access: @Sendable (Int, (RawSpan, RawSpan) -> Void) throws -> Void
  ) throws {
    let (pairs, tensors) = (comparison.pairs, candidate)
    try comparison.withLayerSums { sums in
      try Parallel.forEach(groups) { group in
        for position in group {
          let pair = pairs[position]
          try access(position) { first, second in
            pair.arranging(first, of: tensors[pair.candidate].description) {
              sums.add(pair, candidate: $0, reference: second, frame: frame)
            }
          }
        }
      }
    }
  }

  /// Adds a frame.
  ///
  /// - Parameters:
  ///   - label: The right class in the model's numbering.
  ///   - areLayersAdded: Whether ``addLayers(_:frame:access:)`` was called for this frame.
  ///   - raw: Reads the raw input, where there is one; called for few frames.
  ///   - access: Lends the values of a pair of tensors; called for each in their order.
  mutating func add(
    name: String, label: Int?, areLayersAdded: Bool = false, raw: () -> RawInput?,
    access: PairAccess
  ) throws {
    var inputDrift = 0.0
    var outputDrift = 0.0
    var values = WorstFrame(name: name)
    for (position, pair) in comparison.pairs.enumerated()
    where !(areLayersAdded && pair.isLayer) {
      let first = candidate[pair.candidate]
      let second = reference[pair.reference]
      func keep(_ nrmse: Double?, _ candidateBytes: RawSpan, _ referenceBytes: RawSpan) {
        switch first.role {
        case .layer: break
        case .input where values.inputs == nil:
          inputDrift = nrmse ?? 0
          values.inputs = WorstFrame.pair(first, candidateBytes, second, referenceBytes)
        case .output where values.outputs == nil:
          outputDrift = max(outputDrift, nrmse ?? 0)
          values.outputs = WorstFrame.pair(first, candidateBytes, second, referenceBytes)
        default: break
        }
      }
      try access(position, pair) { candidateBytes, referenceBytes in
        files?.add(pair, candidate: candidateBytes, reference: referenceBytes)
        pair.arranging(candidateBytes, of: first.description) { bytes in
          let nrmse = comparison.add(
            pair, candidate: bytes, reference: referenceBytes, frame: name)
          // Inputs go to the detective as the models get them.
          keep(nrmse, first.role == .input ? candidateBytes : bytes, referenceBytes)
        }
      }
    }
    comparison.endFrame(
      candidateScores: comparison.comparesAnswers ? values.outputs?.candidate : nil,
      referenceScores: comparison.comparesAnswers ? values.outputs?.reference : nil, label: label)
    outcomes.append(
      FrameOutcome(
        name: name, label: label, candidate: values.outputs?.candidate,
        reference: values.outputs?.reference, areScores: comparison.comparesAnswers))
    try files?.endFrame()
    if frames % sampleInterval == 0, samples.count < Self.sampleLimit, inputDrift > 0,
      let inputs = values.inputs
    {
      samples.append(
        .init(
          name: name, candidate: inputs.candidate, reference: inputs.reference,
          raw: raw().flatMap(RecipeSearch.RawPicture.init)))
    }
    frames += 1
    values.score = inputDrift > 1e-2 ? 1 + inputDrift : outputDrift
    worst.append(values)
    worst.sort { $0.score > $1.score }
    if worst.count > Self.shownFrames { worst.removeLast() }
  }

  /// How the candidate's inputs were made, where they differ and are pictures.
  ///
  /// - Parameters:
  ///   - intended: The reference's recipe; nil where nobody says.
  ///   - declared: The recipe that the candidate says it uses.
  func explanation(intended: Recipe?, declared: Recipe?) -> Explanation? {
    guard comparison.evidence.inputAgreements.contains(where: { $0?.agrees == false }),
      let input = candidate.first(where: { $0.role == .input })?.description,
      let original = reference.first(where: { $0.role == .input })?.description,
      let recipe = intended.flatMap({ try? $0.resolved(for: input) })
        ?? RecipeSearch.recipeOfReference(samples, input: original),
      let search = RecipeSearch(intended: recipe, input: input)
    else { return nil }
    return search.explain(samples, hints: [declared].compactMap { $0 })
  }

  /// Pictures of the worst frames.
  ///
  /// - Parameter intended: The recipe whose normalisation turns inputs back into levels.
  func pictures(intended: Recipe?, classNames: [String], labelOffset: Int) -> ReportPictures {
    let names = modelNames(classNames, labelOffset: labelOffset)
    var pictures = ReportPictures(classNames: names)
    let input = reference.first { $0.role == .input }
    let output = reference.first { $0.role == .output }
    for frame in worst {
      let answers = caption(frame, names: names)
      if let intended, let input, let inputs = frame.inputs,
        let rendering = InputRendering(recipe: intended, input: input.description),
        let first = rendering.png(of: inputs.candidate),
        let second = rendering.png(of: inputs.reference)
      {
        pictures.inputs.append(
          .init(name: frame.name, candidatePNG: first, referencePNG: second, caption: answers))
      }
      if let output, let outputs = frame.outputs,
        let rendering = OutputRendering(output: output.description),
        let first = rendering.png(of: outputs.candidate, scale: outputs.reference),
        let second = rendering.png(of: outputs.reference, scale: outputs.reference)
      {
        pictures.outputs.append(
          .init(
            name: frame.name, candidatePNG: first, referencePNG: second,
            caption: "output \(output.description.name)"))
      }
    }
    return pictures
  }

  /// The names in the model's numbering, whether they were given in it or in the labels'.
  private func modelNames(_ names: [String], labelOffset: Int) -> [String] {
    let classes = reference.first { $0.role == .output }?.description.classCount
    guard !names.isEmpty, labelOffset > 0, names.count + labelOffset == classes else {
      return names
    }
    return [String](repeating: "background", count: labelOffset) + names
  }

  private func caption(_ frame: WorstFrame, names: [String]) -> String {
    guard comparison.comparesAnswers, let outputs = frame.outputs else { return "" }
    let answers = [outputs.candidate, outputs.reference].map { scores -> String in
      guard let best = topClasses(scores, 1).first else { return "nothing" }
      return names.indices.contains(best) ? names[best] : "class \(best)"
    }
    return "candidate answers \(answers[0]), reference answers \(answers[1])"
  }
}

extension RunComparison.Pair {
  /// Calls `body` with a candidate's values, their axes in the reference's order.
  fileprivate func arranging(
    _ values: RawSpan, of tensor: TensorDescription, _ body: (RawSpan) -> Void
  ) {
    guard let permutation else { return body(values) }
    let turned = permutation.reordered(values, of: tensor)
    body(unsafe turned.span.bytes)
  }
}

extension RecipeSearch.RawPicture {
  /// The picture of a raw input; nil where that is none.
  init?(_ raw: RawInput) {
    guard raw.mediaType.hasPrefix("image/") else { return nil }
    let frame = try? YUVFrame(mediaType: raw.mediaType, file: raw.name)
    // JPEG has no transparency.
    self.init(
      hasAlpha: frame == nil && !raw.bytes.starts(with: [0xFF, 0xD8]), isCameraFrame: frame != nil
    ) { options in
      try? unsafe Picture.decode(
        raw.bytes.span.bytes, mediaType: raw.mediaType, file: raw.name, options: options)
    }
  }
}

/// The inputs and the first output of one frame, kept for the report.
private struct WorstFrame {
  struct Values {
    var candidate: [Float]
    var reference: [Float]
  }

  var name: String
  var score = 0.0
  var inputs: Values?
  var outputs: Values?

  init(name: String) { self.name = name }

  static func pair(
    _ first: RunComparison.Tensor, _ candidate: RawSpan, _ second: RunComparison.Tensor,
    _ reference: RawSpan
  ) -> Values? {
    guard let candidate = first.description.realValues(in: candidate),
      let reference = second.description.realValues(in: reference)
    else { return nil }
    return Values(candidate: candidate, reference: reference)
  }
}
