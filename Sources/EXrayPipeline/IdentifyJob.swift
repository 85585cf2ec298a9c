import EXrayCore
import EXrayModel
public import EXrayPreprocess
import EXrayTrace
import EXrayValidation
import Foundation

/// Identifies the recipe that made a model's inputs from raw pictures.
public struct IdentifyJob {
  /// How integers in the arrays stand for real values.
  public struct Storing: Sendable {
    /// Real value of one step.
    public var scale: Float
    /// The integer that stands for 0.
    public var zeroPoint: Int64

    /// Creates the numbers that a quantized input has.
    public init(scale: Float, zeroPoint: Int64) {
      self.scale = scale
      self.zeroPoint = zeroPoint
    }
  }

  private let items: InputList
  private let inputs: ModelInputs
  private let intended: Recipe?
  private let input: TensorDescription

  /// Pictures looked at together, and their pixels.
  private static let frameLimit = 6
  private static let pixelBudget = 24_000_000

  /// Creates a job.
  ///
  /// - Parameters:
  ///   - raw: Pictures or folders of pictures.
  ///   - modelInputs: Paths of `.npy` arrays: one with a sample a picture, or one a picture.
  ///   - intended: The recipe that should have been used.
  ///   - model: A model whose input says how integers stand for real values.
  ///   - storing: The same by hand; it wins over the model.
  public init(
    raw: [String], modelInputs: [String], intended: Recipe?, model: String?, storing: Storing?
  ) throws {
    items = try InputList(paths: raw, option: "--raw")
    inputs = try ModelInputs(paths: modelInputs, count: items.items.count)
    var quantization = storing.map { Quantization(scales: [$0.scale], zeroPoints: [$0.zeroPoint]) }
    if let model, quantization == nil {
      let file = try ModelFile(path: model)
      let tensor = file.model.primary.inputs.first.flatMap { index in
        file.model.primary.tensors.indices.contains(index)
          ? file.model.primary.tensors[index].description : nil
      }
      quantization = tensor?.quantization
    }
    var values = TensorDescription(
      name: "model input", elementType: inputs.elementType, shape: inputs.shape,
      quantization: inputs.elementType.isInteger ? quantization : nil)
    if inputs.elementType.isInteger, values.quantization?.scale == nil {
      values.quantization = Self.standardQuantization(values, intended)
    }
    input = values
    self.intended = intended
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

  /// Looks at the pictures and says how the inputs were made.
  public func run(observer: (any ProgressObserver)?) throws -> IdentifyReport {
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
    return IdentifyReport(
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
}

/// The arrays that hold one model input a picture.
private struct ModelInputs {
  /// What messages call them.
  let name: String
  let elementType: ElementType
  /// The shape of one input, with a batch of 1.
  let shape: Shape
  private let files: [NPYFile]
  private let isOneAPicture: Bool

  init(paths: [String], count: Int) throws {
    files = try paths.map { try NPYFile(bytes: FileAccess.bytes($0), file: $0) }
    guard let first = files.first else {
      throw PipelineError(.unsuitableInput, "no model inputs; name .npy files with --model-input")
    }
    name = first.file
    elementType = first.elementType
    for file in files {
      guard file.shape == first.shape, file.elementType == first.elementType else {
        throw PipelineError(
          .unsuitableInput,
          "\(file.file): holds \(file.elementType.rawValue) \(file.shape), \(first.file) \(first.elementType.rawValue) \(first.shape); give arrays of one kind"
        )
      }
    }
    var extents = first.shape.dimensions
    guard !first.bytes.isEmpty, extents.count == 3 || extents.count == 4 else {
      throw PipelineError(
        .unsuitableInput,
        "\(first.file): an array of shape \(first.shape) holds no pictures; save [N, H, W, C] or [N, C, H, W]"
      )
    }
    let batch = extents.count == 4 ? extents.removeFirst() : 1
    isOneAPicture = files.count == count && batch == 1
    guard isOneAPicture || files.count == 1 && batch == count else {
      throw PipelineError(
        .unsuitableInput,
        "\(first.file): \(files.count * batch) model inputs for \(count) pictures; give one array a picture, or one with a sample a picture"
      )
    }
    shape = Shape([1] + extents)
  }

  func sampleBytes(_ index: Int) throws -> [UInt8] {
    isOneAPicture ? files[index].bytes : try files[0].sampleBytes(index)
  }
}
