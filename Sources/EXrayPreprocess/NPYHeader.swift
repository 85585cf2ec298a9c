import EXrayCore

/// The text before an array's values: a Python dictionary of three keys.
struct NPYHeader {
  var elementType: ElementType
  var shape: Shape
  var isFortranOrder: Bool
  var dictionaryOffset: Int
  var dataOffset: Int

  static let magic: [UInt8] = [0x93, 0x4E, 0x55, 0x4D, 0x50, 0x59]

  /// NumPy's names of types; one name a type.
  static let descriptors: [String: ElementType] = [
    "<f2": .float16, "<f4": .float32, "<f8": .float64, "|i1": .int8, "<i2": .int16,
    "<i4": .int32, "<i8": .int64, "|u1": .uint8, "<u2": .uint16, "<u4": .uint32, "<u8": .uint64,
    "|b1": .bool, "<c8": .complex64, "<c16": .complex128,
  ]

  private static let headerLimit = 1 << 20

  init(_ bytes: [UInt8], file: String) throws(PreprocessError) {
    func invalid(_ offset: Int, _ message: String) -> PreprocessError {
      PreprocessError(.invalidArray, file: file, offset: offset, message)
    }
    guard bytes.starts(with: Self.magic) else {
      throw invalid(0, "is no NumPy array file; write it with numpy.save")
    }
    guard bytes.count >= 12 else {
      throw invalid(bytes.count, "ends within the header; save the array again")
    }
    let version = bytes[6]
    guard (1...3).contains(version) else {
      throw invalid(6, "is version \(version) of the format, 1 to 3 are known; save it again")
    }
    let lengthSize = version == 1 ? 2 : 4
    var length = 0
    for index in (0..<lengthSize).reversed() { length = length << 8 | Int(bytes[8 + index]) }
    dictionaryOffset = 8 + lengthSize
    guard length <= Self.headerLimit, length <= bytes.count - dictionaryOffset else {
      throw invalid(
        8,
        "claims a header of \(length) bytes, \(bytes.count - dictionaryOffset) remain; save the "
          + "array again")
    }
    dataOffset = dictionaryOffset + length
    var literal = PythonDictionary(
      bytes: bytes, offset: dictionaryOffset, end: dataOffset, file: file)
    try literal.parse()
    guard let descriptor = literal.descriptor, let isFortranOrder = literal.isFortranOrder,
      let shape = literal.shape
    else {
      throw invalid(
        dictionaryOffset, "the header lacks descr, fortran_order or shape; save it again")
    }
    guard let elementType = Self.descriptors[descriptor] else {
      throw invalid(
        dictionaryOffset,
        "holds elements of type '\(descriptor.prefix(40))'; convert the array to a little-endian "
          + "number type, for instance with astype('<f4')")
    }
    self.elementType = elementType
    self.isFortranOrder = isFortranOrder
    self.shape = shape
  }
}

/// The little of Python's literal syntax that array headers use.
private struct PythonDictionary {
  let bytes: [UInt8]
  var offset: Int
  let end: Int
  let file: String
  var descriptor: String?
  var isFortranOrder: Bool?
  var shape: Shape?

  private func error(_ message: String) -> PreprocessError {
    PreprocessError(
      .invalidArray, file: file, offset: offset, "in the header: \(message); save the array again")
  }

  private mutating func skipSpace() {
    while offset < end, [0x20, 0x0A, 0x0D, 0x09].contains(bytes[offset]) { offset += 1 }
  }

  private mutating func take(_ text: String) -> Bool {
    skipSpace()
    let wanted = Array(text.utf8)
    guard offset + wanted.count <= end, bytes[offset..<end].starts(with: wanted) else {
      return false
    }
    offset += wanted.count
    return true
  }

  mutating func parse() throws(PreprocessError) {
    guard take("{") else { throw error("expected {") }
    while !take("}") {
      let key = try string()
      guard take(":") else { throw error("expected a colon") }
      switch key {
      case "descr": descriptor = try string()
      case "fortran_order":
        if take("True") {
          isFortranOrder = true
        } else if take("False") {
          isFortranOrder = false
        } else {
          throw error("fortran_order must be True or False")
        }
      case "shape": shape = try tuple()
      default: throw error("unknown key '\(key.prefix(40))'")
      }
      if !take(",") {
        guard take("}") else { throw error("expected a comma or }") }
        break
      }
    }
    skipSpace()
    guard offset == end else { throw error("more text after the dictionary") }
  }

  private mutating func string() throws(PreprocessError) -> String {
    skipSpace()
    guard offset < end, bytes[offset] == 0x27 || bytes[offset] == 0x22 else {
      throw error(
        "expected a string; arrays of records are not supported")
    }
    let quote = bytes[offset]
    let start = offset + 1
    offset = start
    while offset < end, bytes[offset] != quote { offset += 1 }
    guard offset < end else { throw error("a string has no end") }
    defer { offset += 1 }
    return String(decoding: bytes[start..<offset], as: UTF8.self)
  }

  private mutating func tuple() throws(PreprocessError) -> Shape {
    guard take("(") else { throw error("shape must be a tuple") }
    var extents: [Int] = []
    while !take(")") {
      skipSpace()
      var value = 0
      let start = offset
      while offset < end, (0x30...0x39).contains(bytes[offset]) {
        let (product, isTooLarge) = value.multipliedReportingOverflow(by: 10)
        let (sum, isTooLargeToo) = product.addingReportingOverflow(Int(bytes[offset]) - 0x30)
        guard !isTooLarge, !isTooLargeToo else { throw error("an extent is above \(Int.max)") }
        value = sum
        offset += 1
      }
      guard offset > start else { throw error("an extent of the shape is no whole number") }
      extents.append(value)
      guard extents.count <= 32 else { throw error("more than 32 dimensions") }
      if !take(",") {
        guard take(")") else { throw error("expected a comma or )") }
        break
      }
    }
    return Shape(extents)
  }
}
