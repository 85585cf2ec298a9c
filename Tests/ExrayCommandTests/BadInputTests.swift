import EXrayTestKit
import Foundation
import Testing

/// Inputs, recipes, labels and outputs that cannot be used with a model that can.
@Suite(.enabled(if: SharedData.isAvailable && LiteRTLibrary.isAvailable))
struct BadInputTests {
  private static let pictureModel = "models/cifar10/resnet8_int8.tflite"
  private static let numberModel = "models/misc/hello_world_float.tflite"
  private static let recipe = "Examples/recipes/resnet8-cifar10.json"

  private static func pictures() throws -> String { try SharedData.path("data/cifar10_200/images") }

  private static func picture() throws -> [UInt8] {
    try SharedData.bytes("data/cifar10_200/images/airplane_0000.jpg")
  }

  /// Arguments that run ResNet8 on `input` with `recipe`.
  private static func run(
    _ sandbox: Sandbox, input: String? = nil, recipe: String? = Self.recipe, _ more: String...
  ) throws -> [String] {
    [
      "run", try SharedData.path(pictureModel), "--input", try input ?? pictures(), "--output",
      sandbox.output + "/t.mcap",
    ] + (recipe.map { ["--recipe", $0] } ?? []) + more
  }

  /// Arguments that run the sine model on an array.
  private static func runArray(_ sandbox: Sandbox, _ input: String) throws -> [String] {
    [
      "run", try SharedData.path(numberModel), "--input", input, "--output",
      sandbox.output + "/t.mcap",
    ]
  }

  private static func big(_ value: Int) -> [UInt8] {
    (0..<4).reversed().map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
  }

  /// A PNG whose header claims a size, and whose checksum nobody needs.
  private static func png(width: Int, height: Int) -> [UInt8] {
    var bytes: [UInt8] = [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]
    bytes += big(13) + Array("IHDR".utf8)
    bytes += big(width) + big(height)
    bytes += [8, 2, 0, 0, 0, 0, 0, 0, 0]
    return bytes
  }

  static let badPictures: [BadInput] = [
    BadInput("an empty picture", says: "p.jpg", "byte 0", "empty", "give a JPEG or PNG") {
      try Self.run($0, input: $0.file("p.jpg", []))
    },
    BadInput("a text as picture", says: "p.png", "byte 0", "neither JPEG nor PNG") {
      try Self.run($0, input: $0.file("p.png", "no picture"))
    },
    BadInput("half a picture", says: "p.jpg", "cut off", "fetch it again") {
      let bytes = try SharedData.bytes("data/photos/cats_and_dogs.jpg")
      return try Self.run($0, input: $0.file("p.jpg", Array(bytes.prefix(bytes.count / 2))))
    },
    BadInput("the start of a picture", says: "p.jpg", "header cannot be read") {
      try Self.run($0, input: $0.file("p.jpg", Array(Self.picture().prefix(20))))
    },
    BadInput("a PNG of 10¹⁰ pixels", says: "p.png", "100000×100000", "make the picture smaller") {
      try Self.run($0, input: $0.file("p.png", Self.png(width: 100_000, height: 100_000)))
    },
    BadInput("a PNG of no pixels", says: "p.png", "0×5", "at least one pixel") {
      try Self.run($0, input: $0.file("p.png", Self.png(width: 0, height: 5)))
    },
    BadInput("a PNG that ends after its header", says: "p.png", "cannot be decoded") {
      try Self.run($0, input: $0.file("p.png", Self.png(width: 32, height: 32)))
    },
    BadInput("a picture of another size", says: "p.jpg", "32") {
      let bytes = try SharedData.bytes("data/photos/face.jpg")
      return try Self.run($0, input: $0.file("p.jpg", bytes))
    },
    BadInput("one bad picture among good ones", says: "folder/b.jpg", "byte 0") {
      let folder = try $0.folder("folder")
      _ = try $0.file("folder/a.jpg", Self.picture())
      _ = try $0.file("folder/b.jpg", "broken")
      _ = try $0.file("folder/c.jpg", Self.picture())
      return try Self.run($0, input: folder)
    },
    BadInput("a missing picture", says: "p.jpg: no such file", "check --input") {
      try Self.run($0, input: $0.path("p.jpg"))
    },
    BadInput("a folder without pictures", says: "folder: no .jpg, .jpeg or .png", "check --input") {
      try Self.run($0, input: $0.folder("folder"))
    },
    BadInput("a picture that is a folder", says: "p.jpg: is a folder") {
      let folder = try $0.folder("folder")
      _ = try $0.folder("folder/p.jpg")
      return try Self.run($0, input: folder)
    },
    BadInput("pictures without a recipe", says: "airplane_0000.jpg", "--recipe") {
      try Self.run($0, recipe: nil)
    },
  ]

