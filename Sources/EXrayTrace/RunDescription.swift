/// What ran, on what and how; of several in a trace the last counts.
public struct RunDescription: Codable, Hashable, Sendable {
  /// The model's file name.
  public var model: String
  /// SHA-256 of the model file, as 64 hexadecimal digits.
  public var modelSHA256: String
  /// Bytes of the model file.
  public var modelByteCount: Int
  /// The runtime's name, as `litert`.
  public var runtime: String
  /// The runtime's version.
  public var runtimeVersion: String
  /// The kernel mode, as `xnnpack`.
  public var kernels: String
  /// Threads that the runtime was given.
  public var threads: Int
  /// What was captured: `none`, `output`, `io`, `embedding`, `layers` or `sketch`.
  public var capture: String
  /// The machine.
  public var device: String
  /// The operating system.
  public var operatingSystem: String
  /// The recipe's JSON text, where inputs were made by one.
  public var recipe: String?
  /// The program that wrote the trace, with its version.
  public var tool: String
  /// When the run began, in nanoseconds since 1970.
  public var startedNanoseconds: UInt64

  /// Creates a description.
  public init(
    model: String = "", modelSHA256: String = "", modelByteCount: Int = 0, runtime: String = "",
    runtimeVersion: String = "", kernels: String = "", threads: Int = 1, capture: String = "io",
    device: String = "", operatingSystem: String = "", recipe: String? = nil, tool: String = "",
    startedNanoseconds: UInt64 = 0
  ) {
    self.model = model
    self.modelSHA256 = modelSHA256
    self.modelByteCount = modelByteCount
    self.runtime = runtime
    self.runtimeVersion = runtimeVersion
    self.kernels = kernels
    self.threads = threads
    self.capture = capture
    self.device = device
    self.operatingSystem = operatingSystem
    self.recipe = recipe
    self.tool = tool
    self.startedNanoseconds = startedNanoseconds
  }

  /// The description as the entries of a metadata record.
  var entries: [String: String] {
    var entries = [
      "formatVersion": String(TraceLayout.formatVersion), "model": model,
      "modelSHA256": modelSHA256, "modelByteCount": String(modelByteCount), "runtime": runtime,
      "runtimeVersion": runtimeVersion, "kernels": kernels, "threads": String(threads),
      "capture": capture, "device": device, "operatingSystem": operatingSystem, "tool": tool,
      "startedNanoseconds": String(startedNanoseconds),
    ]
    entries["recipe"] = recipe
    return entries
  }

  /// Reads the entries; the message of what is wrong is thrown.
  init(entries: [String: String]) throws(Fault) {
    let fields = Fields(entries)
    let version: Int = try fields.integer("formatVersion")
    guard version == TraceLayout.formatVersion else {
      throw Fault("has format version \(version), this program reads \(TraceLayout.formatVersion)")
    }
    model = try fields.text("model")
    modelSHA256 = try fields.text("modelSHA256")
    modelByteCount = try fields.integer("modelByteCount")
    runtime = try fields.text("runtime")
    runtimeVersion = try fields.text("runtimeVersion")
    kernels = try fields.text("kernels")
    threads = try fields.integer("threads")
    capture = try fields.text("capture")
    device = try fields.text("device")
    operatingSystem = try fields.text("operatingSystem")
    recipe = entries["recipe"]
    tool = try fields.text("tool")
    startedNanoseconds = try fields.integer("startedNanoseconds")
    guard modelByteCount >= 0, threads >= 0 else {
      throw Fault("has \(threads) threads and a model of \(modelByteCount) bytes")
    }
  }
}
