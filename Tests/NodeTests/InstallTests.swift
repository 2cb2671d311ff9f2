import Alarms
import Apply
import BoltStore
import Environment
import EtcdMessages
import Foundation
import Leases
import MVCC
import Membership
import Node
import Primitives
import Raft
import SimulatedPlatform
import Snapshots
import Store
import Testing
import Watch
import WriteAheadLog

/// A snapshot that a leader sends takes the place of a member's store.
@Suite struct InstallTests {
    /// Twelve keys, some of them in the log alone.
    private func behind(_ settings: NodeSettings = TestMember.settings) throws -> TestMember {
        let member = try TestMember.ready(settings: settings)
        for number in 1...8 { member.put("key \(number)", Bytes(repeating: 1, count: 200)) }
        member.commit()
        for number in 9...12 { member.put("key \(number)") }
        while !member.logJobs.isEmpty { member.runLog() }
        return member
    }

    private func write(_ member: TestMember, _ count: Int = 20) {
        for number in 1...count { member.put("later \(number % 7)", Bytes(repeating: UInt8(number), count: 300)) }
        member.settle()
    }

    private func expect(_ member: TestMember, has snapshot: TestSnapshot) throws {
        #expect(member.stops.isEmpty && member.refusals.isEmpty)
        #expect(member.node.store.appliedIndex == snapshot.index)
        #expect(member.node.raft.log.appliedIndex == snapshot.index)
        #expect(member.node.mvcc.currentRevision == snapshot.revision)
        #expect(try member.hashNow().hash == snapshot.hash)
        try member.node.store.check()
    }

    @Test func aMemberGoesOnFromASnapshot() throws {
        let member = try behind()
        let snapshot = try TestSnapshot(ahead: member) { future in
            var grant = LeaseGrantRequest()
            grant.id = 5
            grant.ttl = 100
            _ = future.propose(Proposal(.leaseGrant, grant))
            future.put("leased", lease: 5)
            var alarm = AlarmRequest()
            alarm.action = .activate
            alarm.alarm = .noSpace
            alarm.memberID = 9
            self.write(future)
            _ = future.propose(Proposal(.alarm, alarm))
            future.node.addMember(peerURLs: [Bytes(text: "http://127.0.0.1:1")], isLearner: true, future.token())
            future.pump()
            future.settle()
        }
        let before = member.node.mvcc.currentRevision
        member.receive(snapshot)
        // Until its file is open, all is as it was.
        #expect(member.preparations.count == 1 && member.node.raft.role == .leader)
        #expect(member.node.mvcc.currentRevision == before)
        member.settle()
        try expect(member, has: snapshot)
        #expect(member.installed == [snapshot.index])
        #expect(member.node.raft.term.rawValue == snapshot.message.term && member.node.raft.role == .follower)
        #expect(member.node.applier.leases.lease(LeaseID(5))?.sortedKeys == [Bytes(text: "leased")])
        #expect(member.node.applier.alarms.hasNoSpace)
        #expect(member.node.applier.cluster.members.count == 2 && member.peers.count == 1)
        #expect(member.node.raft.configuration.learners.count == 1)
        #expect(try member.snapshotFiles().filter { $0.hasPrefix("db") } == ["db", "db.checksums"])
        #expect(try member.snapshotFiles().filter { $0.contains(".snap.db") } == [])
        // The next start begins from it.
        let again = try TestMember(disk: member.crashed(), isStarted: false)
        #expect(again.node.mvcc.currentRevision == snapshot.revision)
        #expect(again.node.raft.log.compactedIndex == snapshot.index)
        again.close()
    }

    /// A member whose Raft has accepted a snapshot that its store does not have yet.
    private func installing() throws -> (member: TestMember, snapshot: TestSnapshot) {
        let member = try behind()
        let snapshot = try TestSnapshot(ahead: member) { self.write($0) }
        member.receive(snapshot)
        member.runInstaller()
        #expect(member.node.raft.log.isInstalling)
        return (member, snapshot)
    }

    /// What is not in the file when the snapshot comes never gets there: nobody has to wake up for it.
    @Test func nothingIsDueMeanwhile() throws {
        let (member, _) = try installing()
        #expect(member.node.store.pendingChangeCount > 0)
        member.advance(milliseconds: 1000)
        #expect(member.node.nanosecondsToNextWork(max: 1000) == 1000)
    }

