// The names are those of exray.h.
// swift-format-ignore-file: AlwaysUseLowerCamelCase

public import CEXray
import EXray

/// Reports values outside of a range.
@c @implementation
public func exray_check_range(
  _ monitor: OpaquePointer?, _ tensors: exray_selector, _ low: Double, _ high: Double
) {
  guard let owner = unsafe OpenMonitor.at(monitor) else { return }
  guard low <= high else {
    return owner.misuse("exray_check_range was called with \(low)…\(high), which holds no number")
  }
  unsafe owner.add(.range(low...high), on: tensors)
}

/// Reports infinities and not-a-number.
@c @implementation
public func exray_check_finite(_ monitor: OpaquePointer?, _ tensors: exray_selector) {
  unsafe OpenMonitor.at(monitor)?.add(.finite, on: tensors)
}

/// Reports another shape.
@c @implementation
public func exray_check_shape(
  _ monitor: OpaquePointer?, _ tensors: exray_selector, _ dims: UnsafePointer<Int64>?,
  _ rank: UInt32
) {
  guard let owner = unsafe OpenMonitor.at(monitor) else { return }
  guard rank <= TensorArguments.rankLimit, unsafe rank == 0 || dims != nil else {
    return owner.misuse(
      "exray_check_shape was called with \(rank) dimensions; give extents, at most"
        + " \(TensorArguments.rankLimit)")
  }
  let extents = unsafe UnsafeBufferPointer(start: dims, count: Int(rank))
  unsafe owner.add(.shape(Shape(extents.map { Int(clamping: $0) })), on: tensors)
}

/// Reports reversed colour channels.
@c @implementation
public func exray_check_channel_order(
  _ monitor: OpaquePointer?, _ tensors: exray_selector, _ means: UnsafePointer<Double>?,
  _ minimumFrames: UInt32
) {
  guard let owner = unsafe OpenMonitor.at(monitor) else { return }
  guard let means = unsafe means else {
    return owner.misuse("exray_check_channel_order was called without expected means")
  }
  unsafe owner.add(
    .channelOrder(
      expectedMeans: Array(UnsafeBufferPointer(start: means, count: 3)),
      minimumFrames: Int(minimumFrames)), on: tensors)
}

/// Adds a check of the app's own.
@c @implementation
public func exray_check_with(
  _ monitor: OpaquePointer?, _ name: UnsafePointer<CChar>?, _ tensors: exray_selector,
  _ function: exray_check_function?, _ context: UnsafeMutableRawPointer?,
  _ release: (@convention(c) (UnsafeMutableRawPointer?) -> Void)?
) {
  // Gives the context back also where the check is not taken.
  let foreign = unsafe ForeignCheck(function, context, release)
  guard let owner = unsafe OpenMonitor.at(monitor) else { return }
  guard unsafe function != nil else {
    return owner.misuse("exray_check_with was called without a function")
  }
  unsafe owner.add(.custom(text(name)) { foreign.run($0) }, on: tensors)
}

extension OpenMonitor {
  fileprivate func add(_ check: Check, on tensors: exray_selector) {
    if unsafe tensors.name != nil {
      return unsafe monitor.check(check, on: .named(text(tensors.name)))
    }
    guard let role = unsafe TensorRole(c: tensors.role) else {
      return misuse("a check was added for the role \(unsafe tensors.role), there is none such")
    }
    monitor.check(
      check, on: unsafe tensors.index < 0 ? .all(role) : .init(role, Int(tensors.index)))
  }
}

extension TensorSelector {
  fileprivate init(_ role: TensorRole, _ index: Int) {
    self =
      switch role {
      case .input: .input(index)
      case .layer: .layer(index)
      case .output: .output(index)
      case .embedding: .embedding(index)
      case .custom: .all(.custom)
      }
  }
}

/// A check that another language wrote.
///
/// Sendable because the function is only called on the writing thread, one call at a time, and the context is
/// given back once, when nobody holds the check any more.
@safe
private final class ForeignCheck: @unchecked Sendable {
  private static let messageCapacity = 1024

  private let function: exray_check_function?
  private let context: UnsafeMutableRawPointer?
  private let release: (@convention(c) (UnsafeMutableRawPointer?) -> Void)?

  init(
    _ function: exray_check_function?, _ context: UnsafeMutableRawPointer?,
    _ release: (@convention(c) (UnsafeMutableRawPointer?) -> Void)?
  ) {
    unsafe self.function = unsafe function
    unsafe self.context = unsafe context
    unsafe self.release = unsafe release
  }

  deinit { unsafe release?(context) }

  func run(_ view: TensorView) -> CheckOutcome {
    guard let function = unsafe function else { return .pass }
    let stream = view.stream
    let dims = stream.description.shape.dimensions.map { Int64($0) }
    var message = [CChar](repeating: 0, count: Self.messageCapacity)
    let outcome = unsafe stream.description.name.withCString { name in
      unsafe dims.withUnsafeBufferPointer { dims in
        unsafe view.bytes.withUnsafeBytes { bytes in
          var tensor = unsafe exray_checked_tensor(
            role: stream.role.number, index: UInt32(clamping: stream.index), name: name,
            element_type: stream.description.elementType.number, rank: UInt32(dims.count),
            dims: dims.baseAddress, data: bytes.baseAddress, byte_count: bytes.count,
            frame_index: view.frameIndex ?? .max)
          return unsafe function(context, &tensor, &message, message.count)
        }
      }
    }
    let words = String(
      decoding: message.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    switch Int(outcome) {
    case EXRAY_PASS: return .pass
    case EXRAY_FAIL: return .fail(words)
    case EXRAY_INCONCLUSIVE: return .inconclusive(words)
    default: return .inconclusive("the check returned \(outcome), there is no such outcome")
    }
  }
}
