public import EXray
import EXrayCore
import EXrayModel
public import EXrayRuntime
import EXrayTrace

extension Monitor {
  /// Logs every run of a session: inputs, outputs, each layer and each op's time, as far as the level wants them.
  ///
  /// ```swift
  /// var session = try monitor.attach(litert.load(model: bytes))
  /// ```
  ///
  /// For layers, and for the times of ops, the model is opened once more, with every layer given out; the
  /// session that was passed is given up. With LiteRT's builtin and reference kernels the answers stay the same,
  /// bit for bit; a delegate divides such a model into more parts, and its latency is not the app's.
  ///
  /// - Parameter name: The model's name in the trace.
  /// - Throws: ``RuntimeError`` where the edited model cannot be opened.
  public func attach(
    _ session: consuming Session, name: String = "model.tflite"
  ) throws(RuntimeError) -> MonitoredSession {
    try MonitoredSession.attach(session, to: self, name: name)
  }
}

/// A session whose runs a monitor logs; otherwise used as the session itself.
public struct MonitoredSession: InferenceSession, ~Copyable {
  /// The inputs, in the order of the session that was attached.
  public let inputs: [SessionTensor]
  /// The outputs, in the order of the session that was attached.
  public let outputs: [SessionTensor]
  /// The frame that the next run belongs to.
  ///
  /// Where it is nil, each run is a frame of its own, which begins with the first input that is written and ends
  /// with ``finish()``.
  public var frame: Frame?

  private var session: Session
  private let monitor: Monitor
  private let taps: [Tap]
  // Where the attached session's inputs and outputs are in the one that runs.
  private let inputPositions: [Int]
  private let outputPositions: [Int]
  private var ownFrame: Frame?

  /// A tensor that is logged, and where it is found.
  private struct Tap {
    var place: CapturedTensor.Place
    var stream: TensorStream
  }

  private init(
    _ session: consuming Session, _ monitor: Monitor, inputs: [SessionTensor],
    outputs: [SessionTensor], inputPositions: [Int], outputPositions: [Int], taps: [Tap]
  ) {
    self.session = session
    self.monitor = monitor
    self.inputs = inputs
    self.outputs = outputs
    self.inputPositions = inputPositions
    self.outputPositions = outputPositions
    self.taps = taps
  }

  fileprivate static func attach(
    _ attached: consuming Session, to monitor: Monitor, name: String
  ) throws(RuntimeError) -> MonitoredSession {
    monitor.describe(describe(attached, name: name))
    let (inputs, outputs) = (attached.inputs, attached.outputs)
    let wantsLayers = monitor.wants(.layer)
    let wantsTensors = wantsLayers || monitor.wants(.input) || monitor.wants(.output)
    let model = wantsTensors ? try model(of: attached) : nil
    let session = try giveOutLayers(of: attached, wantsLayers ? model : nil)
    let (given, made) = (session.inputs, session.outputs)
    return MonitoredSession(
      session, monitor, inputs: inputs, outputs: outputs,
      inputPositions: try positions(of: inputs, in: given),
      outputPositions: try positions(of: outputs, in: made),
      taps: model.map { taps($0.primary, given, made) } ?? [])
  }

  /// Sets the packed little-endian values of one input.
  public mutating func write(_ bytes: RawSpan, toInput index: Int) throws(RuntimeError) {
    guard inputPositions.indices.contains(index) else {
      throw RuntimeError(
        .invalidInput, "there is no input \(index), the model has \(inputs.count)")
    }
    if frame == nil, ownFrame == nil { ownFrame = monitor.beginFrame() }
    try session.write(bytes, toInput: inputPositions[index])
  }

  /// Marks a run as begun; ``finish()`` does the work.
  public mutating func start() throws(RuntimeError) { try session.start() }

