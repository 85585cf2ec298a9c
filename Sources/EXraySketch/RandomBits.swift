/// The random bits of sketches: SplitMix64, whose outputs can be had in any order.
///
/// Source: Steele, Lea and Flood, Fast Splittable Pseudorandom Number Generators, 2014.
@inline(__always)
func randomBits(seed: UInt64, _ index: UInt64) -> UInt64 {
  var mixed = seed &+ (index &+ 1) &* 0x9E37_79B9_7F4A_7C15
  mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
  mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
  return mixed ^ (mixed >> 31)
}
