import EXray
import EXrayCore
import EXraySketch
import EXrayTrace
import Foundation

/// Measures the monitor and the reader for `Benchmarks/monitor.py`, and prints one JSON object.
@main
struct MonitorBenchmark {
  static func main() throws {
    var words = CommandLine.arguments.dropFirst()
    let section = words.popFirst() ?? ""
    let arguments = Array(words)
    switch section {
    case "log": try print(log(arguments))
    case "raw": try print(raw(arguments))
    case "disabled": print(disabled(calls: Int(arguments[0]) ?? 1))
    case "sketch": print(sketch(elements: Int(arguments[0]) ?? 1, rounds: Int(arguments[1]) ?? 1))
    case "read": try print(read(arguments[0]))
    default:
      print(
        """
        usage: MonitorBenchmark log LEVEL SIZES FRAMES TRACE   SIZES: float32 elements of each tensor
               MonitorBenchmark raw SIZES FRAMES FILE
               MonitorBenchmark disabled CALLS
               MonitorBenchmark sketch ELEMENTS ROUNDS
               MonitorBenchmark read TRACE
        """)
      exit(2)
    }
  }

  static let clock = ContinuousClock()

  static func seconds(_ duration: Duration) -> Double { duration / .seconds(1) }

  static func median(_ values: [Double]) -> Double { values.sorted()[values.count / 2] }

  /// Activations as after a ReLU: half of them are zero.
  static func tensors(_ sizes: String) -> [[Float]] {
    var state: UInt32 = 1
    return sizes.split(separator: ",").map { size in
      (0..<(Int(size) ?? 0)).map { _ in
        state = state &* 1_664_525 &+ 1_013_904_223
        return state >> 31 == 1 ? 0 : Float(state >> 8) / Float(1 << 24) * 6
      }
    }
  }

  /// Logs frames; the first tensor is the input, the last the output, the others are layers.
  static func log(_ arguments: [String]) throws -> String {
    let tensors = tensors(arguments[1])
    let frames = Int(arguments[2]) ?? 1
    let monitor = Monitor(
      writingTo: arguments[3], level: Monitor.Level(rawValue: arguments[0]) ?? .io)
    var times: [Double] = []
    let begin = clock.now
    for number in 0..<frames {
      let start = clock.now
      monitor.frame("frame \(number)") { frame in
        for (index, tensor) in tensors.enumerated() {
          let role: TensorRole =
            index == 0 ? .input : index == tensors.count - 1 ? .output : .layer
          frame.log(
            role, tensor, shape: [1, tensor.count], name: "tensor \(index)",
            index: role == .layer ? index : 0)
        }
      }
      times.append(seconds(clock.now - start))
    }
    let summary = monitor.close()
    let wall = seconds(clock.now - begin)
    guard summary.lostEventCount == 0, summary.frameCount == UInt64(frames) else {
      throw Failure(description: summary.description)
    }
    return """
      {"callSeconds":\(median(times)),"wallSeconds":\(wall / Double(frames)),\
      "bytes":\(summary.overhead.fileBytes),"writerSeconds":\
      \(Double(summary.overhead.writerNanoseconds) / 1e9 / Double(frames))}
      """
  }

  /// Merely writes the same bytes to a file, each tensor with one call.
  static func raw(_ arguments: [String]) throws -> String {
    let tensors = tensors(arguments[0])
    let frames = Int(arguments[1]) ?? 1
    let file = unsafe open(arguments[2], O_WRONLY | O_CREAT | O_TRUNC, 0o666)
    defer { close(file) }
    let begin = clock.now
    for _ in 0..<frames {
      for tensor in tensors {
        let written = unsafe tensor.withUnsafeBytes { unsafe write(file, $0.baseAddress, $0.count) }
        guard written == tensor.count * 4 else { throw Failure(description: "short write") }
      }
    }
    return #"{"wallSeconds":\#(seconds(clock.now - begin) / Double(frames))}"#
  }

  static func disabled(calls: Int) -> String {
    let monitor = Monitor.disabled
    let values = [Float](repeating: 1, count: 1024)
    let description = TensorDescription(
      name: "x", elementType: .float32, shape: [1, 1024])
    let frame = monitor.beginFrame()
    func measure(_ body: () -> Void) -> Double {
      median(
        (0..<9).map { _ in
          let begin = clock.now
          for _ in 0..<calls { body() }
          return seconds(clock.now - begin) / Double(calls) * 1e9
        })
    }
    let tensor = measure { unsafe frame.log(.input, values.span.bytes, as: description) }
    let scalar = measure { monitor.log("x", 1) }
    let span = measure { monitor.span("x") {} }
    let whole = measure { monitor.beginFrame().end() } / 2  // Two calls.
    return """
      {"tensorNanoseconds":\(tensor),"scalarNanoseconds":\(scalar),"spanNanoseconds":\(span),\
      "frameNanoseconds":\(whole)}
      """
  }

  static func sketch(elements: Int, rounds: Int) -> String {
    let values = tensors("\(elements)")[0]
    let description = TensorDescription(
      name: "x", elementType: .float32, shape: [1, elements])
    var sum = 0.0
    let times = (0..<rounds).map { round in
      let begin = clock.now
      let sketch = unsafe TensorSketch(
        of: values.span.bytes, as: description, seed: UInt64(round))
      sum += sketch.mean
      return seconds(clock.now - begin)
    }
    return
      #"{"gigabytesPerSecond":\#(Double(elements * 4) / median(times) / 1e9),"mean":\#(sum)}"#
  }

  /// Reads every tensor of every frame, checksums verified, and adds up one value a cache line.
  static func read(_ path: String) throws -> String {
    let begin = clock.now
    let trace = try TraceReader(path: path)
    var byteCount = 0
    var sum: UInt64 = 0
    for frame in trace.frames.indices {
      for stream in trace.tensors.indices where try trace.hasTensor(stream, frame: frame) {
        try trace.withTensor(stream, frame: frame) { bytes in
          byteCount += bytes.byteCount
          for offset in stride(from: 0, to: bytes.byteCount - 7, by: 64) {
            sum &+= unsafe bytes.unsafeLoadUnaligned(fromByteOffset: offset, as: UInt64.self)
          }
        }
      }
    }
    let time = seconds(clock.now - begin)
    let status = try String(contentsOfFile: "/proc/self/status", encoding: .utf8)
    func kilobytes(_ key: String) -> Int {
      let line = status.split(separator: "\n").first { $0.hasPrefix(key) }
      return line?.split(whereSeparator: \.isWhitespace).dropFirst().first.flatMap { Int($0) } ?? 0
    }
    return """
      {"seconds":\(time),"bytes":\(byteCount),"gigabytesPerSecond":\(Double(byteCount) / time / 1e9),\
      "privateBytes":\(kilobytes("RssAnon:") * 1024),"residentBytes":\(kilobytes("VmHWM:") * 1024),\
      "frames":\(trace.frames.count),"sum":\(sum % 10)}
      """
  }
}

struct Failure: Error, CustomStringConvertible {
  var description: String
}
