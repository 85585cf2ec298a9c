// The names are those of exray.h.
// swift-format-ignore-file: AlwaysUseLowerCamelCase

public import CEXray
import EXray
import Synchronization

/// Whether the level wants tensors of a role.
@c @implementation
public func exray_wants(_ frame: exray_frame, _ role: exray_role) -> Bool {
  guard let role = TensorRole(c: role), let target = unsafe Target(frame) else { return false }
  return target.wants(role)
}

/// Logs a tensor.
@c @implementation
public func exray_log_tensor(_ frame: exray_frame, _ tensor: UnsafePointer<exray_tensor>?) {
  guard let target = unsafe Target(frame) else { return }
  guard let tensor = unsafe tensor,
    unsafe tensor.pointee.struct_size >= MemoryLayout<exray_tensor>.size
  else {
    return target.owner.misuse(
      "exray_log_tensor was called without a tensor whose struct_size is set")
  }
  do throws(TensorFault) {
    guard let role = unsafe TensorRole(c: tensor.pointee.role) else {
      throw TensorFault("has the role \(unsafe tensor.pointee.role), there is none such")
    }
    // Where nothing is recorded, the call is still counted as lost.
    guard target.wants(role) || !target.owner.monitor.isRecording else { return }
    let arguments = unsafe try TensorArguments(tensor.pointee, role)
    guard let bytes = unsafe memory(tensor.pointee.data, tensor.pointee.byte_count) else {
      throw TensorFault("has no data, or \(unsafe tensor.pointee.byte_count) bytes")
    }
    let entry = target.owner.tensors.entry(of: arguments, target.owner.monitor)
    let span = unsafe RawSpan(_unsafeBytes: bytes)
    switch (target.frame, entry.number) {
    case (let frame?, let number?): frame.log(tensor: number, span)
    case (let frame?, nil): frame.log(entry.stream, span)
    case (nil, _): target.owner.monitor.log(entry.stream, span)
    }
  } catch {
    unsafe target.owner.misuse("exray_log_tensor: \(text(tensor.pointee.name)) \(error.words)")
  }
}

extension Target {
  fileprivate func wants(_ role: TensorRole) -> Bool {
    frame?.wants(role) ?? owner.monitor.wants(role)
  }
}

/// What is wrong with a tensor's description, in words that follow its name.
struct TensorFault: Error {
  let words: String
  init(_ words: String) { self.words = words }
}

/// A tensor's description where it lies in the caller's memory, known to make sense.
@safe
struct TensorArguments {
  /// The most dimensions.
  static let rankLimit = 32
  /// The most scales.
  static let scaleLimit = 1 << 20

  let role: TensorRole
  let index: Int
  let elementType: ElementType
  /// Without the terminating zero.
  let name: UnsafeBufferPointer<UInt8>
  let dims: UnsafeBufferPointer<Int64>
  let scales: UnsafeBufferPointer<Float>
  /// Empty where all are 0.
  let zeroPoints: UnsafeBufferPointer<Int64>
  let axis: Int

  init(_ tensor: exray_tensor, _ role: TensorRole) throws(TensorFault) {
    guard let elementType = unsafe ElementType(c: tensor.element_type) else {
      throw TensorFault("has the element type \(unsafe tensor.element_type), there is none such")
    }
    let rank = unsafe Int(tensor.rank)
    guard rank <= Self.rankLimit, unsafe rank == 0 || tensor.dims != nil else {
      throw TensorFault("has \(rank) dimensions; give extents, at most \(Self.rankLimit)")
    }
    let scaleCount = unsafe tensor.quantization_count
    let axis = unsafe Int(tensor.quantization_axis)
    unsafe dims = UnsafeBufferPointer(start: tensor.dims, count: rank)
    if scaleCount != 0 {
      let fits =
        unsafe scaleCount == 1 || (axis < rank && Int64(exactly: scaleCount) == dims[axis])
      guard fits, scaleCount > 0, scaleCount <= Self.scaleLimit, unsafe tensor.scales != nil else {
        throw TensorFault(
          "has \(scaleCount) scales along axis \(axis); give one, or one for each slice")
      }
    }
    self.role = role
    unsafe index = Int(tensor.index)
    self.elementType = elementType
    unsafe scales = UnsafeBufferPointer(start: tensor.scales, count: scaleCount)
    unsafe zeroPoints = UnsafeBufferPointer(
      start: tensor.zero_points, count: tensor.zero_points == nil ? 0 : scaleCount)
    self.axis = axis
    var length = 0
    if let characters = unsafe tensor.name {
      while unsafe characters[length] != 0 { length += 1 }
      unsafe name = UnsafeBufferPointer(
        start: UnsafeRawPointer(characters).assumingMemoryBound(to: UInt8.self), count: length)
    } else {
      unsafe name = UnsafeBufferPointer(start: nil, count: 0)
    }
  }

