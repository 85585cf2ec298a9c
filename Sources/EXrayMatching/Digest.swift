/// A 64-bit hash that is the same in every run.
///
/// The finaliser of SplitMix64. Source: Steele, Lea and Flood, Fast Splittable Pseudorandom Number Generators, 2014.
struct Digest: Hashable, Comparable {
  var value: UInt64

  static func < (first: Digest, second: Digest) -> Bool { first.value < second.value }

  init(_ value: UInt64 = 0) { self.value = Self.mixed(value) }

  init(_ text: String) {
    var hash: UInt64 = 0xCBF2_9CE4_8422_2325
    for byte in text.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
    value = Self.mixed(hash)
  }

  /// The digest of a sequence that ends with another one.
  func with(_ other: Digest) -> Digest { with(other.value) }

  /// The digest of a sequence that ends with a number.
  func with(_ number: UInt64) -> Digest {
    var next = self
    next.value = Self.mixed(value &* 0x9E37_79B9_7F4A_7C15 &+ number &+ 1)
    return next
  }

  /// The digest of a sequence that ends with a number.
  func with(_ number: Int) -> Digest { with(UInt64(bitPattern: Int64(number))) }

  /// The digest of a sequence that ends with all of a list.
  func with(_ others: [Digest]) -> Digest { others.reduce(with(others.count)) { $0.with($1) } }

  static func mixed(_ number: UInt64) -> UInt64 {
    var mixed = number &+ 0x9E37_79B9_7F4A_7C15
    mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
    return mixed ^ (mixed >> 31)
  }
}
