/// How a tree becomes text; equal trees give equal text.
public struct JSONStyle: Sendable, Hashable {
  /// Which characters are escaped beside `"` and `\`.
  public enum Escapes: Sendable, Hashable {
    /// Control characters below U+0020, by their numbers only.
    case numeric
    /// The same, with `\n`, `\r` and `\t` in their short forms.
    case short
    /// The same, and what is invisible or ends a line elsewhere: U+007F to U+009F, U+2028 and U+2029.
    case shortAndInvisible
  }

  /// Whether objects, and lists that hold more than numbers, take a line for each part; else there is no space at all.
  public var isPretty: Bool
  /// Whether keys are sorted; else members keep their order.
  public var sortsKeys: Bool
  /// Which characters are escaped.
  public var escapes: Escapes

  /// Creates a style; by default compact, in the order of the members.
  public init(isPretty: Bool = false, sortsKeys: Bool = false, escapes: Escapes = .short) {
    self.isPretty = isPretty
    self.sortsKeys = sortsKeys
    self.escapes = escapes
  }
}
