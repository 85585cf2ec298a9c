import EXrayCore
import EXrayTestKit
import Foundation
import Testing

/// `exray capsule` on real models.
@Suite(.enabled(if: SharedData.isAvailable || Requirements.areStrict))
struct CapsuleTests {
  private struct Manifest: Decodable {
    struct Op: Decodable {
      var index: Int
      var type: String
    }
    struct Difference: Decodable { var nrmse: Double }
    struct Finding: Decodable { var cause: String }
    var op: Op
    var ops: [Op]
    var finding: Finding?
    var difference: Difference
    var tolerance: Double
    var files: [String: String]

    init(_ folder: String) throws {
      self = try JSONDecoder().decode(
        Self.self, from: Data(contentsOf: URL(filePath: folder + "/capsule.json")))
    }
  }

  private static func photos() throws -> [String] {
    ["--frames", "2", "--input", try SharedData.path("data/imagenet_100/images")]
  }

  private static func make(
    _ model: String, reference: String, recipe: String, _ more: [String] = [], to folder: String
  ) throws -> BuiltTool.Outcome {
    try BuiltTool.run(
      [
        "capsule", "make", try SharedData.path("models/\(model).tflite"), "--reference",
        try SharedData.path("models/\(reference).tflite"), "--recipe",
        "Examples/recipes/\(recipe).json", "-o", folder,
      ] + more + photos())
  }

  /// A capsule of op 0 of MobileNet, which needs no dissection.
  private static func small(_ folder: String) throws {
    let outcome = try make(
      "known_bad/mbv1_float_bgr_stem", reference: "imagenet/mobilenet_v1_025_224_float",
      recipe: "mobilenet-v1-0.25", ["--op", "0"], to: folder)
    #expect(outcome.status == 0, "\(outcome.errors)")
  }

  private static func script(_ folder: String, _ arguments: [String] = []) throws
    -> BuiltTool.Outcome
  {
    guard let python = Requirements.python else { throw MissingResource(name: ".deps/python") }
    return try BuiltTool.run(python, [folder + "/repro.py"] + arguments)
  }

  private static func nrmse(_ text: String) throws -> Double {
    let match = try #require(text.firstMatch(of: /nrmse ([0-9.e-]+)/), "\(text)")
    return try #require(Double(match.1))
  }

  /// Puts other bytes in a capsule's file, and their digest in its manifest.
  private static func swap(_ name: String, in folder: String, for bytes: [UInt8]) throws {
    let old = try Manifest(folder).files[name] ?? ""
    try Data(bytes).write(to: URL(filePath: folder + "/" + name))
    let digest = unsafe SHA256.hexadecimal(of: bytes.span.bytes)
    try edit(folder) { $0.replacing(old, with: digest) }
  }

  private static func edit(_ folder: String, _ change: (String) -> String) throws {
    let place = URL(filePath: folder + "/capsule.json")
    let text = String(decoding: try Data(contentsOf: place), as: UTF8.self)
    try Data(change(text).utf8).write(to: place)
  }

  // MARK: Faults

