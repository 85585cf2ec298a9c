import EXrayCore
import EXrayModel

/// An op's weights as a print that rounding, folded factors and the common layouts leave near itself.
struct WeightPrint {
  /// Digest of the extents, without ones.
  var extents: Digest
  var values: ValuePrint

  /// Prints of fewer values say little.
  var isTelling: Bool { values.count >= 16 }

  init?(_ op: Int, of graph: LayerGraph) {
    let tensor = graph.weights(of: op)
    guard tensor >= 0, graph.elementCount[tensor] >= 4,
      let place = graph.tensors[tensor].constantBytes
    else { return nil }
    let description = graph.tensors[tensor].description
    guard
      let reals = unsafe description.realValues(in: graph.model.bytes.span.bytes.extracting(place))
    else { return nil }
    let shape = description.shape.dimensions
    let squeezed = shape.filter { $0 != 1 }
    let count = reals.count
    var extents = squeezed
    let channels: Int
    var print: ValuePrint?
    switch graph.ops[op].type {
    case "DEPTHWISE_CONV_2D":
      channels = shape.last ?? 1
      print = ValuePrint(
        count: count, channels: channels, channel: { $0 % channels }, value: { reals[$0] })
    case "BATCH_MATMUL" where squeezed.count == 2:
      // Stored as (inputs, outputs); a fully connected layer has it the other way round.
      channels = squeezed[1]
      let inner = squeezed[0]
      extents = squeezed.reversed()
      print = ValuePrint(
        count: count, channels: channels, channel: { $0 / inner },
        value: { reals[$0 % inner * channels + $0 / inner] })
    case "CONV_2D", "FULLY_CONNECTED", "TRANSPOSE_CONV":
      channels = max(1, shape.first ?? 1)
      let inner = max(1, count / channels)
      // Of channels of very few values nothing but signs would be left.
      print =
        inner < 4
        ? ValuePrint(reals)
        : ValuePrint(
          count: count, channels: channels, channel: { min($0 / inner, channels - 1) },
          value: { reals[$0] })
    default: print = ValuePrint(reals)
    }
    guard let print else { return nil }
    values = print
    self.extents = extents.reduce(Digest(2)) { $0.with($1) }
  }
}
