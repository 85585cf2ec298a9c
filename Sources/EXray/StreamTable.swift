/// The tensors that an app logs, each described once; at most ``limit``.
final class StreamTable: Sendable {
  static let limit = 4096

  /// A tensor that was described.
  struct Entry: Sendable {
    var number: UInt32
    var role: TensorRole
    /// Bytes of its values; nil where they have no fixed size.
    var byteCount: Int?
    /// What is wrong with the description.
    var fault: String?
    /// Whether checks want its values.
    var isChecked = false
  }

  private struct State {
    var numbers: [TensorStream: Int] = [:]
    var streams: [TensorStream] = []
    var entries: [Entry] = []
    var selectors: [TensorSelector] = []
  }

  private let state = Guarded(State())

  /// The tensor's entry, or nil where there are too many already.
  func entry(of stream: TensorStream) -> Entry? {
    state.withLock { state in
      if let number = state.numbers[stream] { return state.entries[number] }
      guard state.streams.count < Self.limit else { return nil }
      let number = state.streams.count
      var entry = Entry(
        number: UInt32(number), role: stream.role, byteCount: stream.description.byteCount)
      if stream.index < 0 || stream.description.name.utf8.count > NameTable.byteLimit
        || stream.description.elementType.bitWidth != nil && entry.byteCount == nil
      {
        entry.fault =
          "\(stream.role) \(stream.index) has \(stream.description.name.utf8.count) bytes of name"
          + " and the shape \(stream.description.shape); give an index and extents of 0 or more, and a"
          + " name of at most \(NameTable.byteLimit) bytes"
      }
      entry.isChecked = state.selectors.contains { $0.selects(stream) }
      state.numbers[stream] = number
      state.streams.append(stream)
      state.entries.append(entry)
      return entry
    }
  }

  func entry(_ number: UInt32) -> Entry? {
    state.withLock { Int(number) < $0.entries.count ? $0.entries[Int(number)] : nil }
  }

  func stream(_ number: UInt32) -> TensorStream? {
    state.withLock { Int(number) < $0.streams.count ? $0.streams[Int(number)] : nil }
  }

  /// From now on the values of these tensors are wanted for a check.
  func want(_ selector: TensorSelector) {
    state.withLock { state in
      state.selectors.append(selector)
      for number in state.entries.indices where selector.selects(state.streams[number]) {
        state.entries[number].isChecked = true
      }
    }
  }
}