    /// A defragmentation that is under way waits for the new file, without asking again and again whether it is there.
    @Test func noSliceIsDueMeanwhile() throws {
        let (member, snapshot) = try installing()
        let asked = member.token()
        member.node.defragment(asked)
        member.pump()
        member.advance(milliseconds: 1000)
        #expect(member.node.isDefragmenting && !member.isAnswered(asked))
        #expect(member.node.nanosecondsToNextWork(max: 1000) == 1000)
        for _ in 0..<500 where !member.isAnswered(asked) {
            member.settle()
            member.advance(milliseconds: 5)
        }
        #expect(member.isAnswered(asked) && member.installed == [snapshot.index])
    }

    @Test func theMemberWritesOnAfterwards() throws {
        let member = try behind()
        let snapshot = try TestSnapshot(ahead: member) { self.write($0) }
        member.receive(snapshot)
        member.settle()
        member.node.start()
        member.pump()
        member.settle()
        let token = member.put("next")
        member.commit()
        #expect(try #require(member.reply(to: token)).get().revision == snapshot.revision + 1)
        let again = try TestMember.ready(disk: member.crashed())
        #expect(again.node.mvcc.currentRevision == snapshot.revision + 1)
    }

    /// The file that a real etcd 3.6.14 sends, its free list and all.
    @Test func aMemberGoesOnFromTheSnapshotOfARealEtcd() throws {
        var settings = TestMember.settings
        settings.name = "golden"
        settings.peerURLs = ["http://127.0.0.1:24791"]
        let member = try TestMember.ready(settings: settings)
        let snapshot = try TestSnapshot(try goldenFile("snapshot.db"), for: member, revision: 164, hash: 617451778)
        member.receive(snapshot)
        member.settle()
        try expect(member, has: snapshot)
        #expect(member.node.applier.cluster.members.map(\.id) == [member.node.memberID])
        #expect(member.node.applier.leases.leaseCount == 2)
        member.node.start()
        member.pump()
        member.settle()
        let token = member.put("next")
        member.commit()
        #expect(try #require(member.reply(to: token)).get().revision == snapshot.revision + 1)
        try member.node.store.check()
    }

    private func goldenFile(_ name: String) throws -> Bytes {
        let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .appendingPathComponent("Golden/3.6.14")
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/bin/gzip")
        process.arguments = ["-dc", folder.appendingPathComponent("\(name).gz").path]
        let pipe = Pipe()
        process.standardOutput = pipe
        try process.run()
        let data = try pipe.fileHandleForReading.readToEnd() ?? Data()
        process.waitUntilExit()
        #expect(process.terminationStatus == 0)
        return Bytes(data)
    }

    // MARK: Crashes

    @Test(arguments: [CrashPolicy.loseAllUnsynced, .keepAll, .torn, .random(survivalPercent: 50)])
    func atEveryCrashThereIsTheOldStoreOrTheNew(policy: CrashPolicy) throws {
        var settings = TestMember.settings
        settings.logSettings.segmentByteCount = 3_000
        settings.maxWALCount = 1
        let member = try behind(settings)
        let before = member.node.mvcc.currentRevision
        let snapshot = try TestSnapshot(ahead: member, settings: settings) { self.write($0) }
        var clones: [(disk: SimulatedDisk, isSynced: Bool)] = []
        var isSynced = false
        member.disk.beforeOperation = { [unowned member] _, _ in clones.append((member.crashed(policy), isSynced)) }
        member.receive(snapshot)
        while !member.logJobs.isEmpty || !member.preparations.isEmpty || member.committer != nil {
            if !member.preparations.isEmpty {
                member.runInstaller()
            } else if member.committer != nil {
                member.runStore()
            } else {
                member.runLog()
            }
            // From here on the leader may have heard that the member has it.
            isSynced = member.node.store.appliedIndex == snapshot.index
        }
        member.settle()
        member.disk.beforeOperation = nil
        clones.append((member.crashed(policy), true))
        try expect(member, has: snapshot)
        #expect(clones.count > 30)
        var recovered = 0
        for (disk, isSynced) in clones {
            let again = try TestMember.ready(disk: disk, settings: settings)
            let revision = again.node.mvcc.currentRevision
            #expect(revision == snapshot.revision || (revision == before && !isSynced))
            try again.node.store.check()
            #expect(try again.snapshotFiles().allSatisfy { !$0.contains(".snap.db") })
            if revision == before {
                // It is sent again.
                again.receive(snapshot)
                again.settle()
                try expect(again, has: snapshot)
                again.node.start()
                again.pump()
                again.settle()
            } else if !isSynced {
                recovered += 1
            }
            let token = again.put("next")
            again.settle()
            #expect(try #require(again.reply(to: token)).get().revision == snapshot.revision + 1)
            again.close()
        }
        #expect(recovered > 0, "some ends are between the log's record and the file's place")
    }

