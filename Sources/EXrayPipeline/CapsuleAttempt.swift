import EXrayCore
import EXrayModel
import EXrayValidation

/// A part of the candidate beside the reference's ops for it, run on what the candidate made.
struct CapsuleAttempt {
  let part: ModelPart
  /// The candidate's ops that the part has.
  let ops: [OpReference]
  /// The reference's ops; nil where the model is the same.
  let reference: ModelPart?
  /// Graphs of the whole models.
  let model: Subgraph
  let trusted: Subgraph
  /// The tensor in question, in the candidate and in the reference.
  let target: Int
  let partner: Int
  /// Packed values by frame, then by input.
  var inputs: [[[UInt8]]] = []
  var referenceInputs: [[[UInt8]]] = []
  /// Packed values by frame: what the part gives, and what it should give.
  var candidate: [[UInt8]] = []
  var wanted: [[UInt8]] = []
  /// How far the part is off, and the whole at the same place.
  private(set) var difference = CapsuleManifest.Difference.none
  private(set) var whole = CapsuleManifest.Difference.none

  init(
    part: ModelPart, ops: [OpReference], reference: ModelPart?, model: Subgraph,
    trusted: Subgraph, target: Int, partner: Int
  ) {
    self.part = part
    self.ops = ops
    self.reference = reference
    self.model = model
    self.trusted = trusted
    self.target = target
    self.partner = partner
  }

  var own: TensorDescription { model.tensors[target].description }
  var other: TensorDescription { trusted.tensors[partner].description }

  /// Measures both differences; false where there is nothing to measure by.
  mutating func compare(captured: [[UInt8]]) -> Bool {
    guard
      let part = DifferenceAccumulator.difference(candidate, own, wanted, other),
      let whole = DifferenceAccumulator.difference(captured, own, wanted, other)
    else { return false }
    (difference, self.whole) = (part, whole)
    return true
  }

  /// Whether the part is off by at least a share of what the whole is off by.
  func shows(_ share: Double) -> Bool {
    if whole.isNotFinite { return difference.isNotFinite }
    return (difference.nrmse ?? 0) >= share * (whole.nrmse ?? 0)
  }

  /// Whether the reference takes the candidate's inputs as they are.
  var sharesInputs: Bool { reference == nil || inputs == referenceInputs && formatsAgree }

  private var formatsAgree: Bool {
    guard let reference else { return true }
    return zip(part.inputs, reference.inputs).allSatisfy { first, second in
      let (own, other) = (model.tensors[first].description, trusted.tensors[second].description)
      return own.elementType == other.elementType && own.shape == other.shape
        && own.quantization == other.quantization
    }
  }
}

extension CapsuleManifest.Difference {
  static let none = CapsuleManifest.Difference(
    DifferenceMetrics(
      count: 0, mse: 0, maxAbsDiff: 0, nrmse: nil, cosineSimilarity: nil, sqnrDB: nil, psnrDB: nil,
      rmseOverScale: nil, candidateNotFinite: 0, referenceNotFinite: 0))

  /// Whether both are the same.
  var isNothing: Bool { !isNotFinite && (nrmse ?? 0) == 0 }
}
