import Foundation
import Synchronization

/// What checks that are at work would leave behind where a signal ends the program.
///
/// Their temporary folders hold a user's data, and their programs are in process groups of their own, which a
/// terminal's Ctrl-C does not reach.
public enum CheckLeftovers {
  private struct State {
    var folders: Set<URL> = []
    var programs: Set<Int32> = []
    var isEnding = false
  }

  private static let state = Mutex(State())

  /// Ends the programs and removes the folders, in the last moments before this program ends.
  ///
  /// A thread that runs a check does not go on afterwards.
  public static func removeAll() {
    state.withLock { state in
      state.isEnding = true
      for program in state.programs {
        // With those that it started, where it leads a group. It may ignore signals that this program
        // ignores, but not this one.
        kill(getpgid(program) == program ? -program : program, SIGKILL)
      }
      // A file may come into being meanwhile, which makes a removal fail.
      for folder in state.folders {
        for _ in 0..<3 where FileManager.default.fileExists(atPath: folder.path) {
          try? FileManager.default.removeItem(at: folder)
        }
      }
      state.folders = []
      state.programs = []
    }
  }

  /// Makes a temporary folder that nobody else may read: inputs may be private pictures.
  static func makeFolder() throws -> URL {
    let folder = FileManager.default.temporaryDirectory.appending(
      path: "exray-check-\(UUID().uuidString)")
    try makeFolder(folder)
    return folder
  }

  /// Makes a folder that is removed with the others unless it is forgotten first.
  static func makeFolder(_ folder: URL) throws {
    try unlessEnding { state in
      try FileManager.default.createDirectory(
        at: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
      state.folders.insert(folder)
    }
  }

  /// Leaves a folder to whoever has it now.
  static func forget(_ folder: URL) {
    state.withLock { _ = $0.folders.remove(folder) }
  }

  /// Removes a folder that ``makeFolder()`` made.
  static func remove(_ folder: URL) {
    try? FileManager.default.removeItem(at: folder)
    state.withLock { _ = $0.folders.remove(folder) }
  }

  /// Starts a program.
  static func start(_ process: Process) throws {
    try unlessEnding { state in
      try process.run()
      state.programs.insert(process.processIdentifier)
    }
  }

  /// Forgets a program that has ended.
  static func forget(_ process: Process) {
    unlessEnding { _ = $0.programs.remove(process.processIdentifier) }
  }

  /// Changes the state, or waits for the end of this program.
  ///
  /// Going on would judge by a check that was killed, and end with an exit code where a signal ends the program.
  private static func unlessEnding(_ change: (inout State) throws -> Void) rethrows {
    let isEnding = try state.withLock { state in
      if !state.isEnding { try change(&state) }
      return state.isEnding
    }
    while isEnding { sleep(1) }
  }
}
