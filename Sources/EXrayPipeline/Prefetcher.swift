import Foundation

/// Makes elements ahead of their use on worker threads, in order and in bounded number.
///
/// Decoding the next pictures overlaps with running the model on this one.
final class Prefetcher<Element: Sendable>: @unchecked Sendable {
  // Invariant: every stored property below is read and written only while `condition` is locked.
  private let condition = NSCondition()
  private var ready: [Int: Result<Element, any Error>] = [:]
  private var nextToMake = 0
  private var nextToTake = 0
  private var isCancelled = false
  /// Whether nobody has asked for an element yet: the models are still being loaded and need a processor.
  private var isUnused = true
  private let count: Int
  private let depth: Int
  private let make: @Sendable (Int) throws -> Element
  /// Ready elements from which on one worker is enough: more would only slow the model down.
  private let plenty: Int

  /// Starts the workers.
  ///
  /// - Parameters:
  ///   - count: How many elements there are.
  ///   - depth: How many may be ready or in the making beyond the one taken last.
  ///   - workers: Threads that make elements; all but one rest while enough are ready.
  init(
    count: Int, depth: Int, workers: Int, make: @escaping @Sendable (Int) throws -> Element
  ) {
    self.count = count
    self.depth = depth
    self.make = make
    plenty = min(4, depth)
    for worker in 0..<max(1, workers) {
      let thread = Thread { [self] in work(isFirst: worker == 0) }
      thread.stackSize = 8 << 20
      thread.start()
    }
  }

  /// The next element, or nil after the last; waits until it is made.
  func next() throws -> Element? {
    condition.lock()
    defer { condition.unlock() }
    if isUnused {
      isUnused = false
      condition.broadcast()
    }
    guard nextToTake < count else { return nil }
    let index = nextToTake
    while ready[index] == nil { condition.wait() }
    nextToTake += 1
    condition.broadcast()
    return try ready.removeValue(forKey: index)?.get()
  }

  /// Ends the workers; elements in the making are dropped.
  func cancel() {
    condition.lock()
    isCancelled = true
    condition.broadcast()
    condition.unlock()
  }

  private func work(isFirst: Bool) {
    while let index = claim(isFirst: isFirst) {
      let result = Result { try make(index) }
      condition.lock()
      ready[index] = result
      condition.broadcast()
      condition.unlock()
    }
  }

  private func claim(isFirst: Bool) -> Int? {
    condition.lock()
    defer { condition.unlock() }
    while !isCancelled, nextToMake < count,
      nextToMake >= nextToTake + depth || !isFirst && (isUnused || ready.count >= plenty)
    {
      condition.wait()
    }
    guard !isCancelled, nextToMake < count else { return nil }
    nextToMake += 1
    return nextToMake - 1
  }
}
