#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Android)
  import Android
#else
  import Darwin
#endif

/// log₁₀ of a positive number.
func decimalLogarithm(_ value: Double) -> Double { log10(value) }

/// Ten to the power of a number.
func powerOfTen(_ exponent: Double) -> Double { pow(10, exponent) }

/// Interval of a proportion that holds the true value in 95 % of cases.
///
/// Source: Wilson, Probable inference, the law of succession, and statistical inference, 1927.
///
/// - Returns: Lower and upper bound; 0 and 1 where there are no trials.
func wilsonInterval(successes: Int, trials: Int) -> [Double] {
  guard trials > 0 else { return [0, 1] }
  let z = 1.959963984540054
  let n = Double(trials)
  let p = Double(successes) / n
  let centre = (p + z * z / (2 * n)) / (1 + z * z / n)
  let half = z / (1 + z * z / n) * (p * (1 - p) / n + z * z / (4 * n * n)).squareRoot()
  return [max(0, centre - half), min(1, centre + half)]
}

/// Two-sided exact McNemar test of paired yes/no results.
///
/// Source: McNemar, Note on the sampling error of the difference between correlated proportions, 1947;
/// exact binomial form.
///
/// - Parameters:
///   - onlyFirst: Pairs in which only the first is right.
///   - onlySecond: Pairs in which only the second is right.
/// - Returns: The probability of a split at least as uneven, were both equally likely to be right.
func mcNemarPValue(onlyFirst: Int, onlySecond: Int) -> Double {
  let discordant = onlyFirst + onlySecond
  guard discordant > 0 else { return 1 }
  let fewer = min(onlyFirst, onlySecond)
  var tail = 0.0
  for k in 0...fewer {
    let logBinomial =
      lgamma(Double(discordant + 1)) - lgamma(Double(k + 1)) - lgamma(Double(discordant - k + 1))
    tail += exp(logBinomial - Double(discordant) * log(2))
  }
  return min(1, 2 * tail)
}
