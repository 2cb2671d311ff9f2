import Environment
import EtcdMessages
import Primitives
import Store
import Testing

@testable import MVCC

/// The same random requests to the store and to the dictionary model.
@Suite struct ModelTests {
    /// Both, and what is between them.
    final class Pair {
        let bench: Bench
        var model = DictionaryModel()
        var generator: RequestGenerator
        let seed: UInt64
        var step = 0
        /// The hash that the compaction under way should leave, if any.
        var expectedHash: (revision: Int64, compactRevision: Int64, hash: UInt32)?
        var sliced: (cursor: RangeCursor, expected: RangeResponse)?

        init(seed: UInt64) throws {
            self.seed = seed
            bench = try Bench()
            generator = RequestGenerator(entropy: SeededEntropy(seed: seed))
            for lease in RequestGenerator.leases { model.leases[lease] = [] }
            for lease in RequestGenerator.leases { bench.leases.keys[lease] = [] }
        }

        func result<Response: EtcdMessage>(_ body: () throws -> Response) throws -> Result<Response, EtcdError> {
            do {
                return .success(try body())
            } catch let error as MVCCError {
                guard case .etcd(let refusal) = error else { throw error }
                return .failure(refusal)
            } catch let error as EtcdError {
                return .failure(error)
            }
        }

        func compare<Response: EtcdMessage>(
            _ request: some EtcdMessage, _ ours: () throws -> Response, _ model: () throws -> Response
        ) throws {
            let (mine, expected) = (try result(ours), try result(model))
            #expect(mine == expected, "seed \(seed) step \(step): \(request)")
        }

