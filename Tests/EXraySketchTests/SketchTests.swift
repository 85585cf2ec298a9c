import EXrayCore
import EXraySketch
import EXrayTestKit
import Testing

struct SketchTests {
  @Test func `an empty tensor has no statistics`() throws {
    let empty = sketch([])
    #expect(empty.elementCount == 0 && empty.finiteCount == 0)
    #expect(empty.minimum.isNaN && empty.maximum.isNaN)
    #expect(empty.mean.isNaN && empty.standardDeviation.isNaN)
    #expect(empty.quantiles.isEmpty && empty.projections.isEmpty)
    #expect(try decode(empty.encode()) == empty)
  }

  @Test func `one element is all statistics at once`() {
    let one = sketch([-2.5])
    #expect(one.elementCount == 1 && one.minimum == -2.5 && one.maximum == -2.5)
    #expect(one.mean == -2.5 && one.standardDeviation == 0 && one.zeroCount == 0)
  }

  @Test(arguments: [1, 2, 64, 65, 66])
  func `tensors of up to 64 elements show no quantiles and no projections`(count: Int) {
    let made = sketch([Float](repeating: 1, count: count))
    #expect(made.quantiles.isEmpty == (count < 65))
    #expect(made.projections.isEmpty == (count < 65))
    #expect(made.sampleCount == (count < 65 ? 0 : UInt32(count)))
  }

  @Test(arguments: [65, 100, 2047, 2048, 2049, 6000])
  func `NaN, infinities and zeros are counted and leave the rest alone`(count: Int) {
    var generator = SplitMix64(seed: UInt64(count))
    let clean = generator.values(count, mean: 3)
    var dirty: [Float] = []
    for (index, value) in clean.enumerated() {
      dirty.append(value)
      if index % 3 == 0 { dirty.append(.nan) }
      if index % 5 == 0 { dirty.append(index % 2 == 0 ? .infinity : -.infinity) }
      if index % 7 == 0 { dirty.append(index % 2 == 0 ? 0 : -0.0) }
    }
    let expected = sketch(clean + [Float](repeating: 0, count: (count + 6) / 7))
    let made = sketch(dirty)
    #expect(made.nanCount == UInt64((count + 2) / 3))
    #expect(made.infinityCount == UInt64((count + 4) / 5))
    #expect(made.zeroCount == UInt64((count + 6) / 7))
    #expect(made.finiteCount == expected.elementCount)
    #expect(made.minimum == expected.minimum && made.maximum == expected.maximum)
    #expect(abs(made.mean - expected.mean) < 1e-13 * 3)
    #expect(abs(made.standardDeviation / expected.standardDeviation - 1) < 1e-12)
    #expect(made.projections.count == 32 && made.projections.allSatisfy { $0.isFinite })
    // Elements that are not finite count as 0.
    #expect(
      made.projections == sketch(dirty.map { $0.isFinite ? $0 : 0 }).projections)
  }

  @Test func `a tensor of nothing finite has counts only`() throws {
    let made = sketch([Float](repeating: .nan, count: 100) + [.infinity])
    #expect(made.nanCount == 100 && made.infinityCount == 1 && made.finiteCount == 0)
    #expect(made.mean.isNaN && made.minimum.isNaN && made.quantiles.isEmpty)
    #expect(made.projections == [Float](repeating: 0, count: 32))
    #expect(try decode(made.encode()) == made)
  }

  @Test func `the largest numbers do not overflow`() throws {
    let largest = Float.greatestFiniteMagnitude
    let made = sketch((0..<5000).map { $0 % 2 == 0 ? largest : -largest })
    #expect(made.minimum == -largest && made.maximum == largest && made.mean == 0)
    #expect(abs(made.standardDeviation / Double(largest) - 1) < 1e-12)
    #expect(made.projections.allSatisfy { $0.isFinite })
    #expect(made.estimatedDistance(to: made) == nil, "projections beyond binary32 say nothing")
    #expect(try decode(made.encode()) == made)
  }

  @Test func `the smallest numbers are not zero`() {
    let least = Float.leastNonzeroMagnitude
    let made = sketch((0..<100).map { Float($0) * least })
    #expect(made.zeroCount == 1 && made.minimum == 0 && made.maximum == 99 * least)
    #expect(abs(made.mean / (49.5 * Double(least)) - 1) < 1e-12)
    #expect(made.standardDeviation > 28 * Double(least))
    #expect(made.quantiles[6] == 49 * least)
  }

  @Test func `negative zero is zero`() {
    let made = sketch([Float](repeating: -0.0, count: 70))
    #expect(made.zeroCount == 70 && made.minimum.sign == .plus && made.maximum.sign == .plus)
    #expect(made == sketch([Float](repeating: 0, count: 70)))
  }

  @Test(arguments: [1e3, 1e5, 1e7] as [Float])
  func `the spread is right however far the mean lies from zero`(mean: Float) {
    let values = (0..<100_000).map { mean + Float($0 % 5) }
    #expect(abs(sketch(values).standardDeviation / 2.0.squareRoot() - 1) < 1e-12)
  }

  @Test func `an outlier in front does not hide the others`() {
    let values = [1e8] + (0..<99_999).map { Float($0 % 2) }
    let wide = values.map(Double.init)
    let mean = wide.reduce(0, +) / 1e5
    let variance = wide.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / 1e5
    #expect(abs(sketch(values).standardDeviation / variance.squareRoot() - 1) < 1e-11)
  }

  @Test(arguments: [UInt64](0..<8))
  func `projections are linear`(seed: UInt64) {
    var generator = SplitMix64(seed: seed)
    // Small integers, so that sums are exact.
    let left = (0..<5001).map { _ in Float(Int.random(in: -99...99, using: &generator)) }
    let right = (0..<5001).map { _ in Float(Int.random(in: -99...99, using: &generator)) }
    let sum = sketch(zip(left, right).map { $0 + 4 * $1 }, seed: seed)
    let parts = zip(
      sketch(left, seed: seed).projections, sketch(right, seed: seed).projections)
    #expect(sum.projections == parts.map { $0 + 4 * $1 })
    #expect(sum.projections != sketch(left, seed: seed + 1).projections)
  }
}

