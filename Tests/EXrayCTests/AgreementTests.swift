import CEXray
import EXray
import EXrayC
import EXrayTestKit
import EXrayTrace
import Foundation
import Testing

@Suite("The same calls in C and in Swift")
struct AgreementTests {
  /// Element types by their numbers in exray.h.
  static let types: [(exray_element_type, ElementType)] = [
    (1, .float16), (2, .bfloat16), (3, .float32), (4, .float64), (5, .int2), (6, .int4), (7, .int8),
    (8, .int16), (9, .int32), (10, .int64), (11, .uint4), (12, .uint8), (13, .uint16),
    (14, .uint32), (15, .uint64), (16, .bool), (17, .complex64), (18, .complex128),
  ]
  static let roles: [(exray_role, TensorRole)] = [
    (0, .input), (1, .layer), (2, .output), (3, .embedding), (4, .custom),
  ]

  private static func options() -> exray_options {
    var options = unsafe exray_options()
    unsafe exray_options_init(&options, MemoryLayout<exray_options>.size)
    unsafe options.clock = exray_clock(EXRAY_CLOCK_MANUAL)
    unsafe options.manual_clock_start_nanoseconds = 1_000_000
    return unsafe options
  }

  private static var configuration: MonitorConfiguration {
    var configuration = MonitorConfiguration()
    configuration.clock = .manual(startNanoseconds: 1_000_000)
    return configuration
  }

  @Test("every element type has a number, but for those of no fixed size")
  func allTypes() {
    #expect(
      Set(Self.types.map(\.1)) == Set(ElementType.allCases.filter { $0.bitWidth != nil }))
    #expect(Set(Self.roles.map(\.1)) == Set(TensorRole.allCases))
  }

  @Test(
    "tensors of every role, type and quantization give the same trace",
    arguments: 0..<20 as Range<UInt64>)
  func tensors(seed: UInt64) throws {
    try withTemporaryFolder { folder in
      let paths = ["c.mcap", "swift.mcap"].map { folder.appending(path: $0).path }
      let levels = Monitor.Level.allCases
      var random = SplitMix64(seed: seed)
      let level = Int.random(in: levels.indices, using: &random)
      var options = unsafe Self.options()
      let c = unsafe exray_open(paths[0], exray_level(level), &options)
      let swift = Monitor(
        writingTo: paths[1], level: levels[level], configuration: Self.configuration)
      for number in 0..<20 {
        let name = "frame \(number)"
        let cFrame = unsafe exray_begin_frame(c, name, number % 2 == 0 ? "label" : nil)
        let swiftFrame = swift.beginFrame(name, label: number % 2 == 0 ? "label" : nil)
        for index in 0..<8 {
          let advance = UInt64.random(in: 0..<1000, using: &random)
          unsafe exray_advance(c, advance)
          swift.advance(nanoseconds: advance)
          // A few names and shapes, so that most tensors repeat.
          let (cType, type) = Self.types[Int.random(in: 0..<18, using: &random)]
          let (cRole, role) = Self.roles[Int.random(in: 0..<5, using: &random)]
          let shape = Shape(
            (0..<Int.random(in: 0...3, using: &random)).map { _ in
              Int.random(in: 0...2, using: &random)
            })
          let slices = shape.dimensions.last ?? 0
          let hasScales = slices > 0 && Bool.random(using: &random)
          let scales: [Float] = hasScales ? (0..<slices).map { Float($0) + 0.5 } : []
          let zeroPoints: [Int64] =
            hasScales && Bool.random(using: &random) ? scales.indices.map(Int64.init) : []
          let description = TensorDescription(
            name: "tensor \(number % 2)", elementType: type, shape: shape,
            quantization: hasScales
              ? Quantization(scales: scales, zeroPoints: zeroPoints, axis: shape.rank - 1) : nil)
          let bytes = (0..<(description.byteCount ?? 0)).map { _ in
            UInt8.random(in: 0...255, using: &random)
          }
          unsafe swiftFrame.log(role, bytes.span.bytes, as: description, index: index)
          let dims = shape.dimensions.map(Int64.init)
          unsafe description.name.withCString { name in
            var tensor = unsafe exray_tensor()
            unsafe tensor.struct_size = MemoryLayout<exray_tensor>.size
            unsafe tensor.role = cRole
            unsafe tensor.index = UInt32(index)
            unsafe tensor.name = name
            unsafe tensor.element_type = cType
            unsafe tensor.rank = UInt32(dims.count)
            unsafe tensor.byte_count = bytes.count
            unsafe tensor.quantization_count = scales.count
            unsafe tensor.quantization_axis = hasScales ? UInt32(shape.rank - 1) : 0
            unsafe dims.withUnsafeBufferPointer { dims in
              unsafe bytes.withUnsafeBytes { bytes in
                unsafe scales.withUnsafeBufferPointer { scales in
                  unsafe zeroPoints.withUnsafeBufferPointer { zeroPoints in
                    unsafe tensor.dims = dims.baseAddress
                    unsafe tensor.data = bytes.baseAddress
                    unsafe tensor.scales = scales.baseAddress
                    unsafe tensor.zero_points = zeroPoints.isEmpty ? nil : zeroPoints.baseAddress
                    unsafe exray_log_tensor(cFrame, &tensor)
                  }
                }
              }
            }
          }
          unsafe #expect(exray_wants(cFrame, cRole) == swiftFrame.wants(role))
        }
        unsafe exray_end_frame(cFrame)
        swiftFrame.end()
      }
      let summary = swift.close()
      #expect(unsafe exray_close(c, nil) == summary.losses.isEmpty)
      #expect(summary.losses.isEmpty)
      unsafe exray_free(c)
      let bytes = try paths.map { try Data(contentsOf: URL(filePath: $0)) }
      #expect(bytes[0] == bytes[1], "seed \(seed)")
      #expect(try TraceReader(path: paths[0]).frames.count == 20)
    }
  }

  @Test("eight threads log at once from C and nothing is lost")
  func threads() async throws {
    let path = FileManager.default.temporaryDirectory
      .appending(path: "exray-c-\(UUID().uuidString).mcap").path
    defer { try? FileManager.default.removeItem(atPath: path) }
    // An address, because pointers do not cross tasks.
    let address = unsafe UInt(bitPattern: exray_open(path, exray_level(EXRAY_LEVEL_IO), nil))
    await withTaskGroup(of: Void.self) { group in
      for thread in 0..<8 {
        group.addTask { Self.log(100, thread, address) }
      }
    }
    let monitor = unsafe OpaquePointer(bitPattern: address)
    unsafe #expect(exray_close(monitor, nil))
    unsafe exray_free(monitor)
    #expect(try TraceReader(path: path).frames.count == 800)
  }

  private static func log(_ count: Int, _ thread: Int, _ address: UInt) {
    let monitor = unsafe OpaquePointer(bitPattern: address)
    for number in 0..<count {
      let frame = unsafe exray_begin_frame(monitor, "\(thread)", nil)
      unsafe exray_begin_inference(frame)
      let values = [Float](repeating: Float(number), count: 100)
      unsafe exray_log_values(
        frame, exray_role(EXRAY_ROLE_INPUT), 0, "x", exray_element_type(EXRAY_FLOAT32), values, 400,
        1, [100])
      unsafe exray_end_inference(frame)
      unsafe exray_log_scalar(frame, "number", Double(number))
      unsafe exray_end_span(exray_begin_span(frame, "span"))
      unsafe exray_end_frame(frame)
    }
  }
}
