import EXrayTestKit
import MCAP
import MCAPCompression
import Testing

/// The bytes with one change: flipped bits, a cut, an absurd number, bytes put in or taken out.
func mutated(_ bytes: [UInt8], _ random: inout SplitMix64) -> [UInt8] {
  var changed = bytes
  let place = Int.random(in: 0..<bytes.count, using: &random)
  switch Int.random(in: 0..<5, using: &random) {
  case 0:
    for _ in 0..<Int.random(in: 1...4, using: &random) {
      changed[Int.random(in: 0..<bytes.count, using: &random)] ^=
        1 << UInt8.random(in: 0..<8, using: &random)
    }
  case 1: changed.removeLast(bytes.count - place)
  case 2:
    let values: [UInt64] = [
      0, 1, 0x7FFF_FFFF, 0xFFFF_FFFF, 1 << 40, 1 << 60, 1 << 63, .max, .max - 8,
    ]
    let value = values.randomElement(using: &random) ?? 0
    let width = [2, 4, 8].randomElement(using: &random) ?? 8
    for index in 0..<width where place + index < bytes.count {
      changed[place + index] = UInt8(truncatingIfNeeded: value >> UInt64(index * 8))
    }
  case 3:
    let count = Int.random(in: 1...20, using: &random)
    changed.insert(
      contentsOf: (0..<count).map { _ in UInt8.random(in: 0...255, using: &random) }, at: place)
  default:
    changed.removeSubrange(place..<min(bytes.count, place + .random(in: 1...20, using: &random)))
  }
  // Without the summary's checksum, nonsense reaches the indexes.
  if Bool.random(using: &random), changed.count > 12 {
    for index in (changed.count - 12)..<(changed.count - 8) { changed[index] = 0 }
  }
  return changed
}

/// Reads all there is in every way; what is refused must be refused with its place.
func readEverything(_ bytes: [UInt8]) {
  for access in [.automatic, .streamed] as [ReaderAccess] {
    do {
      let reader = unsafe try Reader(
        copying: bytes.span.bytes, name: "test.mcap", access: access, codecs: .standard,
        limits: ReaderLimits(chunkByteCount: 1 << 24))
      attempt {
        try reader.forEachRecord(verifiesDataSection: true) { record, span in
          if case .message(let message) = record { _ = span.extracting(message.payload) }
          if case .attachment(let attachment) = record { _ = span.extracting(attachment.data) }
        }
      }
      attempt { try reader.forEachIndexedRecord { _, _ in } }
      for index in reader.metadataIndexes { attempt { _ = try reader.metadata(at: index) } }
      for index in reader.attachments { attempt { _ = try reader.attachment(at: index) } }
      for order in [.ascending, .descending] as [MessageOrder] {
        attempt {
          var cursor = reader.messages(order: order)
          while let found = try cursor.next() {
            try reader.withMessage(channelID: found.channelID, at: found.position) {
              #expect($0.logTime == found.logTime && $0.payload.count == $1.byteCount)
            }
          }
        }
      }
    } catch {
      expectPlace(error)
    }
  }
}

private func attempt(_ body: () throws -> Void) {
  do { try body() } catch { expectPlace(error) }
}

private func expectPlace(_ error: any Error) {
  let known = error as? MCAPError
  #expect(known?.offset != nil && known?.message.contains("; ") == true, "\(error)")
}
