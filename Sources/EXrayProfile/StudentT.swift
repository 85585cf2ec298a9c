#if canImport(Darwin)
  import Darwin
#elseif canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// Student's distribution with whole degrees of freedom.
///
/// Source: Abramowitz & Stegun, Handbook of mathematical functions, 1964, 26.7.3 and 26.7.4.
package enum StudentT {
  /// The probability of a value further from 0 than `t`, on either side.
  package static func twoSidedProbability(_ t: Double, degrees: Int) -> Double {
    guard t.isFinite else { return t.isNaN ? 1 : 0 }
    // Beyond 500 the distribution is the normal one for any purpose here, and the sum stays short.
    let degrees = min(max(1, degrees), 500)
    let angle = atan(t.magnitude / Double(degrees).squareRoot())
    let cosine = cos(angle)
    var term = degrees % 2 == 1 ? cosine : 1.0
    var sum = degrees == 1 ? 0 : term
    var index = degrees % 2 == 1 ? 3 : 2
    while index < degrees {
      term *= cosine * cosine * Double(index - 1) / Double(index)
      sum += term
      index += 2
    }
    let inside =
      degrees % 2 == 1 ? 2 / Double.pi * (angle + sin(angle) * sum) : sin(angle) * sum
    return min(max(1 - inside, 0), 1)
  }

  /// The value that is passed with this probability on either side.
  package static func quantile(twoSided probability: Double, degrees: Int) -> Double {
    var low = 0.0
    var high = 1e4
    for _ in 0..<80 {
      let middle = (low + high) / 2
      if twoSidedProbability(middle, degrees: degrees) > probability {
        low = middle
      } else {
        high = middle
      }
    }
    return (low + high) / 2
  }
}

/// Several tests at once.
package enum MultipleTesting {
  /// The probabilities that Holm's step-down procedure gives, in the order given.
  ///
  /// Source: Holm, A simple sequentially rejective multiple test procedure, 1979.
  package static func holm(_ probabilities: [Double]) -> [Double] {
    var adjusted = probabilities
    var largest = 0.0
    let order = probabilities.indices.sorted {
      (probabilities[$0], $0) < (probabilities[$1], $1)
    }
    for (rank, index) in order.enumerated() {
      largest = max(largest, min(1, probabilities[index] * Double(order.count - rank)))
      adjusted[index] = largest
    }
    return adjusted
  }
}
