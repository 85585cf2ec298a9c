// The names are those of exray.h.
// swift-format-ignore-file: AlwaysUseLowerCamelCase

public import CEXray
import EXray
import Synchronization

/// Finishes the trace.
@c @implementation
public func exray_close(
  _ monitor: OpaquePointer?, _ summary: UnsafeMutablePointer<exray_summary>?
) -> Bool {
  guard let owner = unsafe OpenMonitor.at(monitor) else {
    unsafe fill(summary, exray_summary())
    return true
  }
  // Not under the lock: closing waits for checks, which may take long.
  let closed = owner.monitor.close()
  let storage = owner.summary.withLock { storage in
    if let storage { return storage }
    let fresh = SummaryStorage(closed)
    storage = fresh
    return fresh
  }
  unsafe fill(summary, storage.summary)
  return storage.isWhole
}

/// Closes the monitor where that was not done, and frees it.
@c @implementation
public func exray_free(_ monitor: OpaquePointer?) {
  guard let monitor = unsafe monitor else { return }
  let owner = unsafe Unmanaged<OpenMonitor>.fromOpaque(UnsafeRawPointer(monitor))
    .takeRetainedValue()
  owner.monitor.close()
}

/// Copies as many fields as the caller knows; its `struct_size` stays.
private func fill(_ target: UnsafeMutablePointer<exray_summary>?, _ summary: exray_summary) {
  guard let target = unsafe target else { return }
  let start = MemoryLayout<Int>.size
  let end = unsafe min(target.pointee.struct_size, MemoryLayout<exray_summary>.size)
  guard end > start else { return }
  unsafe withUnsafeBytes(of: summary) { bytes in
    unsafe UnsafeMutableRawBufferPointer(start: target, count: end)[start...]
      .copyBytes(from: bytes[start..<end])
  }
}

/// A summary as C reads it, in memory that lives as long as this value.
///
/// Sendable because nothing changes after the creation.
@safe
final class SummaryStorage: @unchecked Sendable {
  private(set) var summary = unsafe exray_summary()
  /// Whether the trace was written, without losses.
  let isWhole: Bool
  private var texts = unsafe [UnsafeMutablePointer<CChar>]()
  private let losses: UnsafeMutableBufferPointer<exray_loss>
  private let checks: UnsafeMutableBufferPointer<exray_check_result>
  private let misuse: UnsafeMutableBufferPointer<UnsafePointer<CChar>?>

  init(_ source: MonitorSummary) {
    isWhole = source.error == nil && source.losses.isEmpty
    unsafe losses = .allocate(capacity: source.losses.count)
    unsafe checks = .allocate(capacity: source.checks.count)
    unsafe misuse = .allocate(capacity: source.misuse.count)
    for (index, loss) in source.losses.enumerated() {
      unsafe losses.initializeElement(
        at: index,
        to: exray_loss(
          reason: text(loss.reason), event_count: loss.eventCount, byte_count: loss.byteCount))
    }
    for (index, check) in source.checks.enumerated() {
      unsafe checks.initializeElement(
        at: index,
        to: exray_check_result(
          check: text(check.check), checked_count: check.checkedCount,
          failed_count: check.failedCount, inconclusive_count: check.inconclusiveCount,
          message: text(check.message ?? "")))
    }
    for (index, note) in source.misuse.enumerated() {
      unsafe misuse.initializeElement(at: index, to: text(note))
    }
    unsafe summary = exray_summary(
      struct_size: MemoryLayout<exray_summary>.size, frame_count: source.frameCount,
      lost_frame_count: source.lostFrameCount, skipped_frame_count: source.skippedFrameCount,
      event_count: source.eventCount, byte_count: source.byteCount,
      lost_event_count: source.lostEventCount, loss_count: losses.count,
      losses: UnsafePointer(losses.baseAddress), misuse_count: misuse.count,
      misuse: UnsafePointer(misuse.baseAddress), check_count: checks.count,
      checks: UnsafePointer(checks.baseAddress),
      app_nanoseconds: source.overhead.appNanoseconds,
      writer_nanoseconds: source.overhead.writerNanoseconds,
      peak_ring_byte_count: source.overhead.peakRingBytes,
      file_byte_count: source.overhead.fileBytes,
      error: source.error.map { unsafe text($0) }, text: text(source.description))
  }

  deinit {
    for index in unsafe texts.indices { unsafe texts[index].deallocate() }
    unsafe losses.deallocate()
    unsafe checks.deallocate()
    unsafe misuse.deallocate()
  }

  /// A copy with a terminating zero; ends at a zero that the text holds.
  private func text(_ text: String) -> UnsafePointer<CChar> {
    let bytes = text.utf8
    let copy = UnsafeMutablePointer<CChar>.allocate(capacity: bytes.count + 1)
    for (index, byte) in bytes.enumerated() { unsafe copy[index] = CChar(bitPattern: byte) }
    unsafe copy[bytes.count] = 0
    unsafe texts.append(copy)
    return unsafe UnsafePointer(copy)
  }
}
