import EXray
import EXraySystem
import EXrayTestKit
import Foundation
import Testing

@Suite("The app goes on when the trace cannot be written, and when it dies the trace is readable")
struct FaultTests {
  /// Logs frames of 1,000,000 bytes.
  private func log(_ monitor: Monitor, frames: Int) {
    for _ in 0..<frames {
      monitor.frame { frame in
        frame.log(.output, [UInt8](repeating: 7, count: 1_000_000), shape: [1_000_000])
      }
    }
  }

  @Test(
    "A trace that cannot be created",
    arguments: ["/nowhere/at/all/a.mcap", "/proc/a.mcap", "/"])
  func create(path: String) {
    let monitor = Monitor(writingTo: path)
    #expect(!monitor.isRecording)
    log(monitor, frames: 3)
    monitor.log("x", 1)
    let summary = monitor.close()
    #expect(summary.error != nil)
    #expect(summary.frameCount == 0)
    #expect(summary.lostFrameCount == 3)
    #expect(summary.eventCount == 0)
    // Three frames with a tensor each, and a number.
    #expect(summary.loss("write-failed")?.eventCount == 7)
    #expect(summary.loss("write-failed")?.byteCount == 3_000_000)
    #expect(summary.description.contains("error: "))
  }

  @Test("A device that is full", .enabled(if: FileManager.default.fileExists(atPath: "/dev/full")))
  func fullDevice() {
    let monitor = Monitor(writingTo: "/dev/full")
    log(monitor, frames: 5)
    let summary = monitor.close()
    #expect(summary.error?.contains("No space left") == true, "\(summary)")
    #expect(summary.frameCount == 0)
    #expect(summary.lostFrameCount == 5)
    #expect(summary.lostEventCount == 10)
  }

  @Test(
    "A disk that fills up keeps the frames that reached it",
    .enabled(if: getuid() == 0, "mounting a small disk needs root"),
    arguments: [MonitorConfiguration.FullRing.block, .drop])
  func fullDisk(policy: MonitorConfiguration.FullRing) throws {
    let folder = try TemporaryFolder()
    let mount = try BuiltTool.run(
      URL(filePath: "/bin/mount"), ["-t", "tmpfs", "-o", "size=8m", "tmpfs", folder.url.path])
    guard mount.status == 0 else {
      try Test.cancel("no small disk can be mounted here: \(mount.errors)")
    }
    defer { _ = try? BuiltTool.run(URL(filePath: "/bin/umount"), [folder.url.path]) }
    var configuration = MonitorConfiguration()
    configuration.whenFull = policy
    configuration.flushInterval = .milliseconds(1)
    let monitor = Monitor(writingTo: folder.path(), configuration: configuration)
    log(monitor, frames: 30)
    let summary = monitor.close()
    #expect(summary.error?.contains("No space left") == true, "\(summary)")
    #expect(summary.loss("write-failed") != nil)
    #expect(summary.frameCount >= 1)
    #expect(summary.frameCount + summary.lostFrameCount == 30)
    #expect(summary.eventCount + summary.lostEventCount == 60)
    #expect(try folder.names == ["a.mcap"])
    let reader = try TraceReader(path: folder.path())
    #expect(UInt64(reader.frames.count) == summary.frameCount)
    for frame in reader.frames.indices {
      #expect(try reader.values("/outputs/0", frame: frame)?.count == 1_000_000)
    }
  }

  /// Not a test: what the child of the next test runs until it is killed.
  @Test("Child", .enabled(if: ProcessInfo.processInfo.environment["EXRAY_KILLED_CHILD"] != nil))
  func child() throws {
    let path = try #require(ProcessInfo.processInfo.environment["EXRAY_KILLED_CHILD"])
    var configuration = MonitorConfiguration()
    configuration.flushInterval = .milliseconds(20)
    let monitor = Monitor(writingTo: path, configuration: configuration)
    for number in 0..<100_000 {
      monitor.frame("\(number)") { frame in
        let value = UInt8(truncatingIfNeeded: number)
        frame.log(.output, [UInt8](repeating: value, count: 5000), shape: [5000])
      }
      sleep(nanoseconds: 1_000_000)
    }
  }

  @Test("A process that is killed leaves its frames readable", arguments: [300, 450, 777])
  func killed(milliseconds: Int) throws {
    let folder = try TemporaryFolder()
    let process = Process()
    process.executableURL = URL(filePath: CommandLine.arguments[0])
    process.arguments = ["--testing-library", "swift-testing", "--filter", "FaultTests.*child"]
    process.environment = ProcessInfo.processInfo.environment.merging(
      ["EXRAY_KILLED_CHILD": folder.path()]) { $1 }
    process.standardOutput = FileHandle.nullDevice
    process.standardError = FileHandle.nullDevice
    try process.run()
    let deadline = Date(timeIntervalSinceNow: 30)
    while try folder.names.isEmpty, Date() < deadline { sleep(nanoseconds: 1_000_000) }
    sleep(nanoseconds: UInt64(milliseconds) * 1_000_000)
    kill(process.processIdentifier, SIGKILL)
    #expect(try process.end().signal == SIGKILL)
    let name = try #require(try folder.names.first)
    #expect(name.hasSuffix(".partial"))
    let reader = try TraceReader(path: folder.path(name))
    #expect(!reader.isComplete)
    #expect(reader.frames.count > 10)
    #expect(reader.frames.map(\.index) == Array(reader.frames.indices))
    for frame in reader.frames.indices {
      let value = UInt8(truncatingIfNeeded: frame)
      let values = try reader.values("/outputs/0", frame: frame)
      #expect(values == [UInt8](repeating: value, count: 5000))
    }
  }
}
