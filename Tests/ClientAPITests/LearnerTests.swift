import EtcdMessages
import GRPCCore
import Node
import Primitives
import SimulatedPlatform
import Testing
import WriteAheadLog

/// What a member without a vote serves (etcd v3.6 `server/etcdserver/api/v3rpc/interceptor.go`).
@Suite struct LearnerTests {
    /// The log of a member that joined a cluster of one other.
    private func prepare(_ disk: SimulatedDisk) throws {
        func change(_ type: ConfChangeType, _ id: UInt64, isLearner: Bool) -> RaftEntry {
            var change = ConfChange()
            change.type = type
            change.nodeID = id
            let learner = isLearner ? #","isLearner":true"# : ""
            change.context = Bytes(text: #"{"id":\#(id),"peerURLs":["http://10.0.0.\#(id):2380"]\#(learner)}"#)
            var entry = RaftEntry()
            entry.type = .confChange
            (entry.index, entry.term) = (id, 1)
            entry.data = change.encoded()
            return entry
        }
        try disk.makeDirectory("/data/member")
        var metadata = WALMetadata()
        (metadata.nodeID, metadata.clusterID) = (2, 77)
        let writer = try WALWriter.create(disk: disk, directory: "/data/member/wal", metadata: metadata)
        defer { writer.close() }
        var state = HardState()
        (state.term, state.commit) = (1, 2)
        let entries = [
            change(.addNode, 1, isLearner: false), change(.addLearnerNode, 2, isLearner: true),
        ]
        try writer.append(state: state, entries: entries)
        try writer.sync()
    }

    @Test func onlyWhatNeedsNobodyElseIsServed() throws {
        try TestService.withStarted(prepare: prepare) { service in
            #expect(service.node.isLearner)
            let status = try service.answer("Maintenance/Status", StatusRequest(), as: StatusResponse.self)
            #expect(status.isLearner)
            var range = RangeRequest()
            range.key = Bytes(text: "a")
            #expect(try service.refusal("KV/Range", range) == .notSupportedForLearner)
            range.serializable = true
            #expect(try service.answer("KV/Range", range, as: RangeResponse.self).count == 0)
            for path in [
                "KV/Put", "KV/Txn", "Lease/LeaseGrant", "Lease/LeaseLeases", "Cluster/MemberList",
                "Maintenance/HashKV", "Auth/AuthStatus", "/v3lockpb.Lock/Lock",
            ] {
                let refusal: EtcdError? =
                    if case .failure(let error) = try service.call(path) { error } else { nil }
                #expect(refusal == .notSupportedForLearner, "\(path)")
            }
        }
    }

    @Test func ofStreamsOnlySnapshotsAreServed() throws {
        try TestService.withStarted(prepare: prepare) { service in
            for path in ["Watch/Watch", "Lease/LeaseKeepAlive"] {
                let call = service.client.openStream("/etcdserverpb.\(path)")
                let status = try service.end(of: call)
                #expect(status.error == .notSupportedForLearner, "\(path)")
            }
            let snapshot = service.client.startServerStream("/etcdserverpb.Maintenance/Snapshot", message: [])
            #expect(try service.readAll(snapshot).count > 0)
        }
    }
}
