public import EXrayCore
public import EXrayMatching

/// Everything a comparison of two runs found: the value that every renderer shows.
///
/// The JSON form is the public schema, documented in `Documentation/report-format.md`.
public struct ValidationReport: Sendable, Hashable, Codable {
  /// Version of the JSON schema.
  public var schemaVersion = 1
  /// The tool and its version.
  public var tool: String
  /// What the comparison concludes.
  public var verdict: Verdict
  /// The conclusion in one sentence.
  public var summary: String
  /// The run under suspicion.
  public var candidate: RunSummary
  /// The run that is trusted.
  public var reference: RunSummary
  /// Frames that both runs have and that were compared.
  public var frames: Int
  /// Accuracy of both runs; nil without labels.
  public var accuracy: AccuracyComparison?
  /// How often both runs give the same answer; nil where outputs are no class scores.
  public var answers: AnswerComparison?
  /// Model inputs, in order.
  public var inputs: [TensorComparison]
  /// Layers in the candidate's execution order, matched or not.
  public var layers: [TensorComparison]
  /// Model outputs, in order.
  public var outputs: [TensorComparison]
  /// Inference latency of both runs; nil where a trace has none.
  public var latency: LatencyComparison?
  /// Faults found, the most certain cause first.
  public var findings: [Finding]
  /// What all fixes together gained when they were replayed; nil where fewer than two were.
  public var allFixes: Finding.Gain?
  /// What the user's own checks concluded, in the order in which they ran.
  public var checks: [CustomCheckResult]
  /// What the comparison's worth rests on; empty where nothing was compared.
  public var evidence: [EvidenceItem]
  /// What limits the evidence, one a line.
  public var notes: [String]
  /// The part of the final error that the inputs alone make; nil where it is unknown.
  public var inputShare: Double?
  /// The candidate's graph; nil where no model was at hand, as with traces.
  public var graph: ModelGraph?
  /// How the values of the worst layers are spread, the worst first.
  public var histograms: [LayerHistogram]
  /// How the choices differ of ops that choose among values, in the candidate's order.
  public var decisions: [DecisionComparison]

  /// Creates a report.
  public init(
    tool: String, verdict: Verdict, summary: String, candidate: RunSummary,
    reference: RunSummary, frames: Int, accuracy: AccuracyComparison? = nil,
    answers: AnswerComparison? = nil, inputs: [TensorComparison] = [],
    layers: [TensorComparison] = [], outputs: [TensorComparison] = [],
    latency: LatencyComparison? = nil, findings: [Finding] = [],
    allFixes: Finding.Gain? = nil, checks: [CustomCheckResult] = [],
    evidence: [EvidenceItem] = [], notes: [String] = [], inputShare: Double? = nil,
    graph: ModelGraph? = nil, histograms: [LayerHistogram] = [],
    decisions: [DecisionComparison] = []
  ) {
    self.tool = tool
    self.verdict = verdict
    self.summary = summary
    self.candidate = candidate
    self.reference = reference
    self.frames = frames
    self.accuracy = accuracy
    self.answers = answers
    self.inputs = inputs
    self.layers = layers
    self.outputs = outputs
    self.latency = latency
    self.findings = findings
    self.allFixes = allFixes
    self.checks = checks
    self.evidence = evidence
    self.notes = notes
    self.inputShare = inputShare
    self.graph = graph
    self.histograms = histograms
    self.decisions = decisions
  }
}

/// What ran, for one side of a comparison.
public struct RunSummary: Sendable, Hashable, Codable {
  /// The model's file name.
  public var model: String
  /// SHA-256 of the model file, hexadecimal.
  public var modelSHA256: String
  /// The runtime's name and version (`litert 2.3.0`).
  public var runtime: String
  /// Which kernels computed.
  public var kernels: String
  /// Threads the runtime was given.
  public var threads: Int
  /// The recipe's name or file, nil where inputs came as tensors.
  public var recipe: String?
  /// The device that ran it.
  public var device: String

