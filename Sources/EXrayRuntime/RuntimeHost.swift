import CHost

/// The child's side of ``HostedRuntime``.
public enum RuntimeHost {
  /// Serves one session of the runtime that `make` gives to the process that started this one.
  ///
  /// Call it from the main function of the program that ``HostedRuntime/executable`` names, and exit
  /// with the result. It returns when the session is over; where the parent ends first, the process exits.
  ///
  /// - Parameter make: Loads the runtime; an error that it throws is what opening the session reports.
  /// - Returns: An exit code: 0, or 2 where this process was not started by ``HostedRuntime``.
  public static func serve(_ make: () throws(RuntimeError) -> any InferenceRuntime) -> Int32 {
    let descriptors = [CHOST_CONTROL, CHOST_MODEL, CHOST_INPUTS, CHOST_OUTPUTS]
    for descriptor in descriptors where chost_close_on_exec(Int32(descriptor)) < 0 {
      return 2
    }
    StandardError.isCollected = true
    var connection = Connection(control: Int32(CHOST_CONTROL))
    guard connection.send(HostMessage(kind: .hello, payload: [HostMessage.version])),
      chost_exit_when_closed(connection.control) >= 0
    else { return 2 }
    do throws(RuntimeError) {
      try serve(make, over: &connection)
    } catch {
      _ = connection.send(HostMessage(failure: error))
      // The parent closes the connection when it has read that; waiting keeps the message readable.
      while connection.receive() != nil {}
    }
    return 0
  }

  /// Serves one session of `runtime` to the process that started this one.
  ///
  /// - Returns: An exit code; see ``serve(_:)``.
  public static func serve(runtime: some InferenceRuntime) -> Int32 {
    serve { () throws(RuntimeError) in runtime }
  }

  private static func serve(
    _ make: () throws(RuntimeError) -> any InferenceRuntime, over connection: inout Connection
  ) throws(RuntimeError) {
    guard let message = connection.receive(), message.kind == .open,
      let request = message.value(HostMessage.OpenRequest.self)
    else { return }
    if request.memoryLimitInBytes > 0 {
      _ = chost_limit_memory(UInt64(request.memoryLimitInBytes))
    }
    let runtime = try make()
    var session = try open(runtime, options: request.options)
    let tensors = HostMessage.SessionTensors(
      inputs: session.inputs, outputs: session.outputs,
      loadNanoseconds: session.loadTime?.wholeNanoseconds)
    guard connection.send(try HostMessage(.tensors, tensors)),
      connection.receive()?.kind == .mapped
    else { return }

    let inputMemory = SharedMemory(descriptor: Int32(CHOST_INPUTS))
    let outputMemory = SharedMemory(descriptor: Int32(CHOST_OUTPUTS))
    try inputMemory.map(writable: true)
    try outputMemory.map(writable: true)
    guard let inputs = TensorLayout(tensors.inputs, limit: inputMemory.byteCount),
      let outputs = TensorLayout(tensors.outputs, limit: outputMemory.byteCount)
    else { throw RuntimeError(.environment, "the shared memory is too small for the model") }
    let shares = try unsafe session.adopt(
      inputs: inputMemory.blocks(inputs), outputs: outputMemory.blocks(outputs))
    guard connection.send(HostMessage(kind: .ready)) else { return }

    while let message = connection.receive(), message.kind == .start {
      let answer: HostMessage
      do throws(RuntimeError) {
        if !shares {
          for (index, values) in inputs.values.enumerated() {
            let bytes = unsafe UnsafeRawBufferPointer(rebasing: inputMemory.bytes[values])
            try unsafe session.write(RawSpan(_unsafeBytes: bytes), toInput: index)
          }
        }
        let report = try session.run()
        if !shares { try copyOutputs(of: session, to: outputMemory, outputs) }
        answer = try HostMessage(report: report)
      } catch {
        answer = HostMessage(failure: error)
      }
      guard connection.send(answer) else { return }
    }
  }

  private static func open(_ runtime: any InferenceRuntime, options: SessionOptions)
    throws(RuntimeError) -> any InferenceSession & ~Copyable
  {
    let memory = SharedMemory(descriptor: Int32(CHOST_MODEL))
    guard chost_memory_size(memory.descriptor) > 0 else {
      return try runtime.open(model: RawSpan(), options: options)
    }
    try memory.map(writable: false)
    let bytes = unsafe UnsafeRawBufferPointer(memory.bytes)
    return try unsafe runtime.open(model: RawSpan(_unsafeBytes: bytes), options: options)
  }

  private static func copyOutputs(
    of session: borrowing any InferenceSession & ~Copyable, to memory: SharedMemory,
    _ layout: TensorLayout
  ) throws(RuntimeError) {
    do {
      for (index, values) in layout.values.enumerated() {
        try session.withOutput(index) { bytes in
          guard bytes.byteCount == values.count else {
            throw RuntimeError(
              .runFailed,
              "output \(index) has \(bytes.byteCount) bytes instead of \(values.count)")
          }
          unsafe bytes.withUnsafeBytes {
            unsafe UnsafeMutableRawBufferPointer(rebasing: memory.bytes[values])
              .copyMemory(from: $0)
          }
        }
      }
    } catch let error as RuntimeError {
      throw error
    } catch {
      throw RuntimeError(.runFailed, "reading an output failed: \(error)")
    }
  }

  /// The child's end of the control socket.
  private struct Connection {
    let control: Int32
    private var parser = HostMessageParser()

    init(control: Int32) { self.control = control }

    func send(_ message: HostMessage) -> Bool {
      let bytes = message.encoded
      return unsafe bytes.withUnsafeBytes {
        unsafe chost_send(control, $0.baseAddress, $0.count, .max / 4) >= 0
      }
    }

    /// The next message, or nil where the parent is gone or talks nonsense.
    mutating func receive() -> HostMessage? {
      while true {
        switch parser.next() {
        case .message(let message): return message
        case .garbage: return nil
        case .incomplete:
          guard chost_wait(control, -1, Int64(Int32.max)) >= 0 else { return nil }
          var chunk = [UInt8](repeating: 0, count: 16 << 10)
          let capacity = chunk.count
          let count = unsafe chunk.withUnsafeMutableBytes {
            unsafe chost_receive(control, $0.baseAddress, capacity)
          }
          if count == 0 { return nil }
          if count > 0 { parser.append(chunk.prefix(Int(count))) }
        }
      }
    }
  }
}
