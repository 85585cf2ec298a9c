// What a pass over a large trace holds in memory.
extension TraceReader {
  /// Prepares for reading some tensors of all frames: finds where they are in one pass over the file.
  ///
  /// - Parameter streams: Positions in ``tensors``.
  public func prepare(_ streams: [Int]) throws(TraceError) {
    // An output may be a layer too.
    let channels = Set(streams.map { tensorChannels[$0] }).sorted()
    try messages.findPositions(on: channels, frames: table)
  }

  /// Lets the memory of a frame's tensors go; they stay readable.
  ///
  /// - Parameters:
  ///   - streams: Positions in ``tensors``.
  ///   - frame: A position in ``frames``.
  public func forget(_ streams: [Int], frame: Int) throws(TraceError) {
    for chunk in try chunks(streams, frame) { try messages.forget(chunk: chunk) }
  }

  /// The chunks that hold some tensors of a frame, each once.
  private func chunks(_ streams: [Int], _ frame: Int) throws(TraceError) -> Set<Int> {
    var found: Set<Int> = []
    for stream in streams {
      let channel = tensorChannels[stream]
      for place in try places(on: channel, frame: frame) {
        if let chunk = try messages.chunk(of: channel, place) { found.insert(chunk) }
      }
    }
    return found
  }
}
