public import EXrayCore

extension TensorSketch {
  /// Elements handled at a time: small enough for the processor's nearest cache, and whole blocks.
  private static let chunkCount = 2048

  /// Sketches a tensor.
  ///
  /// Never traps. Bytes beyond the shape are left alone; where bytes are missing, or the shape is absurd, the elements
  /// that are there are sketched and ``elementCount`` says how many.
  ///
  /// - Parameters:
  ///   - bytes: Packed little-endian values in row-major order.
  ///   - description: What the bytes are.
  ///   - seed: Draws signs, slots and samples. Tensors to be compared need the same.
  /// - Complexity: O(*n*) time in one pass, O(1) space.
  public init(of bytes: RawSpan, as description: TensorDescription, seed: UInt64 = 0) {
    self.init(seed: seed)
    let reader = RealValueReader(bytes, as: description)
    elementCount = UInt64(reader.count)
    guard reader.count > 0 else { return }
    var moments = Moments()
    var sample = QuantileSample(elementCount: reader.count, seed: seed)
    var projector = Projector(seed: seed)
    let isDetailed = reader.count >= Self.leastDetailedCount
    unsafe withUnsafeTemporaryAllocation(of: SIMD8<Double>.self, capacity: Projector.sumCount) {
      sums in
      unsafe sums.initialize(repeating: SIMD8())
      unsafe withUnsafeTemporaryAllocation(of: Float.self, capacity: Self.chunkCount) { scratch in
        for start in stride(from: 0, to: reader.count, by: Self.chunkCount) {
          let count = min(Self.chunkCount, reader.count - start)
          let padded = (count + Projector.width - 1) / Projector.width * Projector.width
          let values = unsafe UnsafeMutableBufferPointer(rebasing: scratch[..<count])
          let chunk = unsafe UnsafeMutableBufferPointer(rebasing: scratch[..<padded])
          unsafe chunk[count...].initialize(repeating: .nan)
          unsafe reader.read(from: start, into: values)
          if isDetailed { unsafe sample.draw(from: values, startingAt: start) }
          unsafe add(chunk, padding: padded - count, to: &moments, &projector, sums)
        }
      }
      if isDetailed { unsafe projections = Projector.slots(of: sums) }
    }
    nanCount = UInt64(moments.nanCount)
    infinityCount = UInt64(moments.infinityCount)
    zeroCount = UInt64(moments.zeroCount)
    sampleCount = UInt32(sample.count)
    quantiles = sample.quantiles(at: Self.percentages)
    guard moments.finiteCount > 0 else { return }
    minimum = moments.minimum + 0  // −0 becomes 0.
    maximum = moments.maximum + 0
    mean = min(max(moments.mean, Double(minimum)), Double(maximum))
    standardDeviation = moments.standardDeviation
  }

  private func add(
    _ chunk: UnsafeMutableBufferPointer<Float>, padding: Int, to moments: inout Moments,
    _ projector: inout Projector, _ sums: Projector.Sums
  ) {
    let (count, mean) = unsafe moments.survey(chunk, padding: padding)
    var squares = 0.0
    if count < chunk.count {
      // Elements that are not finite count as 0 in projections, and not at all in the spread.
      for index in 0..<chunk.count {
        let value = unsafe chunk[index]
        let deviation = value.isFinite ? Double(value) - mean : 0
        squares += deviation * deviation
        unsafe chunk[index] = value.isFinite ? value : 0
      }
      _ = unsafe projector.add(chunk, mean: 0, to: sums)
    } else {
      squares = unsafe projector.add(chunk, mean: mean, to: sums)
    }
    moments.join(finiteCount: count, mean: mean, squaredDeviations: squares)
  }
}
