import Primitives
import Store
import Testing

@testable import MVCC

/// What those are told who wait for long work.
@Suite struct ProgressTests {
    @Test func aCompactionSaysHowFarItIs() throws {
        let bench = try Bench()
        for _ in 0..<50 { try bench.put("a") }
        #expect(bench.mvcc.compactionProgress == nil)
        _ = try bench.mvcc.compact(to: 40)
        #expect(bench.mvcc.compactionProgress == CompactionProgress(revision: 40, position: 0))
        var positions: [Int64] = []
        while let progress = bench.mvcc.compactionProgress {
            #expect(progress.revision == 40)
            positions.append(progress.position)
            try bench.mvcc.compactionStep(budget: 10)
        }
        #expect(
            positions == positions.sorted() && positions.last.map { (20...40).contains($0) } == true, "\(positions)")
    }

    @Test func aStartSaysHowFarItIs() throws {
        let bench = try Bench()
        for number in 0..<(2 * RestoreProgress.reportInterval + 5) { try bench.put("key\(number % 1000)") }
        try bench.commit()
        var told: [RestoreProgress] = []
        let mvcc = try MVCCStore(store: bench.store) { told.append($0) }
        #expect(mvcc.currentRevision == bench.mvcc.currentRevision)
        #expect(told.map(\.recordCount) == [1, 2].map { $0 * RestoreProgress.reportInterval })
        #expect(told.allSatisfy { $0.byteCount > 0 && $0.byteCount <= $0.totalByteCount })
    }
}