    @Test func everyFailureOfAnInstallationStopsTheMemberOrRefusesTheSnapshot() throws {
        var number = 1
        var stops = 0
        var refusals = 0
        while true {
            let member = try behind()
            let before = member.node.mvcc.currentRevision
            let snapshot = try TestSnapshot(ahead: member) { self.write($0, 5) }
            let path = "/data/member/snap/\(snapshot.index.rawValue.fixedHexadecimal).snap.db"
            member.disk.place(snapshot.bytes, at: path)
            let first = member.disk.operationCount
            member.disk.inject(.fail(.inputOutput), at: first + number)
            member.node.receivedSnapshot(snapshot.message, databasePath: path)
            member.pump()
            member.settle()
            if member.disk.operationCount < first + number { break }
            let again = try TestMember.ready(disk: member.disk.processCrashClone())
            let revision = again.node.mvcc.currentRevision
            if !member.stops.isEmpty {
                stops += 1
            } else if !member.refusals.isEmpty {
                refusals += 1
                #expect(revision == before && member.node.mvcc.currentRevision == before)
            }
            #expect(revision == before || revision == snapshot.revision)
            again.close()
            number += 1
        }
        #expect(stops > 10 && refusals > 5)
    }

    // MARK: Refusals

    enum Damage: CaseIterable {
        case cutShort, metas, page, index, term, confState, members, noStore, missing, revision
    }

    @Test(arguments: Damage.allCases) func aFileThatIsNotAsItMustBeIsRefusedWithNothingLost(damage: Damage) throws {
        let member = try behind()
        var snapshot = try TestSnapshot(ahead: member) { self.write($0) }
        switch damage {
        case .cutShort: snapshot.bytes.removeLast(4096)
        case .metas: for place in 0..<8192 { snapshot.bytes[place] ^= 0x55 }
        case .page: for place in stride(from: 8192, to: snapshot.bytes.count, by: 64) { snapshot.bytes[place] ^= 1 }
        case .index: snapshot.message.snapshot?.metadata.index += 1
        case .term: snapshot.message.snapshot?.metadata.term -= 1
        case .confState: snapshot.message.snapshot?.metadata.confState.voters.append(9)
        case .members: snapshot.bytes = try withoutMembers(snapshot.bytes)
        case .noStore: snapshot.bytes = Bytes(text: "this is no store")
        case .missing: break
        case .revision: snapshot.bytes = try withoutKeys(snapshot.bytes)
        }
        let (term, before) = (member.node.raft.term, member.node.mvcc.currentRevision)
        let path = "/data/member/snap/\(snapshot.index.rawValue.fixedHexadecimal).snap.db"
        if damage == .missing {
            member.node.receivedSnapshot(snapshot.message, databasePath: path)
            member.pump()
        } else {
            member.receive(snapshot)
        }
        let token = member.put("meanwhile")
        member.settle()
        #expect(member.refusals.count == 1 && member.installed.isEmpty && member.stops.isEmpty)
        #expect(member.node.raft.term == term && member.node.raft.role == .leader)
        #expect(try #require(member.reply(to: token)).get().revision == before + 1)
        #expect(try member.snapshotFiles().allSatisfy { !$0.contains(".snap.db") })
        // The next is taken as if nothing had been.
        let sound = try TestSnapshot(ahead: member) { self.write($0, 3) }
        member.receive(sound)
        member.settle()
        #expect(member.refusals.count == 1 && member.node.mvcc.currentRevision == sound.revision)
    }

