import EXrayCore
import EXraySound
import EXrayTrace
import EXrayValidation
import Foundation

/// Identifies the recipe that made a model's features from sounds.
struct IdentifySounds: Identifier {
  private let paths: [String]
  private let inputs: ModelInputs
  private let intended: SoundRecipe?
  private let input: TensorDescription

  /// Sounds looked at together, and their values.
  private static let frameLimit = 6
  private static let valueBudget = 8_000_000

  init(_ request: IdentifyRequest) throws {
    intended = try request.intended.map { try SoundRecipe(json: FileAccess.bytes($0), file: $0) }
    paths = try RawKind.sound.files(request.raw)
    inputs = try ModelInputs(paths: request.modelInputs, count: paths.count, kind: .sound)
    let quantization = inputs.elementType.isInteger ? try request.quantization() : nil
    guard !inputs.elementType.isInteger || quantization?.scale != nil else {
      throw PipelineError(
        .unsuitableInput,
        "\(inputs.name): holds \(inputs.elementType.rawValue), and nothing says what its integers stand for; give --model, or --scale and --zero-point"
      )
    }
    input = TensorDescription(
      name: "model input", elementType: inputs.elementType, shape: inputs.shape,
      quantization: quantization)
  }

  func run(observer: (any ProgressObserver)?) throws -> IdentifyReport {
    let step = max(1, (paths.count + Self.frameLimit - 1) / Self.frameLimit)
    var samples: [SoundDetective.Sample] = []
    var valueCount = 0
    for (index, path) in paths.enumerated() {
      observer?.progress("identify", done: index, of: paths.count)
      guard index % step == 0, valueCount < Self.valueBudget || samples.isEmpty else { continue }
      let sound = try WAVFile(
        bytes: FileAccess.bytes(path, limit: WAVFile.byteLimit), file: path)
      valueCount += sound.sampleCount * sound.channelCount
      samples.append(.init(sound: sound, features: try values(index)))
    }
    let found = try detective.explain(samples)
    observer?.progress("identify", done: paths.count, of: paths.count)
    return report(found, searched: samples.count)
  }

  private var detective: SoundDetective {
    let extents = inputs.shape.dimensions.filter { $0 != 1 }
    var storage: SoundDetective.Storage?
    if let scale = input.quantization?.scale, let width = inputs.elementType.bitWidth {
      let name = inputs.elementType.rawValue
      let half = Double(sign: .plus, exponent: width - 1, significand: 1)
      storage = .init(
        scale: Double(scale), zeroPoint: Double(input.quantization?.zeroPoint ?? 0),
        integers: name.hasPrefix("u") ? 0...(2 * half - 1) : -half...(half - 1))
    }
    return SoundDetective(
      intended: intended, shape: extents.count == 2 ? (extents[0], extents[1]) : nil,
      storage: storage)
  }

  private func values(_ index: Int) throws -> [Float] {
    let bytes = try inputs.sampleBytes(index)
    guard let values = unsafe input.realValues(in: bytes.span.bytes) else {
      throw PipelineError(
        .unsuitableInput,
        "\(inputs.name): holds \(inputs.elementType.rawValue), which has no real values; convert it with astype('<f4')"
      )
    }
    return values
  }

  private func report(_ found: SoundExplanation, searched: Int) -> IdentifyReport {
    let recipe =
      found.isExplained ? IdentifyReport.Recipe(json: found.recipe.json()) : nil
    let wanted = intended.map { IdentifyReport.Recipe(json: $0.json()) }
    let verdict: IdentifyReport.Verdict =
      if !found.isExplained {
        .unexplained
      } else if intended != nil {
        found.differences.isEmpty ? .asIntended : .differs
      } else {
        .identified
      }
    return IdentifyReport(
      verdict: verdict, recipe: recipe,
      explainedVariance: found.explainedVariance.isFinite ? found.explainedVariance : 0,
      residualInLSB: found.residualInLSB, intendedResidualInLSB: found.intendedResidualInLSB,
      differences: intended == nil
        ? [] : found.differences.compactMap { difference($0, recipe, wanted) },
      ambiguous: found.ambiguous.map { rival in
        let keys = rival.map(\.key)
        return .init(
          stage: keys.first ?? "none",
          candidates: [Self.words(found.differences), Self.words(rival)],
          reason: "both leave the same rest")
      },
      ruledOut: found.ruledOut.map(\.rawValue), frames: paths.count, searchedFrames: searched,
      words: .init(
        frames: "sounds",
        residualUnit: input.quantization == nil
          ? "of 255 steps of the features' range" : "quantization steps"))
  }

  private func difference(
    _ item: SoundDifference, _ recipe: IdentifyReport.Recipe?, _ wanted: IdentifyReport.Recipe?
  ) -> IdentifyReport.Difference? {
    guard let cause = Cause(known: item.cause.rawValue) else { return nil }
    return IdentifyReport.Difference(
      cause: cause, stage: item.key, found: item.found, intended: item.intended,
      foundLine: recipe?.line(item.key), line: wanted?.line(item.key))
  }

  private static func words(_ differences: [SoundDifference]) -> String {
    differences.isEmpty
      ? "as intended" : differences.map { "\($0.key) \($0.found)" }.joined(separator: ", ")
  }
}
