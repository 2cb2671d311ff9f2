import Environment
import Primitives
import Testing

@testable import Platform

/// Answers of DNS, whole and spoilt.
@Suite struct ServiceRecordTests {
    private func name(_ text: String) -> Bytes {
        text.split(separator: ".").reduce(into: Bytes()) { $0 += [UInt8($1.utf8.count)] + Bytes($1.utf8) } + [0]
    }

    private func number(_ value: Int) -> Bytes { [UInt8(value >> 8), UInt8(value & 0xFF)] }

    /// An answer to the question for `_etcd-server._tcp.x.test`, with what follows the name in each record.
    private func message(_ records: [(owner: Bytes, type: Int, data: Bytes)]) -> Bytes {
        let head = number(7) + number(0x8180) + number(1) + number(records.count) + number(0) + number(0)
        let question = name("_etcd-server._tcp.x.test") + number(33) + number(1)
        return records.reduce(head + question) { message, record in
            message + record.owner + number(record.type) + number(1) + [0, 0, 0, 60] + number(record.data.count)
                + record.data
        }
    }

    private func service(_ priority: Int, _ weight: Int, _ port: Int, _ target: Bytes) -> Bytes {
        number(priority) + number(weight) + number(port) + target
    }

    @Test func recordsComeInTheOrderInWhichTheyAreToBeTried() {
        // 0xC00C points at the question's name, 0xC01E at `x.test` in it.
        let answer = message([
            (name("alias.test"), 5, name("other.test")),
            ([0xC0, 0x0C], 33, service(10, 1, 2380, name("c.x.test"))),
            ([0xC0, 0x0C], 33, service(1, 5, 2380, Bytes([1, 0x62, 0xC0, 0x1E]))),
            ([0xC0, 0x0C], 33, service(1, 9, 12380, name("a.x.test"))),
        ])
        #expect(
            ServiceRecord.list(answer: answer) == [
                ServiceRecord(priority: 1, weight: 9, port: 12380, target: "a.x.test"),
                ServiceRecord(priority: 1, weight: 5, port: 2380, target: "b.x.test"),
                ServiceRecord(priority: 10, weight: 1, port: 2380, target: "c.x.test"),
            ])
        #expect(ServiceRecord.list(answer: message([])) == [])
    }

    @Test func whatIsCutShortIsNoAnswer() {
        let answer = message([([0xC0, 0x0C], 33, service(1, 5, 2380, name("a.x.test")))])
        for count in 0..<answer.count { #expect(ServiceRecord.list(answer: Bytes(answer[..<count])) == nil) }
    }

    @Test func namesThatDoNotEndAreNone() {
        let pointsAtItself = message([([0xC0, 0x2A], 33, service(1, 5, 1, name("a")))])
        #expect(ServiceRecord.list(answer: pointsAtItself) == nil)
        let loops = message([([1, 0x61, 0xC0, 0x2A], 33, service(1, 5, 1, name("a")))])
        #expect(ServiceRecord.list(answer: loops) == nil)
        let reserved = message([([0x80], 33, service(1, 5, 1, name("a")))])
        #expect(ServiceRecord.list(answer: reserved) == nil)
        let tooLong = message([([0xC0, 0x0C], 33, service(1, 5, 1, name(String(repeating: "abcdefg.", count: 32))))])
        #expect(ServiceRecord.list(answer: tooLong) == nil)
        let wrongLength = message([([0xC0, 0x0C], 33, service(1, 5, 1, name("a")) + [0])])
        #expect(ServiceRecord.list(answer: wrongLength) == nil)
    }

    @Test func anyBytesAreReadToAnEnd() {
        var entropy = SeededEntropy(seed: 11)
        let whole = message([([0xC0, 0x0C], 33, service(1, 5, 2380, name("a.x.test")))])
        for _ in 0..<20_000 {
            var answer = whole
            for _ in 0..<(1 + entropy.next() % 4) {
                answer[Int(entropy.next() % UInt64(answer.count))] = UInt8(truncatingIfNeeded: entropy.next())
            }
            if let records = ServiceRecord.list(answer: answer) { #expect(records.count <= 0xFFFF) }
        }
    }

    @Test func addressesAreTheirOwn() throws {
        #expect(try NameResolver.address(of: "127.0.0.1") == "127.0.0.1")
        #expect(try NameResolver.address(of: "::1") == "::1")
        #expect(throws: NameResolver.Failure.self) { try NameResolver.address(of: "no such name") }
    }
}
