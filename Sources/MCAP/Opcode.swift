/// The kinds of records; a file may hold others, which readers skip.
public enum Opcode: UInt8, Sendable, Hashable, CaseIterable {
  case header = 0x01
  case footer, schema, channel, message, chunk, messageIndex, chunkIndex
  case attachment, attachmentIndex, statistics, metadata, metadataIndex, summaryOffset, dataEnd
}

/// The eight bytes that begin and end every file: 0x89, `MCAP`, the major version `0`, CR, LF.
let magic: [UInt8] = [0x89, 0x4D, 0x43, 0x41, 0x50, 0x30, 0x0D, 0x0A]

/// Bytes of an opcode and a length, which precede each record's content.
let recordHeadByteCount = 9

/// Bytes of a message's fields before its payload.
let messageHeadByteCount = 22
