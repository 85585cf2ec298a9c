import EXrayJSON
import EXraySound
import EXrayTestKit
import Foundation
import Testing

@Suite(.enabled(if: Requirements.python != nil || Requirements.areStrict))
struct SoundAgreementTests {
  private struct WAVCase: Decodable {
    var file: String
    var rate: Int
    var channels: Int
    var count: Int
    var values: String
  }

  @Test func wavFilesHoldTheValuesThatSciPyReads() throws {
    let python = try PythonCases.generated.get()
    let cases = try python.list("wav.json", of: WAVCase.self)
    #expect(cases.count == 20)
    for item in cases {
      let sound = try WAVFile(path: python.path(item.file))
      #expect(sound.sampleRate == item.rate)
      #expect(sound.channelCount == item.channels)
      #expect(sound.sampleCount == item.count)
      let wanted = try python.doubles(item.values)
      for channel in 0..<item.channels {
        let column = stride(from: channel, to: wanted.count, by: item.channels).map { wanted[$0] }
        #expect(sound.samples(channel: channel) == column, "\(item.file)")
      }
    }
  }

  private struct TransformCase: Decodable {
    var size: Int
    var frame: String
    var power: String
  }

  @Test func transformsOfAnySizeAgreeWithNumPyTo12Digits() throws {
    let python = try PythonCases.generated.get()
    for item in try python.list("transforms.json", of: TransformCase.self) {
      var transform = FourierTransform(size: item.size)
      let power = transform.power(of: try python.doubles(item.frame)[...])
      let difference = relativeDifference(power, try python.doubles(item.power))
      #expect(difference < 1e-12, "size \(item.size)")
    }
  }

  private struct FeatureCase: Decodable {
    var file: String
    var recipe: RecipeInCase
    var shape: [Int]
    var features: String
  }

  @Test func featuresAgreeWithNumPySciPyAndPythonSpeechFeatures() throws {
    let python = try PythonCases.generated.get()
    let cases = try python.list("features.json", of: FeatureCase.self)
    #expect(cases.count == 102)
    for (index, item) in cases.enumerated() {
      let recipe = item.recipe.recipe
      let found = try recipe.features(of: WAVFile(path: python.path(item.file)))
      let extents = [found.frameCount, found.featureCount]
      #expect(item.shape == (recipe.layout == .timeBand ? extents : extents.reversed()))
      let difference = relativeDifference(found.values, try python.doubles(item.features))
      #expect(difference < 1e-9, "case \(index): \(difference) \(recipe.json())")
      #expect(try SoundRecipe(json: Array(recipe.json().utf8), file: "again") == recipe)
    }
  }
}
