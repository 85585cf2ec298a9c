extension Writer {
  /// Writes what is pending and the summary, and gives the file its own name.
  ///
  /// - Throws: ``MCAPError`` `.fileSystem`, also where an earlier call has thrown it already. The temporary
  ///   file is then removed, or with ``WriterOptions/keepsIncompleteFile`` kept under the file's own name up
  ///   to the last complete chunk.
  public consuming func finish() throws(MCAPError) {
    do throws(MCAPError) {
      try flush()
      try writeEnding()
      try file.commit()
    } catch {
      if options.keepsIncompleteFile { salvage() }
      throw error
    }
  }

  private mutating func writeEnding() throws(MCAPError) {
    let ending = summary.ending(at: file.byteCount, dataChecksum: file.checksum?.value ?? 0)
    file.checksum = nil
    try write(ending)
  }

  /// Ends the file after what is complete in it; the space that the rest took is free for a summary.
  private mutating func salvage() {
    let (offset, checksum) = (completeByteCount, completeChecksum)
    if file.cut(to: offset, checksum: checksum) {
      failure = nil
      dropIncomplete()
      do throws(MCAPError) {
        try writeEnding()
      } catch {
        _ = file.cut(to: offset, checksum: nil)
      }
    }
    file.commitAsIs()
  }
}
