import Auth
import Environment
import EtcdMessages
import Primitives
import Testing

/// Whatever is refused alone is refused inside any nesting of transactions (CVE-2026-33343, CVE-2026-44283).
@Suite struct NestingTests {
    private struct Generator {
        var entropy: SeededEntropy

        mutating func pick(_ count: UInt64) -> UInt64 { entropy.next() % count }

        mutating func key() -> Bytes { [0x61 + UInt8(pick(4))] }

        mutating func rangeEnd() -> Bytes { [[], [0], key()][Int(pick(3))] }

        /// A range, put or deletion, with every option that needs a right.
        mutating func operation() -> RequestOp.Request {
            switch pick(3) {
            case 0:
                var range = RangeRequest()
                range.key = key()
                range.rangeEnd = rangeEnd()
                return .range(range)
            case 1:
                var put = PutRequest()
                put.key = key()
                put.prevKv = pick(2) == 0
                put.lease = Int64(pick(3))
                return .put(put)
            default:
                var delete = DeleteRangeRequest()
                delete.key = key()
                delete.rangeEnd = rangeEnd()
                delete.prevKv = pick(2) == 0
                return .deleteRange(delete)
            }
        }

        /// A transaction with `request` somewhere in it, a number of levels down, among others.
        mutating func nest(_ request: RequestOp.Request, depth: UInt64) -> TxnRequest {
            var inner = RequestOp()
            inner.request = depth == 0 ? request : .txn(nest(request, depth: depth - 1))
            var operations: [RequestOp] = (0..<pick(3)).map { _ in
                var other = RequestOp()
                other.request = operation()
                return other
            }
            operations.insert(inner, at: Int(pick(UInt64(operations.count + 1))))
            var txn = TxnRequest()
            if pick(2) == 0 { txn.success = operations } else { txn.failure = operations }
            return txn
        }

        /// The same with a comparison somewhere.
        mutating func nest(_ comparison: Compare, depth: UInt64) -> TxnRequest {
            if depth > 0 { return nest(.txn(nest(comparison, depth: depth - 1)), depth: 0) }
            var txn = nest(operation(), depth: 0)
            txn.compare = [comparison]
            return txn
        }
    }

    @Test(arguments: 0..<30)
    func refusedAloneRefusedNested(seed: UInt64) throws {
        var generator = Generator(entropy: SeededEntropy(seed: seed))
        let fixture = try AuthFixture()
        fixture.leases.keys = [LeaseID(1): [generator.key()], LeaseID(2): [generator.key(), generator.key()]]
        try fixture.addUser("u")
        try fixture.auth.addRole(Bytes(text: "r"))
        try fixture.grantRole("u", "r")
        for _ in 0..<generator.pick(5) {
            let type = PermissionType(rawValue: Int32(generator.pick(3)))
            _ = try? fixture.grant("r", type, generator.key(), generator.rangeEnd())
        }
        try fixture.enable()
        for credentials in [fixture.now("u"), fixture.now("nobody"), .none, fixture.now("root")] {
            for _ in 0..<100 {
                let request = generator.operation()
                let alone: RaftOperation =
                    switch request {
                    case .range(let range): .range(range)
                    case .put(let put): .put(put)
                    case .deleteRange(let delete): .deleteRange(delete)
                    case .txn(let txn): .txn(txn)
                    }
                let depth = generator.pick(5)
                if fixture.refusal(.operation(alone), credentials) != nil {
                    let nested = generator.nest(request, depth: depth)
                    #expect(fixture.refusal(.operation(.txn(nested)), credentials) != nil, "\(nested)")
                }
                var range = RangeRequest()
                var comparison = Compare()
                comparison.key = generator.key()
                comparison.rangeEnd = generator.rangeEnd()
                range.key = comparison.key
                range.rangeEnd = comparison.rangeEnd
                if fixture.refusal(.operation(.range(range)), credentials) != nil {
                    let nested = generator.nest(comparison, depth: depth)
                    #expect(fixture.refusal(.operation(.txn(nested)), credentials) != nil, "\(nested)")
                }
            }
        }
    }
}
