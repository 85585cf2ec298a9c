package import EXrayCore
package import EXrayModel

/// A bias that is stored with another scale than the accumulator's it is added to.
package struct BiasScaleMismatch: Sendable {
  package var op: OpReference
  package var bias: String
  /// Bias scale over input scale × weight scale, of the worst channel.
  package var ratio: Double
}

extension Subgraph {
  /// Ops whose bias scale is not input scale × weight scale.
  ///
  /// Source: the quantization specification of TensorFlow Lite: a bias has that scale and zero point 0.
  package func biasScaleMismatches() -> [BiasScaleMismatch] {
    ops.compactMap { op in
      guard ["CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED"].contains(op.type),
        op.inputs.count >= 3, op.inputs.prefix(3).allSatisfy(tensors.indices.contains)
      else { return nil }
      let (input, weights, bias) = (
        tensors[op.inputs[0]].description, tensors[op.inputs[1]].description,
        tensors[op.inputs[2]].description
      )
      guard input.elementType.isInteger, bias.elementType == .int32 || bias.elementType == .int64,
        let inputScale = input.quantization?.scale, inputScale > 0,
        let weightScales = weights.quantization?.scales, !weightScales.isEmpty,
        let biasScales = bias.quantization?.scales, !biasScales.isEmpty
      else { return nil }
      var worst = 1.0
      for channel in 0..<max(weightScales.count, biasScales.count) {
        let wanted =
          Double(inputScale) * Double(weightScales[min(channel, weightScales.count - 1)])
        let ratio = Double(biasScales[min(channel, biasScales.count - 1)]) / wanted
        if ratio.isFinite, abs(ratio - 1) > abs(worst - 1) { worst = ratio }
      }
      // The converter's own rounding stays under 2 %, which is also the runtime's limit.
      guard abs(worst - 1) > 0.02 else { return nil }
      return BiasScaleMismatch(op: op.reference, bias: bias.name, ratio: worst)
    }
  }
}
