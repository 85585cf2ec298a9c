import EXrayPipeline
import Foundation
import Synchronization

/// What a run that fails or is interrupted would leave behind: partial files and empty folders.
///
/// Writers remove their own partial files when an error ends them; a signal does not let them.
enum Leftovers {
  private struct State {
    /// Folders in which files are written.
    var places: Set<String> = []
    /// Folders that were made for files to come, the innermost first.
    var folders: [String] = []
    var sources: [any DispatchSourceSignal] = []
  }

  private static let state = Mutex(State())

  /// Removes, when a signal ends the program, the partial files from which these would have been made.
  static func watch(files: [String], folders: [String] = []) {
    state.withLock { state in
      for file in files {
        state.places.insert(URL(filePath: file).deletingLastPathComponent().path)
      }
      state.folders += folders
      guard state.sources.isEmpty else { return }
      state.sources = [SIGINT, SIGTERM, SIGHUP].compactMap(source)
    }
  }

  private static func source(_ number: Int32) -> (any DispatchSourceSignal)? {
    var action = sigaction()
    // What the starter of this program chose to ignore, as nohup does, stays ignored.
    guard unsafe sigaction(number, nil, &action) == 0, !isIgnored(action) else { return nil }
    let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
    source.setEventHandler {
      remove()
      // Whoever waits for this program is told the signal. It may be blocked, here or by our starter.
      signal(number, SIG_DFL)
      var signals = sigset_t()
      unsafe sigemptyset(&signals)
      unsafe sigaddset(&signals, number)
      unsafe pthread_sigmask(SIG_UNBLOCK, &signals, nil)
      kill(getpid(), number)
      _exit(128 + number)
    }
    // The source is told although the signal is ignored; not ignored, it would end the program at once.
    signal(number, SIG_IGN)
    source.resume()
    return source
  }

  private static func isIgnored(_ action: sigaction) -> Bool {
    #if canImport(Darwin)
      let handler = unsafe action.__sigaction_u.__sa_handler
    #else
      let handler = unsafe action.__sigaction_handler.sa_handler
    #endif
    return unsafe unsafeBitCast(handler, to: Int.self) == unsafeBitCast(SIG_IGN, to: Int.self)
  }

  /// Removes this process's partial files, folders that stayed empty, and what checks at work have.
  static func remove() {
    CheckLeftovers.removeAll()
    state.withLock { state in
      for place in state.places {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: place)) ?? []
        for name in names where name.hasSuffix(".partial") && name.contains(".\(getpid())-") {
          unsafe unlink(place + "/" + name)
        }
      }
      FileAccess.removeEmpty(state.folders)
    }
  }
}
