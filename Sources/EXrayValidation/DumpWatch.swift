import EXrayCore

/// Watches one recorded tensor over the frames, for values that are not this frame's or not this tensor's.
///
/// A runtime reuses the memory of tensors that no op needs any more. What is read there afterwards is another
/// tensor's values; a copy that is not made anew holds another frame's.
struct DumpWatch: Sendable, Hashable {
  /// Frames seen.
  private(set) var frames = 0
  /// Whether the values ever changed from one frame to the next.
  private(set) var changes = false
  /// The first bytes of all frames in one number; nil where one frame begins with bytes that are all alike, as
  /// the zeros of padding, and nothing can be told.
  private(set) var heads: UInt64? = 0
  /// Whether a frame held a value other than its first.
  private(set) var varies = false
  private var last: UInt64?

  /// Bytes at the beginning that tell a tensor from others.
  private static let headByteCount = 256
  /// Places of 64 bytes that are looked at in a large tensor.
  private static let places = 64

  mutating func add(_ bytes: RawSpan) {
    frames += 1
    let digest = Self.digest(bytes)
    if let last, last != digest { changes = true }
    last = digest
    let head = bytes.extracting(first: Self.headByteCount)
    let isUniform = Self.isUniform(head)
    varies = varies || !isUniform || !Self.isUniform(bytes.extracting(last: Self.headByteCount))
    heads = isUniform ? nil : heads.map { ($0 &* 31) &+ Self.hash(head, 0) }
  }

  /// A number that tells the values of two frames apart: of all bytes, or of places all over a large tensor.
  private static func digest(_ bytes: RawSpan) -> UInt64 {
    guard bytes.byteCount > places * 64 else { return hash(bytes, 0) }
    let step = bytes.byteCount / places
    return (0..<places).reduce(0) { hash, place in
      let start = min(place * step, bytes.byteCount - 64)
      return self.hash(bytes.extracting(start..<(start + 64)), hash)
    }
  }

  private static func hash(_ bytes: RawSpan, _ seed: UInt64) -> UInt64 {
    unsafe bytes.withUnsafeBytes { buffer in
      var hash = seed ^ UInt64(buffer.count)
      var offset = 0
      while offset + 8 <= buffer.count {
        hash = mixed(hash ^ (unsafe buffer.loadUnaligned(fromByteOffset: offset, as: UInt64.self)))
        offset += 8
      }
      while offset < buffer.count {
        hash = unsafe mixed(hash ^ UInt64(buffer[offset]))
        offset += 1
      }
      return hash
    }
  }

  /// One multiplication a word: enough to tell values apart that nobody chose to deceive.
  @inline(__always)
  private static func mixed(_ value: UInt64) -> UInt64 {
    let mixed = value &* 0x9E37_79B9_7F4A_7C15
    return mixed ^ mixed >> 32
  }

  private static func isUniform(_ bytes: RawSpan) -> Bool {
    unsafe bytes.withUnsafeBytes { buffer in
      guard buffer.count > 8 else { return true }
      // Repeats with a period of eight bytes, which holds for every one value.
      var offset = 8
      while offset < buffer.count {
        guard unsafe buffer[offset] == buffer[offset - 8] else { return false }
        offset += 1
      }
      return true
    }
  }
}

/// Which layers of which side hold values that are not theirs.
public struct StaleLayer: Sendable, Hashable {
  /// Position among the comparison's layers.
  public var index: Int
  /// Whether it is the candidate's recording that is stale; else the reference's.
  public var isCandidate: Bool
  /// The layer whose values it holds; nil where it holds the first frame's own.
  public var source: Int?
}

extension StaleLayer {
  /// A layer's row, and what its two recordings did.
  struct Watched {
    var index: Int
    var drift: Double
    var candidate: DumpWatch
    var reference: DumpWatch
  }

  /// A drift that no healthy layer of a quantized model reaches; what a stale layer differs by is chance.
  private static let suspicious = 0.1

  /// Layers that drift far, and that stand still or equal another layer where the other run's do not.
  static func found(among layers: [Watched]) -> [StaleLayer] {
    found(among: layers, isCandidate: true, own: \.candidate, other: \.reference)
      + found(among: layers, isCandidate: false, own: \.reference, other: \.candidate)
  }

  private static func found(
    among layers: [Watched], isCandidate: Bool, own: KeyPath<Watched, DumpWatch>,
    other: KeyPath<Watched, DumpWatch>
  ) -> [StaleLayer] {
    var byHead: [UInt64: [Int]] = [:]
    for (position, layer) in layers.enumerated() {
      if let head = layer[keyPath: own].heads { byHead[head, default: []].append(position) }
    }
    return layers.compactMap { layer in
      guard layer.drift > suspicious else { return nil }
      let (mine, theirs) = (layer[keyPath: own], layer[keyPath: other])
      if mine.frames >= 3, !mine.changes, mine.varies, theirs.changes {
        return StaleLayer(index: layer.index, isCandidate: isCandidate)
      }
      guard let head = mine.heads, let alike = byHead[head], alike.count > 1,
        let source = alike.last(where: {
          layers[$0].index != layer.index && layers[$0][keyPath: other].heads != theirs.heads
            && layers[$0].drift <= layer.drift
        })
      else { return nil }
      return StaleLayer(index: layer.index, isCandidate: isCandidate, source: layers[source].index)
    }
  }
}
