// swift-tools-version: 6.3
import PackageDescription

/// The settings that every Swift target shares; applied in the loop at the end, so that no target drifts.
let house: [SwiftSetting] = [
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("InternalImportsByDefault"),
  .enableUpcomingFeature("MemberImportVisibility"),
  .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
  .enableUpcomingFeature("InferIsolatedConformances"),
  .enableExperimentalFeature("Lifetimes"),
  .strictMemorySafety(),
  .treatAllWarnings(as: .error),
]

let package = Package(
  name: "exray",
  platforms: [.macOS(.v15), .iOS(.v18)],
  products: [
    .library(name: "EXray", targets: ["EXray"]),
    .library(name: "EXrayC", type: .dynamic, targets: ["EXrayC"]),
    .library(name: "MCAP", targets: ["MCAP", "MCAPCompression"]),
    .library(name: "EXrayPipeline", targets: ["EXrayPipeline"]),
    .executable(name: "exray", targets: ["exray"]),
    .executable(name: "mcap-conformance", targets: ["mcap-conformance"]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2")
  ],
  targets: [
    // What an app links: standard library only.
    .target(name: "CSystem"),
    .target(name: "EXraySystem", dependencies: ["CSystem"]),
    .target(name: "EXrayCore"),
    .target(name: "EXrayJSON"),
    .target(name: "CChecksum"),
    .target(name: "MCAP", dependencies: ["CChecksum", "EXraySystem"]),
    .target(
      name: "EXraySketch", dependencies: ["EXrayCore"],
      // Without optimization a square root is a call of the C library's.
      linkerSettings: [.linkedLibrary("m", .when(platforms: [.linux, .android]))]),
    .target(
      name: "EXrayTrace", dependencies: ["EXrayCore", "EXrayJSON", "EXraySketch", "MCAP"]),
    .target(
      name: "EXray",
      dependencies: ["EXrayCore", "EXraySketch", "EXraySystem", "EXrayTrace"]),
    // The same for C, C++ and Python.
    .target(name: "CEXray"),
    .target(name: "EXrayC", dependencies: ["CEXray", "EXray", "EXrayTrace"]),
    // The container's compression, and its conformance program.
    .target(
      name: "CCompression", linkerSettings: [.linkedLibrary("lz4"), .linkedLibrary("zstd")]),
    .target(name: "MCAPCompression", dependencies: ["MCAP", "CCompression"]),
    .executableTarget(
      name: "mcap-conformance", dependencies: ["MCAP", "MCAPCompression", "EXrayJSON"]),
    // Models, recipes, runtimes.
    .target(name: "EXrayModel", dependencies: ["EXrayCore"]),
    .target(
      name: "CImageCodecs",
      linkerSettings: [.linkedLibrary("turbojpeg"), .linkedLibrary("png16")]),
    .target(name: "EXrayPreprocess", dependencies: ["EXrayCore", "EXrayJSON", "CImageCodecs"]),
    .target(name: "EXraySound", dependencies: ["EXrayJSON"]),
    .target(name: "EXrayText", dependencies: ["EXrayJSON"]),
    .target(
      name: "CHost", linkerSettings: [.linkedLibrary("dl", .when(platforms: [.linux]))]),
    .target(name: "EXrayRuntime", dependencies: ["EXrayCore", "CHost"]),
    .target(
      name: "CLiteRT", linkerSettings: [.linkedLibrary("dl", .when(platforms: [.linux]))]),
    .target(
      name: "EXrayLiteRT",
      dependencies: [
        "EXray", "EXrayCore", "EXrayRuntime", "EXrayModel", "EXraySystem", "EXrayTrace", "CLiteRT",
      ]),
    // Comparison, causes, reports.
    .target(name: "EXrayMatching", dependencies: ["EXrayCore", "EXrayModel"]),
    .target(name: "CDifference"),
    .target(
      name: "EXrayValidation",
      dependencies: ["CDifference", "EXrayCore", "EXrayMatching", "EXrayModel", "EXrayPreprocess"]
    ),
    .target(name: "EXrayLayers", dependencies: ["EXrayCore", "EXrayModel", "EXrayValidation"]),
    // What a model costs on this machine.
    .target(name: "CCalibration"),
    .target(name: "EXrayProfile", dependencies: ["EXrayCore", "EXrayModel", "EXrayValidation"]),
    .target(
      name: "EXrayPipeline",
      dependencies: [
        "CCalibration", "EXrayProfile",
        "EXrayCore", "EXrayJSON", "EXrayTrace", "EXrayModel", "EXrayPreprocess", "EXrayRuntime",
        "EXrayMatching", "EXraySound", "EXrayText", "EXrayValidation", "EXrayLayers",
        "MCAPCompression",
      ]),
    // Traces from and to other formats.
    .target(
      name: "EXrayExchange",
      dependencies: ["EXrayCore", "EXrayJSON", "EXraySystem", "EXrayTrace", "MCAP"]),
    .target(
      name: "EXrayReport",
      dependencies: ["EXrayCore", "EXrayJSON", "EXrayProfile", "EXrayValidation"]),
    .target(name: "EXrayTestKit", dependencies: ["EXrayCore", "EXrayRuntime"]),
    .executableTarget(
      name: "exray",
      dependencies: [
        "EXrayCore", "MCAP", "MCAPCompression", "EXrayTrace", "EXrayExchange", "EXrayModel",
        "EXrayPreprocess", "EXrayProfile", "EXrayRuntime", "EXrayLiteRT", "EXrayValidation",
        "EXrayPipeline", "EXrayReport",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ]),
    .testTarget(name: "EXrayCoreTests", dependencies: ["EXrayCore", "EXrayTestKit"]),
    .testTarget(name: "EXrayJSONTests", dependencies: ["EXrayJSON", "EXrayTestKit"]),
    .testTarget(
      name: "MCAPTests",
      dependencies: ["EXrayCore", "MCAP", "MCAPCompression", "mcap-conformance", "EXrayTestKit"]),
    .testTarget(
      name: "EXraySketchTests", dependencies: ["EXrayCore", "EXraySketch", "EXrayTestKit"]),
    .testTarget(
      name: "EXrayTraceTests", dependencies: ["EXrayTrace", "EXraySketch", "EXrayTestKit"]),
    .testTarget(
      name: "EXrayTests", dependencies: ["EXray", "EXraySystem", "EXrayTrace", "EXrayTestKit"]),
    .testTarget(
      name: "EXrayCTests",
      dependencies: ["CEXray", "EXray", "EXrayC", "EXrayTrace", "EXrayTestKit"]),
    .testTarget(
      name: "EXrayExchangeTests",
      dependencies: ["EXrayExchange", "EXrayTrace", "EXrayTestKit", "exray"],
      exclude: ["Fixtures"]),
    .testTarget(name: "EXrayModelTests", dependencies: ["EXrayModel", "EXrayTestKit"]),
    .testTarget(name: "EXrayPreprocessTests", dependencies: ["EXrayPreprocess", "EXrayTestKit"]),
    .testTarget(
      name: "EXraySoundTests", dependencies: ["EXraySound", "EXrayJSON", "EXrayTestKit"]),
    .testTarget(name: "EXrayTextTests", dependencies: ["EXrayText", "EXrayJSON", "EXrayTestKit"]),
    .testTarget(
      name: "EXrayLiteRTTests",
      dependencies: [
        "EXray", "EXraySketch", "EXrayTrace", "EXrayLiteRT", "EXrayRuntime", "EXrayModel",
        "EXrayTestKit", "exray",
      ]),
    .testTarget(
      name: "EXrayMatchingTests",
      dependencies: ["EXrayCore", "EXrayMatching", "EXrayModel", "EXrayTestKit"]),
    .testTarget(
      name: "EXrayValidationTests",
      dependencies: ["EXrayCore", "EXrayPreprocess", "EXrayValidation", "EXrayTestKit"]),
    .testTarget(
      name: "EXrayLayersTests",
      dependencies: [
        "EXrayCore", "EXrayLayers", "EXrayLiteRT", "EXrayModel", "EXrayPipeline", "EXrayRuntime",
        "EXrayTestKit", "EXrayValidation",
      ]),
    .testTarget(
      name: "EXrayProfileTests",
      dependencies: [
        "EXrayCore", "EXrayModel", "EXrayPipeline", "EXrayProfile", "EXrayReport", "EXrayRuntime",
        "EXrayTestKit", "EXrayValidation",
      ]),
    .testTarget(
      name: "EXrayReportTests",
      dependencies: [
        "EXrayCore", "EXrayMatching", "EXrayReport", "EXrayValidation", "EXrayTestKit",
      ],
      exclude: ["Fixtures"]),
    .testTarget(
      name: "ExrayCommandTests",
      dependencies: [
        "EXray", "EXrayCore", "exray", "EXrayTrace", "EXrayModel", "EXrayPipeline",
        "EXrayText", "EXrayValidation", "EXrayTestKit",
      ]),
  ],
  swiftLanguageModes: [.v6]
)

for target in package.targets where !target.name.hasPrefix("C") {
  target.swiftSettings = (target.swiftSettings ?? []) + house
}
