import EXrayCore
import EXrayMatching
import EXrayTestKit
import Testing

/// Matching of lists of layers, as traces have them.
struct ListTests {
  private func layer(_ type: String, _ name: String, _ shape: Shape, _ index: Int) -> ListedLayer {
    ListedLayer(
      op: OpReference(index: index, type: type),
      description: TensorDescription(name: name, elementType: .float32, shape: shape))
  }

  private func partners(_ matching: LayerMatching) -> [Int: Int] {
    Dictionary(uniqueKeysWithValues: matching.pairs.map { ($0.candidate, $0.reference) })
  }

  @Test func `conversions between number formats are passed over`() {
    let float = [layer("CONV_2D", "a/Relu", [1, 8], 0), layer("SOFTMAX", "b", [1, 2], 1)]
    let int8 = [
      layer("QUANTIZE", "q", [1, 8], 0), layer("CONV_2D", "a/Relu;a/bias", [1, 8], 1),
      layer("SOFTMAX", "b1", [1, 2], 2), layer("DEQUANTIZE", "d", [1, 2], 3),
    ]
    let matching = LayerMatching(candidate: int8, reference: float)
    #expect(partners(matching) == [1: 0, 2: 1])
    #expect(matching.unmatchedCandidates.map(\.tensor) == [0, 3])
    #expect(matching.unmatchedCandidates.allSatisfy { $0.absence == .conversion })
  }

  @Test func `tensors of other sizes never match`() {
    let matching = LayerMatching(
      candidate: [layer("CONV_2D", "x", [1, 8], 0)], reference: [layer("CONV_2D", "x", [1, 9], 0)])
    #expect(matching.pairs.isEmpty)
    #expect(matching.unmatchedCandidates.map(\.absence) == [.noCounterpart])
    #expect(matching.unmatchedReferences.map(\.tensor) == [0])
  }

  @Test(arguments: 0..<30 as Range<UInt64>)
  func `every layer of both sides appears once`(seed: UInt64) {
    var generator = SplitMix64(seed: seed)
    func layers() -> [ListedLayer] {
      (0..<Int.random(in: 0...20, using: &generator)).map {
        layer(
          ["CONV_2D", "ADD", "QUANTIZE"].randomElement(using: &generator) ?? "ADD",
          ["", "a", "b", "a;c"].randomElement(using: &generator) ?? "",
          [Int.random(in: 1...2, using: &generator)], $0)
      }
    }
    let (candidate, reference) = (layers(), layers())
    let matching = LayerMatching(candidate: candidate, reference: reference)
    let own = matching.pairs.map(\.candidate) + matching.unmatchedCandidates.map(\.tensor)
    let other = matching.pairs.map(\.reference) + matching.unmatchedReferences.map(\.tensor)
    #expect(own.sorted() == Array(candidate.indices), "seed \(seed)")
    #expect(other.sorted() == Array(reference.indices), "seed \(seed)")
    #expect(matching.pairs.allSatisfy { (0...1).contains($0.confidence) && !$0.reasons.isEmpty })
  }

  @Test func `a copy without names matches wholly by type and shape`() {
    let layers = (0..<40).map {
      layer($0 % 3 == 0 ? "ADD" : "CONV_2D", "layer\($0)", [1, 4 + $0 % 5], $0)
    }
    let nameless = layers.map { layer in
      var copy = layer
      copy.description.name = ""
      return copy
    }
    let matching = LayerMatching(candidate: nameless, reference: layers)
    #expect(matching.pairs.count == 40)
    #expect(matching.pairs.allSatisfy { $0.candidate == $0.reference })
    #expect(matching.pairs.allSatisfy { !$0.reasons.contains(.name) && $0.confidence < 0.8 })
  }

  @Test func `layers in another order match by their names`() {
    let layers = (0..<200).map { layer("ADD", "layer\($0)", [1, 4], $0) }
    var generator = SplitMix64(seed: 7)
    let order = Array(layers.indices).shuffled(using: &generator)
    let matching = LayerMatching(candidate: order.map { layers[$0] }, reference: layers)
    #expect(matching.pairs.map(\.reference) == order)
  }

