import CCompression
import MCAP

/// One of the C libraries' formats.
struct FrameFormat: Sendable {
  var number: Int32
  var level: Int32

  func compress(_ bytes: RawSpan) throws(MCAPError) -> [UInt8] {
    var words: UnsafePointer<CChar>?
    let bound = ccompression_bound(number, bytes.byteCount)
    let result = unsafe [UInt8](unsafeUninitializedCapacity: max(1, bound)) { target, count in
      let written = unsafe bytes.withUnsafeBytes { source -> Int64 in
        guard let start = target.baseAddress else { return -1 }
        return unsafe ccompression_compress(
          number, level, source.baseAddress, source.count, start, target.count, &words)
      }
      count = Int(max(0, written))
    }
    guard !result.isEmpty else {
      throw MCAPError(
        .invalidArgument,
        "\(bytes.byteCount) bytes cannot be compressed (\(unsafe Self.text(words)));"
          + " write without compression")
    }
    return result
  }

  /// Decompresses frames that must give exactly `byteCount` bytes.
  ///
  /// Memory grows with what really comes out, so that a size that the file merely claims takes none.
  func decompress(_ bytes: RawSpan, byteCount: Int) throws(MCAPError) -> [UInt8] {
    guard let stream = unsafe ccompression_open(number) else {
      throw MCAPError(.malformedRecord, "no memory for decompressing a chunk; free some")
    }
    defer { unsafe ccompression_close(stream) }
    var state = State()
    // One byte more than the chunk may have shows whether it has more.
    let most = byteCount + 1
    var output: [UInt8] = []
    var capacity = min(most, max(1 << 20, bytes.byteCount * 8))
    while true {
      output = unsafe [UInt8](unsafeUninitializedCapacity: capacity) { target, count in
        unsafe output.withUnsafeBytes {
          unsafe UnsafeMutableRawBufferPointer(target).copyMemory(from: $0)
        }
        count = output.count
        unsafe Self.fill(target, &count, from: bytes, stream, &state)
      }
      if let refusal = state.refusal {
        throw MCAPError(
          .malformedRecord,
          "a compressed chunk cannot be decompressed (\(refusal)) at its byte"
            + " \(state.taken) of \(bytes.byteCount); copy the file anew")
      }
      if output.count < capacity || capacity == most { break }
      capacity = min(most, capacity * 4)
    }
    guard state.isFrameEnd, state.taken == bytes.byteCount, output.count == byteCount else {
      let found = output.count > byteCount ? "more than that" : "\(output.count)"
      throw MCAPError(
        .malformedRecord,
        "a compressed chunk claims \(byteCount) bytes of records and gives \(found);"
          + " copy the file anew")
    }
    return output
  }

  private struct State {
    var taken = 0
    /// Whether the last frame is complete; nothing at all is no frame.
    var isFrameEnd = false
    /// What the library says of bytes that it refuses.
    var refusal: String?
  }

  /// Decompresses until the room or the frames are at their end.
  private static func fill(
    _ target: UnsafeMutableBufferPointer<UInt8>, _ count: inout Int, from bytes: RawSpan,
    _ stream: OpaquePointer, _ state: inout State
  ) {
    guard let start = target.baseAddress else { return }
    unsafe bytes.withUnsafeBytes { source in
      while count < target.count, !(state.isFrameEnd && state.taken == source.count) {
        var taken = 0
        var given = 0
        var words: UnsafePointer<CChar>?
        let result = unsafe ccompression_step(
          stream, source.baseAddress.map { unsafe $0 + state.taken }, source.count - state.taken,
          &taken, start + count, target.count - count, &given, &words)
        if result < 0 {
          state.refusal = unsafe text(words)
          return
        }
        state.taken += taken
        count += given
        state.isFrameEnd = result == 1
        if taken == 0, given == 0 { return }
      }
    }
  }

  private static func text(_ words: UnsafePointer<CChar>?) -> String {
    unsafe words.map { unsafe String(cString: $0) } ?? "no reason given"
  }
}
