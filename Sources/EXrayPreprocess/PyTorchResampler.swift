/// PyTorch's `interpolate`, which torchvision's `resize` of tensors calls.
///
/// 8-bit pictures are resized in fixed point like Pillow's, but with 16-bit weights; float pictures in
/// real numbers. Source: PyTorch 2, aten/src/ATen/native/cpu/UpSampleKernel.cpp
/// (`_compute_index_ranges_int16_weights`) and aten/src/ATen/native/UpSample.h.
enum PyTorchResampler {
  /// An interpolation kernel.
  enum Filter {
    case bilinear
    case bicubic
  }

  /// Where samples are taken.
  enum Centers {
    /// `antialias=True`: filters widened when shrinking.
    case antialias
    /// `align_corners=False`: half-pixel centres, two or four neighbours.
    case halfPixel
    /// `align_corners=True`.
    case alignCorners
  }

  static func kernel(
    from size: Int, to target: Int, _ filter: Filter, _ centers: Centers
  ) -> FloatKernel? {
    if size == target { return nil }
    if centers == .antialias {
      return FloatKernel(
        widened: filter == .bilinear ? .bilinear : .bicubic, from: size, to: target)
    }
    let scale =
      centers == .halfPixel
      ? Double(size) / Double(target) : target > 1 ? Double(size - 1) / Double(target - 1) : 0
    var kernel = FloatKernel(stride: filter == .bilinear ? 2 : 4, capacity: target)
    for position in 0..<target {
      var source =
        centers == .halfPixel ? scale * (Double(position) + 0.5) - 0.5 : scale * Double(position)
      if filter == .bilinear { source = max(0, source) }
      let start = min(Int(source.rounded(.down)), size - 1)
      let fraction = max(0, min(1, source - Double(start)))
      switch filter {
      case .bilinear:
        kernel.appendReplicating(from: start, [1 - fraction, fraction], size: size)
      case .bicubic:
        kernel.appendReplicating(from: start - 1, cubic(fraction), size: size)
      }
    }
    return kernel
  }

  /// The cubic convolution weights of four neighbours with a = −0.75.
  private static func cubic(_ t: Double) -> [Double] {
    let a = -0.75
    func inner(_ x: Double) -> Double { ((a + 2) * x - (a + 3)) * x * x + 1 }
    func outer(_ x: Double) -> Double { ((a * x - 5 * a) * x + 8 * a) * x - 4 * a }
    return [outer(t + 1), inner(t), inner(1 - t), outer(2 - t)]
  }

  static func resize(
    _ image: Image, _ width: Int, _ height: Int, _ filter: Filter, _ centers: Centers
  ) -> Image {
    func fixed(_ size: Int, _ target: Int) -> PillowResampler.Kernel? {
      kernel(from: size, to: target, filter, centers).map {
        PillowResampler.Kernel($0, precision: precision($0))
      }
    }
    return PillowResampler.resize(
      image, columns: fixed(image.width, width), rows: fixed(image.height, height),
      columnsFirst: false)
  }

  /// The most fractional bits with which the largest weight fits into 16 bits.
  private static func precision(_ kernel: FloatKernel) -> Int32 {
    let largest = kernel.weights.max() ?? 0
    var precision: Int32 = 0
    while precision < 22, Int(0.5 + largest * Double(1 << (Int(precision) + 1))) < 1 << 15 {
      precision += 1
    }
    return precision
  }
}
