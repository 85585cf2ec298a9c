import EXrayCore
import EXrayPreprocess
import EXrayTestKit
import Testing

@Suite struct TensorTests {
  private func stored(
    _ real: [Float], _ type: ElementType, _ quantization: Quantization? = nil,
    shape: Shape? = nil
  ) throws(PreprocessError) -> [UInt8] {
    try TensorDescription(
      name: "t", elementType: type, shape: shape ?? [real.count], quantization: quantization
    ).storedBytes(for: real)
  }

  /// Expected values are NumPy's: np.clip(np.round(x / scale + zero), -128, 127).
  @Test func integersAreRoundedAfterTheZeroPointIsAdded() throws {
    let quantization = Quantization(scales: [0.5], zeroPoints: [-1])
    let real: [Float] = [0.25, -0.25, 0.75, 1.25, 1e9, -1e9, .infinity, -.infinity, .nan]
    let bytes = try stored(real, .int8, quantization).map { Int8(bitPattern: $0) }
    #expect(bytes == [0, -2, 0, 2, 127, -128, 127, -128, -1])
    #expect(try stored([0.5, 1.5, -3, 300, .nan], .uint8) == [0, 2, 0, 255, 0])
  }

  @Test func slicesHaveScalesOfTheirOwn() throws {
    let quantization = Quantization(scales: [1, 0.5], zeroPoints: [0, 10], axis: 1)
    let bytes = try stored([1, 1, 2, 2], .uint8, quantization, shape: [2, 2])
    #expect(bytes == [1, 12, 2, 14])
  }

  @Test(arguments: [
    ElementType.int8, .uint8, .int16, .uint16, .int32, .uint32, .int64, .uint64, .float32,
    .float64, .float16, .bfloat16, .bool,
  ])
  func readingBackWhatWasStoredGivesTheSame(type: ElementType) throws {
    let tensor = TensorDescription(name: "t", elementType: type, shape: [5])
    let real: [Float] = type == .bool ? [0, 1, 1, 0, 1] : [0, 1, 2, 100, 64]
    let bytes = try tensor.storedBytes(for: real)
    #expect(bytes.count == tensor.byteCount)
    #expect(unsafe tensor.realValues(in: bytes.span.bytes) == real)
  }

  @Test func everyHalfPrecisionNumberSurvivesARoundTrip() throws {
    let all = (0...UInt16.max).map { Float(halfBits: $0) }
    let bytes = try stored(all, .float16)
    for (index, value) in all.enumerated() where !value.isNaN {
      let bits = UInt16(bytes[2 * index]) | UInt16(bytes[2 * index + 1]) << 8
      #expect(bits == UInt16(index))
    }
    // Halves go to even, also across the border of subnormal numbers and of infinity.
    let edges: [Float] = [2049, 2051, 65_519, 65_520, 0x1.FFEp-15, 0x1p-25, 0x1.8p-25, -0x1p-26]
    let words = try stored(edges, .float16)
    let bits = edges.indices.map { UInt16(words[2 * $0]) | UInt16(words[2 * $0 + 1]) << 8 }
    #expect(bits == [0x6800, 0x6802, 0x7BFF, 0x7C00, 0x0400, 0, 1, 0x8000])
  }

  @Test(arguments: [ElementType.int4, .string, .complex64, .resource])
  func typesWithoutRealValuesAreRefused(type: ElementType) {
    let error = #expect(throws: PreprocessError.self) { try stored([1, 2], type) }
    #expect(error?.code == .unsuitableTensor)
  }

  @Test func aWrongCountIsRefused() {
    #expect(throws: PreprocessError.self) { try stored([1, 2], .int8, shape: [3]) }
    #expect(throws: PreprocessError.self) { try stored([1], .int8, shape: [-1]) }
  }
}

@Suite struct NPYTests {
  private func file(_ header: String, _ data: [UInt8], version: UInt8 = 1) -> [UInt8] {
    let length = header.utf8.count
    let size: [UInt8] = [UInt8(length & 255), UInt8(length >> 8)] + (version > 1 ? [0, 0] : [])
    return [0x93] + Array("NUMPY".utf8) + [version, 0] + size + Array(header.utf8) + data
  }

  private func read(_ bytes: [UInt8]) throws(PreprocessError) -> NPYFile {
    try NPYFile(bytes: bytes, file: "a.npy")
  }

