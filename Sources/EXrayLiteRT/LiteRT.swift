import EXrayModel
public import EXrayRuntime

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// The LiteRT runtime: Google's library for `.tflite` models, found and opened at run time.
///
/// Sessions of this type run in this process; a model that crashes the library ends the process.
/// ``hosted(library:executable:timeLimit:memoryLimitInBytes:)`` runs each in a process of its own.
public struct LiteRT: InferenceRuntime {
  /// The runtime's name, `litert`.
  public var name: String { Self.runtimeName }
  /// The library's version where it is known, else `unknown`.
  ///
  /// The library does not say it. It is read from a file `VERSION` beside the library, else from the
  /// metadata of the Python package that the library lies in.
  public let version: String
  /// The path of the library.
  public let libraryPath: String

  private let library: Library
  private let checksModels: Bool

  /// The runtime's name, `litert`.
  public static let runtimeName = "litert"

  /// How the library is searched for.
  public static let search = LibrarySearch(
    stem: "LiteRt", environmentVariable: "EXRAY_LITERT_LIBRARY", dependencyFolder: "litert",
    pythonPackage: "ai_edge_litert",
    advice: "run make setup in the project's folder, or pip download --no-deps "
      + "ai-edge-litert==2.3.0, unzip it, and name its library with --library or in "
      + "EXRAY_LITERT_LIBRARY")

  /// Finds and opens the library; its code stays loaded as long as the process lives.
  ///
  /// - Parameters:
  ///   - library: The library's path, or nil to search for it.
  ///   - checksModels: Whether a model is read and checked before the library sees it. What our checks refuse
  ///     can end or corrupt the process; leave them out only where the model has been checked already.
  /// - Throws: ``RuntimeError`` `.libraryUnavailable` with every place tried.
  public init(library: String? = nil, checksModels: Bool = true) throws(RuntimeError) {
    self.checksModels = checksModels
    let result = Self.locate(library)
    guard let path = result.path else { throw result.unavailable(library: Self.search.fileName) }
    self.library = try Library.opened(at: path)
    libraryPath = path
    version = Self.version(ofLibraryAt: path)
  }

  /// Searches for the library without opening it.
  ///
  /// - Parameter explicit: The path that the user gave, if any.
  public static func locate(_ explicit: String? = nil) -> LibrarySearch.Result {
    search.run(explicit: explicit)
  }

  /// The version of the library at `path`, or `unknown`.
  public static func version(ofLibraryAt path: String) -> String {
    let folder = URL(filePath: path).deletingLastPathComponent()
    if let text = try? String(contentsOf: folder.appending(path: "VERSION"), encoding: .utf8),
      let version = plausibleVersion(text)
    {
      return version
    }
    let prefix = "\(search.pythonPackage)-"
    let suffix = ".dist-info"
    let packages = folder.deletingLastPathComponent().path
    let names = (try? FileManager.default.contentsOfDirectory(atPath: packages)) ?? []
    let versions = names.filter { $0.hasPrefix(prefix) && $0.hasSuffix(suffix) }
      .compactMap { plausibleVersion($0.dropFirst(prefix.count).dropLast(suffix.count)) }
    return versions.count == 1 ? versions[0] : "unknown"
  }

  private static func plausibleVersion(_ text: some StringProtocol) -> String? {
    let version = text.split(whereSeparator: \.isWhitespace).joined(separator: " ")
    let isPlausible =
      version.first?.isNumber == true && version.count <= 40
      && version.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || ".+-_".contains($0)) }
    return isPlausible ? version : nil
  }

  /// Loads a model and prepares it to run in this process.
  ///
  /// - Parameter model: The whole `.tflite` file; copied.
  /// - Throws: ``RuntimeError`` `.modelRefused` with LiteRT's own words; `.invalidInput` for an input
  ///   shape that the model does not take.
  public func open(model: RawSpan, options: SessionOptions) throws(RuntimeError)
    -> any InferenceSession & ~Copyable
  {
    try load(model: model, options: options)
  }

  /// Loads a model and prepares it to run in this process, as a concrete type.
  ///
  /// The parameters and errors are those of ``open(model:options:)``.
  public func load(
    model: RawSpan, options: SessionOptions = SessionOptions()
  ) throws(RuntimeError) -> Session {
    if checksModels {
      do {
        _ = try unsafe Model(model.withUnsafeBytes { unsafe Array($0) })
      } catch {
        throw RuntimeError(.modelRefused, "\(error)")
      }
    }
    return try Session(library: library, model: model, options: options)
  }
}

extension LiteRT {
  /// Describes LiteRT running each session in a process of its own.
  ///
  /// - Parameters:
  ///   - library: The library's path, or nil to search for it; it is not opened in this process.
  ///   - executable: A program whose `host-runtime` subcommand calls ``serve(library:)``.
  ///   - timeLimit: How long opening a model, and each run, may take.
  ///   - memoryLimitInBytes: The memory that a child may allocate.
  /// - Throws: ``RuntimeError`` `.libraryUnavailable` with every place tried.
  public static func hosted(
    library: String? = nil, executable: String, timeLimit: Duration = .seconds(120),
    memoryLimitInBytes: Int = 16 << 30
  ) throws(RuntimeError) -> HostedRuntime {
    let result = locate(library)
    guard let path = result.path else { throw result.unavailable(library: search.fileName) }
    return HostedRuntime(
      name: runtimeName, version: version(ofLibraryAt: path), executable: executable,
      arguments: ["host-runtime", "--runtime", runtimeName, "--library", path],
      timeLimit: timeLimit,
      memoryLimitInBytes: memoryLimitInBytes)
  }

  /// Serves one session to the process that started this one: the body of `exray host-runtime`.
  ///
  /// Models are not checked again: a crash here is the parent's finding.
  ///
  /// - Returns: The exit code.
  public static func serve(library: String?) -> Int32 {
    RuntimeHost.serve { () throws(RuntimeError) in try LiteRT(library: library, checksModels: false)
    }
  }
}
