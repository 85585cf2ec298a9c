import EXrayCore

/// Whether an output ever changes from frame to frame, on each side.
struct OutputConstancy: Sendable {
  private var first: (candidate: String, reference: String)?
  private var changed = (candidate: false, reference: false)

  mutating func add(candidate: RawSpan, reference: RawSpan) {
    if changed.candidate && changed.reference { return }
    let digests = (
      candidate: SHA256.hexadecimal(of: candidate), reference: SHA256.hexadecimal(of: reference)
    )
    guard let first else {
      first = digests
      return
    }
    changed.candidate = changed.candidate || digests.candidate != first.candidate
    changed.reference = changed.reference || digests.reference != first.reference
  }

  var isSuspicious: Bool { changed.reference && !changed.candidate }

  var isUseless: Bool { first != nil && !changed.reference && !changed.candidate }
}
