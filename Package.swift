// swift-tools-version:6.2
import PackageDescription

// The list of targets is the architecture, from the ground up: a target may depend on what stands above it here, never on
// what stands below. docs/architecture.md says why; Scripts/check holds the sources to it.

let settings: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .strictMemorySafety(),
    .treatAllWarnings(as: .error),
    .unsafeFlags(["-cross-module-optimization"], .when(configuration: .release)),
]

let testSettings: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .treatAllWarnings(as: .error),
]

/// A module under `Sources/`.
func module(_ name: String, _ dependencies: [Target.Dependency] = []) -> Target {
    .target(name: name, dependencies: dependencies, swiftSettings: settings)
}

/// The tests of a module, under `Tests/`.
func tests(of name: String, _ dependencies: [Target.Dependency] = [], resources: [Resource] = []) -> Target {
    .testTarget(
        name: "\(name)Tests", dependencies: [.init(stringLiteral: name)] + dependencies, resources: resources,
        swiftSettings: testSettings)
}

let package = Package(
    name: "martlet",
    products: [
        .executable(name: "martlet", targets: ["martlet"]),
        .executable(name: "martlet-bench", targets: ["martlet-bench"]),
        .executable(name: "martlet-sim", targets: ["martlet-sim"]),
    ],
    traits: [
        .trait(
            name: "Simulation",
            description:
                "Known bugs (Canary) and coverage marks for martlet-sim; nothing that is shipped is built with it.")
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser.git", from: "1.6.0"),
        .package(url: "https://github.com/apple/swift-log.git", from: "1.6.0"),
        .package(url: "https://github.com/apple/swift-nio.git", from: "2.101.2"),
        .package(url: "https://github.com/jpsim/Yams.git", from: "6.0.0"),
    ],
    targets: [
        // C libraries
        .systemLibrary(name: "CGRPC", providers: [.apt(["libgrpc-dev"])]),
        .systemLibrary(name: "CProtobufC", pkgConfig: "libprotobuf-c", providers: [.apt(["libprotobuf-c-dev"])]),
        .systemLibrary(name: "COpenSSL", pkgConfig: "openssl", providers: [.apt(["libssl-dev"])]),
        .target(name: "CChecksums"),
        .target(name: "CPlatform", linkerSettings: [.linkedLibrary("resolv")]),
        .target(name: "CGRPCShim", dependencies: ["CGRPC"], linkerSettings: [.linkedLibrary("z")]),
        .target(name: "CEtcdMessages", dependencies: ["CProtobufC"]),

        // Base
        module("Primitives"),
        module("Checksums", ["CChecksums", "COpenSSL", "Primitives"]),
        module("Environment", ["Primitives"]),
        module("Metrics", ["Primitives"]),
        module("EtcdMessages", ["CEtcdMessages", "CProtobufC", "Primitives"]),

        // Core: pure, synchronous, deterministic
        module("BoltStore", ["Checksums", "Environment", "Primitives"]),
        module("Store", ["BoltStore", "Environment", "Primitives"]),
        module("WriteAheadLog", ["Checksums", "EtcdMessages", "Environment", "Primitives"]),
        module("Snapshots", ["Checksums", "EtcdMessages", "Environment", "Primitives"]),
        module("MVCC", ["Checksums", "EtcdMessages", "Primitives", "Store"]),
        module("Watch", ["EtcdMessages", "MVCC", "Primitives"]),
        module("Leases", ["EtcdMessages", "Primitives", "Store"]),
        module("Auth", ["EtcdMessages", "Primitives", "Store"]),
        module("Membership", ["Checksums", "EtcdMessages", "Primitives", "Store"]),
        module("PeerProtocol", ["EtcdMessages", "Membership", "Primitives"]),
        module("Alarms", ["EtcdMessages", "Primitives", "Store"]),
        module("Apply", ["Alarms", "Auth", "EtcdMessages", "Leases", "MVCC", "Membership", "Primitives", "Store"]),
        module("AutoCompaction"),
        module("Linearizability", ["EtcdMessages", "Primitives"]),
        module("Raft", ["EtcdMessages", "Environment", "Primitives"]),
        module(
            "Node",
            [
                "Alarms", "Apply", "Auth", "AutoCompaction", "BoltStore", "Environment", "EtcdMessages", "Leases",
                "MVCC", "Membership", "Metrics", "Primitives", "Raft", "Snapshots", "Store", "Watch", "WriteAheadLog",
            ]),

        module("Recipes", ["Alarms", "EtcdMessages", "MVCC", "Node", "Primitives"]),

        // Shells: threads, sockets, files, clocks
        module("Platform", ["CPlatform", "Environment", "Primitives"]),
        module("SimulatedPlatform", ["Environment", "Primitives"]),
        module(
            "Simulation",
            [
                "Alarms", "Apply", "Auth", "AutoCompaction", "BoltStore", "Checksums", "Environment", "EtcdMessages",
                "Leases", "Linearizability", "MVCC", "Membership", "Node", "Primitives", "Raft", "SimulatedPlatform",
                "Snapshots",
                "Store", "Watch",
                "WriteAheadLog",
            ]),
        module("GRPCCore", ["CGRPC", "CGRPCShim", "CPlatform", "Metrics", "Primitives"]),
        module(
            "ClientAPI",
            [
                "Alarms", "Apply", "Checksums", "EtcdMessages", "GRPCCore", "Leases", "MVCC", "Membership", "Node",
                "Primitives", "Raft", "Recipes", "Store",
            ]),
        module(
            "HTTPAPI",
            [
                "Alarms", "Apply", "CGRPCShim", "EtcdMessages", "GRPCCore", "Membership", "Metrics", "Node",
                "Primitives",
                "Raft", .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
            ]),
        module(
            "PeerTransport",
            [
                "Apply", "Checksums", "EtcdMessages", "Environment", "Membership", "Metrics", "Node", "PeerProtocol",
                "Platform", "Primitives", "Raft", "Snapshots", "Store", .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
            ]),
        module("EtcdClient", ["EtcdMessages", "GRPCCore", "Primitives"]),
        module("Benchmark", ["EtcdMessages", "Environment", "GRPCCore", "Platform", "Primitives"]),

        // Programs
        .executableTarget(
            name: "martlet",
            dependencies: [
                "Alarms", "Apply", "Auth", "AutoCompaction", "BoltStore", "ClientAPI", "Environment", "EtcdClient",
                "EtcdMessages", "GRPCCore", "HTTPAPI", "Leases", "MVCC", "Membership", "Metrics", "Node",
                "PeerProtocol", "PeerTransport", "Platform", "Primitives", "Raft", "Store", "Watch", "WriteAheadLog",
                .product(name: "Logging", package: "swift-log"),
                .product(name: "Yams", package: "Yams"),
            ],
            swiftSettings: settings),
        .executableTarget(
            name: "martlet-bench",
            dependencies: [
                "Benchmark", "EtcdMessages", "Environment", "GRPCCore", "Platform", "Primitives",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            swiftSettings: settings),
        .executableTarget(
            name: "martlet-sim", dependencies: ["Linearizability", "Primitives", "Simulation"], swiftSettings: settings),

        // Tests, and what several of them use
        .target(
            name: "RawSockets", dependencies: ["Primitives"], path: "Tests/RawSockets", swiftSettings: testSettings),
        tests(of: "Primitives"),
        tests(of: "Checksums", ["CChecksums", "Primitives"]),
        tests(of: "Environment"),
        tests(of: "Metrics", ["Primitives"]),
        tests(of: "EtcdMessages", ["CEtcdMessages", "CProtobufC", "Environment", "Primitives"]),
        tests(of: "BoltStore", ["Checksums", "Environment", "Platform", "Primitives", "SimulatedPlatform"]),
        tests(of: "Store", ["BoltStore", "Environment", "Primitives", "SimulatedPlatform"]),
        tests(
            of: "WriteAheadLog",
            ["Checksums", "EtcdMessages", "Environment", "Platform", "Primitives", "SimulatedPlatform"]),
        tests(
            of: "Snapshots",
            ["Checksums", "EtcdMessages", "Environment", "Platform", "Primitives", "SimulatedPlatform"]),
        tests(of: "MVCC", ["BoltStore", "EtcdMessages", "Environment", "Primitives", "SimulatedPlatform", "Store"]),
        tests(
            of: "Watch",
            [
                "BoltStore", "EtcdMessages", "Environment", "MVCC", "Primitives", "SimulatedPlatform", "Simulation",
                "Store",
            ]),
        tests(of: "Leases", ["EtcdMessages", "Environment", "Primitives", "SimulatedPlatform", "Store"]),
        tests(of: "Auth", ["EtcdMessages", "Environment", "Primitives", "SimulatedPlatform", "Store"]),
        tests(of: "Membership", ["EtcdMessages", "Environment", "Primitives", "SimulatedPlatform", "Store"]),
        tests(of: "Alarms", ["EtcdMessages", "Environment", "Primitives", "SimulatedPlatform", "Store"]),
        tests(
            of: "Apply",
            [
                "Alarms", "Auth", "BoltStore", "EtcdMessages", "Environment", "Leases", "MVCC", "Membership",
                "Primitives",
                "SimulatedPlatform", "Store", "WriteAheadLog",
            ]),
        tests(of: "AutoCompaction"),
        tests(of: "Linearizability", ["Environment", "EtcdMessages", "Primitives"]),
        tests(of: "Raft", ["EtcdMessages", "Environment", "Primitives", "Simulation"]),
        tests(
            of: "Node",
            [
                "Alarms", "Apply", "Auth", "AutoCompaction", "BoltStore", "EtcdMessages", "Environment", "Leases",
                "MVCC",
                "Membership", "Metrics", "Primitives", "Raft", "SimulatedPlatform", "Snapshots", "Store", "Watch",
                "WriteAheadLog",
            ]),
        tests(
            of: "Recipes",
            [
                "Apply", "BoltStore", "Environment", "EtcdMessages", "Leases", "MVCC", "Node", "Primitives",
                "SimulatedPlatform", "Store", "WriteAheadLog",
            ]),
        tests(of: "Platform", ["Environment", "Primitives"]),
        tests(of: "SimulatedPlatform", ["Environment", "Primitives"]),
        tests(
            of: "Simulation",
            ["Environment", "EtcdMessages", "Linearizability", "Primitives", "SimulatedPlatform"]),
        tests(of: "GRPCCore", ["Metrics", "Primitives"]),
        tests(
            of: "ClientAPI",
            [
                "BoltStore", "Checksums", "EtcdMessages", "GRPCCore", "MVCC", "Node", "Primitives", "Raft",
                "SimulatedPlatform", "Store", "Watch", "WriteAheadLog",
            ]),
        tests(
            of: "martlet",
            [
                "AutoCompaction", "ClientAPI", "Environment", "EtcdMessages", "GRPCCore", "HTTPAPI", "Membership",
                "Node", "Platform", "Primitives", "Raft", "SimulatedPlatform", "WriteAheadLog",
                .product(name: "Logging", package: "swift-log"),
            ]),
        tests(of: "martlet-sim", ["Simulation"]),
        tests(of: "HTTPAPI", ["CGRPCShim", "EtcdMessages", "GRPCCore", "Metrics", "Node", "Primitives", "RawSockets"]),
        tests(of: "PeerProtocol", ["EtcdMessages", "Environment", "Membership", "Primitives"]),
        tests(
            of: "PeerTransport",
            [
                "BoltStore", "Checksums", "EtcdMessages", "Environment", "Membership", "Metrics", "Node",
                "PeerProtocol", "Platform",
                "Primitives", "RawSockets", "SimulatedPlatform", "Store",
            ]),
        tests(of: "EtcdClient", ["EtcdMessages", "GRPCCore", "Primitives"]),
        tests(of: "Benchmark", ["EtcdMessages", "Environment", "Primitives"]),
    ]
)
