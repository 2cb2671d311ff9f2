import Benchmark
import Environment
import EtcdMessages
import Primitives
import Testing

@Suite struct LoadScriptTests {
    private let keys = KeySpace(keyCount: 100, keyByteCount: 20, valueByteCount: 64, seed: 1)

    @Test func keysHaveTheirSizeAndLieInTheirRange() {
        for number in [0, 9, 99] {
            let key = keys.key(number)
            #expect(key.count == 20)
            #expect(key.starts(with: keys.prefix))
            #expect(key.lexicographicallyPrecedes(keys.rangeEnd))
        }
        #expect(Set((0..<100).map(keys.key)).count == 100)
    }

    @Test func puttingInTurnReachesEveryKey() throws {
        var script = PutScript(keys: keys, isSequential: true, entropy: SeededEntropy(seed: 1))
        var seen: Set<Bytes> = []
        for _ in 0..<100 {
            let request = try PutRequest(decoding: script.next(client: 0).message)
            #expect(request.value.count == 64)
            seen.insert(request.key)
        }
        #expect(seen.count == 100)
    }

    @Test func aListGoesOnBehindItsLastKeyAtItsRevision() throws {
        var script = ListScript(keys: keys, limit: 2, isSerializable: false, clientCount: 1)
        #expect(try RangeRequest(decoding: script.next(client: 0).message).key == keys.prefix)
        var response = RangeResponse()
        response.header = ResponseHeader()
        response.header?.revision = 12
        response.more = true
        var pair = KeyValue()
        pair.key = keys.key(1)
        response.kvs = [pair]
        script.answered(client: 0, message: response.encoded())
        let second = try RangeRequest(decoding: script.next(client: 0).message)
        #expect(second.key == keys.key(1) + [0])
        #expect(second.revision == 12)
        response.more = false
        script.answered(client: 0, message: response.encoded())
        #expect(try RangeRequest(decoding: script.next(client: 0).message).key == keys.prefix)
    }

    @Test func aLeaseIsGrantedUsedAndRevoked() throws {
        var script = LeaseScript(keys: keys, grantsOnly: false, connection: 0, clientCount: 1)
        var kinds: [String] = []
        for _ in 0..<5 {
            let call = script.next(client: 0)
            kinds.append(call.kind)
            var response = LeaseGrantResponse()
            response.id = 77
            script.answered(client: 0, message: call.kind == "lease grant" ? response.encoded() : [])
            if call.kind == "lease revoke" { #expect(try LeaseRevokeRequest(decoding: call.message).id == 77) }
        }
        #expect(kinds == ["lease grant", "put", "lease time to live", "lease revoke", "lease grant"])
    }

    @Test func leasesThatStayAreOnlyGranted() throws {
        var script = LeaseScript(keys: keys, grantsOnly: true, connection: 0, clientCount: 1)
        for _ in 0..<3 {
            let call = script.next(client: 0)
            #expect(try LeaseGrantRequest(decoding: call.message).ttl == 86_400)
            var response = LeaseGrantResponse()
            response.id = 77
            script.answered(client: 0, message: response.encoded())
        }
    }

    @Test func kubernetesChangesObjectsByTheRevisionItSaw() throws {
        var script = KubernetesScript(
            keys: KeySpace(keyCount: 1, keyByteCount: 20, valueByteCount: 8, seed: 1), clientCount: 1,
            entropy: SeededEntropy(seed: 3))
        func nextChange() throws -> (kind: String, TxnRequest) {
            while true {
                let call = script.next(client: 0)
                if call.path == "/etcdserverpb.KV/Txn" { return (call.kind, try TxnRequest(decoding: call.message)) }
            }
        }
        let (kind, create) = try nextChange()
        #expect(kind == "create")
        #expect(create.compare.first?.targetUnion == .modRevision(0))
        var response = TxnResponse()
        response.succeeded = true
        response.header = ResponseHeader()
        response.header?.revision = 5
        script.answered(client: 0, message: response.encoded())
        let (_, change) = try nextChange()
        #expect(change.compare.first?.targetUnion == .modRevision(5))
    }
}
