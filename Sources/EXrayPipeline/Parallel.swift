import Dispatch
import Synchronization

/// Work spread over the machine's processors.
enum Parallel {
  /// Calls `body` with each element, on several threads at once, and returns when all are done.
  ///
  /// - Throws: What `body` threw for the first of the elements for which it did, whatever the threads' order.
  static func forEach<Element: Sendable>(
    _ elements: [Element], _ body: @Sendable (Element) throws -> Void
  ) throws {
    guard elements.count > 1 else {
      for element in elements { try body(element) }
      return
    }
    let first = Mutex<(position: Int, error: any Error)?>(nil)
    DispatchQueue.concurrentPerform(iterations: elements.count) { position in
      do {
        try body(elements[position])
      } catch {
        first.withLock { known in
          if known.map({ position < $0.position }) ?? true { known = (position, error) }
        }
      }
    }
    if let error = first.withLock({ $0?.error }) { throw error }
  }
}
