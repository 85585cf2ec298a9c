import EXray

/// An app of five lines: what `Scripts/check_linkage.sh` builds, runs and looks at.
@main
struct Linkage {
  static func main() {
    let monitor = Monitor(writingTo: CommandLine.arguments[1], level: .sketch)
    monitor.frame("ramp") { frame in
      let values = (0..<192).map { Float($0) / 255 }
      frame.log(.input, values, shape: [1, 8, 8, 3])
      frame.inference { frame.log(.output, [values.reduce(0, +)], shape: [1, 1]) }
    }
    print(monitor.close())
  }
}
