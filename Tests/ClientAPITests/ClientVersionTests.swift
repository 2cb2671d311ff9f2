import Primitives
import Testing

@testable import ClientAPI

@Suite struct ClientVersionTests {
    private func count(_ name: Bytes, _ counts: inout ClientVersionCounts, isStream: Bool = false) -> Bool {
        counts.count(name.span.bytes, isStream: isStream)
    }

    @Test func callsAreCountedByVersion() {
        var counts = ClientVersionCounts()
        for _ in 0..<3 { #expect(count(Bytes(text: "3.6"), &counts)) }
        #expect(count(Bytes(text: "3.5"), &counts, isStream: true))
        counts.countUnknown(isStream: false)
        counts.countUnknown(isStream: true)
        #expect(count(Bytes(text: "3.6"), &counts, isStream: true))
        #expect(counts.versions.map(\.name.text) == ["3.6", "3.5", "unknown"])
        #expect(counts.versions.map(\.unaryCount) == [3, 0, 1] && counts.versions.map(\.streamCount) == [1, 1, 1])
    }

    @Test func aVersionIsText() {
        var counts = ClientVersionCounts()
        #expect(!count([0xff, 0xfe], &counts))
        #expect(counts.versions.isEmpty)
        #expect(count([], &counts))
        #expect(counts.versions.map(\.name) == [[]])
    }

    @Test func clientsCannotFillTheMemory() {
        var counts = ClientVersionCounts()
        for number in 0..<1000 { #expect(count(Bytes(text: "v\(number)"), &counts)) }
        #expect(count(Bytes(repeating: 65, count: 100_000), &counts))
        #expect(counts.versions.count == ClientVersionCounts.maxVersionCount + 1)
        let other = counts.versions.last
        #expect(other?.name.text == "other" && other?.unaryCount == 1001 - UInt64(ClientVersionCounts.maxVersionCount))
    }
}
