import GRPCCore
import Primitives
import Synchronization

/// Methods that the tests call.
enum TestMethod: Int, CaseIterable {
    /// Answers with the request, at once.
    case echo
    /// Answers with the request, when told to by `TestServer.release`.
    case hold
    /// Fails with the code in the first byte and the text in the rest.
    case fail
    /// Sends as many messages of 64 KiB as the request, a decimal number, says.
    case count
    /// Sends back what it is sent, until half-closed and then until told to end.
    case stream
    /// Answers with the value of the metadata key that the request names.
    case metadata
    /// Takes messages without ever answering, and pauses reading after the first.
    case pause

    var path: String { "/test.Test/\(self)" }

    var kind: GRPCMethod.Kind {
        switch self {
        case .echo, .hold, .fail, .metadata: .unary
        case .count: .serverStream
        case .stream, .pause: .bidirectional
        }
    }

    static var methods: [GRPCMethod] {
        allCases.map { GRPCMethod(path: $0.path, kind: $0.kind, outstandingRequests: 16) }
    }
}

/// What a test handler has seen, for the test's thread to look at.
struct Seen: Sendable {
    var held: [CallID] = []
    var ended: [CallID] = []
    var opened: [CallID] = []
    var halfClosed: [CallID] = []
    var sendsCompleted = 0
    var messages = 0
    var lastMethod: TestMethod?
    var lastPeer: String?
    var lastHasDeadline = false
}

/// Serves the test methods.
final class TestHandler: GRPCHandler {
    unowned let server: GRPCServer
    let seen: Mutexed<Seen>
    private var held: [CallID: Bytes] = [:]
    private var remaining: [CallID: Int] = [:]
    private var queued: [CallID: [Bytes]] = [:]

    init(server: GRPCServer, seen: Mutexed<Seen>) {
        self.server = server
        self.seen = seen
    }

    func unaryCall(_ call: CallID, method: MethodIndex, message: RawSpan) {
        let test = TestMethod(rawValue: method.rawValue)
        seen.update {
            $0.lastMethod = test
            $0.messages += 1
        }
        switch test {
        case .hold:
            held[call] = Bytes(copying: message)
            let peer = server.peer(call)
            let hasDeadline = server.deadlineNanoseconds(call) != nil
            seen.update {
                $0.held.append(call)
                $0.lastPeer = peer
                $0.lastHasDeadline = hasDeadline
            }
        case .fail:
            let bytes = Bytes(copying: message)
            server.fail(call, status: Int32(bytes[0]), text: Bytes(bytes.dropFirst()).span.bytes)
        case .metadata:
            if let value = server.metadata(call, "token") {
                server.reply(call, message: value)
            } else {
                server.fail(call, EtcdError(.notFound, "no token"))
            }
        default:
            let bytes = Bytes(copying: message)
            server.reply(call, byteCount: bytes.count) { output in
                for byte in bytes { output.append(byte) }
            }
        }
        // A second answer is one to a stale number.
        if test != .hold { server.reply(call, message: [1]) }
    }

    func serverStreamCall(_ call: CallID, method: MethodIndex, message: RawSpan) {
        seen.update { $0.opened.append(call) }
        remaining[call] = Int(Bytes(copying: message).text) ?? 0
        sendNext(call)
    }

    private func sendNext(_ call: CallID) {
        guard let count = remaining[call] else { return }
        if count == 0 {
            remaining[call] = nil
            server.finish(call)
            return
        }
        remaining[call] = count - 1
        server.send(call, prefix: [UInt8(truncatingIfNeeded: count)].span.bytes, body: Self.block)
    }

    static let block = Bytes(repeating: 7, count: 65535)

    func streamOpened(_ call: CallID, method: MethodIndex) {
        seen.update {
            $0.opened.append(call)
            $0.lastMethod = TestMethod(rawValue: method.rawValue)
        }
        if method.rawValue == TestMethod.pause.rawValue { server.pauseReads(call) } else { queued[call] = [] }
    }

    func streamMessage(_ call: CallID, message: RawSpan) {
        seen.update { $0.messages += 1 }
        guard queued[call] != nil else { return }
        queued[call]?.append(Bytes(copying: message))
        pump(call)
    }

    /// Sends a message once those before it have gone.
    func push(_ call: CallID, _ message: Bytes) {
        queued[call]?.append(message)
        pump(call)
    }

    private func pump(_ call: CallID) {
        guard server.canSend(call), var waiting = queued[call], !waiting.isEmpty else { return }
        let message = waiting.removeFirst()
        queued[call] = waiting
        server.send(call, message: message)
    }

    func streamHalfClosed(_ call: CallID) {
        seen.update { $0.halfClosed.append(call) }
    }

    func sendCompleted(_ call: CallID) {
        seen.update { $0.sendsCompleted += 1 }
        if remaining[call] != nil { sendNext(call) } else { pump(call) }
    }

    func callEnded(_ call: CallID) {
        held[call] = nil
        remaining[call] = nil
        queued[call] = nil
        seen.update { $0.ended.append(call) }
    }

    func release(_ call: CallID) {
        guard let message = held.removeValue(forKey: call) else { return }
        server.reply(call, message: message)
    }
}

/// A value shared between the loop's thread and the test's.
final class Mutexed<Value: Sendable>: Sendable {
    private let mutex: Mutex<Value>

    init(_ value: Value) { mutex = Mutex(value) }

    var value: Value { mutex.withLock { $0 } }

    func update(_ body: (inout Value) -> Void) { mutex.withLock { body(&$0) } }
}
