import EXrayCore
import EXrayLayers
import EXrayModel
import EXrayValidation

extension LayerRecording {
  /// How the choices differ of ops that choose among values, in the candidate's order.
  func decisions(candidate: Model, reference: Model) -> [DecisionComparison] {
    var seen: Set<Int> = []
    return pairs.compactMap { pair -> DecisionComparison? in
      guard let place = pair.candidateOp, let other = pair.referenceOp,
        seen.insert(place.index).inserted,
        let first = SelectingOp(candidate.primary.ops[place.index], of: candidate),
        let second = SelectingOp(reference.primary.ops[other.index], of: reference)
      else { return nil }
      var tally = DecisionTally()
      for frame in frames {
        let own = { (tensor: Int) in reals(candidate: tensor, in: frame) }
        let other = { (tensor: Int) in reals(reference: tensor, in: frame) }
        add(first, second, own, other, to: &tally)
      }
      return tally.comparison(
        op: place.index, type: place.type,
        tensor: candidate.primary.tensors[first.chosen].description.name)
    }
  }

  private func add(
    _ first: SelectingOp, _ second: SelectingOp, _ own: (Int) -> [Float],
    _ other: (Int) -> [Float], to tally: inout DecisionTally
  ) {
    switch (first, second) {
    case (.places(let values, _, let chosen), .places(let otherValues, let axis, let otherChosen)):
      tally.add(
        .init(candidate: own(values), reference: other(otherValues)),
        extents: description(reference: otherValues).shape.dimensions, axis: axis,
        chosen: .init(
          candidate: own(chosen).map(Self.integer), reference: other(otherChosen).map(Self.integer)
        ))
    default:
      guard let kept = Self.detections(first, own), let wanted = Self.detections(second, other)
      else { return }
      tally.add(.init(candidate: kept, reference: wanted))
    }
  }

  /// The boxes that one run kept in one frame; nil where its values are not those of boxes.
  private static func detections(
    _ op: SelectingOp, _ values: (Int) -> [Float]
  ) -> [DecisionTally.Detection]? {
    switch op {
    case .places: return nil
    case .detections(let boxes, let labels, let scores, let count):
      let (boxes, labels, scores) = (values(boxes), values(labels), values(scores))
      guard boxes.count == 4 * scores.count, labels.count == scores.count else { return nil }
      return scores.indices.prefix(max(0, integer(values(count).first ?? 0))).map { index in
        .init(
          box: Array(boxes[(4 * index)..<(4 * index + 4)]), label: integer(labels[index]),
          score: scores[index])
      }
    case .suppression(let boxes, let scores, let chosen, let count):
      let (boxes, scores) = (values(boxes), values(scores))
      guard boxes.count == 4 * scores.count else { return nil }
      return values(chosen).prefix(max(0, integer(values(count).first ?? 0))).map(integer)
        .filter(scores.indices.contains).map { index in
          .init(
            box: Array(boxes[(4 * index)..<(4 * index + 4)]), label: 0, score: scores[index])
        }
    }
  }

  /// An index as it was stored, kept within what arrays have.
  private static func integer(_ value: Float) -> Int {
    value.isFinite ? Int(max(-1, min(value, 0x1p30))) : -1
  }
}
