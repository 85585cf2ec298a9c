public import EXrayCore

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// A NumPy array file (`.npy`), versions 1 to 3, little-endian.
///
/// Source: NumPy Enhancement Proposal 1 and numpy/lib/format.py.
public struct NPYFile: Sendable, Hashable {
  /// The type of one element.
  public let elementType: ElementType
  /// The extents; the first counts samples.
  public let shape: Shape
  /// Packed values in row-major order; arrays in Fortran order are transposed when read.
  public let bytes: [UInt8]
  /// What messages call the file.
  public let file: String

  /// Reads a file from disk.
  ///
  /// - Throws: ``PreprocessError`` `.unreadable` or `.invalidArray`.
  public init(path: String) throws(PreprocessError) {
    let data: Data
    do {
      data = try Data(contentsOf: URL(filePath: path))
    } catch {
      throw PreprocessError(
        .unreadable, file: path, "cannot be read (\(error)); check the path and permissions")
    }
    try self.init(bytes: [UInt8](data), file: path)
  }

  /// Reads a file's bytes.
  ///
  /// - Parameters:
  ///   - bytes: The whole file.
  ///   - file: What messages call it.
  /// - Throws: ``PreprocessError`` `.invalidArray` with the byte offset.
  public init(bytes: consuming [UInt8], file: String) throws(PreprocessError) {
    let header = try NPYHeader(copy bytes, file: file)
    guard let count = header.shape.byteCount(of: header.elementType) else {
      throw PreprocessError(
        .invalidArray, file: file, offset: header.dictionaryOffset,
        "claims the shape \(header.shape), more than memory can address; save the array again")
    }
    let available = bytes.count - header.dataOffset
    guard available == count else {
      throw PreprocessError(
        .invalidArray, file: file, offset: header.dataOffset,
        "an array of \(header.shape) \(header.elementType.rawValue) has \(count) bytes, the file has "
          + "\(available) after its header; the file is damaged or cut off: save the array again")
    }
    self.file = file
    elementType = header.elementType
    shape = header.shape
    // In place: arrays may have gigabytes.
    bytes.removeSubrange(..<header.dataOffset)
    self.bytes =
      header.isFortranOrder && shape.rank > 1
      ? Self.rowMajor(bytes, shape, (header.elementType.bitWidth ?? 8) / 8) : bytes
  }

  /// Reorders values whose first index changes fastest.
  private static func rowMajor(_ bytes: [UInt8], _ shape: Shape, _ size: Int) -> [UInt8] {
    // The strides of an array without values may overflow.
    guard !bytes.isEmpty else { return [] }
    var strides: [Int] = []
    var stride = size
    for dimension in shape.dimensions {
      strides.append(stride)
      stride *= dimension
    }
    var result: [UInt8] = []
    result.reserveCapacity(bytes.count)
    var index = [Int](repeating: 0, count: shape.rank)
    var source = 0
    while result.count < bytes.count {
      result.append(contentsOf: bytes[source..<(source + size)])
      // Step the last index, carrying to the left.
      for axis in index.indices.reversed() {
        index[axis] += 1
        source += strides[axis]
        if index[axis] < shape.dimensions[axis] { break }
        source -= strides[axis] * shape.dimensions[axis]
        index[axis] = 0
      }
    }
    return result
  }

  /// How many samples the array holds: its first extent, or 1 for a single number.
  public var sampleCount: Int { shape.dimensions.first ?? 1 }

  /// The extents of one sample: all but the first.
  public var sampleShape: Shape { Shape(Array(shape.dimensions.dropFirst())) }

  /// The packed values of one sample.
  ///
  /// - Throws: ``PreprocessError`` `.invalidArray` where there is no such sample.
  public func sampleBytes(_ index: Int) throws(PreprocessError) -> [UInt8] {
    guard index >= 0, index < sampleCount else {
      throw PreprocessError(
        .invalidArray, file: file,
        "has \(sampleCount) samples, number \(index) was asked for; count from 0")
    }
    let size = bytes.count / sampleCount
    return Array(bytes[(index * size)..<((index + 1) * size)])
  }

  /// The real values of one sample.
  ///
  /// - Throws: ``PreprocessError`` `.invalidArray` where there is no such sample or the type has no real
  ///   values (complex numbers).
  public func sample(_ index: Int) throws(PreprocessError) -> [Float] {
    let bytes = try sampleBytes(index)
    let description = TensorDescription(
      name: file, elementType: elementType, shape: sampleShape)
    guard let values = unsafe description.realValues(in: bytes.span.bytes) else {
      throw PreprocessError(
        .invalidArray, file: file,
        "holds \(elementType.rawValue), which has no real values; convert it with astype('<f4')")
    }
    return values
  }

  /// One sample as a NumPy array file of its own, of shape ``sampleShape``.
  public func encodedSample(_ index: Int) throws(PreprocessError) -> [UInt8] {
    try Self.encode(elementType: elementType, shape: sampleShape, bytes: try sampleBytes(index))
  }

  /// Writes an array as a NumPy file of version 1.
  ///
  /// - Parameters:
  ///   - elementType: A type that NumPy has: float, integer, bool or complex, not `bfloat16`.
  ///   - shape: The extents.
  ///   - bytes: Packed little-endian values in row-major order.
  /// - Throws: ``PreprocessError`` `.unsuitableTensor` for other types, and where the sizes differ.
  public static func encode(
    elementType: ElementType, shape: Shape, bytes: [UInt8]
  ) throws(PreprocessError) -> [UInt8] {
    guard let descriptor = NPYHeader.descriptors.first(where: { $0.value == elementType })?.key
    else {
      throw PreprocessError(
        .unsuitableTensor, "NumPy has no type \(elementType.rawValue); convert to float32")
    }
    guard shape.byteCount(of: elementType) == bytes.count else {
      throw PreprocessError(
        .unsuitableTensor,
        "\(bytes.count) bytes do not fill \(shape) \(elementType.rawValue); give all values")
    }
    let comma = shape.rank == 1 ? "," : ""
    let extents = shape.dimensions.map(String.init).joined(separator: ", ") + comma
    var header = "{'descr': '\(descriptor)', 'fortran_order': False, 'shape': (\(extents)), }"
    // The values begin at a multiple of 64 bytes.
    let used = 10 + header.utf8.count + 1
    header += String(repeating: " ", count: (64 - used % 64) % 64) + "\n"
    let length = header.utf8.count
    return NPYHeader.magic + [1, 0, UInt8(length & 255), UInt8(length >> 8 & 255)]
      + Array(header.utf8) + bytes
  }
}
