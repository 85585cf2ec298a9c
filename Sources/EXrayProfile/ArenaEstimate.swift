import EXrayCore
public import EXrayModel

/// The memory that a model's values take while it runs, from the graph alone.
public struct ArenaEstimate: Sendable, Hashable, Encodable {
  /// Bytes of values alive while each op runs, in execution order.
  public var liveByteCounts: [Int]
  /// The most of them: no arena can be smaller without computing values again.
  public var peakByteCount: Int
  /// The first op at which so many are alive; nil for a graph without ops.
  public var peakOp: Int?
  /// Bytes of constants, each buffer once.
  public var weightByteCount: Int
  /// Bytes of values that stay between runs.
  public var variableByteCount: Int
  /// Tensors whose size the file does not fix; they count as nothing.
  public var unsizedTensors: Int

  /// Follows every value of a model's primary graph from the op that makes it to the last one that reads it.
  ///
  /// Inputs are alive from the start and outputs to the end, as LiteRT keeps them. Views count as copies, scratch
  /// memory of kernels and weights that a delegate packs anew do not count.
  public init(_ model: Model) {
    let graph = model.primary
    var first = [Int?](repeating: nil, count: graph.tensors.count)
    var last = [Int?](repeating: nil, count: graph.tensors.count)
    for op in graph.ops {
      for tensor in op.outputs where first.indices.contains(tensor) {
        first[tensor] = first[tensor] ?? op.index
        last[tensor] = op.index
      }
      for tensor in op.inputs where last.indices.contains(tensor) { last[tensor] = op.index }
    }
    let end = graph.ops.count - 1
    for tensor in graph.inputs where first.indices.contains(tensor) {
      first[tensor] = 0
      last[tensor] = end
    }
    for tensor in graph.outputs where last.indices.contains(tensor) { last[tensor] = end }

    // Differences: what begins to live at an op, less what ended before it.
    var changes = [Int](repeating: 0, count: graph.ops.count + 1)
    var unsized = 0
    var variables = 0
    for tensor in graph.tensors {
      let bytes = tensor.description.byteCount
      if tensor.isVariable {
        variables = Self.sum(variables, bytes ?? 0)
        continue
      }
      guard tensor.constantBytes == nil, let begin = first[tensor.index],
        let finish = last[tensor.index], finish >= begin
      else { continue }
      guard let bytes else {
        unsized += 1
        continue
      }
      changes[begin] = Self.sum(changes[begin], bytes)
      changes[finish + 1] = Self.sum(changes[finish + 1], -bytes)
    }
    var live: [Int] = []
    live.reserveCapacity(graph.ops.count)
    var now = 0
    for op in graph.ops.indices {
      now = Self.sum(now, changes[op])
      live.append(now)
    }
    liveByteCounts = live
    peakByteCount = live.max() ?? 0
    peakOp = live.firstIndex(of: live.max() ?? 0)
    var buffers: Set<Range<Int>> = []
    for graph in model.subgraphs { buffers.formUnion(graph.tensors.compactMap(\.constantBytes)) }
    weightByteCount = buffers.reduce(0) { $0 + $1.count }
    variableByteCount = variables
    unsizedTensors = unsized
  }

  private static func sum(_ first: Int, _ second: Int) -> Int {
    let (sum, overflow) = first.addingReportingOverflow(second)
    return overflow ? (second < 0 ? .min : .max) : sum
  }
}
