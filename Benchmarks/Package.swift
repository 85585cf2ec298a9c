// swift-tools-version: 6.3
import PackageDescription

// Apart from the root package, so that nobody who builds EXray builds its benchmarks.
let package = Package(
  name: "exray-benchmarks",
  platforms: [.macOS(.v15)],
  dependencies: [.package(name: "exray", path: "..")],
  targets: [
    .executableTarget(
      name: "ComparisonBenchmark",
      dependencies: [
        .product(name: "EXray", package: "exray"),
        // Holds EXrayValidation, which is no product of its own.
        .product(name: "EXrayPipeline", package: "exray"),
      ]),
    .executableTarget(
      name: "MonitorBenchmark", dependencies: [.product(name: "EXray", package: "exray")]),
  ],
  swiftLanguageModes: [.v6]
)

for target in package.targets {
  target.swiftSettings = [
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .strictMemorySafety(),
    .treatAllWarnings(as: .error),
  ]
}
