/// The model that an app runs, and what runs it.
public struct ModelDescription: Sendable, Hashable {
  /// The model's file name.
  public var name: String
  /// SHA-256 of the model file, as 64 hexadecimal digits, or empty.
  public var sha256: String
  /// Bytes of the model file, or 0.
  public var byteCount: Int
  /// The runtime's name, as `litert`.
  public var runtime: String
  /// The runtime's version.
  public var runtimeVersion: String
  /// The kernel mode, as `xnnpack`.
  public var kernels: String
  /// Threads that the runtime was given.
  public var threads: Int
  /// The recipe's JSON text, where inputs are made by one.
  public var recipe: String?

  /// Creates a description.
  public init(
    name: String, sha256: String = "", byteCount: Int = 0, runtime: String = "",
    runtimeVersion: String = "", kernels: String = "", threads: Int = 1, recipe: String? = nil
  ) {
    self.name = name
    self.sha256 = sha256
    self.byteCount = byteCount
    self.runtime = runtime
    self.runtimeVersion = runtimeVersion
    self.kernels = kernels
    self.threads = threads
    self.recipe = recipe
  }

  /// Creates a description with the digest of the model file's bytes.
  public init(
    name: String, bytes: RawSpan, runtime: String = "", runtimeVersion: String = "",
    kernels: String = "", threads: Int = 1, recipe: String? = nil
  ) {
    self.init(
      name: name, sha256: SHA256.hexadecimal(of: bytes), byteCount: bytes.byteCount,
      runtime: runtime, runtimeVersion: runtimeVersion, kernels: kernels, threads: threads,
      recipe: recipe)
  }
}

extension RunDescription {
  mutating func take(_ model: ModelDescription) {
    self.model = model.name
    modelSHA256 = model.sha256
    modelByteCount = max(0, model.byteCount)
    runtime = model.runtime
    runtimeVersion = model.runtimeVersion
    kernels = model.kernels
    threads = max(0, model.threads)
    recipe = model.recipe
  }
}
