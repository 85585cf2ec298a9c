import Foundation

/// The files of one run as ML-EXray leaves them.
struct MLEXrayFolder {
  /// The run's folder, which holds `nativeLog` or `log`.
  let path: String
  /// The numbers of the frames that there is a log of, rising.
  let frames: [UInt32]
  /// Whether the run has logs of tensors; those of an Android app alone hold times and sensors.
  let hasNativeLogs: Bool

  /// Finds the run in a folder, or in the one folder inside of it that is a run.
  init(searching folder: String) throws(ExchangeError) {
    let names = try Self.names(folder)
    if Self.isRun(names) {
      path = folder
    } else {
      let runs = names.sorted().map { folder + "/" + $0 }
        .filter { (try? Self.names($0)).map(Self.isRun) ?? false }
      guard let run = runs.first, runs.count == 1 else {
        throw ExchangeError(
          .noRun, path: folder,
          runs.isEmpty
            ? "holds no run of ML-EXray (a folder with nativeLog or log in it); give the run's folder"
            : "holds \(runs.count) runs (\(runs.prefix(3).map(Self.lastName).joined(separator: ", "))"
              + "\(runs.count > 3 ? ", …" : "")); give the folder of one of them")
      }
      path = run
    }
    let native = (try? Self.names(path + "/nativeLog")) ?? []
    let app = (try? Self.names(path + "/log")) ?? []
    var numbers: Set<UInt32> = []
    for name in native where name.utf8.count >= 8 {
      if let number = UInt32(name), Self.nativeName(number) == name { numbers.insert(number) }
    }
    hasNativeLogs = !numbers.isEmpty
    for name in app where name.hasSuffix(".log") {
      if let number = UInt32(name.dropLast(4)), "\(number).log" == name { numbers.insert(number) }
    }
    // The greatest number stands for "no frame" in a trace.
    numbers.remove(.max)
    guard !numbers.isEmpty else {
      throw ExchangeError(
        .noRun, path: path,
        "has no frame: no nativeLog/00000000 and no log/0.log; check that the run was copied whole")
    }
    frames = numbers.sorted()
  }

  func nativeLog(_ frame: UInt32) -> String? {
    existing("\(path)/nativeLog/\(Self.nativeName(frame))")
  }

  func appLog(_ frame: UInt32) -> String? { existing("\(path)/log/\(frame).log") }

  func picture(_ frame: UInt32) -> String? {
    existing("\(path)/nativeInput/\(Self.nativeName(frame)).png")
      ?? existing("\(path)/input/\(frame).png")
  }

  var initLog: String? { existing("\(path)/nativeLog/init.log") }

  /// The task, the model and the data, as far as the app noted them.
  var metaLines: [String] {
    guard let file = existing("\(path)/log/meta.log"), let text = try? MappedText(path: file)
    else { return [] }
    return text.withText { text in
      var lines: [String] = []
      var offset = 0
      while offset < text.count, lines.count < 3 {
        let end = MLEXrayFrameText.lineEnd(text, offset)
        lines.append(
          MLEXrayFrameText.string(MLEXrayFrameText.trimmed(offset..<end, text), text))
        offset = end + 1
      }
      return lines
    }
  }

  static func nativeName(_ frame: UInt32) -> String {
    let digits = String(frame)
    return String(repeating: "0", count: max(0, 8 - digits.utf8.count)) + digits
  }

  private func existing(_ file: String) -> String? {
    FileManager.default.fileExists(atPath: file) ? file : nil
  }

  private static func lastName(_ path: String) -> String {
    path.split(separator: "/").last.map(String.init) ?? path
  }

  private static func isRun(_ names: [String]) -> Bool {
    names.contains("nativeLog") || names.contains("log")
  }

  private static func names(_ folder: String) throws(ExchangeError) -> [String] {
    do {
      return try FileManager.default.contentsOfDirectory(atPath: folder)
    } catch {
      var isFolder: ObjCBool = false
      let exists = unsafe FileManager.default.fileExists(atPath: folder, isDirectory: &isFolder)
      throw ExchangeError(
        .unreadable, path: folder,
        exists && !isFolder.boolValue
          ? "is a file; give the folder of a run"
          : exists
            ? "the folder cannot be read; check its permissions" : "no such folder; check the path")
    }
  }
}