  static let arrays: [BadInput] = [
    BadInput("an empty array file", says: "x.npy", "byte 0", "numpy.save") {
      try Self.runArray($0, $0.file("x.npy", []))
    },
    BadInput("an array that is cut off", says: "x.npy", "byte", "cut off") {
      try Self.runArray($0, $0.file("x.npy", Sandbox.array([4, 1], "<f4", [0, 0, 0])))
    },
    BadInput("an array with bytes too many", says: "x.npy", "save the array again") {
      try Self.runArray($0, $0.file("x.npy", Sandbox.array([1, 1], "<f4", [0, 0, 0, 0, 0])))
    },
    BadInput("an array of 10³⁶ values", says: "x.npy", "save the array again") {
      let extent = 1_000_000_000_000_000_000
      return try Self.runArray($0, $0.file("x.npy", Sandbox.array([extent, extent], "<f4", [])))
    },
    BadInput("10¹⁸ samples of nothing", says: "x.npy", "holds no values", "[N, …]") {
      let shape = [1_000_000_000_000_000_000, 0]
      return try Self.runArray($0, $0.file("x.npy", Sandbox.array(shape, "<f4", [])))
    },
    BadInput("an array of text", says: "x.npy", "'<U8'", "astype") {
      try Self.runArray(
        $0, $0.file("x.npy", Sandbox.array([1], "<U8", [UInt8](repeating: 0, count: 32))))
    },
    BadInput("an array of pickled objects", says: "x.npy", "'|O'") {
      try Self.runArray($0, $0.file("x.npy", Sandbox.array([1], "|O", [0x80, 4, 0x4E, 0x2E])))
    },
    BadInput("an array of complex numbers", says: "x.npy", "complex64", "convert the array") {
      try Self.runArray($0, $0.zeros("x.npy", [1, 1], descriptor: "<c8", size: 8))
    },
    BadInput("an array of another shape", says: "x.npy[0]", "[2]", "[1, 1]") {
      try Self.runArray($0, $0.zeros("x.npy", [3, 2]))
    },
    BadInput("a single number", says: "x.npy", "[1, 32, 32, 3]", "[N, …]") {
      try Self.run($0, input: $0.zeros("x.npy", []))
    },
    BadInput("a header that is no dictionary", says: "x.npy", "byte 10", "in the header") {
      let header = Array("__import__('os')\n".utf8)
      let start: [UInt8] = [0x93] + Array("NUMPY".utf8) + [1, 0, UInt8(header.count), 0]
      return try Self.runArray($0, $0.file("x.npy", start + header))
    },
    BadInput("a folder as array", says: "x.npy: ") { try Self.runArray($0, $0.folder("x.npy")) },
  ]

