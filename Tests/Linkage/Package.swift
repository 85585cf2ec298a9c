// swift-tools-version: 6.3
import PackageDescription

// A package of its own, because it must link what an app links and nothing that tests need.
let package = Package(
  name: "linkage",
  platforms: [.macOS(.v15)],
  dependencies: [.package(name: "exray", path: "../..")],
  targets: [
    .executableTarget(name: "linkage", dependencies: [.product(name: "EXray", package: "exray")])
  ]
)
