import EXrayCore
import EXrayTestKit
import EXrayValidation

extension SampleReports {
  /// A graph of the layers' ops: a chain in which every fourth op also reads the op three before.
  static func graph(_ layers: [TensorComparison]) -> ModelGraph {
    let ops = layers.compactMap { layer -> ModelGraph.Op? in
      guard let side = layer.candidate, let op = side.op else { return nil }
      let index = op.index
      var from = index > 0 ? [index - 1] : []
      if index % 4 == 3 { from.insert(index - 3, at: 0) }
      return .init(
        index: index, type: op.type, from: from, fromInputs: index == 0 ? [0] : [],
        tensors: [side.tensor])
    }
    return ModelGraph(
      name: "main", inputs: ["images"], ops: ops, outputs: ops.last.map { [$0.index] } ?? [])
  }

  /// A bell on both sides, the candidate's cut off at its upper end.
  static func histogram(op: Int, tensor: String) -> LayerHistogram {
    let reference = (0..<LayerHistogram.binCount).map { 1000 - ($0 - 32) * ($0 - 32) * 3 / 4 }
    var candidate = reference
    for bin in 49..<LayerHistogram.binCount {
      candidate[48] += candidate[bin]
      candidate[bin] = 0
    }
    return LayerHistogram(
      op: op, tensor: tensor, frames: 8, lower: -1.5, upper: 6.5, candidate: candidate,
      reference: reference, range: [-2, 4.6], atEnds: [0, 5_700], beyond: [0, 4_900])
  }

  /// A report of `count` layers with own errors, a graph and histograms.
  static func anatomy(_ count: Int) -> ValidationReport {
    var report = failing
    report.layers = layers(count, seed: 13, faultAt: count * 2 / 3)
    report.graph = graph(report.layers)
    report.inputShare = 0.02
    report.histograms = [histogram(op: 3, tensor: "layer 3")]
    return report
  }
}
