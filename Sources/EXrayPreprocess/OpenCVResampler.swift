/// OpenCV's `resize` of 8-bit pictures, to the bit.
///
/// `INTER_LINEAR` weighs four neighbours whatever the scale, with 11-bit weights and a vertical pass
/// that drops four bits first. Source: OpenCV, modules/imgproc/src/resize.cpp.
enum OpenCVResampler {
  /// Left or upper neighbour and the two 11-bit weights of every output position.
  private struct Taps {
    var starts: [Int] = []
    var near: [Int32] = []
    var far: [Int32] = []
    var fractions: [Float] = []

    /// - Parameters:
    ///   - isArea: The variant that `INTER_AREA` uses when it enlarges.
    ///   - isClamped: Whether positions outside are moved inside, weights too; rows keep their weights.
    init(from size: Int, to target: Int, isArea: Bool, isClamped: Bool) {
      let inverse = Double(target) / Double(size)
      let scale = 1 / inverse
      for position in 0..<target {
        var start: Int
        var fraction: Float
        if isArea {
          start = Int((Double(position) * scale).rounded(.down))
          fraction = Float(Double(position + 1) - Double(start + 1) * inverse)
          fraction = fraction <= 0 ? 0 : fraction - fraction.rounded(.down)
        } else {
          fraction = Float((Double(position) + 0.5) * scale - 0.5)
          start = Int(fraction.rounded(.down))
          fraction -= Float(start)
        }
        if isClamped {
          if start < 0 { (start, fraction) = (0, 0) }
          if start >= size - 1 { (start, fraction) = (size - 1, 0) }
        }
        starts.append(start)
        fractions.append(fraction)
        near.append(Int32(((1 - fraction) * 2048).rounded(.toNearestOrEven)))
        far.append(Int32((fraction * 2048).rounded(.toNearestOrEven)))
      }
    }
  }

  static func bilinear(_ image: Image, _ width: Int, _ height: Int) -> Image {
    // Exactly half the size is the mean of four.
    if image.width == 2 * width, image.height == 2 * height {
      return boxes(image, width, height, 2, 2)
    }
    return linear(image, width, height, isArea: false)
  }

  private static func linear(_ image: Image, _ width: Int, _ height: Int, isArea: Bool) -> Image {
    let columns = Taps(from: image.width, to: width, isArea: isArea, isClamped: true)
    let rows = Taps(from: image.height, to: height, isArea: isArea, isClamped: false)
    let channels = image.channels
    let rowLength = width * channels
    var result = [UInt8](repeating: 0, count: rowLength * height)
    // Two horizontally interpolated rows are kept, by their input row.
    var lines = [[Int32]](repeating: [Int32](repeating: 0, count: rowLength), count: 2)
    var held = [-1, -1]
    func line(_ row: Int, keeping other: Int) -> Int {
      let row = max(0, min(image.height - 1, row))
      if let slot = held.firstIndex(of: row) { return slot }
      let slot = other == 0 ? 1 : 0
      held[slot] = row
      let origin = row * image.width * channels
      let next = image.width > 1 ? channels : 0
      for x in 0..<width {
        // At the last column the far weight is 0; read the same pixel again instead of beyond.
        let left = origin + columns.starts[x] * channels
        let step = columns.starts[x] + 1 < image.width ? next : 0
        for channel in 0..<channels {
          lines[slot][x * channels + channel] =
            Int32(image.pixels[left + channel]) &* columns.near[x]
            &+ Int32(image.pixels[left + step + channel]) &* columns.far[x]
        }
      }
      return slot
    }
    for y in 0..<height {
      let upper = line(rows.starts[y], keeping: -1)
      let lower = line(rows.starts[y] + 1, keeping: upper)
      let (near, far) = (rows.near[y], rows.far[y])
      for x in 0..<rowLength {
        let top = (near &* (lines[upper][x] &>> 4)) &>> 16
        let bottom = (far &* (lines[lower][x] &>> 4)) &>> 16
        result[y * rowLength + x] = UInt8(clamping: (top &+ bottom &+ 2) &>> 2)
      }
    }
    return Image(width, height, channels, result)
  }

  static func area(_ image: Image, _ width: Int, _ height: Int) -> Image {
    if width > image.width || height > image.height {
      return linear(image, width, height, isArea: true)
    }
    if image.width % width == 0, image.height % height == 0 {
      return boxes(image, width, height, image.width / width, image.height / height)
    }
    return weighted(image, width, height)
  }