  /// A number that equal descriptions share.
  var hash: Int {
    var hasher = Hasher()
    hasher.combine(role)
    hasher.combine(index)
    hasher.combine(elementType)
    unsafe hasher.combine(bytes: UnsafeRawBufferPointer(name))
    unsafe hasher.combine(bytes: UnsafeRawBufferPointer(dims))
    unsafe hasher.combine(bytes: UnsafeRawBufferPointer(scales))
    return hasher.finalize()
  }

  /// The description as a value of its own.
  var stream: TensorStream {
    let quantization =
      unsafe scales.isEmpty
      ? nil
      : unsafe Quantization(
        scales: Array(scales), zeroPoints: Array(zeroPoints), axis: axis)
    return unsafe TensorStream(
      role: role, index: index,
      description: TensorDescription(
        name: String(decoding: name, as: UTF8.self), elementType: elementType,
        shape: Shape(dims.map { Int(clamping: $0) }), quantization: quantization))
  }

  /// Whether the description is this one.
  func describes(_ entry: TensorCache.Entry) -> Bool {
    let stream = entry.stream
    guard role == stream.role, index == stream.index,
      elementType == stream.description.elementType, unsafe entry.name.elementsEqual(name),
      unsafe stream.description.shape.dimensions.elementsEqual(
        dims, by: { $0 == Int(clamping: $1) })
    else { return false }
    guard let quantization = stream.description.quantization else {
      return unsafe scales.isEmpty
    }
    return unsafe axis == quantization.axis && quantization.scales.elementsEqual(scales)
      && (zeroPoints.isEmpty
        ? quantization.zeroPoints.allSatisfy { $0 == 0 }
        : quantization.zeroPoints.elementsEqual(zeroPoints))
  }
}

/// The tensors that were logged, so that a repeated description is not made again.
final class TensorCache: Sendable {
  /// A tensor that was described.
  struct Entry: Sendable {
    /// The name's bytes as they came, which need not be UTF-8.
    var name: [UInt8]
    var stream: TensorStream
    /// The monitor's number for it, where it has one.
    var number: UInt32?
  }

  private let entries = Mutex<[Int: Entry]>([:])

  /// The monitor's words for a description; as many are kept as the monitor has numbers for.
  func entry(of arguments: TensorArguments, _ monitor: Monitor) -> Entry {
    let hash = arguments.hash
    if let known = entries.withLock({ $0[hash] }), arguments.describes(known) { return known }
    let stream = arguments.stream
    let entry = unsafe Entry(
      name: Array(arguments.name), stream: stream, number: monitor.number(of: stream))
    if entry.number != nil { entries.withLock { $0[hash] = entry } }
    return entry
  }
}

extension TensorRole {
  /// The role of a number in `exray.h`.
  init?(c number: exray_role) {
    switch Int(number) {
    case EXRAY_ROLE_INPUT: self = .input
    case EXRAY_ROLE_LAYER: self = .layer
    case EXRAY_ROLE_OUTPUT: self = .output
    case EXRAY_ROLE_EMBEDDING: self = .embedding
    case EXRAY_ROLE_CUSTOM: self = .custom
    default: return nil
    }
  }

  /// The number in `exray.h`.
  var number: exray_role {
    switch self {
    case .input: exray_role(EXRAY_ROLE_INPUT)
    case .layer: exray_role(EXRAY_ROLE_LAYER)
    case .output: exray_role(EXRAY_ROLE_OUTPUT)
    case .embedding: exray_role(EXRAY_ROLE_EMBEDDING)
    case .custom: exray_role(EXRAY_ROLE_CUSTOM)
    }
  }
}

extension ElementType {
  /// The types by their numbers in `exray.h`, from 1; types of no fixed size have none.
  private static let numbered: [ElementType] = [
    .float16, .bfloat16, .float32, .float64, .int2, .int4, .int8, .int16, .int32, .int64, .uint4,
    .uint8, .uint16, .uint32, .uint64, .bool, .complex64, .complex128,
  ]

  /// The type of a number in `exray.h`.
  init?(c number: exray_element_type) {
    guard Self.numbered.indices.contains(Int(number) - 1) else { return nil }
    self = Self.numbered[Int(number) - 1]
  }

  /// The number in `exray.h`, or 0.
  var number: exray_element_type {
    Self.numbered.firstIndex(of: self).map { exray_element_type($0 + 1) } ?? 0
  }
}
