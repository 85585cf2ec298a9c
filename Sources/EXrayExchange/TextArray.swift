import EXrayCore

/// Why a list of values in a text is not taken over, as the rest of a sentence.
struct TextFault: Error, Hashable {
  var text: String
  init(_ text: String) { self.text = text }
}

/// The values of a tensor that a program printed, and as much of its shape as the text tells.
struct TextArray {
  /// The values, all of one type.
  enum Values {
    case bool([UInt8])
    case int32([Int32])
    case int64([Int64])
    case float32([Float])
    case float64([Double])
  }

  /// How a program prints numbers.
  enum Spelling {
    /// As Python does: whole numbers are integers, and all digits of a value are there.
    case python
    /// As a C++ stream does: every value is a float of at most 6 digits.
    case stream
  }

  var values: Values
  var dimensions: [Int]

  var elementType: ElementType {
    switch values {
    case .bool: .bool
    case .int32: .int32
    case .int64: .int64
    case .float32: .float32
    case .float64: .float64
    }
  }

  /// Calls `body` with the packed little-endian values.
  func withBytes<Result, Failure: Error>(
    _ body: (RawSpan) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    switch values {
    case .bool(let values): unsafe try body(values.span.bytes)
    case .int32(let values): unsafe try body(values.span.bytes)
    case .int64(let values): unsafe try body(values.span.bytes)
    case .float32(let values): unsafe try body(values.span.bytes)
    case .float64(let values): unsafe try body(values.span.bytes)
    }
  }

  /// Reads a list, nested or not, or values without brackets up to the line's end; nil where there are none.
  ///
  /// Python's lists, what NumPy prints with its types (`np.float32(0.1)`) or without commas, and a stream's
  /// values with blanks between them. The smallest of float32 and float64, and of int32 and int64, that holds
  /// what is written is taken; a float32 is written with 9 digits or as the float64 of the same value.
  ///
  /// - Parameter offset: Where the values begin; then behind them, or where the fault is.
  /// - Throws: ``TextFault`` where values were left out (`...`), the list is ragged, or is not one of numbers.
  /// - Complexity: O(*n*) time; space for the values.
  init?(_ text: Span<UInt8>, at offset: inout Int, spelling: Spelling) throws(TextFault) {
    let start = offset
    func read<Value: TextElement>(
      _: Value.Type, _ offset: inout Int
    ) throws(TextRetry) -> TextListReader<Value> {
      offset = start
      var reader = TextListReader<Value>(spelling: spelling)
      try reader.read(text, at: &offset)
      return reader
    }
    var retry = TextRetry.asFloat32
    if spelling == .python {
      do throws(TextRetry) {
        let reader = try read(Int64.self, &offset)
        guard let shape = reader.shape else { return nil }
        dimensions = shape
        if reader.booleanCount > 0 {
          guard reader.booleanCount == reader.values.count else {
            throw .fault(TextFault("mixes truth values and numbers"))
          }
          values = .bool(reader.values.map { UInt8($0) })
        } else if reader.values.allSatisfy({ Int32(exactly: $0) != nil }) {
          values = .int32(reader.values.map { Int32(truncatingIfNeeded: $0) })
        } else {
          values = .int64(reader.values)
        }
        return
      } catch {
        retry = error
      }
    }
    if case .asFloat32 = retry {
      do throws(TextRetry) {
        let reader = try read(Float.self, &offset)
        guard let shape = reader.shape else { return nil }
        dimensions = shape
        values = .float32(reader.values)
        return
      } catch {
        retry = error
      }
    }
    if case .asFloat64 = retry {
      do throws(TextRetry) {
        let reader = try read(Double.self, &offset)
        guard let shape = reader.shape else { return nil }
        dimensions = shape
        values = .float64(reader.values)
        return
      } catch {
        retry = error
      }
    }
    guard case .fault(let fault) = retry else { throw TextFault("holds numbers of no known type") }
    throw fault
  }
}

/// Why a list must be read otherwise, or not at all.
enum TextRetry: Error {
  case asFloat32, asFloat64
  case fault(TextFault)
}

/// A type that values are collected as.
protocol TextElement {
  /// - Parameter isWide: Whether the text says that the value is a float64.
  init(
    _ number: DecimalNumber, _ text: Span<UInt8>, _ spelling: TextArray.Spelling, isWide: Bool
  ) throws(TextRetry)
  init(special value: Double) throws(TextRetry)
  init(truth: Bool) throws(TextRetry)
}

extension Int64: TextElement {
  init(
    _ number: DecimalNumber, _ text: Span<UInt8>, _ spelling: TextArray.Spelling, isWide: Bool
  ) throws(TextRetry) {
    guard number.isInteger, !isWide else { throw .asFloat32 }
    guard let value = number.integer else {
      throw .fault(TextFault("holds a whole number beyond 64 bits"))
    }
    self = value
  }
  init(special value: Double) throws(TextRetry) { throw .asFloat32 }
  init(truth: Bool) throws(TextRetry) { self = truth ? 1 : 0 }
}

extension Float: TextElement {
  init(
    _ number: DecimalNumber, _ text: Span<UInt8>, _ spelling: TextArray.Spelling, isWide: Bool
  ) throws(TextRetry) {
    guard !isWide else { throw .asFloat64 }
    // Nine digits tell any float32 from all others; more are the digits of a float64.
    guard spelling == .python, number.digitCount > 9 else {
      self = number.value(in: text)
      // A number too large or too small for a float32 was none.
      guard isFinite && (!isZero || number.digitCount == 0) || spelling == .stream else {
        throw .asFloat64
      }
      return
    }
    let wide: Double = number.value(in: text)
    self = Float(wide)
    guard Double(self) == wide else { throw .asFloat64 }
  }
  init(special value: Double) throws(TextRetry) { self = Float(value) }
  init(truth: Bool) throws(TextRetry) {
    throw .fault(TextFault("mixes truth values and numbers"))
  }
}

extension Double: TextElement {
  init(
    _ number: DecimalNumber, _ text: Span<UInt8>, _ spelling: TextArray.Spelling, isWide: Bool
  ) throws(TextRetry) { self = number.value(in: text) }
  init(special value: Double) throws(TextRetry) { self = value }
  init(truth: Bool) throws(TextRetry) {
    throw .fault(TextFault("mixes truth values and numbers"))
  }
}
