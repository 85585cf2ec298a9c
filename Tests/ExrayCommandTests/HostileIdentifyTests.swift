import EXrayTestKit
import Foundation
import Synchronization
import Testing

/// Pictures, arrays and recipes that mean harm, given to `exray identify` under limits of memory and time.
struct HostileIdentifyTests {
  private typealias Base = IdentifyTests

  static let pictures: [BadInput] = [
    ("an empty picture", [], ["p.bin, byte 0", "empty"]),
    (
      "a PNG of 60,000×60,000", PictureBytes.png(width: 60_000, height: 60_000, rows: [[0]]),
      ["60000×60000", "the limit is 100000000"]
    ),
    (
      "a JPEG of 65,500×65,500", PictureBytes.jpeg(width: 65_500, height: 65_500),
      ["65500×65500", "the limit is 100000000"]
    ),
    (
      "a JPEG of no height", PictureBytes.jpeg(width: 16, height: 0),
      ["the JPEG header cannot be read"]
    ),
    (
      "a PNG without pixels", PictureBytes.png(width: 9, height: 9, rows: []), ["cannot be decoded"]
    ),
    (
      "a JPEG of 101 scans", PictureBytes.jpeg(width: 16, height: 16, scans: 101),
      ["has 101 scans", "the limit for this size is 100"]
    ),
    (
      "a JPEG of 50,000 scans", PictureBytes.jpeg(width: 3000, height: 3000, scans: 50_000),
      ["has 50000 scans"]
    ),
    (
      "a large JPEG of 25 scans", PictureBytes.jpeg(width: 10_000, height: 9999, scans: 25),
      ["has 25 scans", "the limit for this size is 20"]
    ),
    (
      "a JPEG of 200,000 restart markers",
      PictureBytes.jpeg(width: 4000, height: 4000, frame: 0xC0, restarts: 200_000),
      ["cannot be decoded"]
    ),
    (
      "a JPEG of 12 bits",
      PictureBytes.jpeg(width: 16, height: 16, frame: 0xC1, precision: 12), ["precision 12"]
    ),
    (
      "a lossless JPEG", PictureBytes.jpeg(width: 16, height: 16, frame: 0xC3),
      ["header cannot be read"]
    ),
    (
      "a PNG whose palette is missing", PictureBytes.png(width: 16, height: 16, color: 3),
      ["cannot be decoded"]
    ),
    (
      "a PNG of 3 bits", PictureBytes.png(width: 16, height: 16, depth: 3), ["cannot be decoded"]
    ),
    (
      "a PNG chunk of 2³¹ bytes",
      Array(Base.picture.prefix(33)) + [0x7F, 0xFF, 0xFF, 0xFF] + Array("IDAT".utf8),
      ["cannot be decoded", "cut off"]
    ),
  ].map { name, bytes, words in
    BadInput(name, words) { try Base.arguments($0, picture: bytes, name: "p.bin") }
  }

  private static let values = PictureBytes.bytes([Float](repeating: 0.5, count: 32 * 40 * 3))

  static let arrays: [BadInput] = [
    (
      "10¹⁸ values", PictureBytes.npy("<f4", "(1000000000000000000,)"), ["more than memory"]
    ),
    ("a negative extent", PictureBytes.npy("<f4", "(-1, 32, 40, 3)", values), ["no whole number"]),
    (
      "an extent of 10²³", PictureBytes.npy("<f4", "(99999999999999999999999, 3)"),
      ["is above 9223372036854775807"]
    ),
    (
      "extents whose product overflows", PictureBytes.npy("<f4", "(4294967296, 4294967296, 4)"),
      ["more than memory"]
    ),
    (
      "no values in Fortran order, whose strides overflow",
      PictureBytes.npy("<f4", "(4611686018427387904, 0)", isFortran: true), ["holds no pictures"]
    ),
    (
      "a header of 4 GB",
      PictureBytes.npy("{}", version: 2, claiming: 0xFFFF_FFFF), ["claims a header of 4294967295"]
    ),
    ("objects", PictureBytes.npy("|O", "(1, 32, 40, 3)", [0x80, 4, 0x4E, 0x2E]), ["'|O'"]),
    ("big-endian values", PictureBytes.npy(">f4", "(1, 32, 40, 3)", values), ["'>f4'", "astype"]),
    (
      "33 dimensions", PictureBytes.npy("<f4", "(" + String(repeating: "1,", count: 33) + ")"),
      ["32"]
    ),
    ("a picture of no width", PictureBytes.npy("<f4", "(1, 32, 0, 3)"), ["holds no pictures"]),
    (
      "two inputs for one picture", PictureBytes.npy("|u1", "(2, 1, 1, 3)", [1, 2, 3, 4, 5, 6]),
      ["2 model inputs for 1"]
    ),
    (
      "complex numbers", PictureBytes.npy("<c8", "(1, 32, 40, 3)", values + values),
      ["complex64"]
    ),
  ].map { name, bytes, words in
    BadInput(name, ["x.npy"] + words) { try Base.arguments($0, array: bytes) }
  }