  @Test func `which of three alike is missing is not guessed`() {
    let reference = (0..<3).map { layer("ADD", "", [1, 4], $0) }
    let matching = LayerMatching(candidate: Array(reference.prefix(2)), reference: reference)
    #expect(matching.pairs.isEmpty)
    #expect(matching.ambiguous.map(\.candidates) == [[0, 1]])
    #expect(matching.ambiguous.map(\.references) == [[0, 1, 2]])
    #expect(matching.unmatchedReferences.allSatisfy { $0.absence == .ambiguous })
  }

  @Test func `values tell nameless layers apart in any order`() throws {
    var generator = SplitMix64(seed: 3)
    let values = (0..<20).map { _ in
      (0..<64).map { _ in Float.random(in: -1...1, using: &generator) }
    }
    let order = Array(values.indices).shuffled(using: &generator)
    let layers = (0..<20).map { layer("ADD", "", [1, 64], $0) }
    let matching = LayerMatching(
      candidate: layers, reference: layers,
      candidateValues: { place in
        // As an int8 model would round them.
        ValuePrint(values[order[place]].map { ($0 * 127).rounded() / 127 })
      }, referenceValues: { ValuePrint(values[$0]) })
    #expect(matching.pairs.map(\.reference) == order)
    #expect(matching.pairs.allSatisfy { $0.reasons.contains(.activations) })
  }

  @Test(arguments: ["", "same", "a;b;c"])
  func `a hundred thousand layers that are alike end in time`(name: String) {
    let layers = (0..<100_000).map { layer($0 % 2 == 0 ? "ADD" : "MUL", name, [1, 4], $0) }
    let same = LayerMatching(candidate: layers, reference: layers)
    #expect(same.pairs.allSatisfy { $0.candidate == $0.reference })
    let other = LayerMatching(candidate: layers, reference: Array(layers.dropFirst(50_001)))
    #expect(other.pairs.count + other.unmatchedCandidates.count == 100_000)
  }
}

/// Reordered axes.
struct PermutationTests {
  @Test func `pictures of both layouts are turned into each other`() throws {
    // (batch, channel, height, width)
    let turned = try #require(AxisPermutation(extents: [1, 2, 2, 3], order: [0, 2, 3, 1]))
    #expect(turned.reorderedExtents == [1, 2, 3, 2])
    let values = Array(0..<12)
    #expect(turned.reordered(values) == [0, 6, 1, 7, 2, 8, 3, 9, 4, 10, 5, 11])
    #expect(turned.inverse.reordered(turned.reordered(values)) == values)
    #expect(!turned.keepsMemoryOrder)
    let flat = try #require(AxisPermutation(extents: [1, 5, 1, 1], order: [0, 2, 3, 1]))
    #expect(flat.keepsMemoryOrder)
  }

  @Test(arguments: 0..<40 as Range<UInt64>)
  func `reordering and its inverse give back every value`(seed: UInt64) throws {
    var generator = SplitMix64(seed: seed)
    let rank = Int.random(in: 0...5, using: &generator)
    let extents = (0..<rank).map { _ in Int.random(in: 0...4, using: &generator) }
    let order = Array(0..<rank).shuffled(using: &generator)
    let permutation = try #require(AxisPermutation(extents: extents, order: order))
    let count = extents.reduce(1, *)
    let values = (0..<count).map { UInt16($0) }
    let turned = permutation.reordered(values)
    #expect(permutation.inverse.reordered(turned) == values, "seed \(seed)")
    let bytes = values.flatMap { [UInt8(truncatingIfNeeded: $0), UInt8($0 >> 8)] }
    let turnedBytes = unsafe permutation.reordered(bytes.span.bytes, elementSize: 2)
    #expect(turnedBytes == turned.flatMap { [UInt8(truncatingIfNeeded: $0), UInt8($0 >> 8)] })
  }

  @Test func `what is no permutation is refused, and values of another number stay`() throws {
    #expect(AxisPermutation(extents: [2, 3], order: [0, 0]) == nil)
    #expect(AxisPermutation(extents: [2, 3], order: [0]) == nil)
    #expect(AxisPermutation(extents: [-1, 3], order: [1, 0]) == nil)
    #expect(AxisPermutation(extents: [.max, .max], order: [1, 0]) == nil)
    let permutation = try #require(AxisPermutation(extents: [2, 3], order: [1, 0]))
    #expect(permutation.reordered([1, 2, 3]) == [1, 2, 3])
  }
}
