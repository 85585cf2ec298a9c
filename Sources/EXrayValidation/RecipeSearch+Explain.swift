public import EXrayCore
public import EXrayPreprocess

// How a candidate's inputs depart from a reference's: the search with what two runs tell.
extension RecipeSearch {
  /// One frame of two runs.
  public struct Sample: Sendable {
    /// What messages call it.
    public var name: String
    /// The candidate's model input as real values, in memory order.
    public var candidate: [Float]
    /// The reference's model input as real values, in memory order.
    public var reference: [Float]
    /// The raw picture; nil where only the two model inputs are known.
    public var raw: RawPicture?

    /// Creates a sample.
    public init(name: String, candidate: [Float], reference: [Float], raw: RawPicture? = nil) {
      self.name = name
      self.candidate = candidate
      self.reference = reference
      self.raw = raw
    }
  }

  /// A picture before it is decoded.
  public struct RawPicture: Sendable {
    /// Decodes it; nil where it cannot be.
    public var decode: @Sendable (Recipe.Decode) -> Picture?
    /// Whether it may have transparency.
    public var hasAlpha: Bool
    /// Whether it is a camera's frame, for which `decode.yuv` counts.
    public var isCameraFrame: Bool

    /// Creates a raw picture.
    public init(
      hasAlpha: Bool = false, isCameraFrame: Bool = false,
      decode: @escaping @Sendable (Recipe.Decode) -> Picture?
    ) {
      self.decode = decode
      self.hasAlpha = hasAlpha
      self.isCameraFrame = isCameraFrame
    }
  }

  /// Decoded pictures of a search hold at most this many pixels together, the first aside.
  private static let pixelBudget = 24_000_000

  /// Explains the candidate's inputs: from the raw pictures, or where there are none from the reference's inputs.
  ///
  /// - Parameters:
  ///   - samples: A few frames in which the inputs differ.
  ///   - hints: Recipes worth trying as a whole, such as the one that the candidate declares.
  /// - Returns: What departs from the intended recipe; ``Explanation/isExplained`` is false where nothing explains the
  ///   inputs.
  public func explain(_ samples: [Sample], hints: [Recipe] = []) -> Explanation {
    let count = width * height * channels
    let usable = samples.filter { $0.candidate.count == count && $0.reference.count == count }
    guard !usable.isEmpty else {
      let nothing = Identification(ruledOut: ["no input has the size of the model's"])
      return Explanation(nothing, samples: 0, hadPictures: false)
    }
    let pictured = withPictures(usable)
    guard !pictured.isEmpty else {
      return Explanation(identifyPairs(usable), samples: usable.count, hadPictures: false)
    }
    let frames = pictured.map { frame($0.sample.candidate, of: $0.sample, $0.picture) }
    let isCamera = pictured.allSatisfy { $0.sample.raw?.isCameraFrame == true }
    var found = identify(frames, areCameraFrames: isCamera, hints: hints.map(completed))
    if !found.isExplained {
      // What both runs do to a picture and no recipe can say leaves the two inputs alike.
      var pairs = identifyPairs(usable)
      if pairs.isExplained {
        pairs.ruledOut = found.ruledOut
        return Explanation(pairs, samples: usable.count, hadPictures: false)
      }
    }
    if found.isExplained, found.differences.isEmpty {
      found.differences.append(
        .init(
          cause: .decode, stage: "decode",
          found: "levels that differ by \(decimal(Float(found.residualInLSB), significant: 2))",
          intended: "the reference's decoder"))
    }
    return Explanation(found, samples: frames.count, hadPictures: true)
  }

  /// The recipe to reason with where nobody says how the reference's inputs were made: the one that its raw pictures
  /// show, else the least that the values allow.
  ///
  /// - Parameter input: The reference's model input.
  /// - Returns: nil where the input is no picture.
  public static func recipeOfReference(_ samples: [Sample], input: TensorDescription) -> Recipe? {
    if let search = RecipeSearch(intended: nil, input: input) {
      let count = search.width * search.height * search.channels
      let pictured = search.withPictures(samples.filter { $0.reference.count == count })
      let frames = pictured.map { search.frame($0.sample.reference, of: $0.sample, $0.picture) }
      let isCamera = pictured.allSatisfy { $0.sample.raw?.isCameraFrame == true }
      if !frames.isEmpty,
        let recipe = search.identify(frames, areCameraFrames: isCamera, hints: []).recipe
      {
        return recipe
      }
    }
    return assumedRecipe(for: input, references: samples.map(\.reference))
  }

