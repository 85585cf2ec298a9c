// The names are those of exray.h.
// swift-format-ignore-file: AlwaysUseLowerCamelCase

public import CEXray
import EXray

/// Logs what a frame was made from.
@c @implementation
public func exray_log_raw_input(
  _ frame: exray_frame, _ data: UnsafeRawPointer?, _ byteCount: Int,
  _ mediaType: UnsafePointer<CChar>?, _ name: UnsafePointer<CChar>?
) {
  guard let target = unsafe Target(frame), let frame = target.inFrame("exray_log_raw_input") else {
    return
  }
  guard let bytes = unsafe memory(data, byteCount) else {
    return target.owner.misuse("exray_log_raw_input was called without data, or too much of it")
  }
  unsafe frame.log(
    rawInput: RawSpan(_unsafeBytes: bytes), mediaType: text(mediaType), name: text(name))
}

/// Logs a picture's pixels.
@c @implementation
public func exray_log_image(
  _ frame: exray_frame, _ pixels: UnsafeRawPointer?, _ byteCount: Int, _ width: UInt32,
  _ height: UInt32, _ rowByteCount: Int, _ encoding: exray_pixel_encoding
) {
  guard let target = unsafe Target(frame), let frame = target.inFrame("exray_log_image") else {
    return
  }
  let encodings: [ImageLayout.Encoding] = [.rgb8, .bgr8, .rgba8, .bgra8, .mono8]
  guard let bytes = unsafe memory(pixels, byteCount), encodings.indices.contains(Int(encoding)),
    rowByteCount >= 0
  else {
    return target.owner.misuse(
      "exray_log_image was called without pixels, or with the unknown encoding \(encoding)")
  }
  unsafe frame.log(
    image: RawSpan(_unsafeBytes: bytes),
    ImageLayout(
      width: Int(width), height: Int(height), rowByteCount: rowByteCount == 0 ? nil : rowByteCount,
      encoding: encodings[Int(encoding)]))
}

/// Logs boxes.
@c @implementation
public func exray_log_boxes(
  _ frame: exray_frame, _ boxes: UnsafePointer<exray_box>?, _ count: Int
) {
  guard let target = unsafe Target(frame), let frame = target.inFrame("exray_log_boxes") else {
    return
  }
  guard count >= 0, unsafe count <= Int.max / MemoryLayout<exray_box>.stride,
    unsafe count == 0 || boxes != nil
  else { return target.owner.misuse("exray_log_boxes was called without boxes") }
  let samples = unsafe UnsafeBufferPointer(start: boxes, count: count).map { box in
    unsafe BoxSample(
      x: box.x, y: box.y, width: box.width, height: box.height, label: text(box.label),
      score: box.score.isNaN ? nil : box.score)
  }
  frame.log(boxes: samples)
}

/// Logs a number.
@c @implementation
public func exray_log_scalar(
  _ frame: exray_frame, _ name: UnsafePointer<CChar>?, _ value: Double
) {
  guard let target = unsafe Target(frame) else { return }
  if let frame = target.frame {
    unsafe frame.log(text(name), value)
  } else {
    unsafe target.owner.monitor.log(text(name), value)
  }
}

/// Logs what a sensor says.
@c @implementation
public func exray_log_sensor(
  _ monitor: OpaquePointer?, _ sensor: exray_sensor, _ values: UnsafePointer<Double>?, _ count: Int
) {
  guard let owner = unsafe OpenMonitor.at(monitor) else { return }
  let kinds = ["orientation", "accelerometer", "gyroscope", "light", "temperature"]
  guard kinds.indices.contains(Int(sensor)), (1...4).contains(count), let values = unsafe values,
    let reading = unsafe SensorReading(
      kind: kinds[Int(sensor)],
      components: Array(UnsafeBufferPointer(start: values, count: count)))
  else {
    return owner.misuse("exray_log_sensor was called with \(count) values of sensor \(sensor)")
  }
  owner.monitor.log(reading)
}
