// One function for each kind of event; `frame` is nil outside of frames.

extension MonitorCore {
  func log(_ stream: TensorStream, _ bytes: RawSpan, _ frame: FrameState?) {
    guard accepts(bytes: bytes.byteCount, frame: frame) else { return }
    let start = clock.now
    defer { spend(since: start, frame) }
    guard let entry = streams.entry(of: stream) else {
      return misuse(
        "more than \(StreamTable.limit) different tensors; one whose name or shape changes counts"
          + " anew each time", bytes: bytes.byteCount,
        frame: frame?.index)
    }
    log(entry, bytes, frame, at: start)
  }

  func log(stream number: UInt32, _ bytes: RawSpan, _ frame: FrameState?) {
    guard accepts(bytes: bytes.byteCount, frame: frame) else { return }
    let start = clock.now
    defer { spend(since: start, frame) }
    guard let entry = streams.entry(number) else {
      return misuse(
        "there is no tensor number \(number)", bytes: bytes.byteCount, frame: frame?.index)
    }
    log(entry, bytes, frame, at: start)
  }

  private func log(
    _ entry: StreamTable.Entry, _ bytes: RawSpan, _ frame: FrameState?, at time: UInt64
  ) {
    var event = Event(.tensor, at: time, frame: frame?.index ?? Event.noFrame, id: entry.number)
    event.isLogged = level.logs(entry.role)
    event.isChecked = entry.isChecked
    guard event.isLogged || event.isChecked else { return }
    if let fault = entry.fault {
      return misuse(fault, bytes: bytes.byteCount, frame: frame?.index)
    }
    if let expected = entry.byteCount, expected != bytes.byteCount {
      let stream = streams.stream(entry.number)
      return misuse(
        "\(stream?.topic ?? "") \(stream?.description.name ?? "") takes \(expected) bytes by its type and"
          + " shape, \(bytes.byteCount) were given", bytes: bytes.byteCount, frame: frame?.index)
    }
    if event.isLogged, let reason = exhaustedBudget(at: time, frame) {
      ledger.lose(reason, bytes: bytes.byteCount, frame: frame?.index)
      event.isLogged = false
      guard event.isChecked else { return }
    }
    append(event, bytes)
  }

  func log(rawInput bytes: RawSpan, mediaType: String, name: String, _ frame: FrameState) {
    guard level.logsRawInputs, configuration.rawInputs != .none else { return }
    guard accepts(bytes: bytes.byteCount, frame: frame) else { return }
    let start = clock.now
    defer { spend(since: start, frame) }
    if let reason = exhaustedBudget(at: start, frame) {
      return ledger.lose(reason, bytes: bytes.byteCount, frame: frame.index)
    }
    guard let type = number(of: mediaType, frame.index) else { return }
    append(
      Event(.rawInput, at: start, frame: frame.index, id: type), bytes,
      text: Array(name.cut(toByteCount: NameTable.byteLimit).utf8))
  }

  func log(image pixels: RawSpan, _ layout: ImageLayout, _ frame: FrameState?) {
    guard level.logsPictures else { return }
    guard accepts(bytes: pixels.byteCount, frame: frame) else { return }
    let start = clock.now
    defer { spend(since: start, frame) }
    if let reason = exhaustedBudget(at: start, frame) {
      return ledger.lose(reason, bytes: pixels.byteCount, frame: frame?.index)
    }
    let encoding = ImageLayout.Encoding.allCases.firstIndex(of: layout.encoding) ?? 0
    var event = Event(
      .image, at: start, frame: frame?.index ?? Event.noFrame, id: UInt32(encoding))
    event.values = (
      UInt64(bitPattern: Int64(layout.width)), UInt64(bitPattern: Int64(layout.height)),
      UInt64(bitPattern: Int64(layout.rowByteCount)), 0
    )
    append(event, pixels)
  }

  func log(boxes: [BoxSample], _ frame: FrameState?) {
    guard level.logsBoxes, accepts(frame: frame) else { return }
    let start = clock.now
    defer { spend(since: start, frame) }
    var packed: [PackedBox] = []
    packed.reserveCapacity(boxes.count)
    for box in boxes {
      guard let label = number(of: box.label, frame?.index) else { return }
      packed.append(
        PackedBox(
          x: box.x, y: box.y, width: box.width, height: box.height, score: box.score ?? 0,
          hasScore: box.score == nil ? 0 : 1, label: label))
    }
    let event = Event(.boxes, at: start, frame: frame?.index ?? Event.noFrame)
    packed.withBytes { append(event, $0) }
  }

