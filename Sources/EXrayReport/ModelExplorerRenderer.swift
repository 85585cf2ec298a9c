import EXrayCore
import EXrayJSON
public import EXrayValidation

/// Renders a report as node data for Model Explorer, which colours its drawing of the candidate's graph by it.
///
/// A file holds one metric: `{graph: {name, results: {key: {value}}, thresholds}}`. A key is the name of a tensor that
/// the candidate's op makes; where that is empty or not unique, the op's index, which Model Explorer gives the node as
/// its identifier. The graph is called as Model Explorer calls it, by the subgraph's name or `main`, so that the data
/// cannot land on another graph that happens to be open. Where no graph is known, its part stands alone.
public enum ModelExplorerRenderer {
  /// One file.
  public struct File: Sendable, Hashable {
    /// The file's name (`nrmse.json`).
    public let name: String
    /// Its text, ending in a newline.
    public let text: String
  }

  /// One file for each metric that any layer has; the same report always gives the same files.
  public static func render(_ report: ValidationReport) -> [File] {
    let layers = report.layers.isEmpty ? report.outputs : report.layers
    let keys = keys(of: layers, graph: report.graph)
    return metrics.compactMap { metric in
      var seen: Set<String> = []
      let results = zip(keys, layers).compactMap { key, layer -> JSONTree.Member? in
        guard let key, let value = metric.value(layer), value.isFinite, seen.insert(key).inserted
        else { return nil }
        return .init(key: key, value: .object(["value": .number(value)]))
      }
      guard !results.isEmpty else { return nil }
      let graph = JSONTree.object([
        "name": .string("exray: \(metric.title)"),
        "results": JSONTree(
          .object(results.sorted { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) })),
        "thresholds": .array(
          zip(metric.limits + [ceiling], colours).map {
            .object(["value": .number($0), "bgColor": .string($1), "textColor": .string("#16191d")])
          }),
      ])
      let style = JSONStyle(isPretty: true, sortsKeys: true, escapes: .shortAndInvisible)
      let name = report.graph.map { $0.name.isEmpty ? "main" : $0.name }
      let whole = name.map { JSONTree.object([$0: graph]) } ?? graph
      return File(name: metric.file + ".json", text: whole.text(style) + "\n")
    }
  }

  /// The names of all files that there can be.
  public static var fileNames: [String] { metrics.map { $0.file + ".json" } }

  private struct Metric {
    var file: String
    var title: String
    /// Values up to each of these have a colour of their own.
    var limits: [Double]
    var value: @Sendable (TensorComparison) -> Double?
  }

  /// From what needs no look to what does; values beyond the last limit have the last colour.
  private static let colours = ["#e8f1ec", "#fdf3d6", "#fbd9b0", "#f5a98f", "#e4685f"]
  /// Above every value: Model Explorer leaves what is beyond its last threshold without colour.
  private static let ceiling = 1e300

  private static let metrics = [
    Metric(file: "nrmse", title: "drift (nrmse)", limits: [0.01, 0.03, 0.1, 0.3]) {
      $0.metrics?.nrmse
    },
    Metric(file: "own", title: "own error", limits: [0.004, 0.02, 0.1, 0.3]) { $0.errors?.own },
    Metric(file: "inherited", title: "inherited error", limits: [0.01, 0.03, 0.1, 0.3]) {
      $0.errors?.inherited
    },
    Metric(file: "excess", title: "own error over rounding", limits: [1.5, 3, 5, 10]) {
      $0.errors?.excess
    },
    Metric(file: "share", title: "share of the final error", limits: [0.05, 0.1, 0.25, 0.5]) {
      $0.errors?.share
    },
    Metric(file: "steps", title: "own error in steps (LSB)", limits: [0.5, 1, 2, 5]) {
      $0.errors?.ownInSteps
    },
  ]

  /// For each layer the name of its node; nil where the candidate has none.
  private static func keys(of layers: [TensorComparison], graph: ModelGraph?) -> [String?] {
    let names = graph?.ops.flatMap(\.tensors) ?? layers.compactMap { $0.candidate?.tensor }
    let counts = Dictionary(names.map { ($0, 1) }, uniquingKeysWith: +)
    return layers.map { layer in
      guard let side = layer.candidate else { return nil }
      if !side.tensor.isEmpty, counts[side.tensor, default: 1] == 1 { return side.tensor }
      return side.op.map { $0.index.description }
    }
  }
}
