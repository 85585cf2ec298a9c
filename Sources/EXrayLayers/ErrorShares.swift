/// How much of the final error each stretch of a model adds.
///
/// The reference is cut at places in its order of execution; what lies before a cut is taken from the candidate. The
/// outputs y₀ (all reference) … yₙ (all candidate) telescope: with e = yₙ − y₀, stretch k's share is
/// ⟨yₖ − yₖ₋₁, e⟩ / ⟨e, e⟩, and the shares sum to 1.
public struct ErrorShares: Sendable, Hashable {
  /// ⟨yₖ − y₀, e⟩, one a cut, summed over frames.
  private var products: [Double]
  private var energy = 0.0

  /// Shares of the stretches between so many cuts; the last cut is the candidate itself.
  public init(cutCount: Int) { products = [Double](repeating: 0, count: cutCount) }

  /// Adds one frame's outputs at one cut; every frame must be added at every cut.
  ///
  /// - Parameters:
  ///   - output: yₖ, all outputs one after the other.
  ///   - first: y₀.
  ///   - last: yₙ.
  public mutating func add(cut: Int, output: [Float], first: [Float], last: [Float]) {
    var product = 0.0
    var square = 0.0
    for index in 0..<min(output.count, first.count, last.count) {
      let error = Double(last[index]) - Double(first[index])
      let step = Double(output[index]) - Double(first[index])
      guard error.isFinite, step.isFinite else { continue }
      product += step * error
      square += error * error
    }
    products[cut] += product
    if cut == products.count - 1 { energy += square }
  }

  /// The share of each stretch that ends at a cut; nil where there is no error to share.
  public var shares: [Double]? {
    guard energy > 0 else { return nil }
    var before = 0.0
    return products.map { product in
      defer { before = product }
      return (product - before) / energy
    }
  }
}
