import EXrayCore
public import EXrayModel

/// An op that chooses among values, and the tensors that it chooses among and says its choice in.
public enum SelectingOp: Sendable, Hashable {
  /// The place of the largest or smallest value, or of the largest few, along an axis.
  case places(values: Int, axis: Int, chosen: Int)
  /// The boxes that detection ends with.
  case detections(boxes: Int, labels: Int, scores: Int, count: Int)
  /// Which boxes are kept of those that overlap.
  case suppression(boxes: Int, scores: Int, chosen: Int, count: Int)

  /// What an op of a model chooses, or nil for an op that does not.
  public init?(_ op: Op, of model: Model) {
    let (inputs, outputs) = (op.inputs, op.outputs)
    guard outputs.allSatisfy({ $0 >= 0 }) else { return nil }
    switch op.type {
    case "ARG_MAX", "ARG_MIN":
      guard inputs.count == 2, outputs.count == 1, inputs[0] >= 0, inputs[1] >= 0,
        let axis = model.constantValues(of: inputs[1])?.first.flatMap(Int.init(exactly:))
      else { return nil }
      let rank = model.primary.tensors[inputs[0]].description.shape.dimensions.count
      let place = axis < 0 ? axis + rank : axis
      guard (0..<rank).contains(place) else { return nil }
      self = .places(values: inputs[0], axis: place, chosen: outputs[0])
    case "TOPK_V2":
      guard inputs.count == 2, outputs.count == 2, inputs[0] >= 0 else { return nil }
      let rank = model.primary.tensors[inputs[0]].description.shape.dimensions.count
      guard rank > 0 else { return nil }
      self = .places(values: inputs[0], axis: rank - 1, chosen: outputs[1])
    case "TFLite_Detection_PostProcess":
      guard outputs.count == 4 else { return nil }
      self = .detections(
        boxes: outputs[0], labels: outputs[1], scores: outputs[2], count: outputs[3])
    case "NON_MAX_SUPPRESSION_V4", "NON_MAX_SUPPRESSION_V5":
      guard inputs.count >= 2, inputs[0] >= 0, inputs[1] >= 0, let count = outputs.last,
        outputs.count >= 2
      else { return nil }
      self = .suppression(boxes: inputs[0], scores: inputs[1], chosen: outputs[0], count: count)
    default: return nil
    }
  }

  /// The tensor that says which were chosen.
  public var chosen: Int {
    switch self {
    case .places(_, _, let chosen): chosen
    case .detections(let boxes, _, _, _): boxes
    case .suppression(_, _, let chosen, _): chosen
    }
  }
}
