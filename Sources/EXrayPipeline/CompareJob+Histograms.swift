import EXrayCore
import EXrayTrace
import EXrayValidation

extension CompareJob {
  /// Frames whose values are counted.
  private static var countedFrames: Int { 16 }

  /// How the values of the worst layers are spread, read again from the traces one tensor at a time.
  func histograms(
    of judgement: Judge.Judgement, pairs: [RunComparison.Pair],
    frames: [(candidate: Int, reference: Int)]
  ) throws -> [LayerHistogram] {
    let rows = judgement.layers.isEmpty ? judgement.outputs : judgement.layers
    let worst = rows.filter { ($0.metrics?.nrmse ?? 0) > 0 }
      .sorted { first, second in
        let failures = (first.status == .fail, second.status == .fail)
        if failures.0 != failures.1 { return failures.0 }
        let drifts = (first.metrics?.nrmse ?? 0, second.metrics?.nrmse ?? 0)
        return drifts.0 != drifts.1 ? drifts.0 > drifts.1 : first.index < second.index
      }
    return try worst.prefix(DissectOutcome.histogramLimit).compactMap { row in
      let pair = pairs.first { pair in
        let tensor = candidateTensors[pair.candidate].tensor
        return tensor.role != .input && tensor.op == row.candidate?.op
          && tensor.description.name == row.candidate?.tensor
      }
      guard let pair else { return nil }
      return try histogram(pair, Array(frames.prefix(Self.countedFrames)))
    }
  }

  private func histogram(
    _ pair: RunComparison.Pair, _ frames: [(candidate: Int, reference: Int)]
  ) throws -> LayerHistogram? {
    let first = candidateTensors[pair.candidate]
    let second = referenceTensors[pair.reference]
    guard let op = first.tensor.op?.index else { return nil }
    var counter = HistogramCounter(candidate: first.tensor.description)
    var (own, other): ([Float], [Float]) = ([], [])
    for isCounting in [false, true] {
      for frame in frames {
        _ = try candidate.withTensor(first.stream, frame: frame.candidate) { values in
          try reference.withTensor(second.stream, frame: frame.reference) { trusted in
            guard first.tensor.description.readRealValues(in: values, into: &own),
              second.tensor.description.readRealValues(in: trusted, into: &other)
            else { return }
            if isCounting {
              counter.count(candidate: own, reference: other)
            } else {
              counter.extend(candidate: own, reference: other)
            }
          }
        }
      }
    }
    for frame in frames {
      try candidate.forget([first.stream], frame: frame.candidate)
      try reference.forget([second.stream], frame: frame.reference)
    }
    return counter.histogram(op: op, tensor: first.tensor.description.name)
  }
}
