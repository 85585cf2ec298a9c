import CEXray
import EXray
import EXrayC
import EXrayTestKit
import Foundation
import Testing

/// A folder for one trace, removed afterwards.
private func withTrace<Result>(_ body: (String) throws -> Result) throws -> Result {
  try withTemporaryFolder { try body($0.appending(path: "t.mcap").path) }
}

/// Closes a monitor and gives what its summary says.
private struct Closed {
  var isWhole: Bool
  var frameCount: UInt64
  var eventCount: UInt64
  var losses: [String: UInt64] = [:]
  var misuse: [String] = []
  var checks: [String: (checked: UInt64, failed: UInt64, message: String)] = [:]
  var error: String?

  init(_ monitor: OpaquePointer?) {
    var summary = unsafe exray_summary()
    unsafe summary.struct_size = MemoryLayout<exray_summary>.size
    isWhole = unsafe exray_close(monitor, &summary)
    frameCount = unsafe summary.frame_count
    eventCount = unsafe summary.event_count
    for index in unsafe 0..<summary.loss_count {
      let loss = unsafe summary.losses[index]
      unsafe losses[String(cString: loss.reason)] = loss.event_count
    }
    for index in unsafe 0..<summary.misuse_count {
      unsafe misuse.append(summary.misuse[index].map { unsafe String(cString: $0) } ?? "")
    }
    for index in unsafe 0..<summary.check_count {
      let check = unsafe summary.checks[index]
      unsafe checks[String(cString: check.check)] = unsafe (
        check.checked_count, check.failed_count, String(cString: check.message)
      )
    }
    error = unsafe summary.error.map { unsafe String(cString: $0) }
    unsafe exray_free(monitor)
  }
}

/// A tensor of two float32 values, to be spoilt.
private func withTensor(_ body: (inout exray_tensor) -> Void) {
  let values: [Float] = [1, 2]
  let dims: [Int64] = [2]
  unsafe values.withUnsafeBytes { values in
    unsafe dims.withUnsafeBufferPointer { dims in
      var tensor = unsafe exray_tensor()
      unsafe tensor.struct_size = MemoryLayout<exray_tensor>.size
      unsafe tensor.element_type = exray_element_type(EXRAY_FLOAT32)
      unsafe tensor.rank = 1
      unsafe tensor.dims = dims.baseAddress
      unsafe tensor.data = values.baseAddress
      unsafe tensor.byte_count = values.count
      unsafe body(&tensor)
    }
  }
}

@Suite("Calls from C")
struct CallTests {
  @Test("every call on a disabled monitor returns at once")
  func disabled() {
    unsafe #expect(exray_open(nil, 2, nil) == nil)
    let isRecording = exray_is_recording(nil)
    #expect(!isRecording)
    let frame = unsafe exray_begin_frame(nil, "x", nil)
    unsafe #expect(frame.token == 0)
    unsafe #expect(!exray_wants(frame, 0))
    unsafe withTensor { unsafe exray_log_tensor(frame, &$0) }
    unsafe exray_log_tensor(frame, nil)
    unsafe exray_log_raw_input(frame, nil, 5, nil, nil)
    unsafe exray_log_image(frame, nil, 5, 1, 1, 1, 77)
    unsafe exray_log_boxes(frame, nil, 5)
    unsafe exray_log_scalar(frame, nil, 1)
    unsafe exray_begin_preprocess(frame)
    unsafe exray_end_preprocess(frame)
    unsafe exray_begin_inference(frame)
    unsafe exray_end_inference(frame)
    unsafe exray_end_span(exray_begin_span(frame, "s"))
    unsafe exray_log_span(frame, nil, 0, 0)
    unsafe exray_end_frame(frame)
    unsafe exray_log_scalar(exray_outside_frames(nil), "x", 1)
    exray_log_sensor(nil, 9, nil, 9)
    exray_describe_model(nil, nil)
    unsafe exray_check_range(nil, exray_select(0, 0), 1, 0)
    unsafe exray_check_finite(nil, exray_select(0, 0))
    unsafe exray_check_shape(nil, exray_select(0, 0), nil, 9)
    unsafe exray_check_channel_order(nil, exray_select(0, 0), nil, 0)
    exray_note_misuse(nil, nil)
    exray_advance(nil, 1)
    #expect(exray_now(nil) == 0)
    exray_options_init(nil, 8)
    let isWhole = exray_close(nil, nil)
    #expect(isWhole)
    exray_free(nil)
  }

