import EXrayCore
import EXrayTestKit
import EXrayValidation
import Foundation
import Testing

struct DifferenceTests {
  /// Metrics computed the plain way, in double precision, as the definition reads.
  private static func plain(_ candidate: [Float], _ reference: [Float]) -> [String: Double] {
    let pairs = zip(candidate, reference).map { (Double($0), Double($1)) }
    let n = Double(pairs.count)
    let noise = pairs.reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }
    let signal = pairs.reduce(0) { $0 + $1.1 * $1.1 }
    let own = pairs.reduce(0) { $0 + $1.0 * $1.0 }
    let dot = pairs.reduce(0) { $0 + $1.0 * $1.1 }
    let low = reference.min() ?? 0
    let high = reference.max() ?? 0
    let rmse = (noise / n).squareRoot()
    return [
      "mse": noise / n, "max": pairs.map { abs($0.0 - $0.1) }.max() ?? 0,
      "nrmse": rmse / Double(high - low), "cosine": dot / (signal * own).squareRoot(),
      "sqnr": 10 * log10(signal / noise),
      "psnr": 20 * log10(Double(max(abs(low), abs(high))) / rmse),
    ]
  }

  private func bytes(_ values: [Float]) -> [UInt8] {
    values.flatMap { value in
      let bits = value.bitPattern
      return (0..<4).map { UInt8(truncatingIfNeeded: bits >> UInt32(8 * $0)) }
    }
  }

  private func describe(_ count: Int) -> TensorDescription {
    TensorDescription(name: "t", elementType: .float32, shape: [count])
  }

  @Test(arguments: 0..<24 as Range<UInt64>)
  func `metrics equal their definition`(seed: UInt64) throws {
    var generator = SplitMix64(seed: seed)
    let count = Int.random(in: 1...9000, using: &generator)
    let scale = Float.random(in: 1e-3...1e3, using: &generator)
    let reference = (0..<count).map { _ in Float.random(in: -1...1, using: &generator) * scale }
    let candidate = reference.map { $0 + Float.random(in: -0.1...0.1, using: &generator) * scale }
    var accumulator = try #require(
      DifferenceAccumulator(candidate: describe(count), reference: describe(count)))
    unsafe accumulator.add(
      candidate: bytes(candidate).span.bytes, reference: bytes(reference).span.bytes, frame: "f")
    let metrics = try #require(accumulator.metrics)
    let expected = Self.plain(candidate, reference)
    let tolerance = 1e-6
    func close(_ value: Double?, _ key: String) -> Bool {
      guard let value, let wanted = expected[key] else { return count == 1 }
      return abs(value - wanted) <= tolerance * max(1e-12, abs(wanted))
    }
    #expect(metrics.count == count)
    #expect(close(metrics.mse, "mse"))
    #expect(close(metrics.maxAbsDiff, "max"))
    #expect(close(metrics.nrmse, "nrmse"))
    #expect(close(metrics.cosineSimilarity, "cosine"))
    #expect(close(metrics.sqnrDB, "sqnr"))
    #expect(close(metrics.psnrDB, "psnr"))
  }

  @Test(arguments: [ElementType.int8, .uint8, .int16, .uint16, .int32, .int64, .float64])
  func `steps between large values count exactly`(elementType: ElementType) throws {
    // One step beside the largest value is below single precision for most of these types.
    let width = elementType.integerRange?.upperBound ?? 1 << 40
    let large = min(width, 1 << 40) - 1
    let scale: Float = 0.037
    let description = TensorDescription(
      name: "t", elementType: elementType, shape: [9],
      quantization: elementType.isInteger ? Quantization(scales: [scale], zeroPoints: [1]) : nil)
    let bytes = (0...1).map { step in
      (0..<9).flatMap { _ -> [UInt8] in
        let value = large - Int64(step)
        let bits =
          elementType == .float64
          ? Double(value).bitPattern : UInt64(bitPattern: value)
        return (0..<(description.byteCount ?? 0) / 9).map {
          UInt8(truncatingIfNeeded: bits >> UInt64(8 * $0))
        }
      }
    }
    var accumulator = try #require(
      DifferenceAccumulator(candidate: description, reference: description))
    let (candidate, reference) = (bytes[0], bytes[1])
    unsafe accumulator.add(
      candidate: candidate.span.bytes, reference: reference.span.bytes, frame: "f")
    let metrics = try #require(accumulator.metrics)
    let step = elementType.isInteger ? Double(scale) : 1
    #expect(abs(metrics.maxAbsDiff - step) <= 4e-16 * Double(large) * step)
    #expect(abs(metrics.mse.squareRoot() / metrics.maxAbsDiff - 1) < 1e-12)
  }

  @Test(arguments: [Float(1e-25), 1e-38, 1], [0, 300])
  func `differences whose squares vanish in single precision are seen`(size: Float, at place: Int)
    throws
  {
    let reference = [Float](repeating: size, count: 301)
    var candidate = reference
    candidate[place] = size.nextUp
    var accumulator = try #require(
      DifferenceAccumulator(candidate: describe(301), reference: describe(301)))
    unsafe accumulator.add(
      candidate: bytes(candidate).span.bytes, reference: bytes(reference).span.bytes, frame: "f")
    let metrics = try #require(accumulator.metrics)
    let expected = Double(size.nextUp) - Double(size)
    #expect(abs(metrics.maxAbsDiff / expected - 1) < 1e-6)
    #expect(abs(metrics.mse * 301 / (expected * expected) - 1) < 1e-6)
    #expect(metrics.cosineSimilarity.map { abs($0 - 1) < 1e-6 } == true)
  }

  @Test func `frames add up`() throws {
    var accumulator = try #require(
      DifferenceAccumulator(candidate: describe(2), reference: describe(2)))
    for (index, shift) in [Float(0), 1, 3].enumerated() {
      unsafe accumulator.add(
        candidate: bytes([shift, 4 + shift]).span.bytes, reference: bytes([0, 4]).span.bytes,
        frame: "frame \(index)")
    }
    let metrics = try #require(accumulator.metrics)
    #expect(metrics.count == 6)
    #expect(metrics.mse == 20.0 / 6)
    #expect(metrics.maxAbsDiff == 3)
    #expect(accumulator.worstFrame == "frame 2")
  }

  @Test(arguments: [0, 5, 127, 128, 2047, 2999])
  func `values that are not finite are counted and left out`(position: Int) throws {
    var candidate = [Float](repeating: 1, count: 3000)
    let reference = [Float](repeating: 0.5, count: 2999) + [0]
    candidate[position] = position.isMultiple(of: 2) ? .nan : .infinity
    var accumulator = try #require(
      DifferenceAccumulator(candidate: describe(3000), reference: describe(3000)))
    unsafe accumulator.add(
      candidate: bytes(candidate).span.bytes, reference: bytes(reference).span.bytes, frame: "f")
    let metrics = try #require(accumulator.metrics)
    #expect(metrics.candidateNotFinite == 1)
    #expect(metrics.referenceNotFinite == 0)
    #expect(metrics.count == 2999)
    #expect(metrics.mse.isFinite && metrics.cosineSimilarity?.isFinite == true)
  }

  @Test func `a quantized tensor is compared as real numbers, in steps`() throws {
    let quantized = TensorDescription(
      name: "q", elementType: .int8, shape: [4],
      quantization: Quantization(scales: [0.25], zeroPoints: [3]))
    var accumulator = try #require(
      DifferenceAccumulator(candidate: quantized, reference: describe(4)))
    unsafe accumulator.add(
      candidate: ([3, 4, 5, 7] as [UInt8]).span.bytes,
      reference: bytes([0, 0.25, 0.5, 0.75]).span.bytes,
      frame: "f")
    let metrics = try #require(accumulator.metrics)
    #expect(metrics.maxAbsDiff == 0.25)
    #expect(metrics.rmseOverScale == 0.5)
  }

  @Test func `tensors of zeros have cosine 1, and 0 against something`() throws {
    for (reference, cosine) in [([Float(0), 0], 1.0), ([1, 2], 0)] {
      var accumulator = try #require(
        DifferenceAccumulator(candidate: describe(2), reference: describe(2)))
      unsafe accumulator.add(
        candidate: bytes([0, 0]).span.bytes, reference: bytes(reference).span.bytes, frame: "f")
      #expect(accumulator.metrics?.cosineSimilarity == cosine)
    }
  }

  @Test func `tensors of other sizes and types without values are not compared`() {
    #expect(DifferenceAccumulator(candidate: describe(2), reference: describe(3)) == nil)
    let text = TensorDescription(name: "s", elementType: .string, shape: [2])
    #expect(DifferenceAccumulator(candidate: text, reference: describe(2)) == nil)
  }
}
