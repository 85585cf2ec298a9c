import EXraySystem
import Synchronization

/// A queue of events between the app's threads and the writing thread, in memory reserved once.
///
/// Whoever adds an event reserves a slot and bytes under a short lock, copies outside of it, and publishes
/// the slot by its turn. One thread takes events out, in the order of the reservations.
///
/// Sendable because a slot and its bytes belong to one thread at a time: from the reservation until the turn
/// is published to the one that reserved it, then until the release to the one that takes events out, which
/// alone uses `taken`.
@safe
final class EventRing: @unchecked Sendable {
  /// Why there is no slot.
  enum Refusal: Error {
    case full, tooLarge, tooManyFrames, closed
  }

  /// Whether an event begins or ends a frame: each open frame has a slot booked for its end.
  enum Booking {
    case none, begin, end
  }

  struct Reservation {
    fileprivate let turn: UInt64
    fileprivate let offset: Int
    fileprivate let end: UInt64
    fileprivate let isUrgent: Bool
  }

  private struct Positions {
    var head: UInt64 = 0
    var tail: UInt64 = 0
    var headByte: UInt64 = 0
    var tailByte: UInt64 = 0
    var openFrameCount: UInt64 = 0
    var peakByteCount: UInt64 = 0
    /// The same since the memory was last given back.
    var heldByteCount: UInt64 = 0
    var isClosed = false
  }

  /// How the writing thread rests: a light sleeper looks by itself soon, and is woken only when much waits.
  private enum Sleep {
    static let awake: UInt8 = 0
    static let light: UInt8 = 1
    static let deep: UInt8 = 2
  }

  static let alignment = 64

  private let byteMap: MemoryMap
  private let turnMap: MemoryMap
  private let eventMap: MemoryMap
  private let bytes: UnsafeMutableRawBufferPointer
  private let turns: UnsafeMutablePointer<Atomic<UInt64>>
  private let events: UnsafeMutablePointer<Event>
  private let slotCount: UInt64
  private let frameLimit: UInt64
  private let positions = Guarded(Positions())
  private let sleep = Atomic<UInt8>(Sleep.awake)
  private let work = Gate()
  private let room = Gate()
  private let roomSeekers = Atomic<Int>(0)
  private var taken: UInt64 = 0

  /// Reserves memory, which takes room only where it is used.
  init(byteCount: Int, frameLimit: Int = 1024) throws(SystemError) {
    let size = min(max(byteCount, 4096), 1 << 46) / Self.alignment * Self.alignment
    let slots = min(max(size / 4096, 64), 16384)
    byteMap = try MemoryMap(reserving: size)
    turnMap = try MemoryMap(reserving: slots * MemoryLayout<Atomic<UInt64>>.stride)
    eventMap = try MemoryMap(reserving: slots * MemoryLayout<Event>.stride)
    unsafe bytes = UnsafeMutableRawBufferPointer(rebasing: byteMap.pointer[0..<size])
    // Reserved memory is zeroed, which is what a slot holds that was never published.
    unsafe turns = turnMap.pointer.bindMemory(to: Atomic<UInt64>.self).baseAddress.unsafelyUnwrapped
    unsafe events = eventMap.pointer.bindMemory(to: Event.self).baseAddress.unsafelyUnwrapped
    slotCount = UInt64(slots)
    self.frameLimit = UInt64(min(frameLimit, slots / 4))
  }

  // MARK: The app's threads

  /// Reserves a slot and bytes for one event.
  func reserve(_ byteCount: Int, _ booking: Booking = .none) throws(Refusal) -> Reservation {
    let capacity = unsafe UInt64(bytes.count)
    guard byteCount <= capacity else { throw .tooLarge }
    let size = UInt64((byteCount + Self.alignment - 1) / Self.alignment * Self.alignment)
    return try positions.withLock { (positions) throws(Refusal) in
      guard !positions.isClosed else { throw .closed }
      switch booking {
      case .none: break
      case .begin:
        guard positions.openFrameCount < frameLimit else { throw .tooManyFrames }
        positions.openFrameCount += 1
      case .end: positions.openFrameCount -= 1
      }
      let used = positions.head - positions.tail
      if positions.headByte == positions.tailByte {
        // Nothing waits: start at the front again, where memory is warm.
        positions.headByte = (positions.headByte + capacity - 1) / capacity * capacity
        positions.tailByte = positions.headByte
      }
      let untilEnd = capacity - positions.headByte % capacity
      let skipped = size > untilEnd ? untilEnd : 0
      let waiting = positions.headByte - positions.tailByte + skipped + size
      guard used + positions.openFrameCount < slotCount, waiting <= capacity else {
        if booking == .begin { positions.openFrameCount -= 1 }
        throw .full
      }
      let start = positions.headByte + skipped
      let turn = positions.head
      positions.head += 1
      positions.headByte = start + size
      positions.peakByteCount = max(positions.peakByteCount, waiting)
      positions.heldByteCount = max(positions.heldByteCount, waiting)
      return Reservation(
        turn: turn, offset: Int(start % capacity), end: positions.headByte,
        isUrgent: waiting >= min(capacity / 4, 1 << 20) || used >= slotCount / 4)
    }
  }

