import EXray
import EXrayPreprocess
import EXrayTrace
import EXrayValidation
import Foundation

/// What one pipeline makes of a raw input.
struct PreparedSide: Sendable {
  /// Packed values in the model's type.
  var bytes: [UInt8]
  /// The real values that were quantized or converted into ``bytes``.
  var realValues: [Float]
  /// Time that preparing took, without reading the file.
  var nanoseconds: UInt64
}

/// One frame, read and prepared for each pipeline of a job.
struct PreparedFrame: Sendable {
  var name: String
  var raw: RawInput
  var label: Int?
  var sides: [PreparedSide]
}

/// One way from a raw input to a model's input.
struct InputPipeline: Sendable {
  /// The recipe with all sizes filled in; nil where inputs are tensors already.
  var recipe: Recipe?
  /// The model's input.
  var input: TensorDescription
  /// The model, for messages.
  var modelName: String

  /// Creates a pipeline; the recipe's open sizes are taken from the model's input.
  init(recipe: Recipe?, input: TensorDescription, modelName: String) throws {
    self.recipe = try recipe?.resolved(for: input)
    self.input = input
    self.modelName = modelName
  }

  /// Prepares a raw input.
  func prepare(_ raw: RawInput) throws -> PreparedSide {
    let start = DispatchTime.now().uptimeNanoseconds
    var side: PreparedSide
    if raw.mediaType == InputList.arrayType {
      side = try prepareArray(raw)
    } else {
      guard let recipe else {
        throw PipelineError(
          .unsuitableInput,
          "\(raw.name): is a picture, and \(modelName) has no recipe; say how pictures are prepared with --recipe (see Examples/recipes)"
        )
      }
      let prepared = try unsafe recipe.prepare(raw.bytes.span.bytes, file: raw.name, for: input)
      side = PreparedSide(
        bytes: prepared.bytes, realValues: prepared.realValues, nanoseconds: 0)
    }
    side.nanoseconds = DispatchTime.now().uptimeNanoseconds - start
    return side
  }

  private func prepareArray(_ raw: RawInput) throws -> PreparedSide {
    let array = try NPYFile(bytes: raw.bytes, file: raw.name)
    let wanted = input.shape.elementCount ?? 0
    guard array.shape.elementCount == wanted else {
      throw PipelineError(
        .unsuitableInput,
        "\(raw.name): a sample has shape \(array.shape), \(modelName) takes \(input.shape); save the array as [N, …] with one sample a row"
      )
    }
    if array.elementType == input.elementType {
      let values = unsafe input.realValues(in: array.bytes.span.bytes)
      return PreparedSide(bytes: array.bytes, realValues: values ?? [], nanoseconds: 0)
    }
    let plain = TensorDescription(
      name: "", elementType: array.elementType, shape: array.shape)
    guard let values = unsafe plain.realValues(in: array.bytes.span.bytes) else {
      throw PipelineError(
        .unsuitableInput,
        "\(raw.name): holds \(array.elementType.rawValue), \(modelName) takes \(input.elementType.rawValue); convert the array"
      )
    }
    return PreparedSide(
      bytes: try input.storedBytes(for: values), realValues: values, nanoseconds: 0)
  }
}

/// Reads and prepares the frames of a job ahead of the models.
struct FrameFeed: Sendable {
  private let prefetcher: Prefetcher<PreparedFrame>
  /// How many frames there are.
  let count: Int

  /// Starts reading.
  init(
    inputs: InputList, pipelines: [InputPipeline], labels: Labels?, workers: Int = 2
  ) {
    count = inputs.items.count
    prefetcher = Prefetcher(count: count, depth: 4, workers: workers) { index in
      let item = inputs.items[index]
      let raw = try inputs.raw(item)
      return PreparedFrame(
        name: item.name, raw: raw, label: labels?[item.name] ?? inputs.recordedLabel(item),
        sides: try pipelines.map { try $0.prepare(raw) })
    }
  }

  /// The next frame, or nil after the last.
  func next() throws -> PreparedFrame? { try prefetcher.next() }

  /// Stops reading.
  func cancel() { prefetcher.cancel() }
}