  @Test(arguments: [
    (
      "lite0_int8_wscale_b5dw_x1.5", "efficientnet_lite0_int8", "efficientnet_lite0_float",
      "efficientnet-lite0"
    ),
    (
      "mbv1_float_bgr_stem", "mobilenet_v1_025_224_float", "mobilenet_v1_025_224_float",
      "mobilenet-v1-0.25"
    ),
  ])
  func `a planted fault fails apart from its model, and the healthy op does not`(
    bad: String, healthy: String, reference: String, recipe: String
  ) throws {
    try withSandbox { sandbox in
      let folder = sandbox.output + "/capsule"
      let made = try Self.make(
        "known_bad/\(bad)", reference: "imagenet/\(reference)", recipe: recipe, to: folder)
      #expect(made.status == 0, "\(made.errors)")
      #expect(try sandbox.written == ["capsule"])
      let manifest = try Manifest(folder)
      #expect(manifest.ops.count == 1 && manifest.finding != nil)
      let whole = try SharedData.bytes("models/known_bad/\(bad).tflite").count
      let part = try Data(contentsOf: URL(filePath: folder + "/candidate.tflite")).count
      #expect(part < whole / 4, "\(part) of \(whole) bytes")
      let json = sandbox.path("check.json")
      let checked = try BuiltTool.run(["capsule", "check", folder, "--json", json])
      #expect(checked.status == 1, "\(checked.output)\(checked.errors)")
      #expect(try String(contentsOfFile: json, encoding: .utf8).contains(#""verdict" : "fail""#))
      let script = try Self.script(folder)
      #expect(script.status == 1, "\(script.output)\(script.errors)")
      #expect(abs(try Self.nrmse(script.output) - manifest.difference.nrmse) < 1e-5)

      let other = sandbox.output + "/healthy"
      let sound = try Self.make(
        "imagenet/\(healthy)", reference: "imagenet/\(reference)", recipe: recipe,
        ["--op", "\(manifest.op.index)"], to: other)
      #expect(sound.status == 0, "\(sound.errors)")
      if !FileManager.default.fileExists(atPath: other) {
        // The healthy model is the reference itself.
        #expect(sound.output.contains("nothing to show"))
        return
      }
      let bytes = [UInt8](try Data(contentsOf: URL(filePath: other + "/candidate.tflite")))
      try Self.swap("candidate.tflite", in: folder, for: bytes)
      let mended = try BuiltTool.run(["capsule", "check", folder])
      #expect(mended.status == 0, "\(mended.output)\(mended.errors)")
      let again = try Self.script(folder)
      #expect(again.status == 0, "\(again.output)\(again.errors)")
    }
  }

  @Test func `the reference's own op mends a capsule of the same number format`() throws {
    try withSandbox { sandbox in
      let folder = sandbox.output + "/capsule"
      try Self.small(folder)
      let reference = [UInt8](try Data(contentsOf: URL(filePath: folder + "/reference.tflite")))
      try Self.swap("candidate.tflite", in: folder, for: reference)
      let mended = try BuiltTool.run(["capsule", "check", folder])
      #expect(mended.status == 0, "\(mended.output)\(mended.errors)")
      let script = try Self.script(folder)
      #expect(script.status == 0, "\(script.output)\(script.errors)")
    }
  }

  @Test func `kernels that round otherwise fail with one and not with the other`() throws {
    try withSandbox { sandbox in
      let folder = sandbox.output + "/capsule"
      let made = try BuiltTool.run([
        "capsule", "make", try SharedData.path("models/cifar10/resnet8_int8.tflite"),
        "--reference-kernels", "builtin", "--recipe", "Examples/recipes/resnet8-cifar10.json",
        "--op", "0", "-o", folder, "--input", try SharedData.path("data/cifar10_200/images"),
      ])
      #expect(made.status == 0, "\(made.errors)")
      let manifest = try Manifest(folder)
      #expect(manifest.files["reference.tflite"] == nil && manifest.finding == nil)
      for (kernels, status) in [("xnnpack", Int32(1)), ("builtin", 0)] {
        let checked = try BuiltTool.run(["capsule", "check", folder, "--kernels", kernels])
        #expect(checked.status == status, "\(kernels): \(checked.output)\(checked.errors)")
        let script = try Self.script(folder, [kernels])
        #expect(script.status == status, "\(kernels): \(script.output)\(script.errors)")
      }
      let script = try Self.script(folder)
      #expect(abs(try Self.nrmse(script.output) - manifest.difference.nrmse) < 1e-5)
    }
  }

  @Test func `a healthy model gives no capsule`() throws {
    try withSandbox { sandbox in
      let made = try Self.make(
        "imagenet/mobilenet_v1_025_224_int8", reference: "imagenet/mobilenet_v1_025_224_float",
        recipe: "mobilenet-v1-0.25", to: sandbox.output + "/capsule")
      #expect(made.status == 0, "\(made.errors)")
      #expect(made.output.split(separator: "\n").count == 1)
      #expect(try sandbox.written.isEmpty)
    }
  }