  /// Creates a summary.
  public init(
    model: String, modelSHA256: String, runtime: String, kernels: String, threads: Int,
    recipe: String?, device: String
  ) {
    self.model = model
    self.modelSHA256 = modelSHA256
    self.runtime = runtime
    self.kernels = kernels
    self.threads = threads
    self.recipe = recipe
    self.device = device
  }
}

/// Task accuracy of both runs over the same labelled frames.
public struct AccuracyComparison: Sendable, Hashable, Codable {
  /// Frames that have a label.
  public var labelledFrames: Int
  /// The candidate's accuracy.
  public var candidate: Accuracy
  /// The reference's accuracy.
  public var reference: Accuracy
  /// Two-sided exact McNemar test of equal top-1 accuracy: small values speak against chance.
  public var pValue: Double

  /// Creates a comparison.
  public init(labelledFrames: Int, candidate: Accuracy, reference: Accuracy, pValue: Double) {
    self.labelledFrames = labelledFrames
    self.candidate = candidate
    self.reference = reference
    self.pValue = pValue
  }
}

/// Fractions of frames answered right.
public struct Accuracy: Sendable, Hashable, Codable {
  /// Fraction whose first answer is right.
  public var top1: Double
  /// Fraction with the right answer among the first five.
  public var top5: Double
  /// 95 % Wilson interval of ``top1``: lower bound, then upper bound.
  public var top1Interval: [Double]

  /// Creates an accuracy.
  public init(top1: Double, top5: Double, top1Interval: [Double]) {
    self.top1 = top1
    self.top5 = top5
    self.top1Interval = top1Interval
  }
}

/// How the first answers of both runs agree, with or without labels.
public struct AnswerComparison: Sendable, Hashable, Codable {
  /// Fraction of frames whose first answers are the same class.
  public var top1Agreement: Double
  /// Number of classes in the output.
  public var classCount: Int
  /// How often the reference answered one class and the candidate another or the same; most frequent first,
  /// disagreements before agreements.
  public var confusion: [Pair]
  /// What the reference's lead of its first class over its second moves by in the candidate, as root mean square over
  /// frames that both answer alike; nil where there are none.
  public var marginError: Double?
  /// Changed answers that any rounding decides; nil where nobody counted.
  ///
  /// In these the reference's lead over the candidate's answer is at most twice ``marginError``.
  public var knifeEdges: Int?

  /// Creates a comparison.
  public init(
    top1Agreement: Double, classCount: Int, confusion: [Pair], marginError: Double? = nil,
    knifeEdges: Int? = nil
  ) {
    self.top1Agreement = top1Agreement
    self.classCount = classCount
    self.confusion = confusion
    self.marginError = marginError
    self.knifeEdges = knifeEdges
  }

  /// Frames that are answered differently.
  public var changedCount: Int {
    confusion.reduce(0) { $0 + ($1.reference == $1.candidate ? 0 : $1.count) }
  }

  /// One cell of the confusion matrix of answers.
  public struct Pair: Sendable, Hashable, Codable {
    /// Class that the reference answered, from 0.
    public var reference: Int
    /// Class that the candidate answered, from 0.
    public var candidate: Int
    /// Frames with this pair.
    public var count: Int

    /// Creates a cell.
    public init(reference: Int, candidate: Int, count: Int) {
      self.reference = reference
      self.candidate = candidate
      self.count = count
    }
  }
}

/// One tensor of the candidate beside the reference's, over all frames.
public struct TensorComparison: Sendable, Hashable, Codable {
  /// What the comparison of one tensor came to.
  public enum Status: String, Sendable, Hashable, Codable {
    /// Compared, within what is normal.
    case pass
    /// Compared, beyond what is normal.
    case fail
    /// Compared, but nothing can be said (no finite values).
    case unknown
    /// One side has no such tensor.
    case notMapped = "not-mapped"
    /// The tensors were matched, but their shapes differ, or the order of their values is not known.
    case shapeAmbiguous = "shape-ambiguous"
    /// Left out on purpose (a type without real values).
    case excluded
    /// Matched, but the reference has no values.
    case noTargetValue = "no-target-value"
  }