  // MARK: Frames

  /// The samples whose raw picture can be decoded, with the picture.
  private func withPictures(_ samples: [Sample]) -> [(sample: Sample, picture: Picture)] {
    var found: [(sample: Sample, picture: Picture)] = []
    var pixels = 0
    for sample in samples where pixels < Self.pixelBudget {
      guard let picture = sample.raw?.decode(base.decode) else { continue }
      pixels += picture.width * picture.height
      found.append((sample, picture))
    }
    return found
  }

  private func frame(_ values: [Float], of sample: Sample, _ picture: Picture) -> Frame {
    Frame(
      name: sample.name, picture: picture, values: values,
      valuesOfOtherSign: withOtherSign(values), decode: sample.raw?.decode,
      hasAlpha: sample.raw?.hasAlpha ?? false)
  }

  /// The values with the sign bit of every stored byte the other way; empty for other types than int8 and uint8.
  func withOtherSign(_ values: [Float]) -> [Float] {
    guard input.elementType == .int8 || input.elementType == .uint8,
      let bytes = try? input.storedBytes(for: values)
    else { return [] }
    let others = bytes.map { $0 ^ 0x80 }
    return unsafe input.realValues(in: others.span.bytes) ?? []
  }

  // MARK: From raw pictures

  private func identify(
    _ frames: [Frame], areCameraFrames: Bool, hints: [Recipe]
  ) -> Identification {
    var best = identify(frames)
    if areCameraFrames { best = identifyCameraFrames(frames, best) }
    guard let hinted = identify(hints: hints, frames), hinted.isExplained,
      !best.isExplained || !isEqual(best.residualInLSB, hinted.residualInLSB)
    else { return best }
    return hinted
  }

  /// Tries the colour matrices and ranges that the intended recipe does not name.
  private func identifyCameraFrames(
    _ frames: [Frame], _ first: Identification
  ) -> Identification {
    var best = first
    for yuv in Recipe.Decode.YUV.allCases where yuv != base.decode.yuv {
      guard !best.isExplained || best.residualInLSB > 0.35 else { break }
      var other = self
      other.base.decode.yuv = yuv
      let decoded = frames.compactMap { frame -> Frame? in
        guard let picture = frame.decode?(other.base.decode) else { return nil }
        var frame = frame
        frame.picture = picture
        return frame
      }
      guard decoded.count == frames.count else { continue }
      var found = other.identify(decoded)
      guard found.isExplained,
        !best.isExplained || found.residualInLSB < 0.6 * best.residualInLSB
      else { continue }
      if intended != nil {
        found.intendedResidualInLSB = first.intendedResidualInLSB
        found.differences.insert(
          .init(
            cause: .decode, stage: "decode", found: "YUV frames read as \(yuv.rawValue)",
            intended: base.decode.yuv.rawValue), at: 0)
      }
      best = found
    }
    return best
  }

  // MARK: Hints

  /// Tries hints as a whole, and then without each stage in which they depart from the intended recipe.
  private func identify(hints: [Recipe], _ frames: [Frame]) -> Identification? {
    let chains = hints.map(chain)
    guard !chains.isEmpty else { return nil }
    var trials = ExactTrials(self, frames)
    _ = trials.run(baseChain)
    for start in chains {
      guard var kept = trials.run(start) else { continue }
      for stage in Self.stages {
        var simpler = kept.chain
        stage(&simpler, baseChain)
        if let trial = trials.run(simpler), isEqual(trial.residual, kept.residual) { kept = trial }
      }
    }
    return describe(trials, tried: (0, []), frames: frames)
  }

  /// What sets one stage of a chain as another has it.
  private static var stages: [(inout Chain, Chain) -> Void] {
    [
      { $0.decode = $1.decode }, { $0.orient = $1.orient }, { $0.crop = $1.crop },
      { ($0.method, $0.precision) = ($1.method, $1.precision) }, { $0.color = $1.color },
      { $0.reading = $1.reading },
    ]
  }

  /// A recipe's stages before the normalisation.
  private func chain(_ recipe: Recipe) -> Chain {
    var other = self
    other.base = recipe
    return other.baseChain
  }
}