    /// The file with a bucket emptied.
    private func changed(_ bytes: Bytes, _ bucket: Bucket) throws -> Bytes {
        let disk = SimulatedDisk()
        disk.placeDirectory("/data")
        disk.place(bytes, at: "/data/db")
        let store = try Store.open(disk: disk, path: "/data/db")
        defer { store.close() }
        var keys: [Bytes] = []
        try store.scan(bucket, from: [], to: nil) { key, _ in
            keys.append(Bytes(copying: key))
            return true
        }
        for key in keys { store.delete(bucket, key: key) }
        store.freeze()
        var committer = try #require(store.beginCommit(syncedIndex: store.appliedIndex))
        store.finishCommit(try committer.run())
        let snapshot = try store.openSnapshot()
        defer { store.release(snapshot) }
        return try snapshot.read(offset: 0, count: snapshot.byteCount)
    }

    private func withoutMembers(_ bytes: Bytes) throws -> Bytes { try changed(bytes, .members) }
    private func withoutKeys(_ bytes: Bytes) throws -> Bytes { try changed(bytes, .key) }

    @Test func aSnapshotOfWhatTheMemberHasIsOfNoUse() throws {
        let member = try behind()
        let snapshot = try TestSnapshot(ahead: member) { _ in }
        member.put("more")
        member.settle()
        for _ in 1...6 { member.put("more") }
        member.settle()
        #expect(snapshot.index <= member.node.raft.log.committedIndex)
        let before = member.node.mvcc.currentRevision
        member.receive(snapshot)
        member.settle()
        #expect(member.installed.isEmpty && member.refusals.isEmpty && member.node.mvcc.currentRevision == before)
        #expect(try member.snapshotFiles().allSatisfy { !$0.contains(".snap.db") })
    }

    /// A snapshot comes once more when the file of the first is yet to be removed: it goes with it, and the next one is taken.
    @Test func aFileThatIsToBeRemovedIsNotInstalled() throws {
        let member = try behind()
        let snapshot = try TestSnapshot(ahead: member) { self.write($0) }
        var late = snapshot
        late.message.term = member.node.raft.term.rawValue - 1
        member.receive(late)
        let path = "/data/member/snap/\(snapshot.index.rawValue.fixedHexadecimal).snap.db"
        #expect(member.disk.contents(of: path) != nil)
        member.node.receivedSnapshot(snapshot.message, databasePath: path)
        member.pump()
        #expect(member.disposals.count == 1 && member.preparations.count == 1)
        // In the order in which they were asked for.
        member.disposals.removeFirst().run(disk: member.disk)
        member.settle()
        #expect(member.refusals.count == 1 && member.installed.isEmpty)
        member.receive(snapshot)
        member.settle()
        #expect(member.installed == [snapshot.index] && member.node.mvcc.currentRevision == snapshot.revision)
    }

    @Test(arguments: [[3, 9, 6], [3, 6, 9]]) func theNewestOfThoseThatComeMeanwhileIsNext(counts: [Int]) throws {
        let member = try behind()
        let snapshots = try counts.map { count in try TestSnapshot(ahead: member) { self.write($0, count) } }
        let newest = try #require(snapshots.max { $0.index < $1.index })
        for snapshot in snapshots { member.receive(snapshot) }
        // The same once more, while its file is in use.
        member.node.receivedSnapshot(
            snapshots[0].message,
            databasePath: "/data/member/snap/\(snapshots[0].index.rawValue.fixedHexadecimal).snap.db")
        member.pump()
        #expect(member.preparations.count == 1)
        // What is of no use goes at once; the one that is being opened is not among it.
        while !member.disposals.isEmpty { member.disposals.removeFirst().run(disk: member.disk) }
        member.settle()
        #expect(member.installed == [snapshots[0].index, newest.index])
        #expect(member.node.mvcc.currentRevision == newest.revision)
        #expect(try member.snapshotFiles().allSatisfy { !$0.contains(".snap.db") })
    }

    // MARK: Readers

