import EXrayCore
import EXrayTestKit
import EXrayValidation
import Testing

/// Tensors that lie at any address, as those in a mapped trace do.
struct AlignmentTests {
  @Test(arguments: 0..<12 as Range<UInt64>)
  func `the address of a tensor does not change its metrics`(seed: UInt64) throws {
    var generator = SplitMix64(seed: seed)
    let count = Int.random(in: 1...9000, using: &generator)
    let description = TensorDescription(name: "t", elementType: .float32, shape: [count])
    let bytes = [0, 1].map { _ in
      (0..<count).flatMap { index -> [UInt8] in
        let value: Float =
          seed % 4 == 3 && index % 977 == 5 ? .nan : .random(in: -9...9, using: &generator)
        return (0..<4).map { UInt8(truncatingIfNeeded: value.bitPattern >> (8 * $0)) }
      }
    }
    var expected: DifferenceMetrics?
    for shift in 0..<5 {
      let padding = [UInt8](repeating: 7, count: shift)
      let (candidate, reference) = (padding + bytes[0], padding + bytes[1])
      var accumulator = try #require(
        DifferenceAccumulator(candidate: description, reference: description))
      let first = unsafe candidate.span.bytes
      let second = unsafe reference.span.bytes
      accumulator.add(
        candidate: first.extracting(droppingFirst: shift),
        reference: second.extracting(droppingFirst: shift), frame: "f")
      let metrics = try #require(accumulator.metrics)
      expected = expected ?? metrics
      #expect(metrics == expected)
    }
  }
}
