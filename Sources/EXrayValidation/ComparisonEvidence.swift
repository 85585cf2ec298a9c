/// Everything that judging a comparison needs.
public struct ComparisonEvidence: Sendable {
  /// Frames compared.
  public var frames: Int
  /// Model inputs.
  public var inputs: [TensorComparison]
  /// Layers in the candidate's execution order.
  public var layers: [TensorComparison]
  /// Model outputs.
  public var outputs: [TensorComparison]
  /// Whether the inputs carry the same real values; nil where they cannot be compared.
  public var inputAgreements: [InputAgreement?]
  /// Accuracy of both sides.
  public var accuracy: AccuracyComparison?
  /// Agreement of the answers.
  public var answers: AnswerComparison?
  /// For each output: the candidate's never changes although the reference's does.
  public var candidateOutputIsConstant: [Bool]
  /// Every output of both sides is the same for all frames.
  public var bothOutputsAreConstant = false
  /// Some input changed from one frame to the next.
  public var inputsChange = true
  /// Layers that hold values which are not theirs.
  public var staleLayers: [StaleLayer] = []
  /// Sentences about layers that are alike and could not be matched.
  public var notes: [String] = []
}
