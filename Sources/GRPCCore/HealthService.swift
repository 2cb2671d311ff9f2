internal import Primitives

/// The standard service `grpc.health.v1.Health`, by which load balancers and Kubernetes' gRPC probes ask for health.
///
/// etcd registers one name with it, the empty one, which stands for the whole server (etcd v3.6
/// `server/etcdserver/api/v3rpc/health.go`). Its messages are two fields, which are read and written here by hand:
///
/// ```
/// HealthCheckRequest   { string service = 1; }
/// HealthCheckResponse  { ServingStatus status = 1; }
/// ```
struct HealthService {
    enum Status: UInt8 {
        case serving = 1
        case notServing = 2
        /// Only in answer to `Watch`; `Check` fails with `NotFound` instead.
        case serviceUnknown = 3
    }

    /// A stream of the statuses of one service.
    private struct Watch {
        let call: CallID
        let isKnown: Bool
        var lastSent: Status?
    }

    static let checkPath = "/grpc.health.v1.Health/Check"
    static let watchPath = "/grpc.health.v1.Health/Watch"
    static let paths = [checkPath, watchPath]

    /// grpc-go's answer to a `Check` of any other service (`health/server.go`).
    static let unknownService = EtcdError(.notFound, "unknown service")

    private var watches: [Watch] = []
    var isServing = true

    /// The status of the server as a whole.
    var status: Status { isServing ? .serving : .notServing }

    /// The calls that watch.
    var watchingCalls: [CallID] { watches.map(\.call) }

    mutating func watch(_ call: CallID, isKnown: Bool) {
        watches.append(Watch(call: call, isKnown: isKnown, lastSent: nil))
    }

    mutating func forget(_ call: CallID) {
        if watches.isEmpty { return }
        watches.removeAll { $0.call == call }
    }

    /// The status to send to a watching call now; nil if it has been sent the last one already.
    mutating func nextStatus(for call: CallID) -> Status? {
        guard let index = watches.firstIndex(where: { $0.call == call }) else { return nil }
        let next = watches[index].isKnown ? status : .serviceUnknown
        if watches[index].lastSent == next { return nil }
        watches[index].lastSent = next
        return next
    }

    /// An encoded `HealthCheckResponse`.
    static func response(_ status: Status) -> Bytes {
        [0x08, status.rawValue]
    }

    /// Whether an encoded `HealthCheckRequest` asks for the server as a whole; nil if it is malformed.
    static func asksForServer(_ message: RawSpan) -> Bool? {
        var reader = FieldReader(Bytes(copying: message))
        var isServer = true
        while !reader.isAtEnd {
            guard let key = reader.varint() else { return nil }
            if key == 0x0a {
                guard let byteCount = reader.varint(), reader.skip(byteCount) else { return nil }
                isServer = byteCount == 0
            } else {
                guard key >> 3 != 0, reader.skipValue(wireType: key & 7) else { return nil }
            }
        }
        return isServer
    }
}

/// Steps over the fields of an encoded protobuf message.
private struct FieldReader {
    private let message: Bytes
    private var offset = 0

    init(_ message: Bytes) { self.message = message }

    var isAtEnd: Bool { offset == message.count }

    /// The next variable-length integer; nil if it is cut short or longer than ten bytes.
    mutating func varint() -> UInt64? {
        var value: UInt64 = 0
        for shift in stride(from: UInt64(0), to: 70, by: 7) {
            guard offset < message.count else { return nil }
            let byte = message[offset]
            offset += 1
            value |= UInt64(byte & 0x7f) << shift
            if byte < 0x80 { return value }
        }
        return nil
    }

    /// Steps over so many bytes; false if there are fewer.
    mutating func skip(_ byteCount: UInt64) -> Bool {
        guard byteCount <= UInt64(message.count - offset) else { return false }
        offset += Int(byteCount)
        return true
    }

    /// Steps over a field's value; false if it is malformed.
    mutating func skipValue(wireType: UInt64) -> Bool {
        switch wireType {
        case 0: return varint() != nil
        case 1: return skip(8)
        case 2:
            guard let byteCount = varint() else { return false }
            return skip(byteCount)
        case 5: return skip(4)
        default: return false
        }
    }
}
