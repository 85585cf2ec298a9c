import EXrayCore
import Foundation

/// The SHA-256 of bytes in base 64, as a content security policy spells it.
func hash(_ bytes: [UInt8]) -> String {
  let digits = unsafe SHA256.hexadecimal(of: bytes.span.bytes).compactMap(\.hexDigitValue)
  var raw: [UInt8] = []
  for index in stride(from: 0, to: digits.count, by: 2) {
    raw.append(UInt8(digits[index] * 16 + digits[index + 1]))
  }
  return Data(raw).base64EncodedString()
}
