import EXrayCore
import EXrayModel
import EXrayTestKit
import Testing

@Suite struct DraftTests {
  @Test func `a draft that nothing was changed in says what the model says`() throws {
    let model = try Model(TinyModel().bytes)
    let copy = try ModelDraft(model).written()
    #expect(copy.primary.tensors.map(\.description) == model.primary.tensors.map(\.description))
    #expect(copy.primary.ops.map(\.inputs) == model.primary.ops.map(\.inputs))
    #expect(copy.primary.ops.map(\.fusedActivation) == model.primary.ops.map(\.fusedActivation))
    #expect(copy.constantValues(of: 1) == model.constantValues(of: 1))
    #expect(copy.description == model.description)
  }

  @Test func `tensors, constants, names and ops are added`() throws {
    let model = try Model(TinyModel().bytes)
    var draft = ModelDraft(model)
    let result = draft.description(of: 5)
    let quantization = Quantization(scales: [0.5, 0.25], zeroPoints: [3, -7], axis: 1)
    let table = draft.addTensor(
      TensorDescription(
        name: "table", elementType: .int8, shape: [1, 2], quantization: quantization),
      constant: [5, 0xFE])
    var renamed = result
    renamed.name = "sum"
    let sum = draft.addTensor(renamed)
    draft.ops.append(ModelDraft.Op(.plain("RELU"), inputs: [5], outputs: [sum]))
    draft.outputs = [sum]
    draft.rename(5, to: "before")
    let written = try draft.written()
    #expect(written.primary.outputs == [sum])
    #expect(written.primary.ops.map(\.type) == ["CONV_2D", "RESHAPE", "RELU"])
    #expect(written.primary.tensors[5].description.name == "before")
    #expect(written.primary.tensors[5].description.shape == result.shape)
    #expect(written.primary.tensors[table].description.quantization == quantization)
    #expect(written.constantValues(of: table) == [1, 1.25])
  }

  @Test func `a cut gives every op inputs of its own, a suffix starts where it is told`() throws {
    let model = try Model(TinyModel().bytes)
    let cut = try model.cut(at: [3, 5])
    #expect(cut.inputs == [0, 3])
    #expect(cut.outputs == [3, 5])
    #expect(cut.model.primary.ops[1].inputs[0] >= model.primary.tensors.count)
    let suffix = try #require(try model.suffix(from: 1))
    #expect(suffix.inputs == [3])
    #expect(suffix.outputs == [5])
    #expect(suffix.model.primary.ops.map(\.type) == ["RESHAPE"])
  }

  @Test func `what cannot be written is refused`() throws {
    let model = try Model(TinyModel().bytes)
    var unknown = ModelDraft(model)
    unknown.ops.append(ModelDraft.Op(.plain("NO_SUCH_OP"), inputs: [0], outputs: []))
    #expect(throws: ModelError.self) { try unknown.written() }
    var late = ModelDraft(model)
    late.ops.reverse()
    #expect(throws: ModelError.self) { try late.written() }
    var absent = ModelDraft(model)
    absent.ops.append(ModelDraft.Op(.like(9), inputs: [0], outputs: []))
    #expect(throws: ModelError.self) { try absent.written() }
  }

  @Test(
    .enabled(if: SharedData.isAvailable || Requirements.areStrict),
    arguments: RealModels.all.filter { RealModels.refused[$0] == nil })
  func `real models can be rewritten and cut at every tensor`(path: String) throws {
    let model = try Model(SharedData.bytes(path))
    let copy = try ModelDraft(model).written()
    #expect(copy.primary.tensors.map(\.description) == model.primary.tensors.map(\.description))
    #expect(copy.primary.ops.map(\.type) == model.primary.ops.map(\.type))
    let cut = try model.cut(at: Set(model.primary.tensors.indices))
    #expect(cut.model.primary.ops.count == model.primary.ops.count)
    for op in stride(from: 0, to: model.primary.ops.count, by: 9) {
      if let suffix = try model.suffix(from: op) {
        #expect(Set(suffix.outputs).isSubset(of: model.primary.outputs))
      }
    }
  }
}
