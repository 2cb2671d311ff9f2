import Checksums
import Environment
import Primitives
import SimulatedPlatform
import Testing

@testable import Snapshots

/// The file of a snapshot as it comes: kept if it is what was sent, and else no trace of it.
@Suite struct ReceivedDatabaseTests {
    private static let sent: Bytes = (0..<40_000).map { UInt8(truncatingIfNeeded: $0 &* 31 >> 3) }
    private static let checksum = CRC32C.checksum(sent)
    private static let path = "/snap/0000000000000009.snap.db"

    private func disk() -> SimulatedDisk {
        let disk = SimulatedDisk()
        disk.placeDirectory("/snap")
        return disk
    }

    /// Receives a file in pieces of 10,000 bytes.
    private func receive(
        _ bytes: Bytes, on disk: SimulatedDisk, checksum: UInt32?, before: (Int) -> Void = { _ in }
    ) -> Result<ReceivedDatabase.Written, ReceivedDatabaseError> {
        let file = ReceivedDatabase(
            disk: disk, clock: SimulatedClock(unixNanoseconds: 0), directory: "/snap", temporary: "/snap/tmp1.snap.db",
            index: LogIndex(9), maxByteCount: 1 << 20)
        for offset in stride(from: 0, to: bytes.count, by: 10_000) {
            before(offset)
            file.write(Bytes(bytes[offset..<min(bytes.count, offset + 10_000)]))
        }
        return file.finish(checksum: checksum)
    }

    private func isRefused(_ result: Result<ReceivedDatabase.Written, ReceivedDatabaseError>) -> Bool {
        if case .failure(.damaged) = result { true } else { false }
    }

    @Test func whatWasSentIsKept() throws {
        for checksum in [Self.checksum, nil] {
            let disk = disk()
            let written = try receive(Self.sent, on: disk, checksum: checksum).get()
            #expect(written.path == Self.path && written.byteCount == Self.sent.count)
            var entropy = SeededEntropy(seed: 1)
            #expect(disk.crashClone(.loseAllUnsynced, entropy: &entropy).contents(of: Self.path) == Self.sent)
            #expect(disk.names(in: "/snap") == ["0000000000000009.snap.db"])
        }
    }

    @Test func whatChangedOnItsWayIsRefused() {
        var bit = Self.sent
        bit[23_456] ^= 8
        let repeated = Self.sent[..<8192] + Self.sent[4096...]
        for bytes in [bit, Self.sent.dropLast(), Self.sent + [0], Bytes(repeated), Self.sent.reversed()] {
            let disk = disk()
            #expect(isRefused(receive(Bytes(bytes), on: disk, checksum: Self.checksum)))
            #expect(disk.names(in: "/snap").isEmpty, "nothing is left")
        }
    }

    @Test(arguments: [DiskFault.dropWrite, .misdirectWrite(toOffset: 5000)])
    func whatTheDiskDidNotTakeIsRefused(fault: DiskFault) {
        let disk = disk()
        let result = receive(Self.sent, on: disk, checksum: Self.checksum) { offset in
            if offset == 20_000 { disk.inject(fault, atNext: .write) }
        }
        #expect(disk.takeMetFaults().count == 1 && isRefused(result))
        #expect(disk.names(in: "/snap").isEmpty, "nothing is left")
    }

    /// What came before under the same name may be in use, and stays whatever comes.
    @Test func whatIsThereAlreadyStays() throws {
        let disk = disk()
        _ = try receive(Self.sent, on: disk, checksum: Self.checksum).get()
        #expect(isRefused(receive(Self.sent.reversed(), on: disk, checksum: Self.checksum)))
        #expect(disk.contents(of: Self.path) == Self.sent)
        let other = Bytes(Self.sent.reversed())
        _ = try receive(other, on: disk, checksum: CRC32C.checksum(other)).get()
        #expect(disk.contents(of: Self.path) == Self.sent)
        #expect(disk.names(in: "/snap") == ["0000000000000009.snap.db"])
    }

    @Test func nothingAtAllIsNoFile() {
        let disk = disk()
        guard case .failure(.empty) = receive([], on: disk, checksum: 0) else {
            Issue.record("an empty file was kept")
            return
        }
        #expect(disk.names(in: "/snap").isEmpty)
    }
}
