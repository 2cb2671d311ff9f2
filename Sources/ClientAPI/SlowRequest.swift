internal import GRPCCore
internal import Primitives

/// A request that took longer than an operator wants (`--warning-unary-request-duration`; etcd v3.6
/// `server/etcdserver/api/v3rpc/interceptor.go`, "request stats").
package struct SlowRequest: Sendable, Equatable {
    /// The method's path.
    package var method: String
    /// The client's address as the gRPC core writes it.
    package var remote: String
    /// How long it took, in nanoseconds.
    package var nanoseconds: UInt64
    package var requestByteCount: Int
    /// 0 for an error.
    package var responseByteCount: Int
    /// Keys, but never values; empty for requests that have none, or whose beginning does not tell.
    package var content: String
}

/// What is kept of each request while it is served: where it began, and the beginning of its message. Everything stands in
/// one array, by the slot of the call: nothing is allocated for a call.
struct RequestJournal {
    private struct Entry {
        var generation: UInt32 = 0
        var method = EtcdMethod.range
        var start: UInt64 = 0
        var byteCount = 0
        var prefix = InlineArray<128, UInt8>(repeating: 0)
    }

    private var entries: [Entry] = []

    private static let prefixByteCount = 128

    /// - Parameter now: in nanoseconds on CLOCK_MONOTONIC.
    mutating func begin(_ call: CallID, _ method: EtcdMethod, _ message: RawSpan, now: UInt64) {
        let slot = Int(call.index)
        while entries.count <= slot { entries.append(Entry()) }
        entries[slot].generation = call.generation
        entries[slot].method = method
        entries[slot].start = now
        entries[slot].byteCount = message.byteCount
        let prefix = message.extracting(first: Self.prefixByteCount)
        unsafe withUnsafeMutableBytes(of: &entries[slot].prefix) { target in
            unsafe prefix.withUnsafeBytes { unsafe target.copyMemory(from: $0) }
        }
    }

    /// When a call came, by the clock that `begin` was told; nil if its slot serves another by now.
    func start(_ call: CallID) -> UInt64? {
        guard case let slot = Int(call.index), slot < entries.count, entries[slot].generation == call.generation else {
            return nil
        }
        return entries[slot].start
    }

    /// What a call that `start` knows was: its method, the length of its message and what it asked for.
    func summary(_ call: CallID) -> (method: EtcdMethod, byteCount: Int, content: String) {
        let entry = entries[Int(call.index)]
        var bytes = Bytes()
        for index in 0..<min(entry.byteCount, Self.prefixByteCount) { bytes.append(entry.prefix[index]) }
        return (entry.method, entry.byteCount, RequestSummary.text(entry.method, bytes))
    }
}
