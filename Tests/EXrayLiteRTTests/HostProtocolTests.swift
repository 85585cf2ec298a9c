import EXrayCore
import EXrayRuntime
import EXrayTestKit
import Foundation
import Testing

/// Children that are not what they should be; no runtime is needed for them.
@Suite(.enabled(if: FileManager.default.isExecutableFile(atPath: "/bin/sh")), .serialized)
struct HostProtocolTests {
  /// A hello as it travels: one byte of payload, kind 0, version 2.
  static let hello = #"printf '\001\000\000\000\000\002' >&3; "#

  private func error(of script: String, timeLimit: Duration = .seconds(20)) throws -> RuntimeError {
    let hosted = HostedRuntime(
      name: "mad", version: "1", executable: "/bin/sh", arguments: ["-c", script],
      timeLimit: timeLimit)
    return try #require(hosted.refusal([1, 2, 3, 4]))
  }

  @Test(
    "A child that does not greet, dies or talks nonsense is an error with a name",
    arguments: [
      ("exit 7", RuntimeError.Code.environment, "ended with exit code 7 before it was ready"),
      ("echo no such option >&2; exit 64", .environment, "its last words: no such option"),
      ("kill -SEGV $$", .environment, "signal 11 (SIGSEGV)"),
      (
        hello + "head -c 5 <&3 >/dev/null; exit 5", .crashed,
        "exit code 5 while it was loading the model"
      ),
      (
        hello + "echo first >&2; echo the end >&2; kill -SEGV $$", .crashed,
        "signal 11 (SIGSEGV) while it was loading the model; its last words: the end"
      ),
      (hello + "kill -KILL $$", .crashed, "signal 9 (SIGKILL)"),
      (#"printf 'nonsense nonsense' >&3; sleep 30"#, .crashed, "claims"),
      (#"printf '\000\000\000\000\177' >&3; sleep 30"#, .crashed, "unknown kind 127"),
      (#"printf '\000\000\000\000\004' >&3; sleep 30"#, .crashed, "it sent ready where hello"),
      (#"printf '\001\000\000\000\000\011' >&3; sleep 30"#, .environment, "version [9]"),
      (hello + #"printf '\002\000\000\000\002{}' >&3; sleep 30"#, .environment, "no fixed size"),
      (hello + #"printf '\002\000\000\000\007{}' >&3; sleep 30"#, .crashed, "cannot be read"),
      ("exec 3>&-; sleep 30", .environment, "before it was ready"),
    ])
  func badChild(script: String, code: RuntimeError.Code, words: String) throws {
    let clock = ContinuousClock()
    let began = clock.now
    let error = try error(of: script)
    #expect(error.code == code, "\(error.message)")
    #expect(error.message.contains(words), "\(error.message)")
    #expect(clock.now - began < .seconds(10))
  }

  @Test("A child that says nothing is ended at the time limit")
  func silence() throws {
    let clock = ContinuousClock()
    let began = clock.now
    let error = try error(of: "exec sleep 30", timeLimit: .milliseconds(300))
    #expect(error.code == .timedOut)
    #expect(clock.now - began < .seconds(5))
  }

  @Test("A child that floods standard error neither blocks nor fills our memory")
  func flood() throws {
    let script = "head -c 50000000 /dev/zero | tr '\\0' 'x' >&2; echo >&2; echo last >&2; exit 3"
    let error = try error(of: script)
    #expect(error.message.contains("its last words: last"), "\(error.message)")
  }

  @Test("Tensors beyond the memory limit are refused before any is reserved")
  func hugeTensors() throws {
    let description =
      #"{"name":"x","elementType":"int8","shape":[9000000000000000000]}"#
    let tensor = #"{"tensorIndex":0,"description":\#(description)}"#
    let json = #"{"inputs":[\#(tensor)],"outputs":[\#(tensor)]}"#
    let size = String(
      format: "\\%03o\\%03o\\000\\000", json.utf8.count % 256, json.utf8.count / 256)
    let error = try error(of: Self.hello + "printf '\(size)\\002%s' '\(json)' >&3; sleep 30")
    #expect(error.code == .environment, "\(error.message)")
    #expect(error.message.contains("need more than"))
  }

  @Test("A program that does not exist cannot host")
  func missingExecutable() throws {
    let hosted = HostedRuntime(
      name: "none", version: "1", executable: "/nowhere/exray", arguments: [])
    let error = try #require(hosted.refusal([1]))
    #expect(error.code == .environment)
    #expect(error.message.contains("/nowhere/exray"))
    #expect(error.message.contains("--in-process"))
  }
}

struct FakeRuntimeTests {
  @Test("The fake runtime keeps the contract that it stands for")
  func conformance() {
    let tensor = TensorDescription(name: "x", elementType: .float32, shape: [2, 3])
    let runtime = FakeRuntime(inputs: [tensor], outputs: [tensor, tensor]) {
      (inputs) throws(RuntimeError) in [inputs[0], inputs[0].reversed()]
    }
    #expect(RuntimeConformance.violations(of: runtime, model: FakeRuntime.model) == [])
  }

  @Test("The conformance checks notice a runtime that lies about its output's size")
  func conformanceNotices() {
    let tensor = TensorDescription(name: "x", elementType: .float32, shape: [2, 3])
    let runtime = FakeRuntime(inputs: [tensor], outputs: [tensor]) {
      (inputs) throws(RuntimeError) in [inputs[0] + [0]]
    }
    let violations = RuntimeConformance.violations(of: runtime, model: FakeRuntime.model)
    #expect(violations.contains { $0.contains("25 bytes after a run") })
  }
}
