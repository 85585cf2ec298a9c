import EXrayCore
import EXrayTestKit
import Testing

struct SHA256Tests {
  /// Vectors of NIST's FIPS 180-4 examples, and of Python's `hashlib.sha256(b"a" * 1_000_000)`.
  @Test(arguments: [
    ("", 1, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
    ("abc", 1, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
    (
      "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", 1,
      "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
    ),
    ("a", 1_000_000, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"),
  ])
  func `gives the published digests`(unit: String, count: Int, digest: String) {
    let message = [UInt8](String(repeating: unit, count: count).utf8)
    #expect(unsafe SHA256.hexadecimal(of: message.span.bytes) == digest)
  }

  @Test(arguments: 0..<40 as Range<UInt64>)
  func `does not depend on how the message is cut`(seed: UInt64) {
    var generator = SplitMix64(seed: seed)
    let message = (0..<Int.random(in: 0...1000, using: &generator)).map { _ in
      UInt8.random(in: 0...255, using: &generator)
    }
    var digest = SHA256()
    var start = 0
    while start < message.count {
      let end = min(message.count, start + Int.random(in: 1...150, using: &generator))
      unsafe digest.update(Array(message[start..<end]).span.bytes)
      start = end
    }
    #expect(unsafe digest.hexadecimal == SHA256.hexadecimal(of: message.span.bytes))
  }
}
