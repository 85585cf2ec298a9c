/// A decimal number as text spells it: significant digits and a power of ten.
struct DecimalNumber {
  /// Where the text is; for the few numbers that the fast way does not convert.
  var range: Range<Int>
  var isNegative = false
  /// The significant digits as a number, exact up to ``digitCount`` 19.
  var significand: UInt64 = 0
  var exponent = 0
  /// Significant digits, without leading zeros.
  var digitCount = 0
  /// Whether the text has neither a point nor an exponent.
  var isInteger = true

  /// Reads a number; nil where there is none at `offset`, which then stays.
  ///
  /// - Complexity: O(*n*) of the number's digits.
  init?(_ text: Span<UInt8>, at offset: inout Int) {
    range = offset..<offset
    var next = offset
    let end = text.count
    if next < end, text[next] == UInt8(ascii: "-") || text[next] == UInt8(ascii: "+") {
      isNegative = text[next] == UInt8(ascii: "-")
      next += 1
    }
    let first = next
    var start = Self.skipZeros(text, &next)
    addDigits(text, &next)
    digitCount = next - start
    var hasDigits = next > first
    if next < end, text[next] == UInt8(ascii: ".") {
      isInteger = false
      next += 1
      let point = next
      start = digitCount == 0 ? Self.skipZeros(text, &next) : next
      addDigits(text, &next)
      digitCount += next - start
      exponent = point - next
      hasDigits = hasDigits || next > point
    }
    guard hasDigits else { return nil }
    if next < end, text[next] | 0x20 == UInt8(ascii: "e") {
      var mark = next + 1
      var isBelow = false
      if mark < end, text[mark] == UInt8(ascii: "-") || text[mark] == UInt8(ascii: "+") {
        isBelow = text[mark] == UInt8(ascii: "-")
        mark += 1
      }
      let start = mark
      var power = 0
      while mark < end, case let digit = text[mark] &- UInt8(ascii: "0"), digit < 10 {
        power = min(power * 10 + Int(digit), 1_000_000)
        mark += 1
      }
      guard mark > start else { return nil }
      exponent += isBelow ? -power : power
      isInteger = false
      next = mark
    }
    range = offset..<next
    offset = next
  }

  /// Passes zeros over; returns the place of what follows.
  private static func skipZeros(_ text: Span<UInt8>, _ next: inout Int) -> Int {
    while next < text.count, text[next] == UInt8(ascii: "0") { next += 1 }
    return next
  }

  @inline(__always)
  private mutating func addDigits(_ text: Span<UInt8>, _ next: inout Int) {
    while next < text.count, case let digit = text[next] &- UInt8(ascii: "0"), digit < 10 {
      significand = significand &* 10 &+ UInt64(digit)
      next += 1
    }
  }

  /// The number as a whole one, or nil where it is none or does not fit.
  var integer: Int64? {
    guard isInteger, digitCount <= 19 else { return nil }
    return isNegative ? Int64(exactly: 0 - Int128(significand)) : Int64(exactly: significand)
  }

  /// The nearest value of a binary format; ties go to the even one, as IEEE 754 says.
  func value<Value: DecimalConvertible>(in text: Span<UInt8>) -> Value {
    if digitCount == 0 { return isNegative ? -0.0 : 0.0 }
    if digitCount <= 19, let value: Value = nearest() { return isNegative ? -value : value }
    var spelling = ""
    for index in range { spelling.unicodeScalars.append(Unicode.Scalar(text[index])) }
    return Value(spelling) ?? .nan
  }

  /// The nearest value, without its sign, or nil outside of the table and for subnormal results.
  ///
  /// Source: Lemire, Number Parsing at a Gigabyte per Second, Software: Practice and Experience 51 (8), 2021;
  /// Mushtak and Lemire, Fast Number Parsing Without Fallback, 2023.
  private func nearest<Value: DecimalConvertible>() -> Value? {
    guard PowersOfFive.exponents.contains(exponent) else { return nil }
    let power = PowersOfFive.leadingBits(exponent)
    let zeros = significand.leadingZeroBitCount
    let normalized = significand << UInt64(zeros)
    let fractionBits = Value.significandBitCount
    var (high, low) = normalized.multipliedFullWidth(by: UInt64(truncatingIfNeeded: power >> 64))
    let undecided = UInt64.max >> UInt64(fractionBits + 3)
    if high & undecided == undecided {
      let further = normalized.multipliedFullWidth(by: UInt64(truncatingIfNeeded: power)).high
      low = low &+ further
      if further > low { high &+= 1 }
    }
    let upper = Int(high >> 63)
    let shift = UInt64(upper + 64 - fractionBits - 3)
    var fraction = high >> shift
    var binary = (217_706 * exponent) >> 16 + 63 + upper - zeros + Value.exponentBias
    guard binary > 0 else { return nil }
    let isTie =
      low <= 1 && Value.tieExponents.contains(exponent) && fraction & 3 == 1
      && fraction << shift == high
    if isTie { fraction &= ~1 }
    fraction = (fraction + (fraction & 1)) >> 1
    if fraction >= 2 << UInt64(fractionBits) {
      fraction = 1 << UInt64(fractionBits)
      binary += 1
    }
    guard binary < Value.infinityExponent else { return .infinity }
    return Value(exponent: binary, fraction: fraction & ~(1 << UInt64(fractionBits)))
  }
}

/// A binary format that a decimal number can be converted to.
protocol DecimalConvertible: BinaryFloatingPoint, LosslessStringConvertible {
  static var exponentBias: Int { get }
  /// The exponent that infinities have.
  static var infinityExponent: Int { get }
  /// The powers of ten at which a number can lie halfway between two values.
  static var tieExponents: ClosedRange<Int> { get }
  init(exponent: Int, fraction: UInt64)
}

extension Float: DecimalConvertible {
  static var exponentBias: Int { 127 }
  static var infinityExponent: Int { 0xFF }
  static var tieExponents: ClosedRange<Int> { -17...10 }
  init(exponent: Int, fraction: UInt64) {
    self.init(bitPattern: UInt32(exponent) << 23 | UInt32(fraction))
  }
}

extension Double: DecimalConvertible {
  static var exponentBias: Int { 1023 }
  static var infinityExponent: Int { 0x7FF }
  static var tieExponents: ClosedRange<Int> { -4...23 }
  init(exponent: Int, fraction: UInt64) {
    self.init(bitPattern: UInt64(exponent) << 52 | fraction)
  }
}
