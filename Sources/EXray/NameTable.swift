/// Numbers for names, so that an event holds a number; at most ``limit`` names.
final class NameTable: Sendable {
  static let limit = 4096
  /// Bytes of a name; what is longer is cut.
  static let byteLimit = 1024

  private struct State {
    var numbers: [String: UInt32] = [:]
    var names: [String] = []
  }

  private let state = Guarded(State())

  /// The name's number, or nil where there are too many names already.
  func number(of name: String) -> UInt32? {
    let name = name.cut(toByteCount: Self.byteLimit)
    return state.withLock { state in
      if let number = state.numbers[name] { return number }
      guard state.names.count < Self.limit else { return nil }
      let number = UInt32(state.names.count)
      state.numbers[name] = number
      state.names.append(name)
      return number
    }
  }

  func name(_ number: UInt32) -> String {
    state.withLock { Int(number) < $0.names.count ? $0.names[Int(number)] : "" }
  }
}

extension String {
  /// The start of the text, of at most `limit` bytes.
  func cut(toByteCount limit: Int) -> String {
    utf8.count <= limit ? self : String(decoding: utf8.prefix(limit), as: UTF8.self)
  }
}
