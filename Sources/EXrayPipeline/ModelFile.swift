import EXrayCore
public import EXrayModel
import EXrayRuntime
import EXrayTrace
import EXrayValidation
import Foundation
import Synchronization

/// A model file that has been read and checked.
public struct ModelFile: Sendable {
  /// The path it was read from.
  public let path: String
  /// The file name.
  public let name: String
  /// The checked model.
  public let model: Model
  private let digest = Digest()

  /// SHA-256 of the file, hexadecimal; worked out when it is first asked for.
  public var sha256: String { digest.value(of: model.bytes) }

  /// Reads and checks a model.
  ///
  /// - Throws: ``PipelineError`` naming the file, the byte offset of what is wrong, and what to do.
  public init(path: String) throws(PipelineError) {
    let bytes = try FileAccess.bytes(path)
    do {
      model = try Model(bytes)
    } catch {
      throw PipelineError(.unreadable, "\(path): \(error)")
    }
    self.path = path
    name = URL(filePath: path).lastPathComponent
  }

  /// The one input, as the file describes it; nil where there are several, or where its shape is open.
  var declaredInput: TensorDescription? {
    guard model.primary.inputs.count == 1, let index = model.primary.inputs.first,
      model.primary.tensors.indices.contains(index)
    else { return nil }
    let description = model.primary.tensors[index].description
    return description.byteCount == nil ? nil : description
  }
}

/// Works out a digest once, when it is asked for: runs that keep no trace need none.
private final class Digest: Sendable {
  private let known = Mutex<String?>(nil)

  func value(of bytes: [UInt8]) -> String {
    known.withLock { known in
      if let known { return known }
      let value = unsafe SHA256.hexadecimal(of: bytes.span.bytes)
      known = value
      return value
    }
  }
}

/// How much of a run is kept.
public enum Capture: String, Sendable, CaseIterable, Codable {
  /// Latency alone.
  case none
  /// Raw inputs, model inputs and model outputs.
  case io
  /// Those and every layer.
  case layers
}

/// A model that is loaded and ready, with the tensors that a run of it offers.
struct OpenedModel: ~Copyable {
  /// A tensor and where the session keeps it.
  struct Tensor: Sendable {
    var place: CapturedTensor.Place
    var tensorIndex: Int
    var compared: RunComparison.Tensor
  }

  let file: ModelFile
  let tensors: [Tensor]
  var session: AnySession

  /// Loads a model, with every layer exposed where they are captured.
  init(
    file: ModelFile, runtime: any InferenceRuntime, options: SessionOptions, capture: Capture
  ) throws {
    self.file = file
    let bytes = capture == .layers ? try Self.exposed(file) : file.model.bytes
    do {
      session = try unsafe runtime.openSession(model: bytes.span.bytes, options: options)
    } catch {
      throw Self.located(error, file)
    }
    tensors = Self.tensors(
      of: file.model.primary, inputs: session.inputs, outputs: session.outputs)
  }

  /// Runs what uses the session, and names the model in its failures.
  mutating func withSession<Result>(
    _ body: (inout AnySession) throws(RuntimeError) -> Result
  ) throws(RuntimeError) -> Result {
    do {
      return try body(&session)
    } catch {
      throw Self.located(error, file)
    }
  }

  /// The runtime's error, after the model's path where it is about the model.
  private static func located(_ error: RuntimeError, _ file: ModelFile) -> RuntimeError {
    let isAboutMachine = error.code == .libraryUnavailable || error.code == .environment
    return isAboutMachine ? error : RuntimeError(error.code, "\(file.path): \(error.message)")
  }

  private static func exposed(_ file: ModelFile) throws(PipelineError) -> [UInt8] {
    do {
      return try file.model.exposingLayers().bytes
    } catch {
      throw PipelineError(
        .unsuitableInput, "\(file.path): \(error); use --capture io to run it without layers")
    }
  }

  /// Inputs, then layers in execution order, then outputs in the model's order.
  private static func tensors(
    of graph: Subgraph, inputs: [SessionTensor], outputs: [SessionTensor]
  ) -> [Tensor] {
    graph.captured(
      inputs: inputs.map { ($0.tensorIndex, $0.description) },
      outputs: outputs.map { ($0.tensorIndex, $0.description) }
    ).map { tensor in
      let role: RunComparison.Tensor.Role =
        switch tensor.part {
        case .input: .input
        case .layer: .layer
        case .output: .output
        }
      return Tensor(
        place: tensor.place, tensorIndex: tensor.tensorIndex,
        compared: .init(
          role: role, op: tensor.op, description: tensor.description,
          modelIndex: tensor.tensorIndex))
    }
  }

  /// The tensors as a trace's streams; none for a run that keeps nothing.
  static func streams(_ tensors: [Tensor], capture: Capture) -> [TensorStream] {
    guard capture != .none else { return [] }
    var counts: [TensorRole: Int] = [:]
    return tensors.map { tensor in
      let role: TensorRole =
        switch tensor.compared.role {
        case .input: .input
        case .layer: .layer
        case .output: .output
        }
      let index = counts[role, default: 0]
      counts[role] = index + 1
      return TensorStream(
        role: role, index: index, tensorIndex: tensor.tensorIndex, op: tensor.compared.op,
        description: tensor.compared.description)
    }
  }

  /// The one input that pictures and arrays go into.
  ///
  /// - Throws: ``PipelineError`` where the model has several inputs or none.
  func onlyInput() throws(PipelineError) -> TensorDescription {
    let inputs = tensors.filter { $0.compared.role == .input }
    guard inputs.count == 1, let input = inputs.first else {
      throw PipelineError(
        .unsuitableInput,
        "\(file.path): has \(inputs.count) inputs; models with one input can be run for now")
    }
    return input.compared.description
  }
}
