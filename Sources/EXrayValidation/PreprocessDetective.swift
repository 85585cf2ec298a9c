public import EXrayCore
public import EXrayPreprocess

/// Finds the preprocessing that really made a model's input, and how it departs from the intended recipe.
///
/// Every hypothesis is a recipe. Stages that change the meaning of levels (normalisation) are fitted by
/// least squares; the others (orientation, crop, interpolation, colours, memory order) are tried, the simple
/// departures before the compound ones, and a further departure is accepted only where it explains clearly more.
public struct PreprocessDetective: Sendable {
  /// What is known of one frame.
  public struct Sample: Sendable {
    /// The decoded raw picture, or nil where only the two model inputs are known.
    public var picture: Picture?
    /// The candidate's model input as real values, in memory order.
    public var candidate: [Float]
    /// The reference's model input as real values, in memory order.
    public var reference: [Float]

    /// Creates a sample.
    public init(picture: Picture?, candidate: [Float], reference: [Float]) {
      self.picture = picture
      self.candidate = candidate
      self.reference = reference
    }
  }

  let intended: Recipe
  private let hints: [Recipe]
  let input: TensorDescription
  let geometry: TargetGeometry

  /// Creates a detective, or nil where the input is no picture.
  ///
  /// - Parameters:
  ///   - intended: The recipe that should have been used, resolved for the model's input.
  ///   - input: The candidate's model input.
  ///   - hints: Recipes whose stages are worth trying, such as the one the candidate declares.
  public init?(intended: Recipe, input: TensorDescription, hints: [Recipe] = []) {
    guard let geometry = TargetGeometry(recipe: intended, input: input) else { return nil }
    self.intended = intended
    self.hints = hints
    self.input = input
    self.geometry = geometry
  }

  /// Explains the candidate's inputs.
  ///
  /// - Returns: The best hypothesis, with no differences where the intended recipe explains the inputs;
  ///   ``Explanation/isExplained`` is false where nothing does.
  public func explain(_ samples: [Sample]) -> Explanation {
    let usable = samples.filter {
      $0.candidate.count == geometry.elementCount && $0.reference.count == geometry.elementCount
    }
    var search = Search(
      geometry: geometry, intended: intended, samples: usable,
      range: input.representableRange,
      step: input.elementType.isInteger ? input.quantization?.scale ?? 0 : 0)
    guard !usable.isEmpty else { return .unexplained(samples: 0) }
    let tried = search.run(
      crops: unique([intended.crop] + hints.map(\.crop) + Self.commonCrops(geometry)),
      methods: unique(
        [intended.resize.method] + hints.map(\.resize.method) + Recipe.Resize.Method.allCases))
    guard let best = Self.simplest(tried) else { return .unexplained(samples: usable.count) }
    return describe(best, samples: usable, search: search)
  }

  /// The hypothesis to believe: the best with one departure more replaces a simpler one only where it
  /// leaves less than three fifths of its residual.
  private static func simplest(_ tried: [Hypothesis]) -> Hypothesis? {
    let byComplexity = Dictionary(grouping: tried) { $0.departures.count }
    var chosen: Hypothesis?
    for complexity in byComplexity.keys.sorted() {
      guard let best = byComplexity[complexity]?.min(by: { $0.residual < $1.residual }) else {
        continue
      }
      if let current = chosen {
        let extra = Float(complexity - current.departures.count)
        if best.residual < current.residual * (1 - 0.4 * min(extra, 2)) - 0.12 * extra {
          chosen = best
        }
      } else {
        chosen = best
      }
    }
    return chosen
  }

  private static func commonCrops(_ geometry: TargetGeometry) -> [Recipe.Crop] {
    var crops: [Recipe.Crop] = [.none, .letterbox]
    crops += [1, 0.875, 0.75, 0.8, 0.9, 0.95].map { .centerFraction($0) }
    crops.append(.centerPixels(width: geometry.width, height: geometry.height))
    return crops
  }

  private func unique<Element: Hashable>(_ elements: [Element]) -> [Element] {
    var seen: Set<Element> = []
    return elements.filter { seen.insert($0).inserted }
  }
}

/// Where the values of a picture lie in the model's input tensor.
struct TargetGeometry: Sendable {
  var width: Int
  var height: Int
  var channels: Int
  /// Whether the intended memory order keeps all channels of a pixel together.
  var isInterleaved: Bool

  var elementCount: Int { width * height * channels }

  init?(recipe: Recipe, input: TensorDescription) {
    let dimensions = input.shape.dimensions
    guard dimensions.count == 4, dimensions[0] == 1, recipe.layout != .chwAsHWC else { return nil }
    isInterleaved = recipe.layout == .nhwc
    let extents = isInterleaved ? [1, 2, 3] : [2, 3, 1]
    height = dimensions[extents[0]]
    width = dimensions[extents[1]]
    channels = dimensions[extents[2]]
    guard width > 0, height > 0, channels == 1 || channels == 3 else { return nil }
  }

  /// Index in the tensor of channel `channel` at (x, y).
  @inline(__always)
  func index(x: Int, y: Int, channel: Int, interleaved: Bool) -> Int {
    interleaved
      ? (y * width + x) * channels + channel : (channel * height + y) * width + x
  }
}
