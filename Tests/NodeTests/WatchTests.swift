import EtcdMessages
import MVCC
import Node
import Primitives
import SimulatedPlatform
import Testing
import Watch

/// Watches as part of a member: events come of the log, and only of what it durably holds.
@Suite struct WatchTests {
    /// The messages that a stream has.
    private func pull(_ member: TestMember, _ stream: RequestToken) throws -> [WatchResponse] {
        var responses: [WatchResponse] = []
        while let message = member.node.nextWatchMessage(stream) {
            responses.append(try WatchResponse(decoding: message.body))
        }
        return responses
    }

    @Test func aWatchIsToldWhenTheWriteIsSyncedAndNotBefore() throws {
        let member = try TestMember.ready()
        let stream = watch(member, "a")
        #expect(member.readyStreams == [stream])
        #expect(try pull(member, stream).map(\.created) == [true])
        member.readyStreams = []
        _ = member.put("a")
        #expect(member.readyStreams.isEmpty)
        #expect(try pull(member, stream).isEmpty)
        member.runLog()
        #expect(member.readyStreams == [stream])
        let events = try pull(member, stream).flatMap(\.events)
        #expect(events.map { $0.kv?.modRevision } == [2])
    }

    @Test func aStreamIsToldOnceUntilItIsDry() throws {
        let member = try TestMember.ready()
        let stream = watch(member, "a")
        for _ in 1...3 {
            _ = member.put("a")
            member.settle()
        }
        #expect(member.readyStreams == [stream])
        #expect(try pull(member, stream).count == 2)
        _ = member.put("a")
        member.settle()
        #expect(member.readyStreams == [stream, stream])
        member.node.closeWatchStream(stream)
        member.node.closeWatchStream(stream)
        _ = member.put("a")
        member.settle()
        #expect(try pull(member, stream).isEmpty)
        #expect(member.readyStreams.count == 2)
    }

    @Test func afterACrashAWatchGoesOnFromWhereItWas() throws {
        let member = try TestMember.ready()
        for number in 1...20 { _ = member.put("key \(number)") }
        member.settle()
        let again = try TestMember.ready(disk: member.crashed())
        let stream = watch(again, "key", to: "l", from: 12)
        while again.node.nanosecondsToNextWork(max: 1) == 0 { again.pump() }
        let events = try pull(again, stream).flatMap(\.events)
        #expect(events.compactMap { $0.kv?.modRevision } == Array(12...21))
        #expect(again.node.watches.counters.slowWatcherCount == 0)
    }

    @Test func aCompactionEndsAWatchThatNeedsWhatItTook() throws {
        let member = try TestMember.ready()
        for number in 1...10 { _ = member.put("key \(number)") }
        member.settle()
        _ = member.compact(8)
        member.settle()
        let stream = watch(member, "key", to: "l", from: 7)
        let responses = try pull(member, stream)
        #expect(responses.map(\.canceled) == [false, true])
        #expect(responses.last?.compactRevision == 8)
    }

    @Test func progressIsToldWhenItIsDue() throws {
        var settings = TestMember.settings
        settings.watches.progressIntervalNanoseconds = 1_000_000_000
        let member = try TestMember.ready(settings: settings)
        let stream = member.token()
        member.node.openWatchStream(stream)
        var request = WatchCreateRequest()
        request.key = [1]
        request.progressNotify = true
        member.node.createWatch(request, on: stream)
        member.pump()
        _ = try pull(member, stream)
        member.advance(milliseconds: 999)
        #expect(try pull(member, stream).isEmpty)
        member.advance(milliseconds: 102)
        let message = member.node.nextWatchMessage(stream)
        #expect(message == StreamMessage(revision: 1, body: []))
    }

    @Test func aClientThatDoesNotReadIsNotReadFrom() throws {
        let member = try TestMember.ready()
        let stream = watch(member, "a")
        var count = 1
        while member.node.takesWatchRequests(stream) {
            member.node.createWatch(WatchCreateRequest(), on: stream)
            count += 1
        }
        #expect(count == 16)
        #expect(member.node.nextWatchMessage(stream) != nil)
        #expect(member.node.takesWatchRequests(stream))
    }
}
