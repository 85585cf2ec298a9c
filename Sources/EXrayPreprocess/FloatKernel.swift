/// The weights of every output position along one axis, as real numbers.
struct FloatKernel {
  /// The first input position of every output position.
  private(set) var starts: [Int] = []
  /// How many input positions have a weight.
  private(set) var counts: [Int] = []
  /// Room for weights an output position.
  let stride: Int
  private(set) var weights: [Double] = []

  init(stride: Int, capacity: Int) {
    self.stride = stride
    starts.reserveCapacity(capacity)
    counts.reserveCapacity(capacity)
    weights.reserveCapacity(stride * capacity)
  }

  /// Adds an output position; the weights fit into ``stride``.
  mutating func append(start: Int, _ list: [Double]) {
    starts.append(start)
    counts.append(list.count)
    weights.append(contentsOf: list)
    for _ in list.count..<stride { weights.append(0) }
  }

  /// Weights around a position, those outside the picture given to its edge.
  ///
  /// - Parameter first: The input position of the first weight; it may lie outside.
  mutating func appendReplicating(from first: Int, _ list: [Double], size: Int) {
    let start = max(0, min(size - 1, first))
    let end = max(0, min(size - 1, first + list.count - 1))
    var inside = [Double](repeating: 0, count: end - start + 1)
    for (index, weight) in list.enumerated() {
      inside[max(0, min(size - 1, first + index)) - start] += weight
    }
    append(start: start, inside)
  }

  /// Filters that are widened when shrinking, normalised to a sum of 1, cut off at the edges.
  ///
  /// Source: Pillow 13.0, src/libImaging/Resample.c, `precompute_coeffs`. PyTorch's antialiased
  /// `interpolate` has the same weights.
  init(widened filter: PillowResampler.Filter, from size: Int, to target: Int) {
    let scale = Double(size) / Double(target)
    let widening = max(scale, 1)
    let support = filter.support * widening
    let inverse = 1 / widening
    self.init(stride: Int(support.rounded(.up)) * 2 + 1, capacity: target)
    var list: [Double] = []
    for position in 0..<target {
      let center = (Double(position) + 0.5) * scale
      let start = max(Int(center - support + 0.5), 0)
      let count = min(Int(center + support + 0.5), size) - start
      var sum = 0.0
      list.removeAll(keepingCapacity: true)
      for index in 0..<count {
        let weight = filter.weight((Double(index + start) - center + 0.5) * inverse)
        list.append(weight)
        sum += weight
      }
      if sum != 0 { for index in list.indices { list[index] /= sum } }
      append(start: start, list)
    }
  }
}

/// Separable interpolation in real numbers: products are summed in float64, passes end in float32.
enum FloatResampler {
  /// - Parameters:
  ///   - columns: The weights along a row, or nil to leave the width alone.
  ///   - rows: The weights along a column, or nil to leave the height alone.
  static func resize(
    _ image: FloatImage, _ columns: FloatKernel?, _ rows: FloatKernel?,
    columnsFirst: Bool = false
  ) -> FloatImage {
    var image = image
    if let rows, columnsFirst { image = vertical(image, rows) }
    if let columns { image = horizontal(image, columns) }
    if let rows, !columnsFirst { image = vertical(image, rows) }
    return image
  }

  private static func horizontal(_ image: FloatImage, _ kernel: FloatKernel) -> FloatImage {
    let (channels, width) = (image.channels, kernel.starts.count)
    var result: [Float] = []
    result.reserveCapacity(width * image.height * channels)
    for y in 0..<image.height {
      for x in 0..<width {
        let first = (y * image.width + kernel.starts[x]) * channels
        for channel in 0..<channels {
          var sum = 0.0
          for index in 0..<kernel.counts[x] {
            sum +=
              Double(image.pixels[first + index * channels + channel])
              * kernel.weights[x * kernel.stride + index]
          }
          result.append(Float(sum))
        }
      }
    }
    return FloatImage(width, image.height, channels, result)
  }

  private static func vertical(_ image: FloatImage, _ kernel: FloatKernel) -> FloatImage {
    let rowLength = image.width * image.channels
    let height = kernel.starts.count
    var result: [Float] = []
    result.reserveCapacity(rowLength * height)
    var sums = [Double](repeating: 0, count: rowLength)
    for y in 0..<height {
      for x in sums.indices { sums[x] = 0 }
      for index in 0..<kernel.counts[y] {
        let weight = kernel.weights[y * kernel.stride + index]
        let row = (kernel.starts[y] + index) * rowLength
        for x in sums.indices { sums[x] += Double(image.pixels[row + x]) * weight }
      }
      for sum in sums { result.append(Float(sum)) }
    }
    return FloatImage(image.width, height, image.channels, result)
  }
}

extension Image {
  /// The same levels as float32.
  public var floats: FloatImage { FloatImage(width, height, channels, pixels.map { Float($0) }) }
}

extension FloatImage {
  /// The nearest 8-bit levels, halves to even, cut at 0 and 255.
  public var rounded: Image {
    Image(
      width, height, channels,
      pixels.map { level in
        // Not-a-number is black.
        level > 0 ? UInt8(min(255, level.rounded(.toNearestOrEven))) : 0
      })
  }
}
