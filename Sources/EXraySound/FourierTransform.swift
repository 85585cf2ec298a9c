import Foundation

/// The discrete Fourier transform of real frames of one size, in double precision.
///
/// Powers of two by the iterative radix-2 algorithm (Cooley and Tukey, 1965); other sizes as a
/// convolution of a power of two (Bluestein, 1970). Agrees with `numpy.fft.rfft`.
package struct FourierTransform {
  /// Values of one frame.
  package let size: Int
  /// Frequencies from 0 to half the sample rate.
  package var binCount: Int { size / 2 + 1 }

  private let length: Int
  private let cosines: [Double]
  private let sines: [Double]
  private let reversed: [Int]
  /// exp(−iπn²/size), and the transform of its conjugate; empty for powers of two.
  private var chirp: (real: [Double], imaginary: [Double]) = ([], [])
  private var filter: (real: [Double], imaginary: [Double]) = ([], [])
  private var real: [Double]
  private var imaginary: [Double]

  /// Creates a transform of `size` ≥ 1 values.
  package init(size: Int) {
    precondition(size >= 1, "a transform needs a value")
    self.size = size
    let isPower = size & (size - 1) == 0
    var length = 1
    while length < (isPower ? size : 2 * size) { length *= 2 }
    self.length = length
    cosines = (0..<max(1, length / 2)).map { cos(2 * .pi * Double($0) / Double(length)) }
    sines = (0..<max(1, length / 2)).map { -sin(2 * .pi * Double($0) / Double(length)) }
    let bits = length.trailingZeroBitCount
    reversed = (0..<length).map { index in
      (0..<bits).reduce(0) { $0 | ((index >> $1) & 1) << (bits - 1 - $1) }
    }
    real = Array(repeating: 0, count: length)
    imaginary = real
    guard !isPower else { return }
    for n in 0..<size {
      let angle = -Double.pi * Double(n * n % (2 * size)) / Double(size)
      chirp.real.append(cos(angle))
      chirp.imaginary.append(sin(angle))
    }
    for n in 0..<size {
      for place in Set([n, (length - n) % length]) {
        real[place] = chirp.real[n]
        imaginary[place] = -chirp.imaginary[n]
      }
    }
    transform()
    filter = (real, imaginary)
  }

  /// The squared magnitude of every frequency of one frame, which may be shorter than the size.
  package mutating func power(of frame: ArraySlice<Double>) -> [Double] {
    for index in 0..<length { (real[index], imaginary[index]) = (0, 0) }
    let isPower = chirp.real.isEmpty
    for (index, value) in frame.prefix(size).enumerated() {
      real[index] = isPower ? value : value * chirp.real[index]
      imaginary[index] = isPower ? 0 : value * chirp.imaginary[index]
    }
    transform()
    guard !isPower else { return magnitudes(scale: 1) }
    for index in 0..<length {
      let product = (
        real[index] * filter.real[index] - imaginary[index] * filter.imaginary[index],
        real[index] * filter.imaginary[index] + imaginary[index] * filter.real[index]
      )
      // The inverse transform is the transform of the conjugate.
      (real[index], imaginary[index]) = (product.0, -product.1)
    }
    transform()
    return magnitudes(scale: 1 / Double(length))
  }

  /// The squared magnitudes of two real frames, appended one after the other.
  ///
  /// For powers of two, both go through one transform as the real and the imaginary part; but silence goes alone, as rounding
  /// would put a trace of the other frame into it, which a logarithm makes large.
  package mutating func appendPowers(
    of first: [Double], and second: [Double]?, to result: inout [Double]
  ) {
    let isSilent = { (frame: [Double]) in frame.allSatisfy { $0 == 0 } }
    guard chirp.real.isEmpty, let second, length > 1, !isSilent(first), !isSilent(second) else {
      result += power(of: first[...])
      if let second { result += power(of: second[...]) }
      return
    }
    for index in 0..<length { (real[index], imaginary[index]) = (0, 0) }
    for index in 0..<min(first.count, length) { real[index] = first[index] }
    for index in 0..<min(second.count, length) { imaginary[index] = second[index] }
    transform()
    // z = a + ib: A[k] = (Z[k] + Z*[−k])/2, B[k] = (Z[k] − Z*[−k])/2i.
    for isSecond in [false, true] {
      for bin in 0..<binCount {
        let mirror = (length - bin) & (length - 1)
        let sign: Double = isSecond ? -1 : 1
        let r = real[bin] + sign * real[mirror]
        let i = imaginary[bin] - sign * imaginary[mirror]
        result.append(0.25 * (r * r + i * i))
      }
    }
  }

  private func magnitudes(scale: Double) -> [Double] {
    (0..<binCount).map {
      (real[$0] * real[$0] + imaginary[$0] * imaginary[$0]) * scale * scale
    }
  }

  private mutating func transform() {
    for index in 0..<length where index < reversed[index] {
      real.swapAt(index, reversed[index])
      imaginary.swapAt(index, reversed[index])
    }
    var half = 1
    while half < length {
      let stride = length / (2 * half)
      for start in Swift.stride(from: 0, to: length, by: 2 * half) {
        for offset in 0..<half {
          let (low, high) = (start + offset, start + offset + half)
          let (c, s) = (cosines[offset * stride], sines[offset * stride])
          let r = real[high] * c - imaginary[high] * s
          let i = real[high] * s + imaginary[high] * c
          (real[high], imaginary[high]) = (real[low] - r, imaginary[low] - i)
          (real[low], imaginary[low]) = (real[low] + r, imaginary[low] + i)
        }
      }
      half *= 2
    }
  }
}