struct ElementTypeTests {
  private static let quantizations: [Quantization?] = [
    nil, Quantization(scales: [0.25], zeroPoints: [-3]),
    Quantization(scales: [0.1], zeroPoints: [.min]), Quantization(scales: [-.infinity]),
    Quantization(scales: [0.5, 3, 0.7], zeroPoints: [1, -2, 3], axis: 1),
    Quantization(scales: (1...49).map(Float.init), axis: 2),
    Quantization(scales: [1, 2], axis: 9),
  ]

  @Test(arguments: ElementType.allCases, quantizations)
  func `values are the real values`(type: ElementType, quantization: Quantization?) throws {
    let shape: Shape = [41, 3, 49]
    let description = TensorDescription(
      name: "t", elementType: type, shape: shape, quantization: quantization)
    guard let byteCount = description.byteCount, ![.complex64, .complex128].contains(type) else {
      #expect(sketch([1, 2, 3], as: description).elementCount == 0)
      return
    }
    var generator = SplitMix64(seed: UInt64(type.rawValue.utf8.count))
    let stored = generator.bytes(byteCount)
    var plain = description
    var unpacked = stored
    if let bits = type.bitWidth, bits < 8 {
      // Bit by bit, the lowest first; then as a byte with the same value.
      plain.elementType = .int8
      unpacked = (0..<6027).map { index in
        let value = (0..<bits).reduce(0) { sum, bit in
          let place = index * bits + bit
          return sum + (Int(stored[place / 8]) >> (place % 8) & 1) << bit
        }
        let isNegative = type != .uint4 && value >> (bits - 1) == 1
        return UInt8(truncatingIfNeeded: isNegative ? value - 1 << bits : value)
      }
    }
    let values = try #require(unsafe plain.realValues(in: unpacked.span.bytes))
    #expect(values.count == 6027)
    #expect(sketch(stored, as: description, seed: 5) == sketch(values, seed: 5))
  }

  @Test(arguments: [0, 3, 4, 399, 400, 401])
  func `what is there is sketched, where bytes are missing or too many`(byteCount: Int) {
    let made = sketch(
      [UInt8](repeating: 0, count: byteCount),
      as: TensorDescription(name: "t", elementType: .float32, shape: [100]))
    #expect(made.elementCount == UInt64(min(byteCount / 4, 100)))
    #expect(made.zeroCount == made.elementCount)
  }

  @Test(arguments: [[Int.max, 2], [-1], [1 << 40]], [ElementType.int4, .float64, .int8])
  func `an absurd shape does not matter`(dimensions: [Int], type: ElementType) {
    let quantization = Quantization(scales: [1, 2], axis: 1)
    let made = sketch(
      [UInt8](repeating: 1, count: 80),
      as: TensorDescription(
        name: "t", elementType: type, shape: Shape(dimensions), quantization: quantization))
    #expect(made.elementCount == UInt64(640 / (type.bitWidth ?? 0)))
  }
}