  /// Position in the candidate's execution order, from 0.
  public var index: Int
  /// What the comparison came to.
  public var status: Status
  /// The candidate's tensor; nil where only the reference has it.
  public var candidate: Side?
  /// The reference's tensor; nil where only the candidate has it.
  public var reference: Side?
  /// Distances over all compared frames; nil where nothing was compared.
  public var metrics: DifferenceMetrics?
  /// Name of the frame with the largest nrmse.
  public var worstFrame: String?
  /// What the layer does wrong by itself; nil where the models were not taken apart.
  public var errors: LayerErrors?
  /// How likely it is that both sides are the same layer, 0 to 1; nil where there is one side, and for inputs and
  /// outputs.
  public var confidence: Double?
  /// The evidence for that.
  public var matchedBy: [MatchReason]?

  /// The JSON names.
  private enum CodingKeys: String, CodingKey {
    case index, status, candidate, reference, metrics, worstFrame, errors, confidence
    case matchedBy = "matched_by"
  }

  /// Creates a comparison.
  public init(
    index: Int, status: Status, candidate: Side?, reference: Side?,
    metrics: DifferenceMetrics? = nil, worstFrame: String? = nil, errors: LayerErrors? = nil,
    confidence: Double? = nil, matchedBy: [MatchReason]? = nil
  ) {
    self.index = index
    self.status = status
    self.candidate = candidate
    self.reference = reference
    self.metrics = metrics
    self.worstFrame = worstFrame
    self.errors = errors
    self.confidence = confidence
    self.matchedBy = matchedBy
  }

  /// One run's tensor.
  public struct Side: Sendable, Hashable, Codable {
    /// The tensor's name.
    public var tensor: String
    /// The op that made it; nil for inputs.
    public var op: OpReference?
    /// The element type.
    public var elementType: ElementType
    /// The extents.
    public var shape: Shape

    /// Creates a side.
    public init(tensor: String, op: OpReference?, elementType: ElementType, shape: Shape) {
      self.tensor = tensor
      self.op = op
      self.elementType = elementType
      self.shape = shape
    }
  }
}

/// Inference latency of both runs.
public struct LatencyComparison: Sendable, Hashable, Codable {
  /// The candidate's latency.
  public var candidate: Latency
  /// The reference's latency.
  public var reference: Latency
  /// Why these times are not the deployed model's, when layers were captured.
  public var caveat: String?

  /// Creates a comparison.
  public init(candidate: Latency, reference: Latency, caveat: String?) {
    self.candidate = candidate
    self.reference = reference
    self.caveat = caveat
  }

  /// Percentiles of the time inside the runtime's run call.
  public struct Latency: Sendable, Hashable, Codable {
    /// Half of the runs are faster.
    public var medianNanoseconds: UInt64
    /// Nine of ten runs are faster.
    public var p90Nanoseconds: UInt64

    /// Creates a latency.
    public init(medianNanoseconds: UInt64, p90Nanoseconds: UInt64) {
      self.medianNanoseconds = medianNanoseconds
      self.p90Nanoseconds = p90Nanoseconds
    }
  }
}

/// What each side's model really saw, as pictures beside a report; not part of the JSON.
public struct ReportPictures: Sendable {
  /// One frame as both sides saw it.
  public struct Frame: Sendable {
    /// The frame's name.
    public var name: String
    /// PNG of the candidate's input (or output map), as the model saw it.
    public var candidatePNG: [UInt8]
    /// PNG of the reference's.
    public var referencePNG: [UInt8]
    /// One line: the answers of both sides, or what is shown.
    public var caption: String

    /// Creates a frame.
    public init(name: String, candidatePNG: [UInt8], referencePNG: [UInt8], caption: String) {
      self.name = name
      self.candidatePNG = candidatePNG
      self.referencePNG = referencePNG
      self.caption = caption
    }
  }

  /// Model inputs of the worst frames, worst first.
  public var inputs: [Frame]
  /// Model outputs that are pictures themselves (segmentation masks), same frames.
  public var outputs: [Frame]
  /// Names of the output's classes, where known.
  public var classNames: [String]

  /// Creates a set of pictures.
  public init(inputs: [Frame] = [], outputs: [Frame] = [], classNames: [String] = []) {
    self.inputs = inputs
    self.outputs = outputs
    self.classNames = classNames
  }
}
