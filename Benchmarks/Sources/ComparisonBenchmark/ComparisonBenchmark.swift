import EXrayCore
import EXrayValidation

/// Measures how fast two tensors are compared, beside merely reading the same bytes.
///
/// Prints one line of JSON a case: gigabytes of both tensors together per second, the median of interleaved
/// rounds.
@main
struct ComparisonBenchmark {
  /// One pair of tensors, filled from a fixed seed.
  struct Case {
    let name: String
    let candidate: TensorDescription
    let reference: TensorDescription
    let candidateBytes: [UInt8]
    let referenceBytes: [UInt8]

    var byteCount: Int { candidateBytes.count + referenceBytes.count }
  }

  static func main() {
    let rounds = CommandLine.arguments.dropFirst().first.flatMap { Int($0) } ?? 15
    // A large early layer of a mobile network, which fits a core's cache, and one that no cache holds.
    for count in [112 * 112 * 32, 16 << 20] {
      let reference = values(count, seed: 1)
      let float = TensorDescription(name: "t", elementType: .float32, shape: [count])
      let int8 = TensorDescription(
        name: "t", elementType: .int8, shape: [count],
        quantization: Quantization(scales: [1 / 124], zeroPoints: [0]))
      let cases = [
        Case(
          name: "float32 against float32", candidate: float, reference: float,
          candidateBytes: stored(values(count, seed: 2)), referenceBytes: stored(reference)),
        Case(
          name: "int8 against float32", candidate: int8, reference: float,
          candidateBytes: values(count, seed: 2).map {
            UInt8(bitPattern: Int8(($0 * 124).rounded()))
          }, referenceBytes: stored(reference)),
      ]
      for pair in cases { measure(pair, elements: count, rounds: rounds) }
    }
  }

  static func measure(_ pair: Case, elements: Int, rounds: Int) {
    guard
      var accumulator = DifferenceAccumulator(
        candidate: pair.candidate, reference: pair.reference)
    else { return print("{\"case\": \"\(pair.name)\", \"error\": \"cannot be compared\"}") }
    // Small pairs are compared several times a round, so that a round lasts some milliseconds.
    let repeats = max(1, (32 << 20) / pair.byteCount)
    var compared: [Double] = []
    var read: [Double] = []
    var checksum: UInt64 = 0
    for _ in 0..<rounds {
      compared.append(
        seconds {
          for _ in 0..<repeats {
            unsafe accumulator.add(
              candidate: pair.candidateBytes.span.bytes,
              reference: pair.referenceBytes.span.bytes, frame: "f")
          }
        })
      read.append(
        seconds {
          for turn in 0..<repeats {
            checksum ^= sum(pair.candidateBytes, turn) ^ sum(pair.referenceBytes, turn)
          }
        })
    }
    let bytes = Double(pair.byteCount * repeats) / 1e9
    let nrmse = accumulator.metrics?.nrmse ?? -1
    print(
      """
      {"case": "\(pair.name)", "elements": \(elements), "bytes": \(pair.byteCount), \
      "compareGBPerSecond": \(bytes / median(compared)), \
      "readGBPerSecond": \(bytes / median(read)), \
      "elementsPerSecond": \(Double(elements * repeats) / median(compared)), \
      "nrmse": \(nrmse), "checksum": \(checksum)}
      """)
  }

  /// Reads every byte once; the floor that no comparison can beat.
  ///
  /// - Parameter seed: Differs from call to call, so that none is left out as known already.
  @inline(never)
  static func sum(_ bytes: [UInt8], _ seed: Int) -> UInt64 {
    unsafe bytes.withUnsafeBytes { buffer in
      guard let start = buffer.baseAddress else { return 0 }
      var lanes = SIMD8<UInt64>(repeating: UInt64(seed))
      var offset = 0
      while offset + 64 <= buffer.count {
        lanes &+= unsafe start.loadUnaligned(fromByteOffset: offset, as: SIMD8<UInt64>.self)
        offset += 64
      }
      return lanes.wrappedSum()
    }
  }

  static func seconds(_ body: () -> Void) -> Double {
    let (seconds, attoseconds) = ContinuousClock().measure(body).components
    return Double(seconds) + Double(attoseconds) / 1e18
  }

  static func median(_ values: [Double]) -> Double { values.sorted()[values.count / 2] }

  /// Numbers in -1...1 from Sebastiano Vigna's SplitMix64.
  static func values(_ count: Int, seed: UInt64) -> [Float] {
    var state = seed
    return (0..<count).map { _ in
      state &+= 0x9E37_79B9_7F4A_7C15
      var mixed = state
      mixed = (mixed ^ mixed >> 30) &* 0xBF58_476D_1CE4_E5B9
      mixed = (mixed ^ mixed >> 27) &* 0x94D0_49BB_1331_11EB
      return Float((mixed ^ mixed >> 31) >> 40) * 0x1p-23 - 1
    }
  }

  static func stored(_ values: [Float]) -> [UInt8] {
    unsafe values.withUnsafeBytes { unsafe [UInt8]($0) }
  }
}
