import CLiteRT
import EXrayCore
import EXrayRuntime

/// A model in LiteRT's own form; owns it and the bytes it refers to.
@safe
struct LoadedModel: ~Copyable {
  let library: Library
  let handle: OpaquePointer
  let signature: OpaquePointer
  // Freed after `deinit`: the model refers to them as long as it lives.
  private let bytes: AlignedBytes

  init(library: Library, model: RawSpan) throws(RuntimeError) {
    guard model.byteCount > 0 else {
      throw RuntimeError(.modelRefused, "the model is empty; give a .tflite file")
    }
    let bytes = try AlignedBytes(copying: model)
    let c = unsafe library.functions.pointee
    let buffer = unsafe bytes.buffer
    var handle: OpaquePointer?
    func create() -> LiteRtStatus {
      guard let start = buffer.baseAddress else { return 2 }
      return unsafe c.CreateModelFromBuffer(library.environment, start, buffer.count, &handle)
    }
    var status = create()
    if status == 5 {
      let hidden = unsafe HiddenState(clearing: buffer)
      if !hidden.isEmpty { status = create() }
      unsafe hidden.restore(in: buffer)
    }
    guard status == 0, let handle = unsafe handle else {
      let words = library.words(logs: true) { _ = create() }
      throw RuntimeError(
        .modelRefused,
        "LiteRT cannot load the model (\(Status(status)))\(words.isEmpty ? "" : ": \(words)"); "
          + "check the file with exray inspect")
    }
    var signature: OpaquePointer?
    let found = unsafe c.GetModelSignature(handle, 0, &signature)
    guard found == 0, let signature = unsafe signature else {
      unsafe c.DestroyModel(handle)
      throw RuntimeError(
        .modelRefused,
        "LiteRT finds no signature in the model (\(Status(found))); check it with exray inspect")
    }
    self.library = library
    unsafe self.handle = handle
    unsafe self.signature = signature
    self.bytes = bytes
  }

  deinit { unsafe library.functions.pointee.DestroyModel(handle) }

  /// The model file's bytes.
  var span: RawSpan {
    @_lifetime(borrow self)
    get {
      let buffer = unsafe UnsafeRawBufferPointer(bytes.buffer)
      return unsafe _overrideLifetime(RawSpan(_unsafeBytes: buffer), borrowing: self)
    }
  }
}

/// A model prepared to run, with the buffers of its inputs and outputs.
@safe
struct Compiled: ~Copyable {
  let library: Library
  let model: LoadedModel
  let handle: OpaquePointer
  // Memory of the buffers where it is ours; freed after `deinit` has destroyed the buffers.
  private var inputMemory: AlignedBytes?
  private var outputMemory: AlignedBytes?
  private(set) var inputs = Buffers()
  private(set) var outputs = Buffers()

  /// The most that the inputs, or the outputs, may take: beyond it a file is absurd, not large.
  private static let maximumByteCount = 1 << 33

  /// The buffers of one direction.
  @safe
  struct Buffers {
    var handles: [OpaquePointer?] = unsafe []
    var blocks: [UnsafeMutableRawBufferPointer] = unsafe []
    /// What LiteRT takes a buffer's bytes to be, and how many it needs.
    var types: [LiteRtRankedTensorType] = []
    var requiredByteCounts: [Int] = []
  }

  init(model: consuming LoadedModel, options: SessionOptions) throws(RuntimeError) {
    let library = model.library
    var handle: OpaquePointer?
    let status = library.silencingGreeting(options.kernels) { [modelHandle = unsafe model.handle] in
      unsafe Self.create(library, modelHandle, options, reporter: 2, &handle)
    }
    guard status == 0, let handle = unsafe handle else {
      let words = library.words(logs: false) { [modelHandle = unsafe model.handle] in
        var again: OpaquePointer?
        _ = unsafe Self.create(library, modelHandle, options, reporter: 0, &again)
        if let again = unsafe again { unsafe library.functions.pointee.DestroyCompiledModel(again) }
      }
      throw RuntimeError(
        .modelRefused,
        "LiteRT cannot prepare the model (\(Status(status)))\(words.isEmpty ? "" : ": \(words)"); "
          + "check the file with exray inspect, or try other kernels")
    }
    self.library = library
    self.model = model
    unsafe self.handle = handle
  }

  deinit {
    unsafe Self.destroy(inputs.handles + outputs.handles, library)
    unsafe library.functions.pointee.DestroyCompiledModel(handle)
  }

  /// Creates the compiled model; `reporter` says where words go: 0 standard error, 2 kept in the model.
  private static func create(
    _ library: Library, _ model: OpaquePointer, _ options: SessionOptions, reporter: Int,
    _ result: inout OpaquePointer?
  ) -> LiteRtStatus {
    let c = unsafe library.functions.pointee
    var optionsHandle: OpaquePointer?
    var status = unsafe c.CreateOptions(&optionsHandle)
    guard status == 0, let optionsHandle = unsafe optionsHandle else { return status }
    defer { unsafe c.DestroyOptions(optionsHandle) }
    status = unsafe c.SetOptionsHardwareAccelerators(optionsHandle, 1)
    let mode =
      switch options.kernels {
      case .xnnpack: "delegate"
      case .builtin: "builtin"
      case .reference: "reference"
      }
    let kernels = "kernel_mode = \"\(mode)\"\nnum_threads = \(max(1, options.threads))\n"
    let runtime =
      "error_reporter_mode = \(reporter)\n"
      + (options.profilesOps ? "enable_profiling = true\n" : "")
    // The library reads the mode under one of the two names and the threads under the other: with
    // one of them alone, reference kernels silently become optimised ones.
    let texts = [
      ("xnnpack", kernels), ("cpu_delegate", kernels), ("runtime_options_string", runtime),
    ]
    for (identifier, text) in texts where status == 0 {
      var opaque: OpaquePointer?
      status = unsafe clitert_create_text_options(library.functions, identifier, text, &opaque)
      guard status == 0, let opaque = unsafe opaque else { return status }
      status = unsafe c.AddOpaqueOptions(optionsHandle, opaque)
      if status != 0 { unsafe c.DestroyOpaqueOptions(opaque) }
    }
    guard status == 0 else { return status }
    return unsafe c.CreateCompiledModel(library.environment, model, optionsHandle, &result)
  }