  @Test(arguments: [
    ElementType.float16, .float32, .float64, .int8, .uint8, .int16, .uint16, .int32, .uint32,
    .int64, .uint64, .bool, .complex64, .complex128,
  ])
  func whatIsWrittenIsReadBack(type: ElementType) throws {
    for shape in [[], [0, 3], [4], [2, 3, 1]] as [Shape] {
      let bytes = (0..<(shape.byteCount(of: type) ?? 0)).map { UInt8($0 & 1) }
      let encoded = try NPYFile.encode(elementType: type, shape: shape, bytes: bytes)
      let array = try read(encoded)
      #expect(array.bytes == bytes)
      #expect(array.shape == shape)
      #expect(array.elementType == type)
      #expect((encoded.count - bytes.count) % 64 == 0)
    }
  }

  @Test(arguments: [1, 2, 3] as [UInt8])
  func allVersionsAreRead(version: UInt8) throws {
    let header = "{'shape': (2, 2), \"descr\": '<i2', 'fortran_order': False}\n"
    let array = try read(file(header, [1, 0, 2, 0, 3, 0, 4, 0], version: version))
    #expect(try array.sample(1) == [3, 4])
    #expect(array.sampleCount == 2)
    #expect(array.sampleShape == [2])
    #expect(try read(array.encodedSample(1)).shape == [2])
    #expect(throws: PreprocessError.self) { try array.sample(2) }
    #expect(throws: PreprocessError.self) { try array.sample(-1) }
  }

  @Test func fortranOrderIsTransposed() throws {
    let header = "{'descr': '|u1', 'fortran_order': True, 'shape': (2, 3, 2), }"
    let array = try read(file(header, [0, 6, 2, 8, 4, 10, 1, 7, 3, 9, 5, 11]))
    #expect(array.bytes == Array(0..<12))
    let empty = "{'descr': '|u1', 'fortran_order': True, 'shape': (2, 0, 2), }"
    #expect(try read(file(empty, [])).bytes == [])
  }

  @Test(arguments: [
    "{'descr': '>f4', 'fortran_order': False, 'shape': (1,), }",
    "{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1,), }",
    "{'descr': '<f4', 'fortran_order': False, 'shape': (9223372036854775807, 9), }",
    "{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999,), }",
    "{'descr': '<f4', 'fortran_order': False, 'shape': (4611686018427387904, 4), }",
    "{'descr': '<f4', 'fortran_order': False, 'shape': (-1,), }",
    "{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }",
    "{'descr': '<f4', 'fortran_order': 1, 'shape': (1,), }",
    "{'descr': '<f4', 'shape': (1,), }",
    "{'descr': '<f4', 'fortran_order': False, 'shape': (1,), 'more': 1}",
    "{'descr': '<f4', 'fortran_order': False, 'shape': (1,), } x",
    "{'descr': '<f4", "{", "", "()", "{'shape': (" + String(repeating: "1,", count: 9999),
  ])
  func hostileHeadersAreRefused(header: String) {
    let error = #expect(throws: PreprocessError.self) { try read(file(header, [0, 0, 0, 0])) }
    #expect(error?.code == .invalidArray)
    #expect(error?.offset != nil)
  }

  @Test(arguments: 0..<20 as Range<UInt64>)
  func damagedArraysThrowAndNeverTrap(seed: UInt64) throws {
    var generator = SplitMix64(seed: seed)
    let original = try NPYFile.encode(
      elementType: .int16, shape: [3, 2], bytes: [UInt8](repeating: 7, count: 12))
    for length in original.indices {
      #expect(throws: PreprocessError.self) { try read(Array(original.prefix(length))) }
    }
    for _ in 0..<200 {
      var bytes = original
      for _ in 0..<3 {
        bytes[Int.random(in: 0..<80, using: &generator)] = .random(in: 0...255, using: &generator)
      }
      if let array = try? read(bytes) {
        #expect(array.shape.byteCount(of: array.elementType) == array.bytes.count)
      }
    }
  }

  @Test func aMissingFileSaysSo() {
    let error = #expect(throws: PreprocessError.self) { try NPYFile(path: "/nowhere/a.npy") }
    #expect(error?.code == .unreadable)
  }
}
