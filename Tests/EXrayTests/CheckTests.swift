import EXray
import EXrayTestKit
import Testing

@Suite("Checks on the device")
struct CheckTests {
  private func run(
    _ check: Check, on selector: TensorSelector = .output(), level: Monitor.Level = .io,
    _ body: (Monitor) -> Void
  ) throws -> (result: MonitorSummary.CheckResult, reader: TraceReader) {
    let folder = try TemporaryFolder()
    let monitor = Monitor(writingTo: folder.path(), level: level, configuration: manual)
    monitor.check(check, on: selector)
    body(monitor)
    let summary = monitor.close()
    #expect(summary.losses == [])
    return (try #require(summary.checks.first), try TraceReader(path: folder.path()))
  }

  @Test(
    "Ranges, also of doubles and quantized values",
    arguments: [
      ([0.0, 1.0], true), ([0.5], true), ([], true), ([1.001], false), ([-0.001, 0], false),
      ([.nan], false), ([.infinity], false),
    ])
  func range(values: [Double], isRight: Bool) throws {
    for isDouble in [true, false] {
      let (result, reader) = try run(.range(0...1)) { monitor in
        monitor.frame { frame in
          if isDouble {
            frame.log(.output, values, shape: [values.count], name: "p")
          } else {
            frame.log(.output, values.map { Float($0) }, shape: [values.count], name: "p")
          }
        }
      }
      #expect(result.checkedCount == 1)
      #expect(result.failedCount == (isRight ? 0 : 1))
      let findings = try reader.findings
      #expect(findings.count == (isRight ? 0 : 1))
      #expect(
        findings.allSatisfy { $0.check == "range" && $0.tensor == "p" && $0.outcome == .fail })
    }
    let (result, _) = try run(.range(0...1)) { monitor in
      monitor.frame {
        $0.log(
          .output, [3, 5] as [UInt8], shape: [2],
          quantization: Quantization(scales: [0.5], zeroPoints: [3]))
      }
    }
    #expect(result.failedCount == 0)
  }

  @Test("A double beyond the range of a float is finite")
  func finite() throws {
    for (value, isRight) in [(1e300, true), (Double.infinity, false), (.nan, false)] {
      let (result, _) = try run(.finite) { monitor in
        monitor.frame { $0.log(.output, [1, value], shape: [2]) }
      }
      #expect(result.failedCount == (isRight ? 0 : 1))
      #expect(isRight || result.message?.contains("element 1") == true)
    }
  }

  @Test("Shapes, with free extents")
  func shape() throws {
    for (shape, isRight) in [([1, 2], true), ([-1, 2], true), ([2], false), ([2, 1], false)] {
      let (result, _) = try run(.shape(Shape(shape))) { monitor in
        monitor.frame { $0.log(.output, [1, 2] as [Float], shape: [1, 2]) }
      }
      #expect(result.failedCount == (isRight ? 0 : 1), "\(shape)")
    }
  }

  @Test("A check sees tensors that the level leaves out, and they stay out of the trace")
  func leftOut() throws {
    let (result, reader) = try run(
      .custom("sum") { tensor in
        tensor.realValues()?.reduce(0, +) == 3 ? .pass : .fail("at \(tensor.frameIndex ?? 99)")
      }, on: .named("l"), level: .none
    ) { monitor in
      monitor.frame { frame in
        #expect(frame.wants(.layer))
        frame.log(.layer, [1, 2] as [Float], shape: [2], name: "l")
        frame.log(.layer, [9] as [Float], shape: [1], name: "other", index: 1)
      }
      monitor.frame { $0.log(.layer, [1, 1] as [Float], shape: [2], name: "l") }
    }
    #expect(result.check == "sum")
    #expect(result.checkedCount == 2)
    #expect(result.failedCount == 1)
    #expect(result.message == "at 1")
    #expect(reader.tensors == [])
    #expect(try reader.findings(frame: 1).map(\.message) == ["at 1"])
  }

  @Test("Only the first findings are written; all are counted")
  func limit() throws {
    let (result, reader) = try run(.finite) { monitor in
      for _ in 0..<50 { monitor.frame { $0.log(.output, [Float.nan], shape: [1]) } }
    }
    #expect(result.failedCount == 50)
    #expect(try reader.findings.count == 16)
  }

  @Test("Types without real values are inconclusive")
  func inconclusive() throws {
    let (result, reader) = try run(.finite) { monitor in
      monitor.frame { frame in
        unsafe [UInt8(1)].withUnsafeBytes {
          frame.log(
            .output, unsafe RawSpan(_unsafeBytes: $0),
            as: TensorDescription(name: "s", elementType: .string, shape: [1]))
        }
      }
    }
    #expect(result.inconclusiveCount == 1)
    #expect(try reader.findings.map(\.outcome) == [.inconclusive])
  }

  /// Pictures whose channels have about the means of everyday scenes.
  private func logPictures(
    _ monitor: Monitor, _ count: Int, seed: UInt64, isReversed: Bool, isPlanar: Bool,
    means: [Double] = [0.485, 0.456, 0.406]
  ) {
    var random = SplitMix64(seed: seed)
    for _ in 0..<count {
      let light = Double.random(in: -0.2...0.2, using: &random)
      let tint = Double.random(in: -0.1...0.1, using: &random)
      var channels = [means[0] + light + tint, means[1] + light, means[2] + light - tint]
      if isReversed { channels.reverse() }
      let values = (0..<12).map { Float(channels[isPlanar ? $0 / 4 : $0 % 3]) }
      monitor.frame { $0.log(.input, values, shape: isPlanar ? [1, 3, 2, 2] : [1, 2, 2, 3]) }
    }
  }

  @Test("Reversed channels are found over many pictures", arguments: 0..<6 as Range<UInt64>)
  func channelOrder(seed: UInt64) throws {
    let check = Check.channelOrder(expectedMeans: [0.485, 0.456, 0.406])
    for isReversed in [true, false] {
      let (result, reader) = try run(check, on: .input()) {
        logPictures(
          $0, 300, seed: seed, isReversed: isReversed, isPlanar: seed.isMultiple(of: 2))
      }
      #expect(result.failedCount == (isReversed ? 1 : 0), "\(result)")
      #expect(result.inconclusiveCount == 0)
      #expect(try reader.findings.map(\.outcome) == (isReversed ? [.fail] : []))
    }
  }

  @Test("Too few pictures, or means that are alike, are inconclusive")
  func undecided() throws {
    let few = try run(.channelOrder(expectedMeans: [0.485, 0.456, 0.406]), on: .input()) {
      logPictures($0, 10, seed: 1, isReversed: true, isPlanar: false)
    }
    #expect(few.result.failedCount == 0)
    #expect(few.result.inconclusiveCount == 1)
    #expect(try few.reader.findings.map(\.outcome) == [.inconclusive])
    let alike = try run(.channelOrder(expectedMeans: [0, 0, 0]), on: .input()) {
      logPictures($0, 200, seed: 1, isReversed: false, isPlanar: false, means: [0, 0, 0])
    }
    #expect(alike.result.failedCount == 0)
    #expect(alike.result.inconclusiveCount == 1)
    let flat = try run(.channelOrder(expectedMeans: [0.5, 0.4, 0.3]), on: .output()) { monitor in
      monitor.frame { $0.log(.output, [1, 2] as [Float], shape: [2]) }
    }
    #expect(flat.result.inconclusiveCount == 1)
  }
}
