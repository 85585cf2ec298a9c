import EXrayCore
import EXrayPreprocess
import EXrayTestKit
import Foundation

/// A case of the script that lacks a picture or a tensor.
struct IncompleteCase: Error {}

/// One case of Scripts/check_preprocess.py: a picture, a recipe and the digest that other libraries give,
/// or the file of what they give where there is a tolerance.
struct PreprocessCase: Decodable, CustomStringConvertible {
  struct Tensor: Decodable {
    var type: ElementType
    var scale: Float?
    var zeroPoint: Int64?
  }

  var seed: UInt64?
  var width: Int?
  var height: Int?
  var file: String?
  var mediaType: String?
  var recipe: Recipe
  var stage: String
  var tensor: Tensor?
  var digest: String
  /// In levels, of float pictures.
  var tolerance: Float?

  var description: String {
    let source = file ?? "seed \(seed ?? 0), \(width ?? 0)×\(height ?? 0)"
    return "\(source) \(stage) \(tensor.map { "\($0.type)" } ?? "") \(recipe.json())"
  }

  /// The digest of what this module makes of the picture.
  func run(folder: URL?) throws -> String {
    let picture = try picture(folder: folder)
    let image = try recipe.image(from: picture)
    if stage == "float" { return try compareFloats(of: picture, folder: folder) }
    if stage == "image" { return unsafe SHA256.hexadecimal(of: image.pixels.span.bytes) }
    let real = recipe.realValues(of: image)
    if stage == "real" { return unsafe SHA256.hexadecimal(of: real.span.bytes) }
    guard let tensor else { throw IncompleteCase() }
    let quantization = tensor.scale.map {
      Quantization(scales: [$0], zeroPoints: [tensor.zeroPoint ?? 0])
    }
    let plane = [image.height, image.width]
    let input = TensorDescription(
      name: "input", elementType: tensor.type,
      shape: Shape(
        recipe.layout == .nchw ? [1, image.channels] + plane : [1] + plane + [image.channels]),
      quantization: quantization)
    let stored = try input.storedBytes(for: real, recipe.quantize)
    // The whole chain must give the same as its parts.
    let encoded = file == nil ? try picture.image.png() : try fileBytes(folder: folder)
    let whole = try unsafe recipe.prepare(encoded.span.bytes, file: "picture", for: input)
    guard whole.bytes == stored, whole.realValues == real, whole.image == image else {
      return "the whole chain differs from its parts"
    }
    return unsafe SHA256.hexadecimal(of: stored.span.bytes)
  }

  private func picture(folder: URL?) throws -> Picture {
    if let seed, let width, let height {
      return try Self.seeded(seed, width: width, height: height)
    }
    let bytes = try fileBytes(folder: folder)
    return try unsafe Picture.decode(
      bytes.span.bytes, mediaType: mediaType, file: file ?? "picture", options: recipe.decode)
  }

  /// The case's own digest where the levels of the float picture agree, else what differs.
  private func compareFloats(of picture: Picture, folder: URL?) throws -> String {
    guard let folder, let tolerance else { throw IncompleteCase() }
    let data = try Data(contentsOf: URL(filePath: digest, relativeTo: folder))
    let found = try recipe.floatImage(from: picture).pixels
    let bytes = [UInt8](data)
    guard bytes.count == 4 * found.count else { return "\(found.count) levels" }
    var largest: Float = 0
    for (index, level) in found.enumerated() {
      let bits = (0..<4).reduce(UInt32(0)) { $0 | UInt32(bytes[4 * index + $1]) << (8 * $1) }
      let difference = abs(level - Float(bitPattern: bits))
      largest = difference.isNaN ? .infinity : max(largest, difference)
    }
    return largest <= tolerance ? digest : "off by up to \(largest) levels"
  }

  private func fileBytes(folder: URL?) throws -> [UInt8] {
    guard let file, let folder else { throw IncompleteCase() }
    return [UInt8](try Data(contentsOf: URL(filePath: file, relativeTo: folder)))
  }

  /// The picture of a seed: noise for odd seeds, a slope with a little noise for even ones.
  static func seeded(_ seed: UInt64, width: Int, height: Int) throws -> Picture {
    var generator = SplitMix64(seed: seed)
    let count = width * height * 3
    var pixels: [UInt8] = []
    while pixels.count < count {
      let word = generator.next()
      for shift in stride(from: UInt64(0), to: 64, by: 8) {
        pixels.append(UInt8(truncatingIfNeeded: word >> shift))
      }
    }
    pixels.removeLast(pixels.count - count)
    if seed % 2 == 0 {
      for index in pixels.indices {
        let (y, x, c) = (index / 3 / width, index / 3 % width, index % 3)
        pixels[index] = UInt8((x * 2 + y + c * 50 + Int(pixels[index] & 15)) & 255)
      }
    }
    return try Picture(width: width, height: height, pixels: pixels)
  }
}
