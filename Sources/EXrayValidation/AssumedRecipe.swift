public import EXrayCore
public import EXrayPreprocess

extension RecipeSearch {
  /// The recipe to reason with where inputs came as tensors and nobody says how they were made.
  ///
  /// The memory order follows from where the 1 or 3 channels are; the normalisation is the known one
  /// with the smallest range that holds the reference's values.
  ///
  /// - Returns: nil where the input is no picture.
  public static func assumedRecipe(
    for input: TensorDescription, references: [[Float]]
  ) -> Recipe? {
    let dimensions = input.shape.dimensions
    guard dimensions.count == 4, dimensions[0] == 1 else { return nil }
    let isChannelCount: (Int) -> Bool = { $0 == 1 || $0 == 3 }
    guard isChannelCount(dimensions[3]) || isChannelCount(dimensions[1]) else { return nil }
    let isInterleaved = isChannelCount(dimensions[3])
    let values = references.joined().filter(\.isFinite)
    guard let low = values.min(), let high = values.max() else { return nil }
    let normalize: Recipe.Normalize
    if low >= -0.01, high <= 1.01 {
      normalize = .zeroToOne
    } else if low >= -1.01, high <= 1.01 {
      normalize = .minusOneToOne
    } else if low >= -0.5, high <= 255.5 {
      normalize = .none
    } else {
      let std = (high - low) / 255
      normalize = Recipe.Normalize(mean: [-low / std], std: [std])
    }
    let channels = isInterleaved ? dimensions[3] : dimensions[1]
    return Recipe(
      resize: .init(
        width: isInterleaved ? dimensions[2] : dimensions[3],
        height: isInterleaved ? dimensions[1] : dimensions[2]),
      color: channels == 1 ? .gray : .rgb, layout: isInterleaved ? .nhwc : .nchw,
      normalize: normalize)
  }
}