  /// Runs the model, and logs the run.
  public mutating func finish() throws(RuntimeError) -> RunReport {
    let frame = frame ?? ownFrame ?? monitor.beginFrame()
    defer {
      if self.frame == nil { frame.end() }
      ownFrame = nil
    }
    let report = try session.finish()
    frame.log(inference: report.inferenceTime)
    if !report.ops.isEmpty {
      frame.log(
        ops: report.ops.map {
          OpTimingSample(label: $0.label, opIndex: $0.opIndex, microseconds: $0.microseconds)
        })
    }
    for tap in taps where frame.wants(tap.stream.role) {
      switch tap.place {
      case .input(let index): session.withInput(index) { frame.log(tap.stream, $0) }
      case .output(let index):
        // Throws only for an output that there is not.
        try? session.withOutput(index) { frame.log(tap.stream, $0) }
      }
    }
    return report
  }

  /// Calls `body` with the packed values of one output of the last run, in place.
  public borrowing func withOutput<Result>(
    _ index: Int, _ body: (RawSpan) throws -> Result
  ) throws -> Result {
    guard outputPositions.indices.contains(index) else {
      throw RuntimeError(
        .invalidInput, "there is no output \(index), the model has \(outputs.count)")
    }
    return try session.withOutput(outputPositions[index], body)
  }

  private static func describe(
    _ session: borrowing Session, name: String
  ) -> ModelDescription {
    let (options, library) = (session.options, session.library)
    return session.withModel { model in
      ModelDescription(
        name: name, bytes: model, runtime: LiteRT.runtimeName,
        runtimeVersion: LiteRT.version(ofLibraryAt: library.path),
        kernels: options.kernels.rawValue, threads: options.threads)
    }
  }

  private static func model(of session: borrowing Session) throws(RuntimeError) -> Model {
    do {
      return try session.withModel { bytes in
        try unsafe Model(bytes.withUnsafeBytes { unsafe Array($0) })
      }
    } catch {
      throw RuntimeError(.modelRefused, "\(error)")
    }
  }

  /// The session of a copy of the model that gives out all layers; the session itself where there is no model.
  private static func giveOutLayers(
    of session: consuming Session, _ model: Model?
  ) throws(RuntimeError) -> Session {
    guard let model else { return session }
    let exposed: [UInt8]
    do {
      exposed = try model.exposingLayers().bytes
    } catch {
      throw RuntimeError(
        .modelRefused, "\(error); attach the session to a monitor of the level io")
    }
    var options = session.options
    options.profilesOps = true
    return try unsafe Session(
      library: session.library, model: exposed.span.bytes, options: options)
  }

  /// Where each tensor is in a session that may have another order and more tensors.
  private static func positions(
    of tensors: [SessionTensor], in others: [SessionTensor]
  ) throws(RuntimeError) -> [Int] {
    var positions: [Int] = []
    for tensor in tensors {
      guard let position = others.firstIndex(where: { $0.tensorIndex == tensor.tensorIndex }) else {
        throw RuntimeError(
          .modelRefused,
          "\(tensor.description.name) is not given out by the copy of the model with all layers; "
            + "attach the session to a monitor of the level io")
      }
      positions.append(position)
    }
    return positions
  }

  private static func taps(
    _ graph: Subgraph, _ inputs: [SessionTensor], _ outputs: [SessionTensor]
  ) -> [Tap] {
    var counts: [TensorRole: Int] = [:]
    return graph.captured(
      inputs: inputs.map { ($0.tensorIndex, $0.description) },
      outputs: outputs.map { ($0.tensorIndex, $0.description) }
    ).map { tensor in
      let role: TensorRole =
        switch tensor.part {
        case .input: .input
        case .layer: .layer
        case .output: .output
        }
      let index = counts[role, default: 0]
      counts[role] = index + 1
      return Tap(
        place: tensor.place,
        stream: TensorStream(
          role: role, index: index, tensorIndex: tensor.tensorIndex, op: tensor.op,
          description: tensor.description))
    }
  }
}
