import EXrayValidation
import Testing

struct DecisionTests {
  private func comparison(_ tally: DecisionTally) throws -> DecisionComparison {
    try #require(tally.comparison(op: 7, type: "ARG_MAX", tensor: "a"))
  }

  @Test func `a choice is turned on a knife's edge, between equals, or by more`() throws {
    // Lines of three scores; the candidate's differ by 0.1 on average.
    let reference: [Float] = [3, 1, 0, 2, 1.9, 0, 1, 0.98, 0, 2, 0, 1]
    let candidate: [Float] = [3.1, 1.1, 0, 1.9, 2, 0, 1, 1, 0, 1.9, 0.1, 2]
    var tally = DecisionTally()
    tally.add(
      .init(candidate: candidate, reference: reference), extents: [4, 3], axis: 1,
      chosen: .init(candidate: [0, 1, 1, 2], reference: [0, 0, 0, 0]))
    let found = try comparison(tally)
    #expect(found.decisions == 4 && found.changed == 3)
    #expect(found.equal == 1)
    // √(2 · (5 · 0.1² + 0.02² + 0.1² + 1) / 12)
    #expect(abs(found.usualError - 0.4200) < 0.0005)
    #expect(found.knifeEdges == 1 && found.unexplained == 1)
    #expect(abs((found.largestLead ?? 0) - 1) < 1e-6)
    #expect(
      found.summary
        == "op 7 ARG_MAX chooses otherwise 3 of 4 times: 1 knife-edge, where the reference's lead is within twice the usual error of 0.42; 1 between values that are equal to the candidate; 1 beyond that, by a lead of up to 1."
    )
  }

  @Test func `choices are found along an axis that is not the last`() throws {
    // Two pixels of three channels, planes apart: the second pixel's channels 1 and 2 change places.
    let reference: [Float] = [5, 0, 0, 4, 0, 3.9]
    let candidate: [Float] = [5, 0, 0, 3.9, 0, 4]
    var tally = DecisionTally()
    tally.add(
      .init(candidate: candidate, reference: reference), extents: [3, 2], axis: 0,
      chosen: .init(candidate: [0, 2], reference: [0, 1]))
    let found = try comparison(tally)
    #expect(found.changed == 1 && found.knifeEdges == 1)
    #expect(abs((found.largestLead ?? 0) - 0.1) < 1e-6)
  }

  @Test func `the largest few are compared place by place`() throws {
    var tally = DecisionTally()
    tally.add(
      .init(candidate: [9, 5, 5.2, 0, 1, 7, 3, 6], reference: [9, 5.1, 5, 0, 1, 7, 3, 6]),
      extents: [2, 4], axis: 1,
      chosen: .init(candidate: [0, 2, 1, 5], reference: [0, 1, 1, 3]))
    let found = try comparison(tally)
    #expect(found.decisions == 4 && found.changed == 2)
    // A place outside of the line is nobody's.
    #expect(found.unexplained == 1)
  }

  @Test func `boxes are the same that overlap by half and are of one class`() throws {
    typealias Detection = DecisionTally.Detection
    let car = Detection(box: [0, 0, 0.5, 0.5], label: 2, score: 0.9)
    var moved = car
    moved.box = [0.01, 0, 0.52, 0.5]
    moved.score = 0.88
    let dog = Detection(box: [0.5, 0.5, 1, 1], label: 17, score: 0.31)
    let cat = Detection(box: [0.5, 0.5, 1, 1], label: 16, score: 0.3)
    let bus = Detection(box: [0, 0.5, 0.4, 1], label: 5, score: 0.8)
    var tally = DecisionTally()
    tally.add(.init(candidate: [moved, cat], reference: [car, bus, dog]))
    let found = try comparison(tally)
    #expect(found.decisions == 3 && found.changed == 2)
    // The dog is as near the lowest kept score as scores err; the bus is not.
    #expect(found.knifeEdges == 1)
    #expect(abs((found.largestLead ?? 0) - 0.5) < 1e-6)
    #expect(abs(found.usualError - 0.02 * 2.0.squareRoot()) < 1e-6)
  }

  @Test func `nothing that does not fit is counted`() {
    var tally = DecisionTally()
    let four: DecisionTally.Both<[Float]> = .init(
      candidate: [1, 2, 3, 4], reference: [1, 2, 3, 4])
    let one = DecisionTally.Both(candidate: [0], reference: [0])
    tally.add(four, extents: [2, 3], axis: 1, chosen: one)
    tally.add(four, extents: [4], axis: 1, chosen: one)
    tally.add(four, extents: [2, 2], axis: 0, chosen: one)
    tally.add(four, extents: [Int.max, 4], axis: 0, chosen: one)
    tally.add(four, extents: [0, 4], axis: 1, chosen: one)
    tally.add(.init(candidate: [], reference: []))
    #expect(tally.comparison(op: 0, type: "", tensor: "") == nil)
  }
}
