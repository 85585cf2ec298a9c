import EXrayCore
import EXrayModel
import Foundation

/// Identifies the recipe that made a model's inputs from raw files of one kind.
public struct IdentifyJob {
  /// How integers in the arrays stand for real values.
  public struct Storing: Sendable {
    /// Real value of one step.
    public var scale: Float
    /// The integer that stands for 0.
    public var zeroPoint: Int64

    /// Creates the numbers that a quantized input has.
    public init(scale: Float, zeroPoint: Int64) {
      self.scale = scale
      self.zeroPoint = zeroPoint
    }
  }

  private let identifier: any Identifier

  /// Creates a job.
  ///
  /// - Parameters:
  ///   - raw: Pictures, sounds, or folders of them; all of one kind.
  ///   - modelInputs: Paths of `.npy` arrays: one with a sample a raw file, or one a raw file.
  ///   - intended: Path of the recipe that should have been used.
  ///   - model: A model whose input says how integers stand for real values.
  ///   - storing: The same by hand; it wins over the model.
  /// - Throws: ``PipelineError`` or the error of what reads a file, with the file and what to do.
  public init(
    raw: [String], modelInputs: [String], intended: String?, model: String?, storing: Storing?
  ) throws {
    identifier = try RawKind(of: raw).identifier(
      IdentifyRequest(
        raw: raw, modelInputs: modelInputs, intended: intended, model: model, storing: storing))
  }

  /// Looks at the raw files and says how the inputs were made.
  public func run(observer: (any ProgressObserver)?) throws -> IdentifyReport {
    try identifier.run(observer: observer)
  }
}

/// What does the work of ``IdentifyJob`` for one kind of raw files.
protocol Identifier {
  /// Reads the recipe and the arrays.
  init(_ request: IdentifyRequest) throws

  /// Reads the raw files and searches.
  func run(observer: (any ProgressObserver)?) throws -> IdentifyReport
}

/// What a user gave to ``IdentifyJob``.
struct IdentifyRequest {
  var raw: [String]
  var modelInputs: [String]
  var intended: String?
  var model: String?
  var storing: IdentifyJob.Storing?

  /// How integers stand for real values; nil where nobody says.
  func quantization() throws -> Quantization? {
    if let storing { return Quantization(scales: [storing.scale], zeroPoints: [storing.zeroPoint]) }
    guard let model else { return nil }
    let file = try ModelFile(path: model)
    let tensor = file.model.primary.inputs.first.flatMap { index in
      file.model.primary.tensors.indices.contains(index)
        ? file.model.primary.tensors[index].description : nil
    }
    return tensor?.quantization
  }
}