  /// One way to spoil a tensor.
  enum Spoiling: String, CaseIterable {
    case noSize, smallSize, negativeRole, role5, type0, type19, leastType, noDims, rank33, mostRank
    case rank0, noData, noBytes, sevenBytes, mostBytes, otherType, noScales, threeScales
    case mostScales, mostAxis

    func apply(_ tensor: inout exray_tensor) {
      switch self {
      case .noSize: unsafe tensor.struct_size = 0
      case .smallSize: unsafe tensor.struct_size -= 1
      case .negativeRole: unsafe tensor.role = -1
      case .role5: unsafe tensor.role = 5
      case .type0: unsafe tensor.element_type = 0
      case .type19: unsafe tensor.element_type = 19
      case .leastType: unsafe tensor.element_type = .min
      case .noDims: unsafe tensor.dims = nil
      case .rank33: unsafe tensor.rank = 33
      case .mostRank: unsafe tensor.rank = .max
      case .rank0: unsafe tensor.rank = 0
      case .noData: unsafe tensor.data = nil
      case .noBytes: unsafe tensor.byte_count = 0
      case .sevenBytes: unsafe tensor.byte_count = 7
      case .mostBytes: unsafe tensor.byte_count = -1
      case .otherType: unsafe tensor.element_type = exray_element_type(EXRAY_INT8)
      case .noScales: unsafe tensor.quantization_count = 1
      case .threeScales: unsafe tensor.quantization_count = 3
      case .mostScales: unsafe tensor.quantization_count = -1
      case .mostAxis:
        unsafe tensor.quantization_count = 2
        unsafe tensor.quantization_axis = .max
      }
    }
  }

  @Test("a tensor that makes no sense is misuse", arguments: Spoiling.allCases)
  func spoiltTensor(_ spoiling: Spoiling) throws {
    let closed = try withTrace { path in
      let monitor = unsafe exray_open(path, 4, nil)
      let frame = unsafe exray_begin_frame(monitor, nil, nil)
      unsafe withTensor {
        unsafe exray_log_tensor(frame, &$0)
        unsafe $0.index = 1
        unsafe spoiling.apply(&$0)
        unsafe exray_log_tensor(frame, &$0)
      }
      unsafe exray_end_frame(frame)
      return unsafe Closed(monitor)
    }
    #expect(closed.losses == ["misuse": 1])
    #expect(closed.misuse.count == 1)
    #expect(closed.frameCount == 1)
    #expect(closed.eventCount == 2)
    #expect(!closed.isWhole)
    #expect(closed.error == nil)
  }

  @Test(
    "extents that no memory holds are misuse",
    arguments: [
      [-1], [.min], [.max], [.max, .max], [.max, 2, 2], [1 << 40, 1 << 40], [-1, -2],
    ] as [[Int64]])
  func hugeExtents(_ dims: [Int64]) throws {
    let closed = try withTrace { path in
      let monitor = unsafe exray_open(path, 4, nil)
      let run = unsafe exray_outside_frames(monitor)
      unsafe dims.withUnsafeBufferPointer { dims in
        unsafe withTensor {
          unsafe $0.dims = dims.baseAddress
          unsafe $0.rank = UInt32(dims.count)
          unsafe exray_log_tensor(run, &$0)
        }
        unsafe exray_check_shape(monitor, exray_select(0, -1), dims.baseAddress, UInt32(dims.count))
      }
      return unsafe Closed(monitor)
    }
    #expect(closed.losses == ["misuse": 1])
  }

