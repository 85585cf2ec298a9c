import EXrayPreprocess

/// Reads and prepares the first frames while the models are still being loaded.
///
/// What the models will take is read from their files. A runtime that then says otherwise, by a shape that
/// was open in the file, costs the work done so far and nothing else.
struct EarlyFeed {
  private let inputs: InputList
  private let labels: Labels?
  private let pipelines: [InputPipeline]
  private let feed: FrameFeed?

  /// Starts reading where the inputs are known; failures are left to ``confirmed(_:)``.
  init(inputs: InputList, sides: [(recipe: Recipe?, model: ModelFile)], labels: Labels?) {
    self.inputs = inputs
    self.labels = labels
    let pipelines = sides.compactMap { side in
      side.model.declaredInput.flatMap {
        try? InputPipeline(recipe: side.recipe, input: $0, modelName: side.model.name)
      }
    }
    self.pipelines = pipelines
    feed =
      pipelines.count == sides.count
      ? try? FrameFeed(inputs: inputs, pipelines: pipelines, labels: labels) : nil
  }

  /// The feed for what the models really take: the one that runs already, or a new one.
  ///
  /// - Throws: What starting a feed throws.
  func confirmed(_ pipelines: [InputPipeline]) throws -> FrameFeed {
    if let feed, pipelines == self.pipelines { return feed }
    cancel()
    return try FrameFeed(inputs: inputs, pipelines: pipelines, labels: labels)
  }

  /// Stops reading.
  func cancel() { feed?.cancel() }
}
