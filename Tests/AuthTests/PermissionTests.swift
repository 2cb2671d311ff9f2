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
            // What ends before it begins needs its first key, and then the shape of a tree decides.
            let isBackwards = wanted.isEmpty
            if isBackwards { wanted = [key] }
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
            if isBackwards && isAllowed && permissions.count > 1 { continue }
            #expect(refusal == (isAllowed ? nil : .permissionDenied), "\(permissions) \(key) \(rangeEnd)")
        }
    }

    /// What the tree of a real etcd 3.6.14 answered (`auth`, line 611 of the transcripts), and what follows from its form.
    @Test func rangesThatEndBeforeTheyBegin() throws {
        func isAllowed(_ granted: [(String, String)], _ key: String, _ end: String) throws -> Bool {
            let fixture = try AuthFixture()
            try fixture.addUser("u")
            try fixture.auth.addRole(Bytes(text: "r"))
            try fixture.grantRole("u", "r")
            for (key, end) in granted { try fixture.grant("r", .read, Bytes(text: key), Bytes(text: end)) }
            try fixture.enable()
            var range = RangeRequest()
            range.key = Bytes(text: key)
            range.rangeEnd = Bytes(text: end)
            return fixture.refusal(.operation(.range(range)), fixture.now("u")) == nil
        }
        let ranger = [("b/", "b0"), ("b/0", "b/5"), ("k", "\0")]
        #expect(try !isAllowed(ranger, "b/7", "a/7"))
        // With two intervals the first is the root, which holds the key.
        #expect(try isAllowed([("b/", "b0"), ("b/0", "b/5")], "b/7", "a/7"))
        #expect(try isAllowed([("b/", "b0")], "b/7", "b/7"))
        // The search goes below the root where the range's end lies behind the root's beginning.
        #expect(try isAllowed(ranger, "b/7", "b/6"))
        #expect(try isAllowed(ranger, "z", "l") && !isAllowed(ranger, "z", "a") && !isAllowed(ranger, "c", "c"))
        // Seven put in in order: b is the root, under it a and d, under that c and f, under that e and g.
        let seven = ["a", "b", "c", "d", "e", "f", "g"].map { ($0, $0 + "5") }
        #expect(try seven.allSatisfy { try isAllowed(seven, $0.0, $0.0) && !isAllowed(seven, $0.0 + "6", $0.0) })
        #expect(try isAllowed(seven, "a1", "a") && isAllowed(seven, "b1", "a") && !isAllowed(seven, "c1", "a"))
        #expect(try isAllowed(seven, "d1", "c") && !isAllowed(seven, "d1", "b"))
        #expect(try isAllowed(seven, "f1", "e") && !isAllowed(seven, "f1", "d"))
        #expect(try isAllowed(seven, "g1", "g") && !isAllowed(seven, "g1", "f"))
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
