import MCAP
import MCAPCompression

/// Writes messages whose content follows from a seed, until the process is ended; for the tests of recovery.
///
/// Message *i* is on channel 1 + *i* mod 3, has sequence *i* and log time 10 *i*, and holds *n* = *h* mod 1500
/// bytes, of which byte *j* is the low byte of *h* >> (*j* mod 8) + *j*, where *h* is the SplitMix64 output of
/// seed + *i*.
struct Soak {
  private var path = ""
  private var seed: UInt64 = 0
  private var messageCount = UInt32.max
  private var options = WriterOptions()

  init(_ arguments: ArraySlice<String>) throws {
    options.chunkByteCount = 6000
    options.directPayloadByteCount = 1400
    var rest = arguments
    while let argument = rest.popFirst() {
      switch argument {
      case "--seed": seed = try Self.number(rest.popFirst())
      case "--messages": messageCount = try Self.number(rest.popFirst())
      case "--keep": options.keepsIncompleteFile = true
      case "--lz4": options.compression = .lz4
      case "--zstd": options.compression = .zstd
      default: path = argument
      }
    }
  }

  private static func number<Value: FixedWidthInteger>(_ text: String?) throws -> Value {
    guard let value = Value(text ?? "") else { throw Failure("not a number: \(text ?? "nothing")") }
    return value
  }

  /// Prints the number of messages in complete chunks each time a chunk is complete on the disk.
  func run() throws {
    var writer = try Writer(path: path, profile: "soak", library: "", options: options)
    for number in 1...3 {
      _ = try writer.addChannel(topic: "/soak/\(number)", messageEncoding: "x")
    }
    try writer.write(Metadata(name: "soak", entries: ["seed": "\(seed)"]))
    var failure: MCAPError?
    var complete = writer.completeByteCount
    for index in 0..<messageCount {
      let payload = Self.payload(seed: seed, index)
      do throws(MCAPError) {
        unsafe try writer.write(
          payload.span.bytes, channelID: UInt16(1 + index % 3), sequence: index,
          logTime: UInt64(index) * 10)
      } catch {
        failure = error
        break
      }
      if writer.completeByteCount != complete {
        complete = writer.completeByteCount
        try Conformance.print("\(index + 1)\n")
      }
    }
    try writer.finish()
    if let failure { throw failure }
  }

  static func payload(seed: UInt64, _ index: UInt32) -> [UInt8] {
    var mixed = seed &+ UInt64(index) &+ 0x9E37_79B9_7F4A_7C15
    mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
    mixed ^= mixed >> 31
    return (0..<mixed % 1500).map { UInt8(truncatingIfNeeded: (mixed >> ($0 % 8)) &+ $0) }
  }
}
