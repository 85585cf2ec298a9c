import EXrayCore
import EXraySketch
import EXrayTestKit
import Testing

struct EncodingTests {
  @Test(arguments: [0, 1, 64, 65, 1024, 5000])
  func `a sketch survives its bytes`(count: Int) throws {
    var generator = SplitMix64(seed: UInt64(count))
    let made = sketch(generator.values(count), seed: .max - UInt64(count))
    let bytes = made.encode()
    #expect(bytes.count == TensorSketch.encodedByteCount)
    let read = try decode(bytes)
    #expect(read == made && read.hashValue == made.hashValue && read.encode() == bytes)
    #expect(read.seed == .max - UInt64(count) && read.elementCount == UInt64(count))
    #expect(read.quantiles == made.quantiles && read.projections == made.projections)
  }

  @Test func `the layout is what the document says`() {
    let bytes = sketch([Float](repeating: 1, count: 70), seed: 0x0102_0304_0506_0708).encode()
    #expect(Array(bytes[..<8]) == [0x45, 0x58, 0x53, 0x4B, 1, 13, 32, 0])
    #expect(Array(bytes[8..<24]) == [8, 7, 6, 5, 4, 3, 2, 1, 70, 0, 0, 0, 0, 0, 0, 0])
    #expect(Array(bytes[48..<56]) == [0, 0, 0, 0, 0, 0, 0xF0, 0x3F], "the mean")
    #expect(Array(bytes[64..<68]) == [0, 0, 0x80, 0x3F], "the minimum")
    #expect(Array(bytes[72..<80]) == [70, 0, 0, 0, 0, 0, 0x80, 0x3F], "samples, first quantile")
  }

  /// One change each, and the offset that the error must name.
  @Test(arguments: [
    (0, 0, "not-a-sketch", 0), (4, 2, "unsupported-version", 4), (5, 12, "invalid-field", 5),
    (5, 0, "invalid-field", 76), (6, 31, "invalid-field", 6), (6, 0, "invalid-field", 128),
    (7, 1, "invalid-field", 7), (31, 0xFF, "invalid-field", 24), (47, 0x7F, "invalid-field", 40),
    (55, 0xFF, "invalid-field", 48), (63, 0x80, "invalid-field", 56),
    (67, 0x7F, "invalid-field", 64), (73, 0xFF, "invalid-field", 72),
    (83, 0x7F, "invalid-field", 80), (131, 0x7F, "invalid-field", 128),
  ])
  func `a wrong field is refused with its offset`(
    place: Int, byte: UInt8, code: String, offset: Int
  ) throws {
    var generator = SplitMix64(seed: 1)
    var bytes = sketch(generator.values(200)).encode()
    bytes[place] = byte
    if byte == 0x7F, place > 64 { bytes[place - 1] = 0xFF }
    let error = #expect(throws: SketchError.self) { _ = try decode(bytes) }
    #expect(
      error?.code.description == code && error?.offset == offset, "\(String(describing: error))")
  }

  @Test func `every other byte count is refused`() {
    let bytes = sketch([1]).encode()
    for count in 0..<256 {
      let error = #expect(throws: SketchError.self) { _ = try decode(Array(bytes[..<count])) }
      #expect(error?.code == .wrongByteCount)
    }
    #expect(throws: SketchError.self) { _ = try decode(bytes + [0]) }
  }

  @Test func `damaged bytes are refused, or are a sketch that encodes to them`() {
    var generator = SplitMix64(seed: 3)
    let originals = [0, 1, 70, 3000].map { sketch(generator.values($0)).encode() }
    var accepted = 0
    for round in 0..<20_000 {
      var bytes = originals[round % originals.count]
      for _ in 0...(round % 3) {
        bytes[Int.random(in: 0..<256, using: &generator)] ^=
          1 << UInt8.random(in: 0..<8, using: &generator)
      }
      guard let read = try? decode(bytes) else { continue }
      accepted += 1
      #expect(read.encode() == bytes, "round \(round)")
      _ = read.finiteCount
      _ = read.estimatedNRMSE(reference: read)
    }
    #expect((1000...15_000).contains(accepted), "\(accepted) accepted")
  }
}
