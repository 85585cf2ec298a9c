public import EXrayCore
import EXrayPreprocess
import EXrayValidation
import Foundation

/// What a capsule holds and shows: its `capsule.json`.
public struct CapsuleManifest: Codable, Sendable {
  /// One side of the difference.
  public struct Side: Codable, Sendable {
    /// The file name of the whole model.
    public var model: String
    /// SHA-256 of the whole model.
    public var modelSHA256: String
    /// The runtime's name.
    public var runtime: String
    /// The runtime's version.
    public var runtimeVersion: String
    /// Which kernels computed.
    public var kernels: String
    /// Threads that the runtime was given.
    public var threads: Int
  }

  /// An array of the capsule: `[frames, …]`, packed as the tensor stores it.
  public struct StoredArray: Codable, Sendable {
    /// Its path inside the capsule.
    public var file: String
    /// The tensor's name in the whole model.
    public var tensor: String
    /// The type of one element.
    public var elementType: ElementType
    /// The tensor's extents, without the frames.
    public var shape: [Int]
    /// Real units a step; absent for tensors that are not quantized.
    public var scale: Float?
    /// The stored value that stands for 0; absent likewise.
    public var zeroPoint: Int64?

    init(file: String, _ description: TensorDescription) {
      self.file = file
      tensor = description.name
      elementType = description.elementType
      shape = description.shape.dimensions
      scale = description.quantization?.scale
      zeroPoint = description.quantization?.zeroPoint
    }

    var description: TensorDescription {
      TensorDescription(
        name: tensor, elementType: elementType, shape: Shape(shape),
        quantization: scale.map { Quantization(scales: [$0], zeroPoints: [zeroPoint ?? 0]) })
    }
  }

  /// What the op gave beside what it should have given.
  public struct Outputs: Codable, Sendable {
    /// What the candidate gave.
    public var candidate: StoredArray
    /// What the reference makes of the same inputs.
    public var reference: StoredArray
  }

  /// How far the two are apart, over all frames.
  public struct Difference: Codable, Sendable {
    /// Root mean squared difference over the reference's range; absent where it is not finite.
    public var nrmse: Double?
    /// The same in quantization steps of the candidate; absent for floating point.
    public var steps: Double?
    /// Values of the candidate that are NaN or infinite.
    public var candidateNotFinite: Int
    /// Values of the reference that are NaN or infinite.
    public var referenceNotFinite: Int

    init(_ metrics: DifferenceMetrics) {
      nrmse = metrics.relativeDrift
      steps = metrics.rmseOverScale
      candidateNotFinite = metrics.candidateNotFinite
      referenceNotFinite = metrics.referenceNotFinite
    }

    /// Whether the candidate has values that are not finite where the reference has none.
    var isNotFinite: Bool { candidateNotFinite > referenceNotFinite }

    /// Whether a difference is larger than allowed.
    func passes(_ tolerance: Double) -> Bool { !isNotFinite && (nrmse ?? 0) <= tolerance }
  }

  /// What `exray dissect` found.
  public struct Found: Codable, Sendable {
    /// The cause's identifier.
    public var cause: String
    /// One line.
    public var title: String
    /// The facts behind it.
    public var evidence: [String]
  }

  /// The newest version of the schema that this program reads.
  static let newestSchema = 1

  /// Version of the JSON schema.
  public var schemaVersion = Self.newestSchema
  /// Name and version of the program that made the capsule.
  public var tool: String
  /// The op that goes wrong, as the whole model counts it.
  public var op: OpReference
  /// The tensor that it makes.
  public var tensor: String
  /// The ops of `candidate.tflite`, as the whole model counts them; one where the op fails alone.
  public var ops: [OpReference]
  /// What was found; absent where the op was named by hand.
  public var finding: Found?
  /// What the capsule shows.
  public var difference: Difference
  /// The largest nrmse that counts as fixed: half of what was seen.
  public var tolerance: Double
  /// Frames in each array.
  public var frames: Int
  /// How the candidate ran.
  public var candidate: Side
  /// How the reference ran.
  public var reference: Side
  /// The device that ran both.
  public var device: String
  /// Its operating system.
  public var operatingSystem: String
  /// What `candidate.tflite` takes, in the order of its inputs.
  public var inputs: [StoredArray]
  /// What `reference.tflite` takes; absent where it takes `inputs`, or where there is none.
  public var referenceInputs: [StoredArray]?
  /// What came out.
  public var outputs: Outputs
  /// SHA-256 of every other file of the capsule, by path.
  public var files: [String: String]

  /// The manifest as JSON, the same text for the same capsule.
  func json() throws -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    return String(decoding: try encoder.encode(self), as: UTF8.self) + "\n"
  }
}

extension DifferenceAccumulator {
  /// How far packed values of two tensors are apart over frames; nil where they cannot be compared.
  static func difference(
    _ candidate: [[UInt8]], _ description: TensorDescription, _ reference: [[UInt8]],
    _ other: TensorDescription
  ) -> CapsuleManifest.Difference? {
    guard var sums = DifferenceAccumulator(candidate: description, reference: other) else {
      return nil
    }
    for (first, second) in zip(candidate, reference)
    where first.count == description.byteCount && second.count == other.byteCount {
      unsafe sums.add(candidate: first.span.bytes, reference: second.span.bytes, frame: "")
    }
    return sums.metrics.map { CapsuleManifest.Difference($0) }
  }
}

extension TensorDescription {
  /// Packed values of this tensor as another one stores the same real values.
  func stored(_ bytes: [UInt8], as other: TensorDescription) throws -> [UInt8] {
    if elementType == other.elementType, quantization == other.quantization { return bytes }
    return try other.storedBytes(for: unsafe realValues(in: bytes.span.bytes) ?? [])
  }
}