  /// Copies an event to its place and hands it to the writing thread.
  func publish(
    _ event: Event, _ payload: RawSpan, _ text: [UInt8] = [], at reservation: Reservation
  ) {
    var event = event
    event.byteCount = payload.byteCount
    event.textByteCount = text.count
    event.offset = reservation.offset
    event.end = reservation.end
    let textOffset = reservation.offset + payload.byteCount
    unsafe payload.withUnsafeBytes { source in
      unsafe UnsafeMutableRawBufferPointer(rebasing: bytes[reservation.offset..<textOffset])
        .copyMemory(from: source)
    }
    unsafe UnsafeMutableRawBufferPointer(rebasing: bytes[textOffset..<textOffset + text.count])
      .copyBytes(from: text)
    let slot = Int(reservation.turn % slotCount)
    unsafe events[slot] = event
    unsafe turns[slot].store(reservation.turn + 1, ordering: .sequentiallyConsistent)
    let depth = sleep.load(ordering: .sequentiallyConsistent)
    if depth == Sleep.deep || (depth == Sleep.light && reservation.isUrgent) { wake() }
  }

  /// Reserves, and waits for room as long as the writing thread moves.
  func reserveWaiting(
    _ byteCount: Int, _ booking: Booking, patience: UInt64 = 10_000_000_000
  ) throws(Refusal) -> Reservation {
    roomSeekers.add(1, ordering: .sequentiallyConsistent)
    defer { roomSeekers.subtract(1, ordering: .sequentiallyConsistent) }
    room.lock()
    defer { room.unlock() }
    var lastTail = tail
    var lastMove = SystemClock.monotonicNanoseconds
    while true {
      do throws(Refusal) {
        return try reserve(byteCount, booking)
      } catch {
        guard case .full = error else { throw error }
      }
      wake()
      room.wait(nanoseconds: 100_000_000)
      let now = SystemClock.monotonicNanoseconds
      let tail = tail
      if tail != lastTail {
        lastTail = tail
        lastMove = now
      } else if now &- lastMove > patience {
        throw .full
      }
    }
  }

  /// Refuses further events.
  func close() {
    positions.withLock { $0.isClosed = true }
    wake()
    room.withLock { room.notify() }
  }

  /// The most bytes that waited at a time.
  var peakByteCount: UInt64 { positions.withLock { $0.peakByteCount } }

  private var tail: UInt64 { positions.withLock { $0.tail } }

  private func wake() {
    guard sleep.exchange(Sleep.awake, ordering: .sequentiallyConsistent) != Sleep.awake else {
      return
    }
    work.withLock { work.notify() }
  }

  // MARK: The writing thread

  /// The event that waits longest, or nil.
  func next() -> Event? {
    let slot = Int(taken % slotCount)
    guard unsafe turns[slot].load(ordering: .sequentiallyConsistent) == taken + 1 else {
      return nil
    }
    return unsafe events[slot]
  }

  /// Calls `body` with an event's bytes and its text, where they lie in the ring.
  func withPayload(of event: Event, _ body: (RawSpan, [UInt8]) -> Void) {
    let textOffset = event.offset + event.byteCount
    let text =
      event.textByteCount == 0
      ? [] : unsafe Array(bytes[textOffset..<textOffset + event.textByteCount])
    let payload = unsafe RawSpan(
      _unsafeBytes: UnsafeRawBufferPointer(rebasing: bytes[event.offset..<textOffset]))
    body(payload, text)
  }

  /// Gives the slot and the bytes of the event that ``next()`` gave back.
  func release(_ event: Event) {
    taken += 1
    let capacity = unsafe UInt64(bytes.count)
    let hasRoom = positions.withLock { positions in
      positions.tail = taken
      // Where nothing but events without bytes waited, the bytes may have started anew.
      positions.tailByte = max(positions.tailByte, event.end)
      // Waking who waits for room for each event would make the two threads take turns.
      return positions.headByte - positions.tailByte <= capacity / 4 * 3
        && positions.head - positions.tail <= slotCount / 4 * 3
    }
    if hasRoom, roomSeekers.load(ordering: .sequentiallyConsistent) > 0 {
      room.withLock { room.notify() }
    }
  }

  /// Whether no event waits and none will come.
  var isFinished: Bool { positions.withLock { $0.isClosed && $0.head == $0.tail } }

  /// Gives back memory that a burst of events took, where nothing waits.
  private func giveBack() {
    positions.withLock { positions in
      guard positions.headByte == positions.tailByte, positions.heldByteCount > 1 << 20 else {
        return
      }
      byteMap.forget(0..<(unsafe bytes.count))
      positions.heldByteCount = 0
    }
  }

  /// Rests until there is something to do.
  ///
  /// - Parameter nanoseconds: The time limit of a light sleep; nil sleeps until the next event.
  func rest(nanoseconds: UInt64?) {
    if nanoseconds == nil { giveBack() }
    work.lock()
    defer { work.unlock() }
    sleep.store(nanoseconds == nil ? Sleep.deep : Sleep.light, ordering: .sequentiallyConsistent)
    // What is published or closed from here on sees the sleeper.
    if next() == nil, !positions.withLock({ $0.isClosed }) {
      work.wait(nanoseconds: nanoseconds)
    } else if next() == nil, !isFinished {
      work.wait(nanoseconds: 1_000_000)
    }
    sleep.store(Sleep.awake, ordering: .sequentiallyConsistent)
  }
}
