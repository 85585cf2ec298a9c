import EXrayJSON
import EXrayTestKit

func parse(_ text: String) throws(JSONError) -> JSONTree {
  try JSONTree(parsing: Array(text.utf8))
}

/// Random trees, the same for equal seeds.
struct TreeGenerator {
  var random: SplitMix64

  init(seed: UInt64) { random = SplitMix64(seed: seed) }

  /// Characters that need escapes, that need none, and that need two units in UTF-16.
  private static let characters = Array(
    "ab \"\\/\n\r\t\u{0}\u{8}\u{1F}\u{7F}\u{85}é→\u{2028}😀ﬀ𝄞".unicodeScalars)

  mutating func tree(depth: Int = 4) -> JSONTree {
    switch Int.random(in: 0..<(depth > 0 ? 9 : 6), using: &random) {
    case 0: .null
    case 1: JSONTree(.bool(.random(using: &random)))
    case 2:
      .integer(
        Int64.random(in: .min ... .max, using: &random) >> Int64.random(in: 0..<64, using: &random))
    case 3, 4: number()
    case 5: .string(text())
    case 6: .array((0..<count()).map { _ in tree(depth: depth - 1) })
    default:
      .object(
        Dictionary((0..<count()).map { _ in (text(), tree(depth: depth - 1)) }) { $1 })
    }
  }

  private mutating func count() -> Int { Int.random(in: 0...5, using: &random) }

  private mutating func text() -> String {
    var text = String.UnicodeScalarView()
    for _ in 0..<count() {
      text.append(Self.characters[Int.random(in: 0..<Self.characters.count, using: &random)])
    }
    return String(text)
  }

  /// A double of any magnitude; no negative zero, which other readers make an integer without sign.
  private mutating func number() -> JSONTree {
    let value =
      Bool.random(using: &random)
      ? Double(bitPattern: random.next())
      : Double(Int.random(in: -100_000...100_000, using: &random)) / 1000
    return value.isFinite && value != 0 ? .number(value) : .integer(0)
  }
}
