import EXrayCore
import EXrayModel
import EXrayPreprocess
import EXrayTrace
import EXrayValidation
import Foundation

/// Identifies the recipe that made a model's inputs from pictures.
struct IdentifyPictures: Identifier {
  private let items: InputList
  private let inputs: ModelInputs
  private let intended: Recipe?
  private let input: TensorDescription

  /// Pictures looked at together, and their pixels.
  private static let frameLimit = 6
  private static let pixelBudget = 24_000_000

  init(_ request: IdentifyRequest) throws {
    intended = try request.intended.map { try Recipe(json: FileAccess.bytes($0), file: $0) }
    items = try InputList(paths: request.raw)
    inputs = try ModelInputs(
      paths: request.modelInputs, count: items.items.count, kind: .picture)
    let quantization = try request.quantization()
    var values = TensorDescription(
      name: "model input", elementType: inputs.elementType, shape: inputs.shape,
      quantization: inputs.elementType.isInteger ? quantization : nil)
    if inputs.elementType.isInteger, values.quantization?.scale == nil {
      values.quantization = Self.standardQuantization(values, intended)
    }
    input = values
  }

  /// Integers that are levels: 0 to 255 as uint8, −128 to 127 as int8, in the intended normalisation's values.
  private static func standardQuantization(
    _ input: TensorDescription, _ intended: Recipe?
  ) -> Quantization? {
    let normalize = intended?.normalize ?? .none
    let std = normalize.std(channel: 0) * normalize.divisor
    let zero = (normalize.mean(channel: 0) * normalize.divisor).rounded()
    guard input.elementType.bitWidth == 8, std.isFinite, std > 0, abs(zero) < 1e6 else {
      return nil
    }
    let shift: Float = input.elementType == .int8 ? 128 : 0
    return Quantization(scales: [1 / std], zeroPoints: [Int64(zero - shift)])
  }

  func run(observer: (any ProgressObserver)?) throws -> IdentifyReport {
    guard let search = RecipeSearch(intended: intended, input: input) else {
      throw PipelineError(
        .unsuitableInput,
        "\(inputs.name): an array of shape \(inputs.shape) is no picture of 1 or 3 channels; give [N, H, W, C] or [N, C, H, W]"
      )
    }
    if let intended { try check(intended) }
    let options = intended?.decode ?? .init()
    let count = items.items.count
    // Frames spread over all; a few tell as much as many, and the others are not read.
    let step = max(1, (count + Self.frameLimit - 1) / Self.frameLimit)
    var frames: [RecipeSearch.Frame] = []
    var pixels = 0
    for (index, item) in items.items.enumerated() {
      observer?.progress("identify", done: index, of: count)
      guard index % step == 0, pixels < Self.pixelBudget || frames.isEmpty else { continue }
      let frame = try frame(index, item, options)
      pixels += frame.picture.width * frame.picture.height
      frames.append(frame)
    }
    let identification = search.identify(frames)
    observer?.progress("identify", done: count, of: count)
    return Self.report(
      identification, intended: intended.map { search.completed($0) }, frames: count,
      searched: frames.count)
  }

  private func frame(
    _ index: Int, _ item: InputList.Item, _ options: Recipe.Decode
  ) throws -> RecipeSearch.Frame {
    guard case .picture = item.source else {
      throw PipelineError(
        .unsuitableInput, "\(items.place(of: item)): is no picture; give JPEG or PNG files to --raw"
      )
    }
    let raw = try items.raw(item)
    let place = items.place(of: item)
    let picture = try unsafe Picture.decode(raw.bytes.span.bytes, file: place, options: options)
    let bytes = try inputs.sampleBytes(index)
    func values(_ bytes: [UInt8]) throws -> [Float] {
      guard let values = unsafe input.realValues(in: bytes.span.bytes) else {
        throw PipelineError(
          .unsuitableInput,
          "\(inputs.name): holds \(inputs.elementType.rawValue), which has no real values; convert it with astype('<f4')"
        )
      }
      return values
    }
    let isByte = inputs.elementType == .int8 || inputs.elementType == .uint8
    let isJPEG = raw.bytes.starts(with: [0xFF, 0xD8])
    let decode: @Sendable (Recipe.Decode) -> Picture? = { options in
      try? unsafe Picture.decode(raw.bytes.span.bytes, file: place, options: options)
    }
    return RecipeSearch.Frame(
      name: item.name, picture: picture, values: try values(bytes),
      valuesOfOtherSign: isByte ? try values(bytes.map { $0 ^ 0x80 }) : [], decode: decode,
      hasAlpha: !isJPEG)
  }

  /// Refuses an intended recipe of another size than the arrays.
  private func check(_ recipe: Recipe) throws {
    let extents = input.shape.dimensions
    for (key, wanted) in [("width", recipe.resize.width), ("height", recipe.resize.height)] {
      if let wanted, !extents.contains(wanted) {
        throw PipelineError(
          .unsuitableInput,
          "the intended recipe's \"resize.\(key)\" is \(wanted), the model inputs have the shape \(inputs.shape); give the arrays that this recipe makes"
        )
      }
    }
  }

  private static func report(
    _ found: Identification, intended: Recipe?, frames: Int, searched: Int
  ) -> IdentifyReport {
    let recipe = found.recipe.map { IdentifyReport.Recipe(json: $0.json()) }
    let wanted = intended.map { IdentifyReport.Recipe(json: $0.json()) }
    let meaning: Set<String> = ["color", "orient", "layout"]
    let verdict: IdentifyReport.Verdict =
      if found.recipe == nil {
        .unexplained
      } else if intended != nil {
        found.differences.isEmpty ? .asIntended : .differs
      } else {
        found.ambiguous.contains { meaning.contains($0.stage) } ? .ambiguous : .identified
      }
    return IdentifyReport(
      verdict: verdict, recipe: recipe, explainedVariance: found.explainedVariance,
      residualInLSB: found.residualInLSB.isFinite ? found.residualInLSB : nil,
      intendedResidualInLSB: found.intendedResidualInLSB.flatMap { $0.isFinite ? $0 : nil },
      differences: found.differences.map { item in
        IdentifyReport.Difference(
          cause: item.cause, stage: item.stage, found: item.found, intended: item.intended,
          foundLine: recipe?.line(item.stage), line: wanted?.line(item.stage))
      },
      ambiguous: found.ambiguous, ruledOut: found.ruledOut, frames: frames,
      searchedFrames: searched,
      words: .init(frames: "pictures", residualUnit: "levels of 255"))
  }
}