  @Test("other arguments that make no sense are misuse, one each")
  func otherArguments() throws {
    let closed = try withTrace { path in
      let monitor = unsafe exray_open(path, 99, nil)  // 1
      let frame = unsafe exray_begin_frame(monitor, nil, nil)
      let run = unsafe exray_outside_frames(monitor)
      let byte: [UInt8] = [1]
      let value = [1.0]
      unsafe exray_log_tensor(frame, nil)
      unsafe exray_log_raw_input(frame, nil, 5, nil, nil)
      unsafe exray_log_raw_input(frame, byte, -1, nil, nil)
      unsafe exray_log_raw_input(run, byte, 1, nil, nil)
      unsafe exray_log_image(frame, nil, 5, 1, 1, 1, 0)
      unsafe exray_log_image(frame, byte, 1, 1, 1, 1, 5)
      unsafe exray_log_image(frame, byte, 1, 1, 1, -1, 4)
      unsafe exray_log_image(frame, byte, 1, .max, .max, 0, 3)  // 9
      unsafe exray_log_image(run, byte, 1, 1, 1, 0, 4)
      unsafe exray_log_boxes(frame, nil, 1)
      unsafe exray_log_boxes(frame, nil, -1)
      unsafe exray_log_boxes(run, nil, 0)
      unsafe exray_log_sensor(monitor, 0, value, 1)
      unsafe exray_log_sensor(monitor, -1, value, 1)
      unsafe exray_log_sensor(monitor, 5, value, 1)
      unsafe exray_log_sensor(monitor, 3, nil, 1)
      unsafe exray_log_sensor(monitor, 3, value, -1)  // 18
      unsafe exray_describe_model(monitor, nil)
      unsafe exray_check_range(monitor, exray_select(0, 0), 1, 0)
      unsafe exray_check_range(monitor, exray_select(0, 0), .nan, 0)
      unsafe exray_check_finite(monitor, exray_select(7, 0))
      unsafe exray_check_shape(monitor, exray_select(0, 0), nil, 1)
      unsafe exray_check_shape(monitor, exray_select(0, 0), nil, .max)
      unsafe exray_check_channel_order(monitor, exray_select(0, 0), nil, 0)
      unsafe exray_check_with(monitor, nil, exray_select(0, 0), nil, nil, nil)
      unsafe exray_advance(monitor, 1)  // 27
      unsafe exray_end_inference(frame)
      unsafe exray_begin_inference(frame)
      unsafe exray_begin_inference(frame)
      unsafe exray_begin_preprocess(run)
      unsafe exray_end_span(exray_span(frame: frame, token: 12345))
      unsafe exray_end_frame(exray_frame(monitor: monitor, token: 12345))
      unsafe exray_end_frame(run)
      unsafe exray_end_frame(frame)
      unsafe exray_end_frame(frame)  // 34
      unsafe exray_log_scalar(frame, nil, 1)
      return unsafe Closed(monitor)
    }
    #expect(closed.losses == ["misuse": 35])
    #expect(closed.frameCount == 1)
  }

  @Test("texts that are not UTF-8 or long are repaired")
  func texts() throws {
    let closed = try withTrace { path in
      let monitor = unsafe exray_open(path, 4, nil)
      let bad: [CChar] = [-1, -64, 65, -30, -126, 0]
      let long = String(repeating: "é", count: 5000)
      for text in [bad, Array(long.utf8CString)] {
        let frame = unsafe exray_begin_frame(monitor, text, text)
        unsafe exray_log_scalar(frame, text, .nan)
        unsafe exray_end_span(exray_begin_span(frame, text))
        unsafe exray_log_raw_input(frame, nil, 0, text, text)
        unsafe exray_end_frame(frame)
        unsafe exray_check_finite(monitor, exray_select_named(text))
        unsafe exray_note_misuse(monitor, text)
      }
      unsafe withTensor { tensor in
        unsafe bad.withUnsafeBufferPointer {
          unsafe tensor.name = $0.baseAddress
          unsafe exray_log_tensor(exray_outside_frames(monitor), &tensor)
          unsafe exray_log_tensor(exray_outside_frames(monitor), &tensor)
        }
      }
      return unsafe Closed(monitor)
    }
    #expect(closed.losses == ["misuse": 2])
    #expect(closed.misuse.first == "\u{FFFD}\u{FFFD}A\u{FFFD}")
    #expect(closed.frameCount == 2)
  }

  @Test("options that no one set up, and options of other versions, are read with care")
  func options() throws {
    var options = unsafe exray_options()
    unsafe exray_options_init(&options, MemoryLayout<exray_options>.size)
    unsafe #expect(options.struct_size == MemoryLayout<exray_options>.size)
    unsafe #expect(options.ring_byte_count == UInt64(MonitorConfiguration().ringByteCount))
    for (size, noteCount) in [(0, 1), (7, 1), (8, 0), (33, 0), (1 << 20, 0)] {
      unsafe options.struct_size = size
      let closed = try withTrace { path in
        unsafe Closed(exray_open(path, 2, &options))
      }
      #expect(closed.misuse.count == noteCount, "size \(size)")
      #expect(closed.error == nil)
    }
    unsafe exray_options_init(&options, MemoryLayout<exray_options>.size)
    unsafe options.when_full = 2
    unsafe options.raw_inputs = -1
    unsafe options.clock = 2
    unsafe options.every_nth = 0
    unsafe options.flush_interval_nanoseconds = .max
    unsafe options.duration_budget_nanoseconds = .max
    let closed = try withTrace { unsafe Closed(exray_open($0, 2, &options)) }
    #expect(closed.misuse.count == 3)
    unsafe exray_options_init(&options, MemoryLayout<exray_options>.size)
    unsafe options.ring_byte_count = .max
    let huge = try withTrace { unsafe Closed(exray_open($0, 2, &options)) }
    #expect(huge.misuse.isEmpty)
  }

