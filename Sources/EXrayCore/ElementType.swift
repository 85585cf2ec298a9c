/// The type of one element of a tensor.
///
/// Raw values are the names that traces, reports and recipes use.
public enum ElementType: String, Sendable, Hashable, CaseIterable, Codable {
  case float16, bfloat16, float32, float64
  case int2, int4, uint4, int8, int16, int32, int64
  case uint8, uint16, uint32, uint64
  case bool, string, resource, variant
  case complex64, complex128

  /// Bits that one element takes, or nil where elements have no fixed size (strings, resources, variants).
  public var bitWidth: Int? {
    switch self {
    case .int2: 2
    case .int4, .uint4: 4
    case .int8, .uint8, .bool: 8
    case .float16, .bfloat16, .int16, .uint16: 16
    case .float32, .int32, .uint32: 32
    case .float64, .int64, .uint64, .complex64: 64
    case .complex128: 128
    case .string, .resource, .variant: nil
    }
  }

  /// Whether elements are real floating-point numbers.
  public var isFloatingPoint: Bool {
    switch self {
    case .float16, .bfloat16, .float32, .float64: true
    default: false
    }
  }

  /// Whether elements are signed or unsigned integers; `bool` is not.
  public var isInteger: Bool { integerRange != nil }

  /// The least and the greatest value of an integer type, or nil for other types; `uint64` is cut at `Int64.max`.
  public var integerRange: ClosedRange<Int64>? {
    switch self {
    case .int2: -2...1
    case .int4: -8...7
    case .uint4: 0...15
    case .int8: -128...127
    case .int16: -32_768...32_767
    case .int32: Int64(Int32.min)...Int64(Int32.max)
    case .int64: Int64.min...Int64.max
    case .uint8: 0...255
    case .uint16: 0...65_535
    case .uint32: 0...Int64(UInt32.max)
    case .uint64: 0...Int64.max
    default: nil
    }
  }
}
