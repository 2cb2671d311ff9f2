import Auth
import Environment
import EtcdMessages
import Primitives
import Testing

/// Whether the roles of a user allow a range, against a model that tries every key.
@Suite struct PermissionTests {
    /// All keys of up to three of three bytes: every border that the tests can make is one of them.
    private static let universe: [Bytes] = {
        let letters: Bytes = [0, 0x61, 0xff]
        let one = letters.map { [$0] }
        let two = one.flatMap { start in letters.map { start + [$0] } }
        return one + two + two.flatMap { start in letters.map { start + [$0] } }
    }()

    private static func covers(_ key: Bytes, _ rangeEnd: Bytes, _ wanted: Bytes) -> Bool {
        if rangeEnd.isEmpty { return wanted == key }
        return !wanted.precedes(key) && (rangeEnd == [0] || wanted.precedes(rangeEnd))
    }

    @Test(arguments: 0..<20)
    func agreesWithTheModel(seed: UInt64) throws {
        var entropy = SeededEntropy(seed: seed)
        let fixture = try AuthFixture()
        let borders = Self.universe.filter { $0.count <= 2 }
        func border() -> Bytes { borders[Int(entropy.next() % UInt64(borders.count))] }
        try fixture.addUser("u")
        var permissions: [(type: PermissionType, key: Bytes, rangeEnd: Bytes)] = []
        for number in 0..<Int(1 + entropy.next() % 5) {
            // Each in a role of its own, so that none replaces another.
            let role = "r\(number)"
            try fixture.auth.addRole(Bytes(text: role))
            try fixture.grantRole("u", role)
            let type = PermissionType(rawValue: Int32(entropy.next() % 3))
            let key = border()
            var rangeEnd = border()
            if entropy.next() % 3 == 0 { rangeEnd = [] }
            if (try? fixture.grant(role, type, key, rangeEnd)) != nil { permissions.append((type, key, rangeEnd)) }
        }
        try fixture.enable()
        for _ in 0..<300 {
            let key = border()
            let rangeEnd = entropy.next() % 3 == 0 ? [] : border()
            let isRead = entropy.next() % 2 == 0
            var wanted = Self.universe.filter { Self.covers(key, rangeEnd, $0) }
            // What ends before it begins is checked as one key.
            if wanted.isEmpty { wanted = [key] }
            let isAllowed = wanted.allSatisfy { key in
                permissions.contains {
                    $0.type != (isRead ? .write : .read) && Self.covers($0.key, $0.rangeEnd, key)
                }
            }
            var range = RangeRequest()
            range.key = key
            range.rangeEnd = rangeEnd
            var delete = DeleteRangeRequest()
            delete.key = key
            delete.rangeEnd = rangeEnd
            let operation = isRead ? RaftOperation.range(range) : .deleteRange(delete)
            let refusal = fixture.refusal(.operation(operation), fixture.now("u"))
            #expect(refusal == (isAllowed ? nil : .permissionDenied), "\(permissions) \(key) \(rangeEnd)")
        }
    }

    @Test func neighboursJoinAndGapsDoNot() throws {
        let fixture = try AuthFixture()
        try fixture.addUser("u")
        try fixture.auth.addRole([1])
        try fixture.grantRole("u", "\u{1}")
        try fixture.enable()
        for (key, end) in [("a", "c"), ("c", "e"), ("b", "d"), ("f", "g")] {
            try fixture.grant("\u{1}", .read, Bytes(text: key), Bytes(text: end))
        }
        func isAllowed(_ key: String, _ end: String) -> Bool {
            var range = RangeRequest()
            range.key = Bytes(text: key)
            range.rangeEnd = Bytes(text: end)
            return fixture.refusal(.operation(.range(range)), fixture.now("u")) == nil
        }
        #expect(isAllowed("a", "e") && isAllowed("b", "c") && isAllowed("f", "g") && isAllowed("f", ""))
        #expect(!isAllowed("a", "f") && !isAllowed("e", "") && !isAllowed("a", "\0") && !isAllowed("", "e"))
        #expect(!isAllowed("d", "g") && !isAllowed("\0", "\0"))
        try fixture.grant("\u{1}", .read, [0], [0])
        #expect(isAllowed("\0", "\0") && isAllowed("a", "\0") && isAllowed("d", "g"))
        #expect(!isAllowed("", "e") && !isAllowed("", ""))
    }
}
