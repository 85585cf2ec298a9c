import EXrayCore
public import EXrayLayers
public import EXrayValidation
import Foundation

/// What `exray dissect` found: the JSON of `--json`.
public struct DissectReport: Codable, Sendable {
  /// One layer of the candidate.
  public struct Layer: Codable, Sendable {
    /// Index of the op in the candidate's order.
    public var op: Int
    /// The op's type.
    public var type: String
    /// Name of the tensor that it makes.
    public var tensor: String
    /// Own and inherited error.
    public var errors: LayerErrors
  }

  /// Version of the JSON schema.
  public var schemaVersion = 1
  /// Whether a layer goes wrong by itself.
  public var verdict: Verdict
  /// The faults, the one with the largest part in the final error first.
  public var findings: [Finding]
  /// All layers that have a partner, in the candidate's order.
  public var layers: [Layer]
  /// The part of the final error that the inputs alone make; absent where it is unknown.
  public var inputShare: Double?
  /// What is normal and worth knowing.
  public var notes: [String]
  /// The run under suspicion; absent in older reports.
  public var candidate: RunSummary?
  /// The run that is trusted; likewise.
  public var reference: RunSummary?
  /// Frames that were measured; likewise.
  public var frames: Int?

  /// The report of a diagnosis.
  public init(_ diagnosis: LayerDiagnosis) {
    verdict =
      !diagnosis.findings.isEmpty ? .fail : diagnosis.layers.isEmpty ? .inconclusive : .pass
    findings = diagnosis.findings
    layers = diagnosis.layers.map {
      Layer(op: $0.op.index, type: $0.op.type, tensor: $0.tensor, errors: $0.errors)
    }
    inputShare = diagnosis.inputShare
    notes = diagnosis.notes
  }

  /// The report of what a job measured, with what ran.
  public init(_ outcome: DissectOutcome, of job: DissectJob) {
    self.init(outcome.diagnosis)
    notes = outcome.notes
    candidate = job.candidate.summary
    reference = job.reference.summary
    frames = outcome.frames
  }

  /// The report as JSON, the same text for the same report.
  public func json() throws -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    return String(decoding: try encoder.encode(self), as: UTF8.self) + "\n"
  }
}
