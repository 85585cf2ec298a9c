/// The 128 leading bits of powers of five, by which a decimal number becomes binary.
///
/// Powers from 0 on are truncated; of the negative ones, those that Lemire's proof wants so are rounded up.
enum PowersOfFive {
  /// The exponents in the table; float32 values with 17 digits lie within.
  static let exponents = -64...64

  /// The leading bits of 5^exponent.
  static func leadingBits(_ exponent: Int) -> UInt128 { table[exponent - exponents.lowerBound] }

  private static let table: [UInt128] = {
    var positive: [UInt128] = []
    var number = Wide(bit: 0)
    for _ in 0...exponents.upperBound {
      positive.append(number.leadingBits)
      number.multiply(by: 5)
    }
    var negative: [UInt128] = []
    var reciprocal = Wide(bit: 511)
    for exponent in 1...(-exponents.lowerBound) {
      reciprocal.divide(by: 5)
      negative.append(reciprocal.leadingBits + (exponent <= 27 ? 1 : 0))
    }
    return negative.reversed() + positive
  }()

  /// A number of 512 bits; enough for 5^64, and for 128 exact bits of 2^511 / 5^64.
  private struct Wide {
    /// The least significant first.
    var limbs = [UInt64](repeating: 0, count: 8)

    init(bit: Int) { limbs[bit / 64] = 1 << UInt64(bit % 64) }

    mutating func multiply(by factor: UInt64) {
      var carry: UInt64 = 0
      for index in limbs.indices {
        let product = limbs[index].multipliedFullWidth(by: factor)
        let (sum, overflow) = product.low.addingReportingOverflow(carry)
        limbs[index] = sum
        carry = product.high + (overflow ? 1 : 0)
      }
    }

    mutating func divide(by divisor: UInt64) {
      var remainder: UInt64 = 0
      for index in limbs.indices.reversed() {
        let step = divisor.dividingFullWidth((remainder, limbs[index]))
        limbs[index] = step.quotient
        remainder = step.remainder
      }
    }

    /// The 128 bits from the highest set bit on; zeros follow where there are fewer.
    var leadingBits: UInt128 {
      guard let top = limbs.lastIndex(where: { $0 != 0 }) else { return 0 }
      func limb(_ index: Int) -> UInt128 { index < 0 ? 0 : UInt128(limbs[index]) }
      let shift = UInt128(limbs[top].leadingZeroBitCount)
      let high = limb(top) << 64 | limb(top - 1)
      return shift == 0 ? high : high << shift | limb(top - 2) >> (64 - shift)
    }
  }
}
