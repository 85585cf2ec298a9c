import CCalibration
public import EXrayProfile

extension MachinePeak {
  /// Measures what one thread of this machine can do; takes about 0.3 s and 150 MB.
  ///
  /// The best of several tries counts: a ceiling is what is possible when nothing disturbs.
  public static func measured() -> MachinePeak {
    let count = 12 << 20
    var target = [Float](repeating: 0, count: count)
    let first = [Float](repeating: 1, count: count)
    let second = [Float](repeating: 2, count: count)
    let bandwidth = best {
      unsafe target.withUnsafeMutableBufferPointer { target in
        unsafe first.withUnsafeBufferPointer { first in
          unsafe second.withUnsafeBufferPointer { second in
            guard let a = target.baseAddress, let b = first.baseAddress, let c = second.baseAddress
            else { return 0 }
            return unsafe ccalibration_triad(a, b, c, count)
          }
        }
      }
    }
    return MachinePeak(
      floatOperationsPerSecond: best { ccalibration_float(200_000) },
      int8OperationsPerSecond: best { ccalibration_int8(200_000) }, bytesPerSecond: bandwidth,
      instructions: unsafe String(cString: ccalibration_instructions()))
  }

  /// The highest rate of several tries, at least 1 a second.
  private static func best(_ work: () -> UInt64) -> Double {
    let clock = ContinuousClock()
    var best = 1.0
    for _ in 0..<12 {
      let began = clock.now
      let count = work()
      let nanoseconds = (clock.now - began).inNanoseconds
      if nanoseconds > 0 { best = max(best, Double(count) / nanoseconds * 1e9) }
    }
    return best
  }
}
