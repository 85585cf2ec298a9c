import EXrayCore
import EXrayValidation
import Testing

struct AnswerTests {
  @Test func `among equal scores the lowest index wins`() {
    #expect(topClasses([0.1, 0.4, 0.4, 0.1], 3) == [1, 2, 0])
    #expect(topClasses([.nan, 0, .nan], 3) == [1, 0, 2])
    #expect(topClasses([], 5).isEmpty)
  }

  @Test func `accuracy and agreement are fractions of frames`() throws {
    var tally = try #require(
      AnswerTally(output: TensorDescription(name: "o", elementType: .float32, shape: [1, 3])))
    tally.add(candidate: [1, 0, 0], reference: [1, 0, 0], label: 0)
    tally.add(candidate: [0, 1, 0], reference: [1, 0, 0], label: 0)
    tally.add(candidate: [0, 0, 1], reference: [0, 0, 1], label: nil)
    let accuracy = try #require(tally.accuracy)
    #expect(accuracy.labelledFrames == 2)
    #expect(accuracy.candidate.top1 == 0.5)
    #expect(accuracy.reference.top1 == 1)
    #expect(accuracy.candidate.top5 == 1)
    let answers = try #require(tally.answers)
    #expect(answers.top1Agreement == 2.0 / 3)
    #expect(answers.confusion.first == .init(reference: 0, candidate: 1, count: 1))
  }

  @Test func `a changed answer within the usual error is a knife-edge`() throws {
    var tally = try #require(
      AnswerTally(output: TensorDescription(name: "o", elementType: .float32, shape: [3])))
    // The candidate moves the lead by 0.1 wherever it keeps the answer.
    for _ in 0..<8 { tally.add(candidate: [0.5, 0.3, 0], reference: [0.5, 0.2, 0], label: nil) }
    tally.add(candidate: [0.4, 0.45, 0], reference: [0.45, 0.35, 0], label: nil)
    tally.add(candidate: [0.1, 0.8, 0], reference: [0.9, 0.1, 0], label: nil)
    let answers = try #require(tally.answers)
    #expect(abs((answers.marginError ?? 0) - 0.1) < 1e-6)
    #expect(answers.changedCount == 2 && answers.knifeEdges == 1)
  }

  /// Bounds from R's `prop.test(79, 100, correct = FALSE)` and `binom.test(3, 13)`.
  @Test func `intervals and tests equal published values`() throws {
    var tally = try #require(
      AnswerTally(output: TensorDescription(name: "o", elementType: .float32, shape: [2])))
    for index in 0..<100 {
      let candidate: [Float] = index < 79 ? [1, 0] : [0, 1]
      // 10 frames that only the reference gets right, 3 that only the candidate does.
      let reference: [Float] = (index >= 3 && index < 79) || index >= 90 ? [1, 0] : [0, 1]
      tally.add(candidate: candidate, reference: reference, label: 0)
    }
    let accuracy = try #require(tally.accuracy)
    #expect(abs(accuracy.candidate.top1Interval[0] - 0.700_1) < 1e-3)
    #expect(abs(accuracy.candidate.top1Interval[1] - 0.858_3) < 1e-3)
    #expect(abs(accuracy.pValue - 0.092_285) < 1e-5)
  }

  @Test(arguments: [Shape([1, 4, 4]), Shape([1]), Shape([2, 10])])
  func `outputs that are no vector of scores have no answers`(shape: Shape) {
    let output = TensorDescription(name: "o", elementType: .float32, shape: shape)
    #expect(AnswerTally(output: output) == nil)
  }
}
