/// Adds up signed elements in slots.
///
/// Elements come in blocks of 32. A block's 64 random bits h give the sign of each element (bit i of h) and the slot
/// (i xor bits 32...36 of h), so that elements of one block never share a slot.
/// Source: Charikar, Chen and Farach-Colton, Finding Frequent Items in Data Streams, 2002.
struct Projector {
  /// Elements in a block, and slots.
  static let width = 32
  private let seed: UInt64
  private var block: UInt64 = 0

  init(seed: UInt64) { self.seed = seed }

  /// Sums of eight slots each.
  ///
  /// The lowest three bits of the xor would swap elements inside of a vector. Instead each of the eight ways of
  /// swapping has sums of its own, and only ``slots(of:)`` swaps.
  typealias Sums = UnsafeMutableBufferPointer<SIMD8<Double>>
  static let sumCount = width

  /// Adds a chunk of whole blocks.
  ///
  /// - Returns: The sum of squared deviations from `mean`.
  mutating func add(
    _ chunk: UnsafeMutableBufferPointer<Float>, mean: Double, to sums: Sums
  ) -> Double {
    var squares = SIMD8<Double>()
    let signBit = SIMD8<UInt32>(repeating: 0x8000_0000)
    for first in stride(from: 0, to: chunk.count, by: Self.width) {
      let random = randomBits(seed: seed, block)
      block &+= 1
      let signs =
        SIMD8(repeating: UInt32(truncatingIfNeeded: random)) &<< SIMD8(7, 6, 5, 4, 3, 2, 1, 0)
      let swapping = Int(random >> 32 & 7) &* 4
      let turning = Int(random >> 35 & 3)
      for part in 0..<4 {
        let values = unsafe chunk.vector(at: first &+ 8 &* part)
        let deviations = values.widened - mean
        squares += deviations * deviations
        let flips = (signs &<< SIMD8(repeating: UInt32(24 &- 8 &* part))) & signBit
        let signed = unsafe unsafeBitCast(
          unsafeBitCast(values, to: SIMD8<UInt32>.self) ^ flips, to: SIMD8<Float>.self)
        unsafe sums[swapping | (part ^ turning)] += signed.widened
      }
    }
    return squares.sum()
  }

  /// The sum of each slot.
  static func slots(of sums: Sums) -> [Float] {
    (0..<width).map { slot in
      var total = 0.0
      for swapping in 0..<8 {
        unsafe total += sums[swapping * 4 + slot / 8][(slot % 8) ^ swapping]
      }
      // Beyond binary32 there is only a largest number: a sketch holds finite ones.
      let largest = Double(Float.greatestFiniteMagnitude)
      return Float(min(max(total, -largest), largest))
    }
  }
}
