import CHost

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// The search for a runtime's shared library; says every place it looked at.
///
/// Order: the user's own choice (a flag, then an environment variable), the project's dependency
/// folder, Python's package folders, the loader. A choice of the user's is final: a wrong path is an
/// error, never a reason to take another library.
public struct LibrarySearch: Sendable {
  /// The library's name without prefix and suffix, such as `LiteRt`.
  public var stem: String
  /// The environment variable that names the library's file.
  public var environmentVariable: String
  /// The folder in `.deps` that `make setup` fills.
  public var dependencyFolder: String
  /// The Python package that carries the library.
  public var pythonPackage: String
  /// What to do where nothing is found.
  public var advice: String

  /// Describes a library.
  public init(
    stem: String, environmentVariable: String, dependencyFolder: String, pythonPackage: String,
    advice: String
  ) {
    self.stem = stem
    self.environmentVariable = environmentVariable
    self.dependencyFolder = dependencyFolder
    self.pythonPackage = pythonPackage
    self.advice = advice
  }

  /// The file's name on this platform.
  public var fileName: String {
    #if canImport(Darwin)
      "lib\(stem).dylib"
    #else
      "lib\(stem).so"
    #endif
  }

  /// One place that was looked at.
  public struct Place: Sendable, Hashable {
    /// Why this place: `flag`, the environment variable's name, `dependencies`, `python`, `loader`.
    public var origin: String
    /// The file that was looked for, or the bare name that the loader was asked for.
    public var path: String
    /// Whether it was there.
    public var isFound: Bool
  }

  /// What a search found.
  public struct Result: Sendable, Hashable {
    /// The library's path, or nil where it is nowhere.
    public var path: String?
    /// Every place that was looked at, in order; the last one is the found one.
    public var places: [Place]
    /// What to do where nothing was found.
    public var advice: String

    /// An error that lists every place and says what to install.
    public func unavailable(library name: String) -> RuntimeError {
      let tried = places.map { "\n  \($0.origin): \($0.path)" }.joined()
      return RuntimeError(
        .libraryUnavailable, "the library \(name) was not found; tried:\(tried)\n\(advice)")
    }
  }

  /// Where a search begins.
  public struct Surroundings: Sendable {
    /// The environment variables.
    public var environment: [String: String]
    /// The folders from which `.deps` is looked for, each and all above it.
    public var folders: [String]
    /// Whether folders of the whole system and the loader are looked at too.
    public var includesSystem: Bool

    /// Creates surroundings.
    public init(environment: [String: String], folders: [String], includesSystem: Bool = true) {
      self.environment = environment
      self.folders = folders
      self.includesSystem = includesSystem
    }

    /// This process's own: its environment, its current folder, its executable's folder.
    public static var current: Self {
      var folders = [FileManager.default.currentDirectoryPath]
      if let executable = ProcessFiles.executable, let slash = executable.lastIndex(of: "/") {
        folders.append(String(executable[..<slash]))
      }
      return Self(environment: ProcessInfo.processInfo.environment, folders: folders)
    }
  }

  /// Looks for the library.
  ///
  /// - Parameter explicit: The path that the user gave, if any; then nothing else is looked at.
  public func run(explicit: String? = nil, in surroundings: Surroundings = .current) -> Result {
    var places: [Place] = []
    var seen: Set<String> = []
    func look(_ origin: String, _ path: String) -> Bool {
      guard seen.insert(path).inserted else { return false }
      places.append(Place(origin: origin, path: path, isFound: isFile(path)))
      return places[places.count - 1].isFound
    }
    func result(_ path: String?) -> Result { Result(path: path, places: places, advice: advice) }

    // The loader would search its own folders for a name without a slash.
    func file(_ path: String) -> String { path.contains("/") ? path : "./" + path }
    if let path = explicit.map(file) {
      return result(look("flag", path) ? path : nil)
    }
    if let path = surroundings.environment[environmentVariable].map(file), path != "./" {
      return result(look(environmentVariable, path) ? path : nil)
    }
    for folder in surroundings.folders.flatMap(ancestors) {
      let path = join(folder, ".deps/\(dependencyFolder)/\(fileName)")
      if look("dependencies", path) { return result(path) }
    }
    for packages in pythonPackageFolders(surroundings) {
      let path = join(packages, "\(pythonPackage)/\(fileName)")
      if look("python", path) { return result(path) }
    }
    if surroundings.includesSystem {
      let isFound = unsafe fileName.withCString { unsafe chost_can_load($0) } != 0
      places.append(Place(origin: "loader", path: fileName, isFound: isFound))
      if isFound { return result(fileName) }
    }
    return result(nil)
  }

  // MARK: Folders

  /// Python's package folders, found by their names; no Python is run.
  private func pythonPackageFolders(_ surroundings: Surroundings) -> [String] {
    let environment = surroundings.environment
    var prefixes: [String] = []
    for variable in ["VIRTUAL_ENV", "CONDA_PREFIX"] {
      if let prefix = environment[variable], !prefix.isEmpty { prefixes.append(prefix) }
    }
    for folder in (environment["PATH"] ?? "").split(separator: ":").map(String.init)
    where isFile(join(folder, "python3")) && folder.hasSuffix("/bin") {
      prefixes.append(String(folder.dropLast("/bin".count)))
    }
    if let home = environment["HOME"], !home.isEmpty { prefixes.append(join(home, ".local")) }
    if surroundings.includesSystem { prefixes += ["/usr/local", "/usr", "/opt/homebrew"] }
    return prefixes.flatMap { prefix -> [String] in
      let lib = join(prefix, "lib")
      let versions = (try? FileManager.default.contentsOfDirectory(atPath: lib)) ?? []
      return versions.filter { $0.hasPrefix("python3") }.sorted().flatMap {
        [join(lib, "\($0)/site-packages"), join(lib, "\($0)/dist-packages")]
      }
    }
  }

  private func ancestors(of folder: String) -> [String] {
    var folders = [folder]
    var rest = folder[...]
    while let slash = rest.lastIndex(of: "/") {
      rest = rest[..<slash]
      folders.append(rest.isEmpty ? "/" : String(rest))
    }
    return folders
  }

  private func join(_ folder: String, _ name: String) -> String {
    folder.hasSuffix("/") ? folder + name : "\(folder)/\(name)"
  }

  private func isFile(_ path: String) -> Bool {
    unsafe path.withCString { unsafe chost_is_file($0) } != 0
  }
}

/// The files of this process.
public enum ProcessFiles {
  /// The file of the running program, or nil where the system does not say.
  public static var executable: String? {
    var path = [CChar](repeating: 0, count: 4096)
    guard unsafe chost_executable_path(&path, path.count) >= 0 else { return nil }
    return String(decoding: path.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
  }
}
