// swift-tools-version:6.2
import PackageDescription

// Fuzzers of the decoders of foreign bytes, with libFuzzer: `run` says how they are built. They are a package of their
// own, for all that they are made of must be built with coverage; and the modules are in it, by links to their sources,
// because they show what they have to the modules of their own package only.

let settings: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
]

func module(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    .target(name: name, dependencies: dependencies, swiftSettings: settings)
}

func fuzzer(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    .executableTarget(name: name, dependencies: dependencies + ["CFuzzer", "Primitives"], swiftSettings: settings)
}

let package = Package(
    name: "martlet-fuzz",
    targets: [
        .systemLibrary(name: "CProtobufC", pkgConfig: "libprotobuf-c"),
        .systemLibrary(name: "COpenSSL", pkgConfig: "openssl"),
        .target(name: "CFuzzer"),
        .target(name: "CChecksums"),
        .target(name: "CEtcdMessages", dependencies: ["CProtobufC"]),
        module("Primitives", []),
        module("Checksums", ["CChecksums", "COpenSSL", "Primitives"]),
        module("Environment", ["Primitives"]),
        module("EtcdMessages", ["CEtcdMessages", "CProtobufC", "Primitives"]),
        module("BoltStore", ["Checksums", "Environment", "Primitives"]),
        module("Store", ["BoltStore", "Environment", "Primitives"]),
        module("Membership", ["Checksums", "EtcdMessages", "Primitives", "Store"]),
        module("PeerProtocol", ["EtcdMessages", "Membership", "Primitives"]),
        module("WriteAheadLog", ["Checksums", "EtcdMessages", "Environment", "Primitives"]),
        module("Snapshots", ["Checksums", "EtcdMessages", "Environment", "Primitives"]),
        module("SimulatedPlatform", ["Environment", "Primitives"]),

        fuzzer("FuzzMessages", ["EtcdMessages"]),
        fuzzer("FuzzWAL", ["Checksums", "Environment", "EtcdMessages", "SimulatedPlatform", "WriteAheadLog"]),
        fuzzer("FuzzBolt", ["BoltStore", "Checksums", "Environment", "SimulatedPlatform"]),
        fuzzer("FuzzPeer", ["EtcdMessages", "Membership", "PeerProtocol"]),
        fuzzer("FuzzSnap", ["Checksums", "Environment", "EtcdMessages", "SimulatedPlatform", "Snapshots"]),
    ]
)
