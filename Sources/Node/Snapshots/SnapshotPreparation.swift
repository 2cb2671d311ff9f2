internal import Apply
package import Environment
internal import EtcdMessages
internal import Membership
package import Primitives
internal import Snapshots
internal import Store

/// A snapshot that a leader sent, to be proven and opened before anything is done with it, on any thread but the loop's: to
/// open a file of 1 GiB takes a second, and a member that is silent so long loses its leader.
///
/// Only what passes is put to Raft. So a file that is damaged, or is not what its message says, is refused with nothing lost.
package struct SnapshotPreparation: Sendable {
    /// The `MsgSnap` that it came with.
    let message: RaftMessage
    /// Where the file is, synced.
    let path: String
    let settings: NodeSettings

    /// The last entry that the message says is in the file.
    package var index: LogIndex { LogIndex(message.snapshot?.metadata.index ?? 0) }
    /// Who sent it.
    package var sender: MemberID { MemberID(message.from) }

    /// Proves and opens the file.
    package func run(disk: any Disk) -> PreparedSnapshot {
        let opening = StoreOpening(disk: disk, settings: settings)
        do throws(NodeError) {
            try requireFile(on: disk)
            let store = try opening.openStore(path)
            do throws(NodeError) {
                var contents = try check(store)
                let applier = try opening.openApplier(store) { _ in }
                correctMembers(applier.cluster, &contents)
                let opened = PreparedSnapshot.Opened(
                    applier: applier, record: SnapshotRecord(contents, disk: disk, settings: settings))
                return PreparedSnapshot(preparation: self, result: .success(opened))
            } catch {
                store.close()
                throw error
            }
        } catch {
            return PreparedSnapshot(preparation: self, result: .failure(error))
        }
    }

    /// The file of a leader of etcd 3.5 need not be right about the members: those versions go by what is beside it in the
    /// message (`MembershipImage`).
    private func correctMembers(_ cluster: Cluster, _ contents: inout SnapshotContents) {
        guard cluster.storageVersion == nil, let snapshot = message.snapshot, let image = MembershipImage(snapshot),
            let membership = try? V2StoreMembership(decoding: snapshot.data ?? [])
        else { return }
        cluster.replace(by: image)
        contents.membership = membership
    }

    /// There must be one: where there is none a store would make it.
    private func requireFile(on disk: any Disk) throws(NodeError) {
        let isThere: Bool
        do throws(DiskError) {
            isThere = try disk.exists(path)
        } catch {
            throw .disk(error)
        }
        guard isThere else { throw .inconsistent("\(path) is not there") }
    }

    /// What the file says, which must be what the message says.
    private func check(_ store: Store) throws(NodeError) -> SnapshotContents {
        guard let metadata = message.snapshot?.metadata, metadata.index > 0 else {
            throw .inconsistent("the message has no snapshot")
        }
        let view = store.committedView()
        defer { store.release(view) }
        let contents: SnapshotContents
        do throws(StoreError) {
            contents = try SnapshotContents(view)
        } catch {
            throw .store(error)
        }
        guard contents.index.rawValue == metadata.index, contents.term.rawValue == metadata.term else {
            throw .inconsistent(
                "the file is of entry \(contents.index) of term \(contents.term), "
                    + "the message of \(metadata.index) of term \(metadata.term)")
        }
        guard !contents.membership.members.isEmpty else { throw .inconsistent("the file has no members") }
        guard contents.confState.hasSameMembers(as: metadata.confState) else {
            throw .inconsistent("file and message have different configurations")
        }
        return contents
    }
}

/// What has become of a snapshot that a leader sent: it is open, or refused.
///
/// Unchecked because a store and what is kept of it in memory belong to one thread at a time. This hands them over: whoever
/// made it keeps nothing of it.
package struct PreparedSnapshot: @unchecked Sendable {
    struct Opened {
        let applier: Applier
        let record: SnapshotRecord
    }

    package let preparation: SnapshotPreparation
    let result: Result<Opened, NodeError>
}

extension ConfState {
    /// Whether the same members have the same parts, in whatever order they are named.
    func hasSameMembers(as other: ConfState) -> Bool {
        voters.sorted() == other.voters.sorted() && learners.sorted() == other.learners.sorted()
            && votersOutgoing.sorted() == other.votersOutgoing.sorted()
            && learnersNext.sorted() == other.learnersNext.sorted()
    }
}