  func log(ops: [OpTimingSample], _ frame: FrameState) {
    guard accepts(frame: frame) else { return }
    let start = clock.now
    defer { spend(since: start, frame) }
    var packed: [PackedOp] = []
    packed.reserveCapacity(ops.count)
    for op in ops {
      guard let label = number(of: op.label, frame.index) else { return }
      packed.append(
        PackedOp(
          microseconds: op.microseconds, opIndex: op.opIndex ?? -1, label: UInt64(label)))
    }
    let event = Event(.ops, at: start, frame: frame.index)
    packed.withBytes { append(event, $0) }
  }

  func log(_ name: String, _ value: Double, _ frame: FrameState?) {
    guard accepts(frame: frame) else { return }
    let start = clock.now
    defer { spend(since: start, frame) }
    guard let number = number(of: name, frame?.index) else { return }
    var event = Event(.scalar, at: start, frame: frame?.index ?? Event.noFrame, id: number)
    event.values.0 = value.bitPattern
    append(event, RawSpan())
  }

  func log(_ reading: SensorReading) {
    guard accepts() else { return }
    let start = clock.now
    defer { spend(since: start, nil) }
    let components: (Double, Double, Double, Double) =
      switch reading {
      case .orientation(let x, let y, let z, let w): (x, y, z, w)
      case .accelerometer(let x, let y, let z), .gyroscope(let x, let y, let z): (x, y, z, 0)
      case .light(let value), .temperature(let value): (value, 0, 0, 0)
      }
    let kind = SensorReading.kinds.firstIndex(of: reading.kind) ?? 0
    var event = Event(.sensor, at: start, id: UInt32(kind))
    event.values = (
      components.0.bitPattern, components.1.bitPattern, components.2.bitPattern,
      components.3.bitPattern
    )
    append(event, RawSpan())
  }

  /// Notes a stretch of time; the kind is `span`, `preprocess` or `inference`.
  func log(
    _ kind: Event.Kind, _ name: String, start: UInt64, duration: UInt64, frame: UInt32?
  ) {
    let now = clock.now
    defer { spend(since: now, nil) }
    guard let number = number(of: name, frame) else { return }
    var event = Event(kind, at: start, frame: frame ?? Event.noFrame, id: number)
    event.values.0 = duration
    append(event, RawSpan())
  }

  /// Ends a span of ``Monitor/span(_:_:)``, which goes to the frame that was under way at its begin.
  func endSpan(_ name: String, since start: UInt64?, in frame: FrameUnderWay) {
    guard accepts(), let start else { return }
    let duration = clock.now &- start
    switch frame {
    case .unsampled: break
    case .none: log(.span, name, start: start, duration: duration, frame: nil)
    case .frame(let index): log(.span, name, start: start, duration: duration, frame: index)
    }
  }

  func describe(_ model: ModelDescription) {
    guard accepts() else { return }
    let position = models.withLock { models -> Int? in
      guard models.count < 256 else { return nil }
      models.append(model)
      return models.count - 1
    }
    guard let position else { return misuse("a model was described more than 256 times") }
    append(
      Event(.description, at: clock.now, id: UInt32(position)), RawSpan(), isControl: true)
  }

  func add(_ check: Check, on selector: TensorSelector) {
    guard accepts() else { return }
    let position = checks.withLock { checks -> Int? in
      guard checks.count < 256 else { return nil }
      checks.append((check, selector))
      return checks.count - 1
    }
    guard let position else { return misuse("more than 256 checks were added") }
    append(Event(.check, at: clock.now, id: UInt32(position)), RawSpan(), isControl: true)
    want(selector)
  }
}

extension Monitor.Level {
  func logs(_ role: TensorRole) -> Bool {
    switch role {
    case .output, .custom: self != .none
    case .input: self != .none && self != .output
    case .embedding: self == .embedding || self == .layers || self == .sketch
    case .layer: self == .layers || self == .sketch
    }
  }

  var logsRawInputs: Bool { logs(.input) }
  /// Pictures and boxes are raw values, which a sketched trace does not hold.
  var logsPictures: Bool { logs(.input) && self != .sketch }
  var logsBoxes: Bool { logs(.output) && self != .sketch }
}