  // MARK: What is refused

  @Test func `a folder that is in use is left alone`() throws {
    try withSandbox { sandbox in
      _ = try sandbox.folder("output/capsule")
      _ = try sandbox.file("output/capsule/mine.txt", "mine")
      let made = try Self.make(
        "known_bad/mbv1_float_bgr_stem", reference: "imagenet/mobilenet_v1_025_224_float",
        recipe: "mobilenet-v1-0.25", ["--op", "0"], to: sandbox.output + "/capsule")
      #expect(made.status == 2)
      #expect(made.faults().isEmpty, "\(made.faults()) \(made.errors)")
      #expect(try sandbox.written == ["capsule"])
      let beyond = try Self.make(
        "known_bad/mbv1_float_bgr_stem", reference: "imagenet/mobilenet_v1_025_224_float",
        recipe: "mobilenet-v1-0.25", ["--op", "99"], to: sandbox.output + "/other")
      #expect(beyond.status == 2)
      #expect(beyond.faults().isEmpty, "\(beyond.faults()) \(beyond.errors)")
    }
  }

  @Test func `a hostile capsule is one clear line`() throws {
    try withSandbox { sandbox in
      let sound = sandbox.path("sound")
      try Self.small(sound)
      var number = 0
      func expectRefused(
        _ what: String, _ change: (String) throws -> Void
      ) throws {
        number += 1
        let folder = sandbox.path("hostile\(number)")
        try FileManager.default.copyItem(atPath: sound, toPath: folder)
        try change(folder)
        let checked = try BuiltTool.run(["capsule", "check", folder])
        #expect(checked.status == 2, "\(what): \(checked.output)\(checked.errors)")
        #expect(checked.faults().isEmpty, "\(what): \(checked.faults()) \(checked.errors)")
      }
      func remove(_ name: String) -> (String) throws -> Void {
        { try FileManager.default.removeItem(atPath: $0 + "/" + name) }
      }
      func edit(_ old: String, _ new: String) -> (String) throws -> Void {
        { folder in try Self.edit(folder) { $0.replacing(old, with: new) } }
      }
      for name in ["capsule.json", "candidate.tflite", "inputs/0.npy", "outputs/reference.npy"] {
        try expectRefused("no \(name)", remove(name))
      }
      try expectRefused("another byte") { folder in
        let place = URL(filePath: folder + "/inputs/0.npy")
        var bytes = [UInt8](try Data(contentsOf: place))
        bytes[bytes.count - 1] ^= 1
        try Data(bytes).write(to: place)
      }
      try expectRefused("no JSON", edit("{", "["))
      try expectRefused("no op", edit(#""op" :"#, #""top" :"#))
      try expectRefused("many frames", edit(#""frames" : 2"#, #""frames" : 900"#))
      try expectRefused("no frames", edit(#""frames" : 2"#, #""frames" : 0"#))
      try expectRefused("a newer schema", edit(#""schemaVersion" : 1"#, #""schemaVersion" : 2"#))
      try expectRefused("another shape", edit("224,", "112,"))
      try expectRefused("a huge shape", edit("224,", "4611686018427387904,"))
      try expectRefused("a file elsewhere", edit("inputs/0.npy", "../sound/inputs/0.npy"))
      try expectRefused("a huge array") { folder in
        let handle = try FileHandle(forWritingTo: URL(filePath: folder + "/inputs/0.npy"))
        try handle.truncate(atOffset: 8 << 30)
        try handle.close()
      }
      try expectRefused("no model") { folder in
        try Self.swap("candidate.tflite", in: folder, for: [1, 2, 3])
      }
      try expectRefused("an array of another type") { folder in
        try Self.swap(
          "inputs/0.npy", in: folder,
          for: Sandbox.array([2, 1, 1, 1], "|u1", [1, 2]))
      }
      let whole = try SharedData.bytes("models/cifar10/resnet8_int8.tflite")
      try expectRefused("another model") { folder in
        try Self.swap("candidate.tflite", in: folder, for: whole)
      }
    }
  }
}
