/// An affine quantization: real = scale × (stored − zero point).
///
/// One scale and one zero point serve the whole tensor, or one each a slice along ``axis``.
/// Source: Jacob et al., Quantization and Training of Neural Networks for Efficient
/// Integer-Arithmetic-Only Inference, 2018, equation 1.
public struct Quantization: Sendable, Hashable, Codable {
  /// Real units per step: one value, or one a slice along ``axis``.
  public var scales: [Float]
  /// The stored value that stands for 0.0; as many as ``scales``.
  public var zeroPoints: [Int64]
  /// The dimension along which slices differ; 0 where the tensor has one scale.
  public var axis: Int

  /// Creates a quantization; missing zero points are 0.
  public init(scales: [Float], zeroPoints: [Int64] = [], axis: Int = 0) {
    self.scales = scales
    self.zeroPoints =
      scales.indices.map { $0 < zeroPoints.count ? zeroPoints[$0] : zeroPoints.first ?? 0 }
    self.axis = axis
  }

  /// Whether each slice along ``axis`` has a scale of its own.
  public var isPerChannel: Bool { scales.count > 1 }

  /// The only scale, or nil where the quantization is per channel or empty.
  public var scale: Float? { scales.count == 1 ? scales[0] : nil }

  /// The only zero point, or nil where the quantization is per channel or empty.
  public var zeroPoint: Int64? { zeroPoints.count == 1 ? zeroPoints[0] : nil }
}