  static let recipes: [BadInput] = [
    BadInput("an empty recipe", says: "r.json") {
      try Self.run($0, recipe: $0.file("r.json", ""))
    },
    BadInput("a recipe that is no JSON", says: "r.json", "byte 0", "JSON") {
      try Self.run($0, recipe: $0.file("r.json", "resize: 224"))
    },
    BadInput("a recipe that is a list", says: "r.json") {
      try Self.run($0, recipe: $0.file("r.json", "[]"))
    },
    BadInput("a recipe that is cut off", says: "r.json", "byte") {
      try Self.run($0, recipe: $0.file("r.json", #"{"exrayRecipe": 1, "resize": {"width": 3"#))
    },
    BadInput("a recipe that is not UTF-8", says: "r.json", "byte") {
      try Self.run($0, recipe: $0.file("r.json", Array(#"{"name": ""#.utf8) + [0xFF, 0x22, 0x7D]))
    },
    BadInput("a recipe 100,000 lists deep", says: "r.json", "byte") {
      try Self.run($0, recipe: $0.file("r.json", String(repeating: "[", count: 100_000)))
    },
    BadInput("a misspelled key", says: "r.json", "\"resise\"") {
      try Self.run($0, recipe: $0.file("r.json", #"{"resise": {"width": 32}}"#))
    },
    BadInput("a width that is text", says: "r.json", "\"resize.width\"") {
      try Self.run($0, recipe: $0.file("r.json", #"{"resize": {"width": "32"}}"#))
    },
    BadInput("a width below 0", says: "r.json", "\"resize.width\"") {
      try Self.run($0, recipe: $0.file("r.json", #"{"resize": {"width": -1, "height": 32}}"#))
    },
    BadInput("a width of 10³⁰⁹", says: "r.json") {
      try Self.run($0, recipe: $0.file("r.json", #"{"resize": {"width": 1e309, "height": 32}}"#))
    },
    BadInput("a width of 10⁹", says: "r.json") {
      try Self.run(
        $0, recipe: $0.file("r.json", #"{"resize": {"width": 1000000000, "height": 1000000000}}"#))
    },
    BadInput("an unknown resize method", says: "r.json", "\"resize.method\"", "magic") {
      try Self.run($0, recipe: $0.file("r.json", #"{"resize": {"method": "magic"}}"#))
    },
    BadInput("a deviation of 0", says: "r.json", "normalize") {
      try Self.run(
        $0, recipe: $0.file("r.json", #"{"normalize": {"divisor": 255, "mean": 0, "std": 0}}"#))
    },
    BadInput("a recipe of a later version", says: "r.json", "\"exrayRecipe\"", "2") {
      try Self.run($0, recipe: $0.file("r.json", #"{"exrayRecipe": 2}"#))
    },
    BadInput("one channel for a model of three", says: "r.json, \"color\"", "GRAY", "set \"RGB\"") {
      try Self.run($0, recipe: $0.file("r.json", #"{"color": "GRAY"}"#))
    },
    BadInput(
      "a size that the model does not take", says: "r.json, \"resize.width\"", "224", "takes 32"
    ) {
      try Self.run($0, recipe: $0.file("r.json", #"{"resize": {"width": 224, "height": 224}}"#))
    },
    BadInput("a missing recipe", says: "r.json: no such file") {
      try Self.run($0, recipe: $0.path("r.json"))
    },
    BadInput("a folder as recipe", says: "r.json: is a folder") {
      try Self.run($0, recipe: $0.folder("r.json"))
    },
  ]

  static let labels: [BadInput] = [
    BadInput("empty labels", says: "l.txt: has no labels", "a line per input") {
      try Self.run($0, input: nil, "--labels", $0.file("l.txt", "\n# nothing\n"))
    },
    BadInput("labels without numbers", says: "l.txt: line 2", "class number", "correct the line") {
      try Self.run($0, input: nil, "--labels", $0.file("l.txt", "a.jpg 1\nb.jpg cat\n"))
    },
    BadInput("a label of 10³⁰", says: "l.txt: line 1", "class number") {
      let text = "a.jpg 1000000000000000000000000000000\n"
      return try Self.run($0, input: nil, "--labels", $0.file("l.txt", text))
    },
    BadInput("a label that would overflow", says: "l.txt: line 2", "9223372036854775807") {
      let text = "a.jpg,1\nairplane_0000.jpg,9223372036854775807\n"
      return try Self.run(
        $0, input: nil, "--labels", $0.file("l.txt", text), "--label-offset", "1")
    },
    BadInput("labels that contradict each other", says: "l.txt: line 3", "a.jpg", "remove one") {
      try Self.run($0, input: nil, "--labels", $0.file("l.txt", "a.jpg 1\nb.jpg 2\na.jpg 3\n"))
    },
    BadInput("labels of other inputs", says: "l.txt: has no label for any", "airplane_0000.jpg") {
      try Self.run($0, input: nil, "--labels", $0.file("l.txt", "a.jpg 1\n"))
    },
    BadInput("labels that are no text", says: "l.txt: is not UTF-8 text", "plain text") {
      try Self.run($0, input: nil, "--labels", $0.file("l.txt", [0xFF, 0xD8, 0xFF, 0xE0]))
    },
    BadInput("missing labels", says: "l.txt: no such file") {
      try Self.run($0, input: nil, "--labels", $0.path("l.txt"))
    },
    BadInput("missing class names", says: "n.txt: no such file") {
      try Self.run($0, input: nil, "--class-names", $0.path("n.txt"))
    },
  ]

  static let outputs: [BadInput] = [
    BadInput("a trace in a folder that is not there", says: "no/t.mcap", "make its folder first") {
      [
        "run", try SharedData.path(Self.numberModel), "--input", try $0.zeros("x.npy", [1, 1]),
        "--output", $0.output + "/no/t.mcap",
      ]
    },
    BadInput("a trace in place of a folder", says: "is a folder", "name of a file") {
      [
        "run", try SharedData.path(Self.numberModel), "--input", try $0.zeros("x.npy", [1, 1]),
        "--output", $0.output,
      ]
    },
    BadInput("a trace on a full disk", says: "full: ", "No space left", "free space") {
      [
        "run", try SharedData.path(Self.numberModel), "--input", try $0.zeros("x.npy", [1, 1]),
        "--output", try $0.link("full", to: "/dev/full"),
      ]
    },
    BadInput("a summary on a full disk", says: "full: ", "No space left", "free space") {
      [
        "run", try SharedData.path(Self.numberModel), "--input", try $0.zeros("x.npy", [1, 1]),
        "--capture", "none", "--json", try $0.link("full", to: "/dev/full"),
      ]
    },
    BadInput(
      "a trace where nobody may write", says: "/sys/t.mcap: cannot", "Permission denied"
    ) {
      [
        "run", try SharedData.path(Self.numberModel), "--input", try $0.zeros("x.npy", [1, 1]),
        "--output", "/sys/t.mcap",
      ]
    },
    BadInput("a summary in a folder that is not there", says: "no/s.json", "make its folder first")
    {
      [
        "run", try SharedData.path(Self.numberModel), "--input", try $0.zeros("x.npy", [1, 1]),
        "--output", $0.output + "/t.mcap", "--json", $0.output + "/no/s.json",
      ]
    },
    BadInput("a report folder that is a file", says: "report: is not a folder") {
      [
        "validate", "--candidate-model", try SharedData.path(Self.numberModel), "--input",
        try $0.zeros("x.npy", [1, 1]), "--report", try $0.file("report", "mine"),
      ]
    },
    BadInput("a report file that is a folder", says: "report/junit.xml: is a folder") {
      _ = try $0.folder("report/junit.xml")
      return [
        "validate", "--candidate-model", try SharedData.path(Self.numberModel), "--input",
        try $0.zeros("x.npy", [1, 1]), "--report", $0.path("report"),
      ]
    },
    BadInput("a report of inputs that cannot be read", says: "x.npy[0]") {
      [
        "validate", "--candidate-model", try SharedData.path(Self.numberModel), "--input",
        try $0.zeros("x.npy", [1, 7]), "--report", $0.output + "/new/report", "--keep-traces",
      ]
    },
  ]

  @Test(arguments: badPictures + arrays + recipes + labels + outputs)
  func `is refused in one clear line`(_ input: BadInput) throws { try input.check() }

  @Test func `a file that exists survives a run that fails`() throws {
    try withSandbox { sandbox in
      let trace = try sandbox.file("output/t.mcap", "precious")
      let outcome = try BuiltTool.run(
        Self.run(sandbox, input: sandbox.file("p.jpg", "broken")))
      #expect(outcome.status == 2)
      #expect(try sandbox.written == ["t.mcap"])
      #expect(try Data(contentsOf: URL(filePath: trace)) == Data("precious".utf8))
    }
  }

  @Test(arguments: ["<f4", "<f8", "<i8", "|u1", "<f2", "|b1"])
  func `numbers of any type, also without a value, become the model's`(_ type: String) throws {
    try withSandbox { sandbox in
      let sizes = ["<f4": 4, "<f8": 8, "<i8": 8, "|u1": 1, "<f2": 2, "|b1": 1]
      let size = try #require(sizes[type])
      // All bits set: not a number for floats, -1 or the largest for integers.
      let values = [UInt8](repeating: 255, count: 3 * 32 * 32 * 3 * size)
      let input = try sandbox.file("x.npy", Sandbox.array([3, 32, 32, 3], type, values))
      let outcome = try BuiltTool.run(Self.run(sandbox, input: input, recipe: nil))
      #expect([0, 2].contains(outcome.status), "\(outcome.errors)")
      if outcome.status == 2 {
        #expect(outcome.faults(naming: sandbox.folder.path) == [], "\(outcome.errors)")
        #expect(try sandbox.written == [])
      } else {
        #expect(try sandbox.written == ["t.mcap"])
      }
    }
  }
}
