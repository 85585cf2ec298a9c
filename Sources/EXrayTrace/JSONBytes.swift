// JSON straight into bytes: an app may note a thousand samples a second.
extension [UInt8] {
  /// Appends text as it is.
  mutating func append(_ text: StaticString) {
    text.withUTF8Buffer { unsafe append(contentsOf: $0) }
  }

  /// Appends a whole number.
  mutating func append(digits value: UInt64) {
    var rest = value
    let start = count
    repeat {
      append(UInt8(truncatingIfNeeded: 48 + rest % 10))
      rest /= 10
    } while rest > 0
    var (low, high) = (start, count - 1)
    while low < high {
      swapAt(low, high)
      (low, high) = (low + 1, high - 1)
    }
  }

  /// Appends a number in the fewest digits that give it back.
  ///
  /// JSON has no not-a-number and no infinities; they become text, as in the JSON form of protocol buffers.
  mutating func append(number value: Double) {
    if value.isFinite {
      append(contentsOf: value.description.utf8)
    } else if value.isNaN {
      append(#""NaN""#)
    } else {
      append(value > 0 ? #""Infinity""# : #""-Infinity""#)
    }
  }

  /// Appends text in quotes; control characters are escaped by their numbers only.
  mutating func append(quoted text: String) {
    append(0x22)
    var text = text
    text.withUTF8 { bytes in
      // Most names have nothing to escape.
      if unsafe bytes.allSatisfy({ $0 >= 0x20 && $0 != 0x22 && $0 != 0x5C }) {
        return unsafe append(contentsOf: bytes)
      }
      for position in bytes.indices {
        let byte = unsafe bytes[position]
        switch byte {
        case 0x22, 0x5C:
          append(0x5C)
          append(byte)
        case 0..<0x20:
          append(byte < 0x10 ? "\\u000" : "\\u001")
          let digit = byte & 15
          append(digit < 10 ? 48 + digit : 87 + digit)
        default: append(byte)
        }
      }
    }
    append(0x22)
  }

  /// Appends a list.
  mutating func append<Item>(list: [Item], _ item: (inout [UInt8], Item) -> Void) {
    append("[")
    for (position, each) in list.enumerated() {
      if position > 0 { append(",") }
      item(&self, each)
    }
    append("]")
  }
}