  static let recipes: [BadInput] = [
    ("lists 100,000 deep", String(repeating: "[", count: 100_000), ["nested more than 17"]),
    ("objects 100,000 deep", String(repeating: "{\"a\":", count: 100_000), ["nested more than 17"]),
    ("a key twice", #"{"name": "a", "name": "b"}"#, ["\"name\" twice"]),
    ("1e999", #"{"normalize": {"divisor": 1e999}}"#, ["1e999"]),
    ("a width of 0", #"{"resize": {"width": 0}}"#, ["\"resize.width\"", "1 to 65535"]),
    ("a width of 10⁹", #"{"resize": {"width": 1000000000}}"#, ["\"resize.width\"", "1 to 65535"]),
    ("NaN", #"{"normalize": {"std": NaN}}"#, ["'N'"]),
    ("an unknown key", #"{"normalise": "[0,1]"}"#, ["\"normalise\"", "normalize"]),
    (
      "values that no float32 holds", #"{"normalize": {"std": 1e-45}}"#,
      ["\"normalize\"", "inf", "correct divisor"]
    ),
    (
      "a mean that no float32 holds after division",
      #"{"normalize": {"mean": [0, 3e38], "std": [1, 1e-30]}}"#,
      ["\"normalize\"", "correct divisor"]
    ),
  ].map { name, text, words in
    BadInput(name, ["r.json"] + words) { try Base.arguments($0, recipe: text) }
  }

  static let files: [BadInput] = [
    BadInput("a folder without pictures", says: "no .jpg, .jpeg or .png", "check --raw") {
      [
        "identify", "--raw", try $0.folder("f"), "--model-input",
        try $0.file("x.npy", Base.healthy),
      ]
    },
    BadInput("a missing picture", says: "p.png: no such file", "check --raw") {
      ["identify", "--raw", $0.path("p.png"), "--model-input", try $0.file("x.npy", Base.healthy)]
    },
    BadInput("a pipe as picture", says: "p.png: is not a regular file") {
      let path = $0.path("p.png")
      #expect(unsafe mkfifo(path, 0o600) == 0)
      return ["identify", "--raw", path, "--model-input", try $0.file("x.npy", Base.healthy)]
    },
    BadInput("/dev/zero as picture", says: "/dev/zero: is not a regular file") {
      ["identify", "--raw", "/dev/zero", "--model-input", try $0.file("x.npy", Base.healthy)]
    },
    BadInput("a folder among the pictures", says: "f/p.png: is a folder") {
      _ = try $0.folder("f/p.png")
      let array = try $0.file("x.npy", Base.healthy)
      return ["identify", "--raw", $0.path("f"), "--model-input", array]
    },
    BadInput("a pipe as array", says: "x.npy: is not a regular file") {
      let path = $0.path("x.npy")
      #expect(unsafe mkfifo(path, 0o600) == 0)
      return ["identify", "--raw", try $0.file("p.png", Base.picture), "--model-input", path]
    },
    BadInput("a picture of 2 GiB", says: "p.jpg: 2147483648 bytes", "1 GiB") {
      let path = try $0.sparse("p.jpg", [0xFF, 0xD8, 0xFF], 2 << 30)
      return ["identify", "--raw", path, "--model-input", try $0.file("x.npy", Base.healthy)]
    },
    BadInput("a recipe of 1 GiB", says: "r.json: 1073741824 bytes", "1 MiB") {
      try Base.arguments($0, recipe: nil) + ["--intended", $0.sparse("r.json", [0x7B], 1 << 30)]
    },
    BadInput("an array of 3 GiB", says: "x.npy: 3221225472 bytes", "2 GiB") {
      let path = try $0.sparse("x.npy", [0x93], 3 << 30)
      return ["identify", "--raw", try $0.file("p.png", Base.picture), "--model-input", path]
    },
    BadInput("200 million samples as pictures", says: "raw.npy", "more than 1000000 samples") {
      let start = PictureBytes.npy("|u1", "(200000000, 1)")
      let path = try $0.sparse("raw.npy", start, start.count + 200_000_000)
      return ["identify", "--raw", path, "--model-input", try $0.file("x.npy", Base.healthy)]
    },
    BadInput("a result in a folder that is not there", says: "no/f.json", "make its folder first") {
      // The pictures are not even looked at.
      ["identify", "--raw", "none", "--model-input", "none", "--json", $0.output + "/no/f.json"]
    },
    BadInput("a result in place of a folder", says: "is a folder") {
      ["identify", "--raw", "none", "--model-input", "none", "--json", $0.output]
    },
  ]

  /// Nobody keeps the superuser from reading a file.
  static let unreadable = BadInput("a file that may not be read", says: "cannot be opened") {
    let path = try $0.file("p.png", Base.picture)
    try FileManager.default.setAttributes([.posixPermissions: 0], ofItemAtPath: path)
    return ["identify", "--raw", path, "--model-input", try $0.file("x.npy", Base.healthy)]
  }

  @Test(arguments: pictures + arrays + recipes + files + (geteuid() == 0 ? [] : [unreadable]))
  func `is refused in one clear line, within limits`(_ input: BadInput) throws {
    try input.check(by: Base.limited)
  }

  // MARK: Mutations

  enum Kind: String, CaseIterable, Sendable {
    case jpeg, png, array, recipe

    var original: [UInt8] {
      get throws {
        switch self {
        case .jpeg: try SharedData.bytes("data/cifar10_200/images/airplane_0000.jpg")
        case .png: Base.richPicture
        case .array: Base.healthy
        case .recipe:
          Array(
            #"{"exrayRecipe": 1, "name": "é\#(String(repeating: " long", count: 60))", "decode": {"dct": "fast"}, "orient": {"rotate": 90}, "crop": {"mode": "box", "x": -3, "y": 4, "width": 30, "height": 20, "pad": [1, 2, 3]}, "resize": {"width": 40, "height": 32, "method": "bilinear/opencv"}, "color": "BGR", "layout": "NHWC", "normalize": {"divisor": 127.5, "mean": [1, 1, 1], "std": 1.0e0}, "quantize": {"rounding": "floor"}}"#
              .utf8)
        }
      }
    }

    func arguments(_ sandbox: Sandbox, _ bytes: [UInt8]) throws -> [String] {
      switch self {
      case .jpeg: try Base.arguments(sandbox, picture: bytes, name: "p.jpg")
      case .png: try Base.arguments(sandbox, picture: bytes)
      case .array: try Base.arguments(sandbox, array: bytes)
      case .recipe:
        try Base.arguments(sandbox, recipe: nil) + ["--intended", sandbox.file("r.json", bytes)]
      }
    }
  }

  /// Every tenth of the file as its end, then files with one to four bytes changed, most near the start.
  private static func mutant(_ seed: Int, of original: [UInt8]) -> [UInt8] {
    if seed < 10 { return Array(original.prefix(original.count * seed / 10)) }
    var bytes = original
    var random = SplitMix64(seed: UInt64(seed))
    for _ in 0..<Int.random(in: 1...4, using: &random) {
      // Headers are short and decide most.
      let isNear = Int.random(in: 0..<4, using: &random) > 0
      let index = Int.random(in: 0..<(isNear ? min(bytes.count, 400) : bytes.count), using: &random)
      switch Int.random(in: 0..<4, using: &random) {
      case 0:
        let isDigit = (0x30...0x39).contains(bytes[index])
        bytes[index] = UInt8.random(in: isDigit ? 0x30...0x39 : 0...255, using: &random)
      case 1: bytes[index] = [0, 0x7F, 0x80, 0xFF].randomElement(using: &random) ?? 0
      case 2: bytes[index] = UInt8.random(in: 0x20...0x7E, using: &random)
      default: bytes[index] ^= 1 << UInt8.random(in: 0..<8, using: &random)
      }
    }
    return bytes
  }

  @Test(.enabled(if: SharedData.isAvailable), arguments: Kind.allCases)
  func `eighty damaged files end in an answer or in one clear line`(_ kind: Kind) throws {
    let original = try kind.original
    let next = Atomic(0)
    let endings = Mutex([Int32: Int]())
    DispatchQueue.concurrentPerform(iterations: 2) { _ in
      while true {
        let seed = next.wrappingAdd(1, ordering: .relaxed).oldValue
        guard seed < 80 else { return }
        do {
          try withSandbox { sandbox in
            var mutant = Self.mutant(seed, of: original)
            // Checksums would hide what lies behind them.
            if kind == .png, seed % 4 > 0 { mutant = PictureBytes.withChecksums(mutant) }
            let outcome = try Base.limited(kind.arguments(sandbox, mutant))
            endings.withLock { $0[outcome.status, default: 0] += 1 }
            let isRefused = outcome.status == 2
            #expect((0...3).contains(outcome.status), "seed \(seed): \(outcome.errors)")
            #expect(isRefused || outcome.errors == "", "seed \(seed): \(outcome.errors)")
            #expect(
              !isRefused || outcome.faults(naming: sandbox.folder.path) == [],
              "seed \(seed): \(outcome.errors)")
          }
        } catch {
          Issue.record("seed \(seed): \(error)")
        }
      }
    }
    let tally = endings.withLock { $0 }
    print("80 damaged \(kind.rawValue) files, by exit code: \(tally.sorted { $0.key < $1.key })")
    // Both must happen for the test to mean something.
    #expect(tally[2, default: 0] > 5)
    #expect(tally.values.reduce(0, +) - tally[2, default: 0] > 5)
  }
}
