#if canImport(Darwin)
  import Darwin
#elseif canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// Numbers as text, the same on every machine: no locale, a point for decimals.
enum NumberText {
  /// Stands where a number does not exist.
  static let absent = "–"

  /// The number with exactly `digits` decimals, halves rounded away from zero.
  static func fixed(_ value: Double?, _ digits: Int) -> String {
    guard let value, value.isFinite else { return absent }
    var power = 1.0
    for _ in 0..<digits { power *= 10 }
    let scaled = (value.magnitude * power).rounded()
    guard scaled < 1e15 else { return scientific(value) }
    let whole = Int(scaled)
    let unit = Int(power)
    let sign = value < 0 && whole != 0 ? "-" : ""
    guard digits > 0 else { return sign + whole.description }
    let fraction = (whole % unit).description
    let padding = String(repeating: "0", count: digits - fraction.count)
    return "\(sign)\(whole / unit).\(padding)\(fraction)"
  }

  /// The number with about `digits` significant digits: `0.0123`, `12.3`, `1230`, `1.2e-7`.
  static func significant(_ value: Double?, _ digits: Int = 3) -> String {
    guard let value, value.isFinite else { return absent }
    if value == 0 { return "0" }
    let magnitude = Int(decimalLogarithm(value.magnitude).rounded(.down))
    if magnitude < -4 || magnitude > 6 { return scientific(value) }
    return fixed(value, max(0, digits - 1 - magnitude))
  }

  /// The number with one decimal and a power of ten; shortest digits where the power cannot be represented.
  private static func scientific(_ value: Double) -> String {
    let magnitude = Int(decimalLogarithm(value.magnitude).rounded(.down))
    let power = tenTo(magnitude)
    guard power.isNormal else { return value.description }
    return "\(fixed(value / power, 1))e\(magnitude)"
  }

  /// A fraction in percent (`72.0 %`, with a no-break space).
  static func percent(_ fraction: Double?, _ digits: Int = 1) -> String {
    guard let fraction, fraction.isFinite else { return absent }
    return fixed(fraction * 100, digits) + "\u{a0}%"
  }

  /// The number with its sign (`+0.07`, `−0.07`), with a true minus.
  static func signed(_ value: Double?, _ digits: Int) -> String {
    guard let value, value.isFinite else { return absent }
    let text = fixed(value.magnitude, digits)
    let isZero = !text.contains { $0 != "0" && $0 != "." }
    return isZero ? "±" + text : (value < 0 ? "−" : "+") + text
  }

  /// A duration in the unit that reads best (`850 ns`, `12.3 ms`, `1.20 s`).
  static func duration(nanoseconds: UInt64) -> String {
    let value = Double(nanoseconds)
    if value < 1_000 { return "\(nanoseconds)\u{a0}ns" }
    if value < 999_500 { return significant(value / 1_000) + "\u{a0}µs" }
    if value < 999_500_000 { return significant(value / 1_000_000) + "\u{a0}ms" }
    return significant(value / 1_000_000_000) + "\u{a0}s"
  }

  /// A coordinate of a drawing: at most two decimals, none where they are zero.
  static func coordinate(_ value: Double) -> String {
    guard value.isFinite else { return "0" }
    var text = fixed(min(max(value, -1e6), 1e6), 2)
    while text.hasSuffix("0") { text.removeLast() }
    if text.hasSuffix(".") { text.removeLast() }
    return text
  }

  /// The decimal logarithm.
  static func decimalLogarithm(_ value: Double) -> Double { log10(value) }

  /// Ten to a whole power.
  static func tenTo(_ exponent: Int) -> Double { pow(10, Double(exponent)) }
}