        func run(steps: Int) throws {
            for _ in 0..<steps {
                step += 1
                generator.current = model.current
                try one()
                #expect(bench.mvcc.currentRevision == model.current)
                #expect(bench.mvcc.compactedRevision == model.compacted)
                #expect(bench.mvcc.index.brokenInvariant() == nil)
                #expect(bench.mvcc.index.liveCount == model.states[model.current]?.count)
                for (lease, keys) in model.leases { #expect(bench.leases.keys[lease] == keys) }
                try stepSliced()
            }
        }

        func one() throws {
            switch generator.entropy.below(100) {
            case 0..<30: try put()
            case 30..<42:
                let request = generator.delete()
                try compare(
                    request, { try DeleteRangeResponse(answer: bench.mvcc.deleteRange(request, leases: bench.leases)) },
                    { model.delete(request) })
            case 42..<62:
                let request = generator.range()
                try compare(request, { try bench.range(request) }, { try model.range(request) })
            case 62..<78: try txn()
            case 78..<82: try compact()
            case 82..<90: try bench.mvcc.compactionStep(budget: 1 + generator.entropy.below(6))
            case 90..<93: try restart()
            case 93..<95: try bench.commit()
            case 95..<98: try hash()
            default: try revoke()
            }
            if !bench.mvcc.hasPendingCompaction { try compactionIsDone() }
        }

        func put() throws {
            let request = generator.put()
            try compare(
                request, { try PutResponse(answer: bench.mvcc.put(request, leases: bench.leases)) },
                { try model.put(request) })
        }

        func txn() throws {
            let request = generator.txn()
            try compare(
                request,
                {
                    guard RequestChecks.isReadOnly(request) else { return try bench.txn(request) }
                    return try TxnResponse(answer: bench.mvcc.readOnlyTxn(request))
                },
                { try model.txn(request) })
        }

        /// A range in slices of one key, between which other things happen.
        func stepSliced() throws {
            if let (before, expected) = sliced {
                var cursor = before
                let slice = Result { try bench.mvcc.step(&cursor, budget: RangeBudget(byteCount: 1, keyCount: 1)) }
                switch slice {
                case .success(false): sliced = (cursor, expected)
                case .success(true):
                    #expect(try RangeResponse(answer: cursor.answer) == expected, "seed \(seed) step \(step)")
                    sliced = nil
                case .failure(let error):
                    #expect(error as? MVCCError == .etcd(.compacted) && cursor.revision < model.compacted)
                    sliced = nil
                }
            } else {
                let request = generator.range()
                if let cursor = try? bench.mvcc.openRange(request) { sliced = (cursor, try model.range(request)) }
            }
        }

        func compact() throws {
            let revision = model.current - Int64(generator.entropy.below(10))
            let wasPending = bench.mvcc.hasPendingCompaction
            let result = try result {
                var response = CompactionResponse()
                response.header = ResponseHeader()
                response.header?.revision = try bench.mvcc.compact(to: revision).revision
                return response
            }
            guard revision > model.compacted else { return #expect(result == .failure(.compacted)) }
            guard revision <= model.current else { return #expect(result == .failure(.futureRev)) }
            #expect((try? result.get())?.header?.revision == model.current)
            expectedHash = nil
            if !wasPending {
                let hash = DictionaryModel.hash(
                    try pairs(), upTo: revision, compacted: model.compacted, keep: model.kept(compactingAt: revision))
                expectedHash = (revision, model.compacted, hash)
            }
            model.compacted = revision
        }

        /// What a compaction that is done should have left.
        func compactionIsDone() throws {
            if let expected = expectedHash {
                model.cachedHashes.append(expected)
                model.cachedHashes = model.cachedHashes.suffix(10)
                expectedHash = nil
            }
            let left = try bench.bucketKeys()
            let expected = model.records(compactedAt: model.compacted)
            #expect(left.map(\.revision) == expected.map(\.revision), "seed \(seed) step \(step)")
            #expect(left.map(\.isTombstone) == expected.map(\.isTombstone))
        }

        func restart() throws {
            // The mark that the compaction before was not finished comes with the restart.
            expectedHash = nil
            try bench.restart()
            model.cachedHashes = []
            sliced = nil
            bench.leases.keys = bench.leases.keys.mapValues { _ in [] }
            try bench.mvcc.attachLeases(to: bench.leases)
        }

        func revoke() throws {
            let lease = generator.entropy.pick(RequestGenerator.leases)
            let keys = (model.leases[lease] ?? []).sorted { $0.precedes($1) }
            let deleted = try bench.mvcc.deleteKeys(keys, leases: bench.leases)
            #expect(deleted == Int64(keys.count))
            model.revoke(lease)
            model.leases[lease] = []
        }

        func pairs() throws -> [(key: Bytes, value: Bytes)] {
            var pairs: [(key: Bytes, value: Bytes)] = []
            try bench.store.scan(.key, from: [], to: nil) { key, value in
                pairs.append((Bytes(copying: key), Bytes(copying: value)))
                return true
            }
            return pairs
        }

        func hash() throws {
            let revision = generator.entropy.pick([
                0, -3, model.current, model.current + 1, model.compacted,
                max(0, model.current - Int64(generator.entropy.below(10))),
            ])
            let ours = try? bench.hashKV(revision)
            if let cached = model.cachedHashes.first(where: { $0.revision == revision }) {
                #expect(ours?.hash == cached.hash, "seed \(seed) step \(step)")
                #expect(ours?.compactRevision == cached.compactRevision)
            } else if revision > model.current || (revision > 0 && revision < model.compacted) {
                #expect(ours == nil)
            } else {
                let target = revision == 0 ? model.current : revision
                let hash = DictionaryModel.hash(
                    try pairs(), upTo: target, compacted: model.compacted, keep: model.keptForHash(at: target))
                #expect(
                    ours
                        == HashKVAnswer(
                            hash: hash, compactRevision: model.compacted, hashRevision: target,
                            headerRevision: model.current), "seed \(seed) step \(step)")
            }
        }
    }

    @Test(arguments: 0..<20) func sameAsTheModel(_ seed: UInt64) throws {
        try Pair(seed: seed).run(steps: 600)
    }
}