  /// Means of whole blocks of pixels.
  private static func boxes(
    _ image: Image, _ width: Int, _ height: Int, _ columns: Int, _ rows: Int
  ) -> Image {
    let channels = image.channels
    let scale = 1 / Float(columns * rows)
    var result = [UInt8](repeating: 0, count: width * height * channels)
    var sums = [Int](repeating: 0, count: width * channels)
    for y in 0..<height {
      for index in sums.indices { sums[index] = 0 }
      for row in (y * rows)..<((y + 1) * rows) {
        var source = row * image.width * channels
        for x in 0..<width {
          for _ in 0..<columns {
            for channel in 0..<channels {
              sums[x * channels + channel] &+= Int(image.pixels[source + channel])
            }
            source += channels
          }
        }
      }
      for index in sums.indices {
        result[y * width * channels + index] =
          columns == 2 && rows == 2
          ? UInt8(clamping: (sums[index] + 2) >> 2)
          : UInt8(max(0, min(255, (Float(sums[index]) * scale).rounded(.toNearestOrEven))))
      }
    }
    return Image(width, height, channels, result)
  }

  /// The share of one input position in one output position.
  private struct Share {
    var target: Int
    var source: Int
    var weight: Float
  }

  private static func shares(from size: Int, to target: Int) -> [Share] {
    let scale = 1 / (Double(target) / Double(size))
    var shares: [Share] = []
    for position in 0..<target {
      let left = Double(position) * scale
      let right = left + scale
      let width = min(scale, Double(size) - left)
      let last = min(Int(right.rounded(.down)), size - 1)
      let first = min(Int(left.rounded(.up)), last)
      if Double(first) - left > 1e-3 {
        shares.append(
          Share(target: position, source: first - 1, weight: Float((Double(first) - left) / width)))
      }
      for source in first..<last {
        shares.append(Share(target: position, source: source, weight: Float(1 / width)))
      }
      if right - Double(last) > 1e-3 {
        let rest = min(min(right - Double(last), 1), width)
        shares.append(Share(target: position, source: last, weight: Float(rest / width)))
      }
    }
    return shares
  }

  private static func weighted(_ image: Image, _ width: Int, _ height: Int) -> Image {
    let columns = shares(from: image.width, to: width)
    let channels = image.channels
    let rowLength = width * channels
    var result = [UInt8](repeating: 0, count: rowLength * height)
    var line = [Float](repeating: 0, count: rowLength)
    var sums = line
    var current = 0
    func finish(_ row: Int) {
      for index in sums.indices {
        let level = sums[index].rounded(.toNearestOrEven)
        result[row * rowLength + index] = UInt8(max(0, min(255, level)))
        sums[index] = 0
      }
    }
    for row in shares(from: image.height, to: height) {
      if row.target != current {
        finish(current)
        current = row.target
      }
      for index in line.indices { line[index] = 0 }
      let origin = row.source * image.width * channels
      for share in columns {
        for channel in 0..<channels {
          line[share.target * channels + channel] +=
            Float(image.pixels[origin + share.source * channels + channel]) * share.weight
        }
      }
      for index in sums.indices { sums[index] += row.weight * line[index] }
    }
    finish(current)
    return Image(width, height, channels, result)
  }

  /// The weights of `INTER_AREA` on float32 pictures.
  ///
  /// - Parameter isEnlarging: Whether the width or the height grows: both are then interpolated.
  static func areaKernel(from size: Int, to target: Int, isEnlarging: Bool) -> FloatKernel {
    if isEnlarging {
      let taps = Taps(from: size, to: target, isArea: true, isClamped: true)
      var kernel = FloatKernel(stride: 2, capacity: target)
      for position in 0..<target {
        let far = Double(taps.fractions[position])
        kernel.appendReplicating(from: taps.starts[position], [1 - far, far], size: size)
      }
      return kernel
    }
    var lists = [(start: Int, weights: [Double])](repeating: (0, []), count: target)
    for share in shares(from: size, to: target) {
      if lists[share.target].weights.isEmpty { lists[share.target].start = share.source }
      lists[share.target].weights.append(Double(share.weight))
    }
    var kernel = FloatKernel(stride: lists.map(\.weights.count).max() ?? 0, capacity: target)
    for list in lists { kernel.append(start: list.start, list.weights) }
    return kernel
  }

  static func nearest(from size: Int, to target: Int) -> [Int] {
    let step = 1 / (Double(target) / Double(size))
    return (0..<target).map { min(Int((Double($0) * step).rounded(.down)), size - 1) }
  }
}
