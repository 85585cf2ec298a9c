import CHost
import EXrayCore

/// A piece of memory that this process shares with another one.
@safe
final class SharedMemory {
  let descriptor: Int32
  private(set) var byteCount = 0
  private var start: UnsafeMutableRawPointer?
  private let ownsDescriptor: Bool

  /// Creates memory without a size; see ``resize(to:)``.
  init() throws(RuntimeError) {
    descriptor = chost_memory_create()
    ownsDescriptor = true
    if descriptor < 0 {
      throw RuntimeError(
        .environment,
        "cannot create shared memory: \(systemWords(descriptor)); run with --in-process instead")
    }
  }

  /// Takes memory that another process made.
  init(descriptor: Int32) {
    self.descriptor = descriptor
    ownsDescriptor = false
  }

  deinit {
    if let start = unsafe start { unsafe chost_memory_unmap(start, byteCount) }
    if ownsDescriptor { chost_close(descriptor) }
  }

  /// Copies `bytes` in, as the whole contents.
  func store(_ bytes: RawSpan) throws(RuntimeError) {
    let status = unsafe bytes.withUnsafeBytes {
      unsafe chost_memory_write(descriptor, $0.baseAddress, $0.count)
    }
    try check(status, "write \(bytes.byteCount) bytes of shared memory")
  }

  /// Gives the memory its final size and maps it here.
  func resize(to byteCount: Int) throws(RuntimeError) {
    try check(
      chost_memory_resize(descriptor, byteCount), "reserve \(byteCount) bytes of shared memory")
    try map(writable: true)
  }

  /// Maps the whole memory here.
  func map(writable: Bool) throws(RuntimeError) {
    guard let size = Int(exactly: chost_memory_size(descriptor)), size > 0,
      let mapped = unsafe chost_memory_map(descriptor, size, writable ? 1 : 0)
    else {
      throw RuntimeError(
        .environment, "cannot map the shared memory; run with --in-process instead")
    }
    unsafe start = mapped
    byteCount = size
  }

  /// The bytes; valid while this object lives.
  var bytes: UnsafeMutableRawBufferPointer {
    unsafe UnsafeMutableRawBufferPointer(start: start, count: byteCount)
  }

  /// The blocks of a layout in this memory.
  func blocks(_ layout: TensorLayout) -> [UnsafeMutableRawBufferPointer] {
    unsafe layout.blocks.map { unsafe UnsafeMutableRawBufferPointer(rebasing: bytes[$0]) }
  }

  private func check(_ status: Int32, _ what: String) throws(RuntimeError) {
    if status < 0 {
      throw RuntimeError(
        .environment, "cannot \(what): \(systemWords(status)); run with --in-process instead")
    }
  }
}

/// Where tensors lie in a piece of memory: one after another, aligned, each with slack behind it.
///
/// Both sides compute it from the same tensors. The slack is there because vector kernels may read
/// a little past the end of a tensor.
struct TensorLayout {
  static let alignment = 64

  /// The bytes of the values of each tensor.
  private(set) var values: [Range<Int>] = []
  /// The bytes of the values and the slack of each tensor.
  private(set) var blocks: [Range<Int>] = []
  /// Bytes of the whole.
  private(set) var byteCount = alignment

  /// Lays tensors out, or returns nil where a size is unknown or the sum exceeds `limit`.
  init?(_ tensors: [SessionTensor], limit: Int) {
    let limit = min(limit, 1 << 46)
    for tensor in tensors {
      guard let size = tensor.description.byteCount, size <= limit else { return nil }
      let end = (byteCount + size + 2 * Self.alignment - 1) / Self.alignment * Self.alignment
      guard end <= limit else { return nil }
      values.append(byteCount..<byteCount + size)
      blocks.append(byteCount..<end)
      byteCount = end
    }
  }
}

/// The system's words for a negated errno.
func systemWords(_ status: Int32) -> String {
  var text = [CChar](repeating: 0, count: 256)
  unsafe chost_error_text(-status, &text, text.count)
  return String(decoding: text.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
}
