import Environment
import Primitives
import Testing

@testable import BoltStore

@Suite struct BucketReaderTests {
    private func value(_ reader: BucketReader, _ key: Bytes) throws -> Bytes? {
        try reader.withValue(key: key.span.bytes) { Bytes(copying: $0) }
    }

    @Test(arguments: 0..<6 as Range<UInt64>)
    func itFindsWhatTheViewFindsInWhateverOrder(seed: UInt64) throws {
        var workload = Workload(seed: seed)
        let file = try BoltFile.open(disk: makeDisk(), path: path, settings: smallSettings)
        for _ in 0..<30 { try file.commit(workload.next()) }
        let view = file.pin()
        var entropy = SeededEntropy(seed: seed)
        for (bucket, records) in workload.contents {
            let reader = BucketReader(view, bucket: bucket)
            let keys = records.keys.sorted { $0.precedes($1) }
            // In turn, backward, and by chance, with keys among them that are not there.
            var wanted = keys + keys.reversed()
            for _ in 0..<500 {
                guard var key = keys.randomElement(using: &entropy) else { break }
                switch UInt8.random(in: 0..<4, using: &entropy) {
                case 0: key.append(0)
                case 1: key.removeLast()
                default: break
                }
                wanted.append(key)
            }
            for key in wanted { #expect(try value(reader, key) == records[key]) }
        }
        file.release(view)
        file.close()
    }

    @Test func aBucketThatIsNotThereHasNoRecords() throws {
        let file = try BoltFile.open(disk: makeDisk(), path: path, settings: smallSettings)
        let view = file.pin()
        let reader = BucketReader(view, bucket: Bytes(text: "none"))
        #expect(try value(reader, Bytes(text: "key")) == nil)
        #expect(try value(reader, []) == nil)
        file.release(view)
        file.close()
    }
}
