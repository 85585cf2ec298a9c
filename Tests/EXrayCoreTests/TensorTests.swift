import EXrayCore
import Testing

struct TensorTests {
  @Test func `a scalar has one element`() {
    #expect(Shape([]).elementCount == 1)
    #expect(Shape([]).byteCount(of: .int16) == 2)
  }

  @Test(arguments: [
    [Int.max, 2], [-1, 3], [1 << 40, 1 << 40, 0x7FFF],
  ])
  func `an absurd shape has no element count`(dimensions: [Int]) {
    #expect(Shape(dimensions).elementCount == nil)
    #expect(Shape(dimensions).byteCount(of: .float32) == nil)
  }

  @Test func `types under a byte are packed`() {
    #expect(Shape([3]).byteCount(of: .int4) == 2)
    #expect(Shape([5]).byteCount(of: .int2) == 2)
    #expect(Shape([3]).byteCount(of: .string) == nil)
  }

  @Test func `half precision equals the processor's for all bit patterns`() {
    #if arch(arm64) || os(Linux)
      for bits in UInt16.min...UInt16.max {
        let expected = Float(Float16(bitPattern: bits))
        let value = Float(halfBits: bits)
        #expect(value == expected || (value.isNaN && expected.isNaN), "bits \(bits)")
      }
    #endif
  }

  @Test func `per-tensor integers are dequantized`() {
    let description = TensorDescription(
      name: "t", elementType: .int8, shape: [4],
      quantization: Quantization(scales: [0.5], zeroPoints: [-128]))
    let bytes: [UInt8] = [0x80, 0x81, 0x00, 0x7F]
    #expect(unsafe description.realValues(in: bytes.span.bytes) == [0, 0.5, 64, 127.5])
  }

  @Test func `per-channel integers take the scale of their slice`() {
    let description = TensorDescription(
      name: "w", elementType: .uint8, shape: [2, 2, 2],
      quantization: Quantization(scales: [1, 10], zeroPoints: [0, 1], axis: 1))
    let bytes: [UInt8] = [1, 2, 3, 4, 5, 6, 7, 8]
    #expect(
      unsafe description.realValues(in: bytes.span.bytes) == [1, 2, 20, 30, 5, 6, 60, 70])
  }

  @Test func `a zero point beyond all reason does not trap`() {
    let description = TensorDescription(
      name: "t", elementType: .int64, shape: [1],
      quantization: Quantization(scales: [1], zeroPoints: [.min]))
    let bytes = [UInt8](repeating: 0x7F, count: 8)
    let values = unsafe description.realValues(in: bytes.span.bytes)
    #expect(values?.first?.isFinite == true)
  }

  @Test(arguments: [ElementType.string, .resource, .variant, .complex64, .int4])
  func `types without real values give none`(elementType: ElementType) {
    let description = TensorDescription(name: "t", elementType: elementType, shape: [1])
    #expect(unsafe description.realValues(in: [UInt8](repeating: 0, count: 16).span.bytes) == nil)
  }

  @Test func `too few bytes give nothing`() {
    let description = TensorDescription(name: "t", elementType: .float32, shape: [2])
    #expect(unsafe description.realValues(in: [UInt8](repeating: 0, count: 7).span.bytes) == nil)
  }
}
