import EXrayCore
import EXrayPreprocess
import EXrayTrace
import EXrayValidation
import Foundation

/// What one pipeline makes of a raw input.
struct PreparedSide: Sendable {
  /// Packed values in the model's type.
  var bytes: [UInt8]
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
struct InputPipeline: Sendable, Equatable {
  /// The recipe with all sizes filled in; nil where inputs are tensors already.
  var recipe: Recipe?
  /// The model's input.
  var input: TensorDescription
  /// The model, for messages.
  var modelName: String

  /// Creates a pipeline; the recipe's open sizes are taken from the model's input.
  init(
    recipe: Recipe?, input: TensorDescription, modelName: String, recipeFile: String? = nil
  ) throws {
    do {
      self.recipe = try recipe?.resolved(for: input)
    } catch {
      var error = error
      error.file = error.file ?? recipeFile
      throw error
    }
    self.input = input
    self.modelName = modelName
  }

  /// Prepares a raw input.
  ///
  /// - Parameter place: Where it comes from, for messages.
  func prepare(_ raw: RawInput, from place: String) throws -> PreparedSide {
    let start = DispatchTime.now().uptimeNanoseconds
    var side: PreparedSide
    if raw.mediaType == InputList.arrayType {
      side = try prepareArray(raw, place)
    } else {
      guard let recipe else {
        throw PipelineError(
          .unsuitableInput,
          "\(place): is a picture, and \(modelName) has no recipe; say how pictures are prepared with --recipe (see Examples/recipes)"
        )
      }
      let prepared = try unsafe recipe.prepare(
        raw.bytes.span.bytes, mediaType: raw.mediaType, file: place, for: input)
      side = PreparedSide(bytes: prepared.bytes, nanoseconds: 0)
    }
    side.nanoseconds = DispatchTime.now().uptimeNanoseconds - start
    return side
  }

  private func prepareArray(_ raw: RawInput, _ place: String) throws -> PreparedSide {
    let array = try NPYFile(bytes: raw.bytes, file: place)
    let wanted = input.shape.elementCount ?? 0
    guard array.shape.elementCount == wanted else {
      throw PipelineError(
        .unsuitableInput,
        "\(place): a sample has shape \(array.shape), \(modelName) takes \(input.shape); save the array as [N, …] with one sample a row"
      )
    }
    if array.elementType == input.elementType {
      return PreparedSide(bytes: array.bytes, nanoseconds: 0)
    }
    let plain = TensorDescription(
      name: "", elementType: array.elementType, shape: array.shape)
    guard let values = unsafe plain.realValues(in: array.bytes.span.bytes) else {
      throw PipelineError(
        .unsuitableInput,
        "\(place): holds \(array.elementType.rawValue), \(modelName) takes \(input.elementType.rawValue); convert the array"
      )
    }
    return PreparedSide(bytes: try input.storedBytes(for: values), nanoseconds: 0)
  }
}

/// Reads and prepares the frames of a job ahead of the models.
struct FrameFeed: Sendable {
  private let prefetcher: Prefetcher<PreparedFrame>
  /// How many frames there are.
  let count: Int

  /// Prepared bytes that may wait for the models, beyond four frames.
  private static let waitingByteCount = 16 << 20

  /// Starts reading.
  ///
  /// - Throws: ``PipelineError`` where labels are given, and none of them is for one of the inputs.
  init(
    inputs: InputList, pipelines: [InputPipeline], labels: Labels?, workers: Int = 2
  ) throws(PipelineError) {
    if let labels, let first = inputs.items.first,
      !inputs.items.contains(where: { labels[$0.name] != nil })
    {
      throw PipelineError(
        .malformedLabels,
        "\(labels.path): has no label for any of the \(inputs.items.count) inputs, such as \(first.name); begin each line with the file name of an input"
      )
    }
    count = inputs.items.count
    let frameByteCount = pipelines.reduce(1) { $0 + ($1.input.byteCount ?? 0) }
    let depth = max(4, min(16, Self.waitingByteCount / frameByteCount))
    prefetcher = Prefetcher(count: count, depth: depth, workers: workers) { index in
      let item = inputs.items[index]
      let raw = try inputs.raw(item)
      let place = inputs.place(of: item)
      return PreparedFrame(
        name: item.name, raw: raw, label: labels?[item.name] ?? inputs.recordedLabel(item),
        sides: try pipelines.map { try $0.prepare(raw, from: place) })
    }
  }

  /// The next frame, or nil after the last.
  func next() throws -> PreparedFrame? { try prefetcher.next() }

  /// Stops reading.
  func cancel() { prefetcher.cancel() }
}
