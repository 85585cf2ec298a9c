import EXray
import Testing

@Suite("Values made on the spot")
struct LiteralTests {
  @Test("Short arrays arrive, however they are passed", arguments: [UInt8(3), 200])
  func literals(value: UInt8) throws {
    let folder = try TemporaryFolder()
    let monitor = Monitor(writingTo: folder.path(), configuration: manual)
    monitor.frame { frame in
      frame.log(.output, [value], shape: [1])
      frame.log(.output, [value, value &+ 1].span, shape: [2], index: 1)
      frame.log(rawInput: [value], mediaType: "a/b")
      frame.log(image: [value], ImageLayout(width: 1, height: 1, encoding: .mono8))
      frame.log(boxes: [BoxSample(x: Double(value), y: 1, width: 2, height: 3)])
      frame.log(ops: [OpTimingSample(label: "a", opIndex: Int(value), microseconds: 1)])
      unsafe frame.log(
        .output, [value].span.bytes,
        as: TensorDescription(name: "", elementType: .uint8, shape: [1]), index: 2)
    }
    #expect(monitor.close().losses == [])
    let reader = try TraceReader(path: folder.path())
    #expect(try reader.values("/outputs/0", frame: 0) == [value])
    let spanned = try reader.values("/outputs/1", frame: 0)
    #expect(spanned == [value, value &+ 1])
    let raw = try reader.values("/outputs/2", frame: 0)
    #expect(raw == [value])
    #expect(try reader.rawInput(frame: 0)?.bytes == [value])
    let pixels = try reader.withImage(frame: 0) { bytes($1) }
    #expect(pixels == [value])
    #expect(try reader.boxes(frame: 0).first?.x == Double(value))
    #expect(try reader.ops(frame: 0).first?.opIndex == Int(value))
  }
}
