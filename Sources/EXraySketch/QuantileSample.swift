/// A seeded sample of a tensor, and its quantiles.
///
/// The tensor is cut into equal parts, and one element is drawn from each: as even as a systematic sample, but
/// no period of the tensor (its channels) falls in step with it.
struct QuantileSample {
  /// The most elements that are drawn; a tensor of no more is taken whole.
  static let capacity = 1024

  private let elementCount: Int
  private let seed: UInt64
  private var drawn: Int = 0
  private var position = 0
  private var keys: [UInt32] = []

  init(elementCount: Int, seed: UInt64) {
    self.elementCount = elementCount
    // A stream of its own, apart from the one of the projections.
    self.seed = ~seed
    keys.reserveCapacity(min(elementCount, Self.capacity))
    if elementCount > Self.capacity { position = nextPosition() }
  }

  /// Where the element of the next part lies; beyond the end after the last.
  private func nextPosition() -> Int {
    if drawn == Self.capacity { return .max }
    let start = part(drawn)
    let width = UInt64(part(drawn + 1) - start)
    let random = randomBits(seed: seed, UInt64(drawn))
    return start + Int(width.multipliedFullWidth(by: random).high)
  }

  /// The first element of a part: ⌊index · count / capacity⌋, without overflow.
  private func part(_ index: Int) -> Int {
    let (whole, rest) = elementCount.quotientAndRemainder(dividingBy: Self.capacity)
    return index * whole + index * rest / Self.capacity
  }

  /// Draws from the elements that start at `start`, and leaves out what is not finite.
  mutating func draw(from values: UnsafeMutableBufferPointer<Float>, startingAt start: Int) {
    if elementCount <= Self.capacity {
      for index in 0..<values.count where unsafe values[index].isFinite {
        unsafe keys.append(values[index].orderedKey)
      }
      return
    }
    while position - start < values.count {
      let value = unsafe values[position - start]
      if value.isFinite { keys.append(value.orderedKey) }
      drawn += 1
      position = nextPosition()
    }
  }

  /// Elements in the sample.
  var count: Int { keys.count }

  /// The smallest drawn value that at least so many percent of the drawn values do not exceed.
  mutating func quantiles(at percentages: [Int]) -> [Float] {
    guard !keys.isEmpty else { return [] }
    sort()
    return percentages.map { Float(orderedKey: keys[($0 * keys.count + 99) / 100 - 1]) }
  }

  /// Sorts by one byte after the other, the lowest first; bytes that all keys share cost nothing.
  private mutating func sort() {
    guard keys.count > 64 else { return keys.sort() }
    let count = keys.count
    unsafe keys.withUnsafeMutableBufferPointer { buffer in
      let keys = unsafe buffer
      unsafe withUnsafeTemporaryAllocation(of: UInt32.self, capacity: count) { sorted in
        unsafe withUnsafeTemporaryAllocation(of: Int32.self, capacity: 4 * 256) { places in
          unsafe places.initialize(repeating: 0)
          for index in 0..<count {
            for byte in 0..<4 {
              unsafe places[slot(of: keys[index], byte)] &+= 1
            }
          }
          for byte in 0..<4 where unsafe places[slot(of: keys[0], byte)] < count {
            var sum: Int32 = 0
            for place in byte * 256..<byte * 256 + 256 {
              let here = unsafe places[place]
              unsafe places[place] = sum
              sum &+= here
            }
            for index in 0..<count {
              let key = unsafe keys[index]
              let place = slot(of: key, byte)
              unsafe sorted[Int(places[place])] = key
              unsafe places[place] &+= 1
            }
            _ = unsafe keys.update(from: sorted)
          }
        }
      }
    }
  }
}

/// Where the table of places holds a key's byte.
@inline(__always)
private func slot(of key: UInt32, _ byte: Int) -> Int {
  byte &* 256 &+ Int(key &>> UInt32(truncatingIfNeeded: 8 &* byte) & 0xFF)
}

extension Float {
  /// A number that orders as the value does, for values that are not NaN.
  fileprivate var orderedKey: UInt32 {
    let bits = (self + 0).bitPattern  // −0 becomes 0.
    return bits ^ (UInt32(bitPattern: Int32(bitPattern: bits) >> 31) | 0x8000_0000)
  }

  fileprivate init(orderedKey key: UInt32) {
    self.init(bitPattern: key ^ (key & 0x8000_0000 == 0 ? .max : 0x8000_0000))
  }
}