    @Test func readersOfTheOldStoreFinishAndItsFileIsGivenUpThen() throws {
        let member = try behind()
        member.commit()
        let oldHash = try member.hashNow()
        let client = member.token()
        member.node.openSnapshot(client)
        member.pump()
        let opened = try #require(member.snapshots.first?.snapshot)
        let size = opened.byteCount
        let read = member.hashKV()
        let late = member.longReads
        member.longReads = []
        // A commit of the old store is under way, too.
        member.put("unwritten")
        member.runLog()
        member.advance(milliseconds: 100)
        #expect(member.committer != nil)
        member.stepStore()
        let snapshot = try TestSnapshot(ahead: member) { self.write($0) }
        member.receive(snapshot)
        while !member.preparations.isEmpty { member.runInstaller() }
        while !member.logJobs.isEmpty { member.runLog() }
        #expect(member.node.mvcc.currentRevision < snapshot.revision, "the commit comes first")
        member.runStore()
        #expect(member.node.mvcc.currentRevision == snapshot.revision)
        member.settle()
        #expect(member.node.store.openViewCount > 1)
        #expect(try opened.read(offset: 0, count: size).count == size)
        for (token, job) in late { member.node.longReadFinished(job, token, job.run()) }
        member.pump()
        let answer = try HashKVResponse(decoding: #require(try member.reply(to: read)?.get()).body)
        #expect(answer == oldHash)
        #expect(member.disposals.isEmpty)
        member.node.closeSnapshot(client)
        member.pump()
        #expect(member.disposals.count == 1)
        member.settle()
        #expect(member.node.store.openViewCount == 1)
        #expect(throws: StoreError.self) { try opened.read(offset: 8192, count: 1) }
        try expect(member, has: snapshot)
    }

    @Test func whoWaitsForTheFileFindsAllInTheNewOne() throws {
        let (member, snapshot) = try installing()
        let client = member.token()
        member.node.openSnapshot(client)
        member.pump()
        let read = member.range("later 1")
        #expect(member.snapshots.isEmpty && member.committer == nil, "nothing more is written to the old file")
        while !member.logJobs.isEmpty { member.runLog() }
        let opened = try #require(member.snapshots.first?.snapshot)
        #expect(try opened.view.number(.meta, key: MetaKey.consistentIndex) == snapshot.index.rawValue)
        member.node.closeSnapshot(client)
        #expect(!member.isAnswered(read), "a follower's read needs its leader")
        member.settle()
    }

    // MARK: Watches

    private func pull(_ member: TestMember, _ stream: RequestToken) throws -> [WatchResponse] {
        var responses: [WatchResponse] = []
        while let message = member.node.nextWatchMessage(stream) {
            responses.append(try WatchResponse(decoding: message.body))
            member.pump()
        }
        return responses
    }

    @Test func watchesSeeEveryChangeOnceAcrossASnapshot() throws {
        let member = try behind()
        // One that has taken all, one that has not begun to read, one that catches up, one that begins later.
        let all = watch(member, "a", to: "z")
        let slow = watch(member, "a", to: "z")
        let late = watch(member, "a", to: "z", from: 3)
        let future = watch(member, "a", to: "z", from: 25)
        _ = try pull(member, all)
        member.put("seen")
        member.settle()
        var revisions = try pull(member, all).flatMap(\.events).map { $0.kv?.modRevision ?? 0 }
        #expect(revisions == [14])
        let snapshot = try TestSnapshot(ahead: member) { self.write($0) }
        member.receive(snapshot)
        member.settle()
        #expect(snapshot.revision == 34)
        for _ in 1...20 { member.pump() }
        revisions += try pull(member, all).flatMap(\.events).map { $0.kv?.modRevision ?? 0 }
        #expect(revisions == Array(14...34))
        #expect(try pull(member, slow).flatMap(\.events).map { $0.kv?.modRevision ?? 0 } == Array(14...34))
        #expect(try pull(member, late).flatMap(\.events).map { $0.kv?.modRevision ?? 0 } == Array(3...34))
        #expect(try pull(member, future).flatMap(\.events).map { $0.kv?.modRevision ?? 0 } == Array(25...34))
        #expect(member.node.watchCounters.slowWatcherCount == 0)
        // And on from there.
        member.node.start()
        member.pump()
        member.settle()
        member.put("next")
        member.settle()
        for stream in [all, slow, late, future] {
            #expect(try pull(member, stream).flatMap(\.events).map { $0.kv?.modRevision } == [35])
        }
    }

    @Test func watchesOfWhatTheSnapshotHasNoMoreAreCancelled() throws {
        let member = try behind()
        let stream = watch(member, "a", to: "z")
        _ = try pull(member, stream)
        let snapshot = try TestSnapshot(ahead: member) { future in
            self.write(future)
            _ = future.compact(30, physical: true)
            future.commit()
        }
        member.receive(snapshot)
        member.settle()
        for _ in 1...5 { member.pump() }
        let responses = try pull(member, stream)
        #expect(responses.map(\.canceled) == [true] && responses.map(\.compactRevision) == [30])
    }
}
