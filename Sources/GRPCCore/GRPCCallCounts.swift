package import Metrics
internal import Primitives

/// How many calls there were of each method, and what became of them: what grpc-ecosystem's Prometheus interceptors count.
///
/// Plain numbers in arrays, by the place of a method in the server's list: a call costs a few additions. A call counts once
/// its method and first message are known to be sound; one of an unknown method, or with a message that is too long, is
/// refused before that, as in grpc-go.
package struct GRPCCallCounts: Sendable {
    /// The numbers of one method.
    package struct Method: Sendable {
        /// Path of the HTTP/2 request: `/package.Service/Method`.
        package let path: String
        package let kind: GRPCMethod.Kind
        package fileprivate(set) var startedCount: UInt64 = 0
        package fileprivate(set) var receivedCount: UInt64 = 0
        package fileprivate(set) var sentCount: UInt64 = 0
        /// From start to status. Only with `measuresHandling`.
        package fileprivate(set) var handlingTime = Histogram(.standard)
        fileprivate var endedCounts: [UInt64] = Array(repeating: 0, count: GRPCCallCounts.statusNames.count)

        /// How many calls ended, by status: the places are those of `statusNames`.
        package var endedCountsByStatus: [UInt64] { endedCounts }
    }

    /// gRPC's statuses by number, under the names that grpc-go gives them.
    package static let statusNames = [
        "OK", "Canceled", "Unknown", "InvalidArgument", "DeadlineExceeded", "NotFound", "AlreadyExists",
        "PermissionDenied", "ResourceExhausted", "FailedPrecondition", "Aborted", "OutOfRange", "Unimplemented",
        "Internal", "Unavailable", "DataLoss", "Unauthenticated",
    ]

    package private(set) var methods: [Method] = []
    /// Bytes of clients' messages, and of messages to clients.
    package private(set) var receivedByteCount: UInt64 = 0
    package private(set) var sentByteCount: UInt64 = 0

    mutating func add(_ method: GRPCMethod) {
        methods.append(Method(path: method.path, kind: method.kind))
    }

    @inline(__always)
    mutating func started(_ method: Int) {
        methods[method].startedCount &+= 1
    }

    @inline(__always)
    mutating func received(_ method: Int, byteCount: Int) {
        methods[method].receivedCount &+= 1
        receivedByteCount &+= UInt64(byteCount)
    }

    @inline(__always)
    mutating func sent(_ method: Int, byteCount: Int) {
        methods[method].sentCount &+= 1
        sentByteCount &+= UInt64(byteCount)
    }

    /// - Parameter status: gRPC's number; one that it does not have counts as unknown.
    @inline(__always)
    mutating func ended(_ method: Int, status: Int32) {
        let isKnown = status >= 0 && Int(status) < Self.statusNames.count
        methods[method].endedCounts[isKnown ? Int(status) : Int(StatusCode.unknown.rawValue)] &+= 1
    }

    mutating func took(_ method: Int, nanoseconds: UInt64) {
        methods[method].handlingTime.observe(nanoseconds: nanoseconds)
    }
}
