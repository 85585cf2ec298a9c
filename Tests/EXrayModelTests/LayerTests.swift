import EXrayCore
import EXrayModel
import Testing

@Suite("Exposing layers")
struct LayerTests {
  @Test("a healthy model is read as it was written")
  func reads() throws {
    let model = try Model(TinyModel().bytes)
    #expect(model.formatVersion == 3 && model.description == "tiny")
    #expect(model.primary.name == "main" && model.subgraphs.count == 1)
    #expect(model.primary.inputs == [0] && model.primary.outputs == [5])
    #expect(model.primary.ops.map(\.type) == ["CONV_2D", "RESHAPE"])
    #expect(model.primary.ops[0].fusedActivation == "RELU6")
    #expect(model.primary.ops[1].fusedActivation == nil)
    #expect(model.primary.ops[1].reference == OpReference(index: 1, type: "RESHAPE"))
    #expect(model.primary.tensors[3].description.shape == [1, 4, 4, 2])
    #expect(model.primary.tensors[1].constantBytes?.count == 32)
    #expect(model.primary.tensors[3].constantBytes == nil)
    #expect(model.signatures[0].outputs.map(\.name) == ["y"])
    #expect(model.signatures[0].outputs.map(\.tensorIndex) == [5])
  }

  @Test("every op's result becomes an output, after the original ones")
  func exposes() throws {
    let bytes = TinyModel().bytes
    let exposed = try Model(bytes).exposingLayers()
    #expect(exposed.outputs == [5, 3])
    #expect(exposed.layers.map(\.tensorIndex) == [3, 5])
    #expect(exposed.layers.map(\.op.type) == ["CONV_2D", "RESHAPE"])
    let edited = try Model(exposed.bytes)
    #expect(edited.primary.outputs == [5, 3])
    #expect(edited.signatures.isEmpty)
    #expect(
      edited.primary.tensors.map(\.description)
        == (try Model(bytes)).primary.tensors.map(\.description))
    // The model itself stays as it is, behind a new front that keeps its constants aligned.
    #expect(exposed.bytes.suffix(bytes.count).elementsEqual(bytes))
    #expect((exposed.bytes.count - bytes.count) % 64 == 0)
  }

  @Test("exposing twice changes nothing more than a longer file")
  func isStable() throws {
    let once = try Model(TinyModel().bytes).exposingLayers()
    let twice = try Model(once.bytes).exposingLayers()
    #expect(twice.outputs == once.outputs)
    #expect(twice.layers == once.layers)
  }

  @Test("results that depend on constants alone are left out")
  func skipsConstants() throws {
    let model = TinyModel.with {
      // The filter comes out of a DEQUANTIZE of half-precision constants.
      $0.tensors[1][1] = .int8(1)
      $0.buffers[1] = [0: .bytes([UInt8](repeating: 0, count: 16))]
      $0.tensors.append(TinyModel.tensor("filter32", [2, 2, 2, 1]))
      $0.codes.append(TinyModel.code(6))
      $0.ops[0][1] = .ints([0, 6, 2])
      $0.ops.insert(TinyModel.op(2, [1], [6]), at: 0)
    }
    let exposed = try Model(model.bytes).exposingLayers()
    #expect(exposed.layers.map(\.tensorIndex) == [3, 5])
    #expect(exposed.layers.map(\.op.index) == [1, 2])
  }

  @Test("results whose shape only a run decides are left out, with all that follows from them")
  func skipsDynamic() throws {
    let model = TinyModel.with {
      $0.append(109, [5], makes: TinyModel.tensor("where", [1, 2], type: 4))  // WHERE
      $0.append(53, [6], makes: TinyModel.tensor("cast", [1, 2], type: 0))  // CAST
    }
    let exposed = try Model(model.bytes).exposingLayers()
    #expect(exposed.layers.map(\.tensorIndex) == [3, 5])
  }

  @Test("a final output stays an output and a layer, whatever it is")
  func keepsFinalOutputs() throws {
    let model = TinyModel.with {
      $0.append(109, [5], makes: TinyModel.tensor("where", [1, 2], type: 4))
      $0.outputs = [6]
      $0.signature = nil
    }
    let exposed = try Model(model.bytes).exposingLayers()
    #expect(exposed.outputs == [6, 3, 5])
    #expect(exposed.layers.map(\.tensorIndex) == [3, 5, 6])
  }

  @Test("variables, strings and empty results are left out")
  func skipsTypes() throws {
    for change: (inout Fields) -> Void in [
      { $0[5] = .uint8(1) }, { $0[0] = .ints([1, 0]) }, { $0[1] = .int8(5) },
    ] {
      let model = TinyModel.with {
        var result = TinyModel.tensor("special", [1, 32])
        change(&result)
        $0.codes.append(TinyModel.code(32, custom: "Anything"))
        $0.tensors.append(result)
        $0.ops.append(TinyModel.op(2, [5], [6]))
      }
      #expect(try Model(model.bytes).exposingLayers().layers.map(\.tensorIndex) == [3, 5])
    }
  }

  @Test("a model with constants outside its flatbuffer is readable and cannot be exposed")
  func refusesExternalBuffers() throws {
    var model = TinyModel()
    model.buffers[1] = [1: .uint64(8), 2: .uint64(32)]
    let read = try Model(model.bytes)
    #expect(read.primary.tensors[1].constantBytes == 8..<40)
    let error = #expect(throws: ModelError.self) { try read.exposingLayers() }
    #expect(error?.code == .externalBuffers)
    #expect(error?.description.contains("run it without capturing layers") == true)
  }

  @Test("a dynamic batch is kept in the shape signature")
  func dynamicBatch() throws {
    let model = try Model(TinyModel.with { $0.tensors[0][7] = .ints([-1, 4, 4, 1]) }.bytes)
    #expect(model.primary.tensors[0].shapeSignature == [-1, 4, 4, 1])
    #expect(model.primary.tensors[3].shapeSignature == nil)
  }
}
