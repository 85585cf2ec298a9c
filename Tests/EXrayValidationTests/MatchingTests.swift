import EXrayCore
import EXrayTestKit
import EXrayValidation
import Testing

struct MatchingTests {
  private func tensor(_ type: String, _ name: String, _ shape: Shape, _ index: Int)
    -> TensorMatching.Tensor
  {
    TensorMatching.Tensor(
      op: OpReference(index: index, type: type),
      description: TensorDescription(name: name, elementType: .float32, shape: shape))
  }

  @Test func `conversions between number formats are passed over`() {
    let float = [
      tensor("CONV_2D", "a/Relu", [1, 8], 0), tensor("SOFTMAX", "b", [1, 2], 1),
    ]
    let int8 = [
      tensor("QUANTIZE", "q", [1, 8], 0), tensor("CONV_2D", "a/Relu;a/bias", [1, 8], 1),
      tensor("SOFTMAX", "b1", [1, 2], 2), tensor("DEQUANTIZE", "d", [1, 2], 3),
    ]
    let pairs = TensorMatching(candidate: int8, reference: float).pairs
    #expect(pairs.filter { $0.reference == 0 }.map(\.candidate) == [1])
    #expect(pairs.filter { $0.reference == 1 }.map(\.candidate) == [2])
    #expect(pairs.filter { $0.reference == nil }.map(\.candidate) == [0, 3])
  }

  @Test func `tensors of other sizes never match`() {
    let pairs = TensorMatching(
      candidate: [tensor("CONV_2D", "x", [1, 8], 0)],
      reference: [tensor("CONV_2D", "x", [1, 9], 0)]
    ).pairs
    #expect(pairs.allSatisfy { $0.candidate == nil || $0.reference == nil })
    #expect(pairs.count == 2)
  }

  @Test(arguments: 0..<30 as Range<UInt64>)
  func `every tensor of both sides appears once, and in order`(seed: UInt64) {
    var generator = SplitMix64(seed: seed)
    func layers() -> [TensorMatching.Tensor] {
      (0..<Int.random(in: 0...20, using: &generator)).map {
        tensor(
          ["CONV_2D", "ADD", "QUANTIZE"].randomElement(using: &generator) ?? "ADD",
          ["", "a", "b", "a;c"].randomElement(using: &generator) ?? "",
          [Int.random(in: 1...2, using: &generator)], $0)
      }
    }
    let (candidate, reference) = (layers(), layers())
    let pairs = TensorMatching(candidate: candidate, reference: reference).pairs
    #expect(pairs.compactMap(\.candidate) == Array(candidate.indices))
    #expect(pairs.compactMap(\.reference) == Array(reference.indices))
  }

  @Test func `a copy without names matches wholly by type and shape`() {
    let layers = (0..<40).map {
      tensor($0 % 3 == 0 ? "ADD" : "CONV_2D", "layer\($0)", [1, 4 + $0 % 5], $0)
    }
    let nameless = layers.map { layer in
      var copy = layer
      copy.description.name = ""
      return copy
    }
    let pairs = TensorMatching(candidate: nameless, reference: layers).pairs
    #expect(pairs.allSatisfy { $0.candidate == $0.reference })
  }
}
