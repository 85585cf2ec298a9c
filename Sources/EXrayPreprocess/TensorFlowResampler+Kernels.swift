#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// `tf.image.resize` with `antialias=True`, and its area method.
///
/// Source: TensorFlow, tensorflow/core/kernels/image/scale_and_translate_op.cc, sampling_kernels.h and
/// resize_area_op.cc. Sums are taken in float64 here, in float32 there.
extension TensorFlowResampler {
  /// A kernel of `ScaleAndTranslate`.
  enum Kernel {
    case triangle
    case keysCubic
    case lanczos3

    var radius: Float {
      switch self {
      case .triangle: 1
      case .keysCubic: 2
      case .lanczos3: 3
      }
    }

    func weight(_ x: Float) -> Float {
      switch self {
      case .triangle: return x < 1 ? 1 - x : 0
      case .keysCubic:
        if x >= 2 { return 0 }
        return x >= 1
          ? ((-0.5 * x + 2.5) * x - 4) * x + 2 : ((1.5 * x - 2.5) * x) * x + 1
      case .lanczos3:
        if x > 3 { return 0 }
        if x <= 1e-3 { return 1 }
        return 3 * sin(.pi * x) * sin(.pi * x / 3) / (.pi * .pi * x * x)
      }
    }
  }

  static func antialiased(from size: Int, to target: Int, _ filter: Kernel) -> FloatKernel? {
    if size == target { return nil }
    let inverse = 1 / (Float(target) / Float(size))
    let widening = max(inverse, 1)
    let reach = filter.radius * widening
    var kernel = FloatKernel(stride: 2 * Int(reach.rounded(.up)) + 1, capacity: target)
    for position in 0..<target {
      let sample = (Float(position) + 0.5) * inverse
      let start = max(0, min(size - 1, Int((sample - reach - 0.5).rounded(.up))))
      let last = max(0, min(size - 1, Int((sample + reach - 0.5).rounded(.down))))
      let end = min(max(start, last), start + kernel.stride - 1)
      let list = (start...end).map { filter.weight(abs((Float($0) + 0.5 - sample) / widening)) }
      let sum = list.reduce(0, +)
      kernel.append(
        start: start,
        list.map { Double(abs(sum) >= 1000 * Float.leastNormalMagnitude ? $0 / sum : $0) })
    }
    return kernel
  }

  /// The share of every input position in the area of an output position.
  static func area(from size: Int, to target: Int) -> FloatKernel? {
    if size == target { return nil }
    let scale = Float(size) / Float(target)
    var kernel = FloatKernel(stride: Int(scale.rounded(.up)) + 2, capacity: target)
    for position in 0..<target {
      let left = Float(position) * scale
      let right = Float(position + 1) * scale
      let start = min(Int(left.rounded(.down)), size - 1)
      let end = max(start, min(Int(right.rounded(.up)) - 1, size - 1, start + kernel.stride - 1))
      let list = (start...end).map { index in
        (min(Float(index + 1), right) - max(Float(index), left)) / scale
      }
      kernel.append(start: start, list.map { Double($0) })
    }
    return kernel
  }
}