  @Test("a summary of another version gets the fields that it has")
  func summarySizes() throws {
    try withTrace { path in
      let monitor = unsafe exray_open(path, 2, nil)
      unsafe exray_end_frame(exray_begin_frame(monitor, nil, nil))
      for size in [0, 8, 16, 20] {
        var summary = unsafe exray_summary()
        unsafe summary.struct_size = size
        unsafe summary.lost_frame_count = 77
        unsafe #expect(exray_close(monitor, &summary))
        unsafe #expect(summary.struct_size == size)
        unsafe #expect(summary.frame_count == (size >= 16 ? 1 : 0))
        unsafe #expect(summary.lost_frame_count & ~0xFFFF_FFFF == 0)
        unsafe #expect(summary.lost_frame_count == (size == 20 ? 0 : 77))
      }
      unsafe #expect(!exray_is_recording(monitor))
      unsafe exray_free(monitor)
    }
  }

  @Test("frames and spans that are never ended take bounded room")
  func leaks() throws {
    let closed = try withTrace { path in
      let monitor = unsafe exray_open(path, 0, nil)
      let run = unsafe exray_outside_frames(monitor)
      for _ in 0..<70_000 {
        _ = unsafe exray_begin_span(run, "s")
        _ = unsafe exray_begin_frame(monitor, "f", nil)
      }
      return unsafe Closed(monitor)
    }
    #expect(closed.misuse.contains { $0.contains("65536 spans") })
    #expect((closed.losses["misuse"] ?? 0) > 4464)
  }

  @Test("a check of the app sees each tensor, and its context is given back once")
  func foreignCheck() throws {
    struct Seen {
      var calls = 0
      var releases = 0
    }
    let seen = UnsafeMutablePointer<Seen>.allocate(capacity: 1)
    unsafe seen.initialize(to: Seen())
    defer { unsafe seen.deallocate() }
    let function: exray_check_function = { context, tensor, message, capacity in
      unsafe context?.assumingMemoryBound(to: Seen.self).pointee.calls += 1
      guard let tensor = unsafe tensor?.pointee, let message = unsafe message, capacity > 1,
        unsafe tensor.role == exray_role(EXRAY_ROLE_OUTPUT),
        unsafe String(cString: tensor.name) == "scores", unsafe tensor.rank == 1,
        unsafe tensor.dims[0] == 2, unsafe tensor.byte_count == 8,
        unsafe tensor.element_type == exray_element_type(EXRAY_FLOAT32),
        unsafe tensor.data?.loadUnaligned(fromByteOffset: 4, as: Float.self) == 2
      else { return 99 }
      // Fills the room without a terminating zero.
      for index in 0..<capacity { unsafe message[index] = 65 }
      return exray_outcome(EXRAY_FAIL)
    }
    let release: @convention(c) (UnsafeMutableRawPointer?) -> Void = {
      unsafe $0?.assumingMemoryBound(to: Seen.self).pointee.releases += 1
    }
    let closed = try withTrace { path in
      let monitor = unsafe exray_open(path, 2, nil)
      unsafe exray_check_with(
        monitor, "mine", exray_select(exray_role(EXRAY_ROLE_OUTPUT), -1), function, seen, release)
      let frame = unsafe exray_begin_frame(monitor, nil, nil)
      unsafe withTensor { tensor in
        unsafe "scores".withCString { name in
          unsafe tensor.name = name
          unsafe tensor.role = exray_role(EXRAY_ROLE_OUTPUT)
          unsafe exray_log_tensor(frame, &tensor)
        }
      }
      unsafe exray_end_frame(frame)
      return unsafe Closed(monitor)
    }
    unsafe #expect(seen.pointee.calls == 1)
    unsafe #expect(seen.pointee.releases == 1)
    #expect(closed.checks["mine"]?.failed == 1)
    #expect(closed.checks["mine"]?.message == String(repeating: "A", count: 1024))
    unsafe exray_check_with(nil, "mine", exray_select(0, 0), function, seen, release)
    unsafe #expect(seen.pointee.releases == 2)
  }

  @Test("a trace that cannot be created is a loss")
  func noFolder() {
    let monitor = unsafe exray_open("/nonexistent/t.mcap", 2, nil)
    unsafe exray_end_frame(exray_begin_frame(monitor, nil, nil))
    let closed = unsafe Closed(monitor)
    #expect(closed.error?.contains("/nonexistent") == true)
    #expect(!closed.isWhole)
  }
}
