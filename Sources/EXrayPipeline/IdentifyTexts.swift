import EXrayCore
import EXrayModel
import EXrayText
import EXrayValidation
import Foundation

/// Identifies the recipe that made a model's token ids from sentences.
struct IdentifyTexts: Identifier {
  private let sentences: [String]
  private let inputs: ModelInputs
  private let recipeFile: String
  private let intended: TextRecipe

  /// Bytes of all sentences together, and of one recipe.
  private static let (textLimit, recipeLimit) = (64 << 20, 1 << 20)
  /// No id is beyond ±2⁴⁰; sums of a few of them cannot overflow.
  private static let idLimit = 1 << 40

  init(_ request: IdentifyRequest) throws {
    guard let file = request.intended else {
      throw PipelineError(
        .unsuitableInput,
        "\(request.raw[0]): texts cannot be identified without a vocabulary; name the recipe that has it with --intended"
      )
    }
    guard request.storing == nil else {
      throw PipelineError(
        .unsuitableInput, "\(request.raw[0]): token ids of texts have no scale; leave out --scale")
    }
    recipeFile = file
    var recipe = try TextRecipe(
      json: FileAccess.bytes(file, limit: Self.recipeLimit), file: file)
    if recipe.element == nil, let model = request.model {
      recipe.element = try Self.element(ofInputOf: model)
    }
    intended = recipe
    sentences = try Self.sentences(RawKind.text.files(request.raw))
    inputs = try ModelInputs(
      paths: request.modelInputs, count: sentences.count, kind: .text)
  }

  /// How a model takes its ids.
  private static func element(ofInputOf path: String) throws -> TextRecipe.Element? {
    let graph = try ModelFile(path: path).model.primary
    guard let index = graph.inputs.first, graph.tensors.indices.contains(index) else { return nil }
    return TextRecipe.Element(rawValue: graph.tensors[index].description.elementType.rawValue)
  }

  /// The lines of one file, or whole files.
  private static func sentences(_ paths: [String]) throws -> [String] {
    var rest = textLimit
    var sentences: [String] = []
    for path in paths {
      let bytes = try FileAccess.bytes(path, limit: rest)
      rest -= bytes.count
      let lines = try TextLines(bytes: bytes, file: path, limit: textLimit)
      let texts = (0..<lines.count).map { lines.text($0) }
      if paths.count == 1 {
        sentences = texts
      } else {
        sentences.append(texts.joined(separator: "\n"))
      }
    }
    guard !sentences.isEmpty else {
      throw PipelineError(
        .unsuitableInput, "\(paths[0]): is empty; write one sentence on each line")
    }
    return sentences
  }

  func run(observer: (any ProgressObserver)?) throws -> IdentifyReport {
    guard let element = TextRecipe.Element(rawValue: inputs.elementType.rawValue) else {
      throw unsuitable("holds \(inputs.elementType.rawValue), which are no token ids")
    }
    let vocabulary = try vocabulary()
    observer?.progress("identify", done: 0, of: sentences.count)
    let samples = try sentences.enumerated().map { index, text in
      TextDetective.Sample(text: text, ids: try ids(index))
    }
    let found = try TextDetective(intended: intended, vocabulary: vocabulary)
      .explain(samples, storedAs: element)
    observer?.progress("identify", done: sentences.count, of: sentences.count)
    return report(found)
  }

  private func vocabulary() throws -> Vocabulary {
    let name = intended.vocabulary.file
    let folder = URL(filePath: recipeFile).deletingLastPathComponent()
    let path = name.hasPrefix("/") ? name : folder.appending(path: name).path
    guard FileManager.default.fileExists(atPath: path) else {
      throw PipelineError(
        .unreadable,
        "\(recipeFile), \"vocabulary.file\": there is no \(name) beside the recipe; give its path from the recipe's folder"
      )
    }
    let bytes = try FileAccess.bytes(path, limit: Vocabulary.fileLimit)
    return try Vocabulary(bytes: bytes, format: intended.vocabulary.format, file: path)
  }

  // MARK: Ids

  private func unsuitable(_ problem: String) -> PipelineError {
    PipelineError(
      .unsuitableInput,
      "\(inputs.name): \(problem); save the ids as they reach the model, [N, tokens]")
  }

  /// The ids of one sentence.
  private func ids(_ index: Int) throws -> [Int] {
    let bytes = try inputs.sampleBytes(index)
    let type = inputs.elementType
    let size = (type.bitWidth ?? 8) / 8
    var ids: [Int] = []
    ids.reserveCapacity(bytes.count / size)
    for start in stride(from: 0, to: bytes.count, by: size) {
      let bits = (0..<size).reduce(UInt64(0)) { $0 | UInt64(bytes[start + $1]) << UInt64(8 * $1) }
      guard let id = Self.id(bits, type), abs(id) <= Self.idLimit else {
        throw unsuitable(
          "sentence \(index + 1) has \(Self.words(bits, type)) at position \(ids.count + 1), which is no token id"
        )
      }
      ids.append(id)
    }
    return ids
  }

  private static func id(_ bits: UInt64, _ type: ElementType) -> Int? {
    switch type {
    case .int8: Int(Int8(truncatingIfNeeded: bits))
    case .int16: Int(Int16(truncatingIfNeeded: bits))
    case .int32: Int(Int32(truncatingIfNeeded: bits))
    case .int64: Int(exactly: Int64(truncatingIfNeeded: bits)).flatMap { $0 == .min ? nil : $0 }
    case .uint8, .uint16, .uint32, .uint64: Int(exactly: bits)
    default: number(bits, type).flatMap { Int(exactly: $0) }.flatMap { $0 == .min ? nil : $0 }
    }
  }

  private static func number(_ bits: UInt64, _ type: ElementType) -> Double? {
    switch type {
    case .float16: Double(Float(Float16(bitPattern: UInt16(truncatingIfNeeded: bits))))
    case .float32: Double(Float(bitPattern: UInt32(truncatingIfNeeded: bits)))
    case .float64: Double(bitPattern: bits)
    default: nil
    }
  }

  private static func words(_ bits: UInt64, _ type: ElementType) -> String {
    if let number = number(bits, type) { return "\(number)" }
    return type == .int64 ? "\(Int64(truncatingIfNeeded: bits))" : "\(bits)"
  }

  // MARK: The report

  private func report(_ found: TextExplanation) -> IdentifyReport {
    let recipe = found.recipe.map { IdentifyReport.Recipe(json: $0.json()) }
    let wanted = IdentifyReport.Recipe(json: intended.json())
    return IdentifyReport(
      verdict: recipe == nil ? .unexplained : found.differences.isEmpty ? .asIntended : .differs,
      recipe: recipe, explainedVariance: found.explainedShare, residualInLSB: nil,
      intendedResidualInLSB: nil,
      differences: found.differences.compactMap { item in
        Cause(known: item.cause.rawValue).map { cause in
          IdentifyReport.Difference(
            cause: cause, stage: item.stage, found: item.found, intended: item.intended,
            foundLine: recipe?.line(item.stage), line: wanted.line(item.stage))
        }
      },
      ambiguous: found.ambiguous.map {
        .init(stage: $0.stage, candidates: $0.candidates, reason: $0.reason)
      },
      ruledOut: found.ruledOut, frames: sentences.count, searchedFrames: found.searchedCount,
      words: .init(
        frames: "sentences", residualUnit: "", explained: "explained share of token positions"))
  }
}