  // MARK: Words

  /// What the library has said since the last call, or an empty text.
  borrowing func words() -> String {
    let c = unsafe library.functions.pointee
    var text: UnsafeMutablePointer<CChar>?
    guard unsafe c.CompiledModelGetErrorMessages(handle, &text) == 0, let text = unsafe text else {
      return ""
    }
    defer { unsafe clitert_free(text) }
    let words = Library.sentence(unsafe String(cString: text))
    _ = unsafe c.CompiledModelClearErrors(handle)
    return words
  }

  // MARK: Buffers

  /// Puts buffers over memory of our own.
  mutating func allocateBuffers(
    inputs: consuming Buffers, outputs: consuming Buffers
  ) throws(RuntimeError) {
    inputMemory = try Self.allocate(&inputs)
    outputMemory = try Self.allocate(&outputs)
    try setBuffers(inputs: inputs, outputs: outputs)
  }

  /// Puts buffers over the caller's memory; returns false where it does not suit.
  mutating func adopt(
    inputs inputBlocks: [UnsafeMutableRawBufferPointer],
    outputs outputBlocks: [UnsafeMutableRawBufferPointer]
  ) throws(RuntimeError) -> Bool {
    guard let newInputs = unsafe Self.fitting(inputBlocks, inputs),
      let newOutputs = unsafe Self.fitting(outputBlocks, outputs)
    else { return false }
    try setBuffers(inputs: newInputs, outputs: newOutputs)
    inputMemory = nil
    outputMemory = nil
    return true
  }

  private static func fitting(
    _ blocks: [UnsafeMutableRawBufferPointer], _ buffers: Buffers
  ) -> Buffers? {
    guard unsafe blocks.count == buffers.types.count else { return nil }
    for (index, required) in buffers.requiredByteCounts.enumerated() {
      let address = unsafe UInt(bitPattern: blocks[index].baseAddress)
      guard unsafe blocks[index].count >= required, address != 0,
        address % UInt(AlignedBytes.alignment) == 0
      else { return nil }
    }
    var result = buffers
    unsafe result.handles = []
    unsafe result.blocks = unsafe blocks
    return result
  }

  /// Allocates one piece of memory for all tensors, with slack behind each for vector kernels.
  private static func allocate(_ buffers: inout Buffers) throws(RuntimeError) -> AlignedBytes {
    let unit = AlignedBytes.alignment
    var ranges: [Range<Int>] = []
    var end = 0
    for size in buffers.requiredByteCounts {
      let (next, overflow) = end.addingReportingOverflow(size)
      guard !overflow, next <= Self.maximumByteCount else {
        throw RuntimeError(
          .environment,
          "the model's inputs or outputs take more than \(Self.maximumByteCount) bytes; "
            + "capture fewer layers, or use a smaller batch")
      }
      let rounded = (next + 2 * unit - 1) / unit * unit
      ranges.append(end..<rounded)
      end = rounded
    }
    let memory = try AlignedBytes(byteCount: end)
    let whole = unsafe memory.buffer
    unsafe buffers.blocks = unsafe ranges.map { unsafe .init(rebasing: whole[$0]) }
    return memory
  }

  private mutating func setBuffers(
    inputs newInputs: Buffers, outputs newOutputs: Buffers
  ) throws(RuntimeError) {
    let old = unsafe inputs.handles + outputs.handles
    (inputs, outputs) = (newInputs, newOutputs)
    unsafe Self.destroy(old, library)
    try Self.createHandles(&inputs, library, "input")
    try Self.createHandles(&outputs, library, "output")
  }

  private static func createHandles(
    _ buffers: inout Buffers, _ library: Library, _ what: String
  ) throws(RuntimeError) {
    let c = unsafe library.functions.pointee
    for index in buffers.types.indices {
      guard let start = unsafe buffers.blocks[index].baseAddress else { continue }
      var handle: OpaquePointer?
      let status = unsafe c.CreateTensorBufferFromHostMemory(
        &buffers.types[index], start, max(1, buffers.requiredByteCounts[index]), nil, &handle)
      guard status == 0, unsafe handle != nil else {
        throw RuntimeError(
          .modelRefused,
          "LiteRT gives no buffer for \(what) \(index) (\(Status(status))); "
            + "check the model with exray inspect")
      }
      unsafe buffers.handles.append(handle)
    }
  }

  private static func destroy(_ handles: [OpaquePointer?], _ library: Library) {
    for index in unsafe handles.indices {
      if let handle = unsafe handles[index] {
        unsafe library.functions.pointee.DestroyTensorBuffer(handle)
      }
    }
  }

  // MARK: Running

  /// Runs the model once; handles must not be NULL, or the library crashes.
  mutating func run() -> LiteRtStatus {
    unsafe library.functions.pointee.RunCompiledModel(
      handle, 0, inputs.handles.count, &inputs.handles, outputs.handles.count, &outputs.handles)
  }
}
