/// Counts, range, mean and spread, gathered chunk by chunk.
///
/// Each chunk has its mean first and its squared deviations from it next; chunks are joined by the formula of Chan,
/// Golub and LeVeque. So nothing cancels, however far the mean lies from zero.
/// Source: Chan, Golub and LeVeque, Updating Formulae and a Pairwise Algorithm for Computing Sample Variances, 1979.
struct Moments {
  private(set) var nanCount = 0
  private(set) var infinityCount = 0
  private(set) var zeroCount = 0
  private(set) var finiteCount = 0
  private(set) var minimum = Float.infinity
  private(set) var maximum = -Float.infinity
  private(set) var mean = 0.0
  private var squaredDeviations = 0.0

  /// The standard deviation, divided by the count.
  var standardDeviation: Double { squareRoot(squaredDeviations / Double(finiteCount)) }

  /// Counts, and measures the range and the mean of one chunk.
  ///
  /// - Parameter padding: NaN at the end that are no elements.
  mutating func survey(
    _ chunk: UnsafeMutableBufferPointer<Float>, padding: Int
  ) -> (finiteCount: Int, mean: Double) {
    var low = SIMD8<Float>(repeating: .infinity)
    var high = SIMD8<Float>(repeating: -.infinity)
    var sums = SIMD8<Double>()
    var finite = SIMD8<Int32>()
    var numbers = SIMD8<Int32>()
    var zeros = SIMD8<Int32>()
    let one = SIMD8<Int32>(repeating: 1)
    for start in stride(from: 0, to: chunk.count, by: 8) {
      let values = unsafe chunk.vector(at: start)
      let isFinite = (values - values) .== 0  // NaN for NaN and infinities.
      finite &+= SIMD8<Int32>().replacing(with: one, where: isFinite)
      numbers &+= SIMD8<Int32>().replacing(with: one, where: values .== values)
      zeros &+= SIMD8<Int32>().replacing(with: one, where: values .== 0)
      let least = SIMD8(repeating: Float.infinity).replacing(with: values, where: isFinite)
      let most = SIMD8(repeating: -Float.infinity).replacing(with: values, where: isFinite)
      low.replace(with: least, where: least .< low)
      high.replace(with: most, where: most .> high)
      sums += SIMD8<Float>().replacing(with: values, where: isFinite).widened
    }
    let finiteHere = Int(finite.wrappedSum())
    let numbersHere = Int(numbers.wrappedSum())
    nanCount += chunk.count - padding - numbersHere
    infinityCount += numbersHere - finiteHere
    zeroCount += Int(zeros.wrappedSum())
    minimum = min(minimum, low.min())
    maximum = max(maximum, high.max())
    return (finiteHere, finiteHere == 0 ? 0 : sums.sum() / Double(finiteHere))
  }

  /// Joins a chunk's mean and squared deviations to those of the chunks before.
  mutating func join(
    finiteCount count: Int, mean chunkMean: Double, squaredDeviations squares: Double
  ) {
    guard count > 0 else { return }
    let before = Double(finiteCount)
    finiteCount += count
    let share = Double(count) / Double(finiteCount)
    let distance = chunkMean - mean
    mean += distance * share
    squaredDeviations += squares + distance * distance * before * share
  }
}

extension UnsafeMutableBufferPointer<Float> {
  /// Eight values from `start`.
  @inline(__always)
  func vector(at start: Int) -> SIMD8<Float> {
    unsafe UnsafeRawBufferPointer(self).loadUnaligned(
      fromByteOffset: start &* MemoryLayout<Float>.size, as: SIMD8<Float>.self)
  }
}

extension SIMD8<Float> {
  /// The same values with twice the bits; spelled out, because the general conversion is a call a lane.
  @inline(__always)
  var widened: SIMD8<Double> {
    SIMD8<Double>(
      Double(self[0]), Double(self[1]), Double(self[2]), Double(self[3]),
      Double(self[4]), Double(self[5]), Double(self[6]), Double(self[7]))
  }
}
