internal import Alarms
internal import Apply
package import Environment
internal import EtcdMessages
package import MVCC
internal import Membership
internal import Primitives
internal import Raft
internal import Snapshots
internal import Store
package import WriteAheadLog

/// Starting a member: from nothing, or from what its data directory holds (ordering rule 7).
extension Node {
    /// A member that is ready to start, the log for the thread that will own it, and what an operator should know.
    package struct Opened {
        package let node: Node
        package let writer: WALWriter
        package let notes: [String]
    }

    /// Whether there is a log, so that the data directory says by itself which member of which cluster it is of.
    package static func hasLog(disk: any Disk, settings: NodeSettings) throws(NodeError) -> Bool {
        do throws(WALError) {
            return try WALReader.exists(disk: disk, directory: settings.logDirectory)
        } catch {
            throw .log(error)
        }
    }

    /// Opens the data directory, or begins as `NodeSettings.clusterStart` says if it is empty.
    ///
    /// - Parameters:
    ///   - monotonicNanoseconds: the time that later ticks go on from.
    ///   - unixNanoseconds: the date; it keeps request numbers from repeating.
    ///   - report: told now and then how far the reading of a large store is.
    package static func open(
        disk: any Disk, settings: NodeSettings, monotonicNanoseconds now: UInt64, unixNanoseconds: Int64,
        report: (RestoreProgress) -> Void = { _ in }
    ) throws(NodeError) -> Opened {
        var notes: [String] = []
        do throws(DiskError) {
            notes += try DataDirectory.prepare(disk, settings)
        } catch {
            throw .disk(error)
        }
        do throws(SnapshotError) {
            try SnapshotDirectory(disk: disk, path: settings.snapDirectory).removeLeftovers()
        } catch {
            throw .snapshot(error)
        }
        let (store, recovered) = try InterruptedInstallation(disk: disk, settings: settings).openStore()
        if let recovered { notes.append(recovered) }
        do throws(NodeError) {
            let opening = NodeOpening(disk: disk, settings: settings, store: store)
            return try opening.open(now: now, unixNanoseconds: unixNanoseconds, notes: notes, report)
        } catch {
            store.close()
            throw error
        }
    }
}

/// The steps of opening a member whose store is open.
struct NodeOpening {
    let disk: any Disk
    let settings: NodeSettings
    let store: Store

    func open(
        now: UInt64, unixNanoseconds: Int64, notes: [String], _ report: (RestoreProgress) -> Void
    ) throws(NodeError) -> Node.Opened {
        let applier = try StoreOpening(disk: disk, settings: settings).openApplier(store, report)
        var log = try openLog()
        try check(log)
        let notes = try notes + recoverMembers(log, applier)
        // Raft starts with the configuration that what is committed makes, so that is applied first.
        var forcedSnapshotIndex = try apply(log.committedEntries, to: applier)
        if settings.forcesNewCluster {
            let forced = try forceNewCluster(&log, applier.cluster)
            forcedSnapshotIndex = try apply(forced, to: applier) ?? forcedSnapshotIndex
            guard applier.cluster.isAlone(MemberID(log.metadata.nodeID)) else {
                throw .inconsistent("the other members cannot be taken out of the cluster")
            }
        }
        let etcdVersion = try etcdVersion(beside: applier.cluster)
        applier.mvcc.settings.keysOnlyIncludesLease = etcdVersion < .etcd37
        let raftLog = raftLog(log)
        let memberID = MemberID(log.metadata.nodeID)
        var raftSettings = RaftSettings(seed: memberID.rawValue ^ UInt64(bitPattern: unixNanoseconds))
        raftSettings.electionTicks = settings.electionTickCount
        let raft = Raft(
            id: memberID, hardState: log.hardState, configuration: applier.cluster.confState, log: raftLog,
            settings: raftSettings)
        let requestIDs = RequestIDGenerator(
            member: memberID, unixNanoseconds: unixNanoseconds, monotonicNanoseconds: now)
        let node = Node(
            settings: settings, memberID: memberID, clusterID: ClusterID(log.metadata.clusterID),
            etcdVersion: etcdVersion, raft: raft, applier: applier, snapshotIndex: LogIndex(log.snapshot.index),
            requestIDs: requestIDs, now: now, unixNanoseconds: unixNanoseconds)
        // One may have been due when the process ended. That the file has the entry does not say that a record is behind it.
        let isDue = applier.cluster.isSchemaAhead && LogIndex(log.snapshot.index) < store.appliedIndex
        node.forcedSnapshotIndex = forcedSnapshotIndex ?? (isDue ? store.appliedIndex : nil)
        if log.isNew { node.corruptionChecks.isInitialDue = false }
        return Node.Opened(node: node, writer: log.writer, notes: notes)
    }

    /// Applies entries to the store, if it does not hold them. Answers the last after which a snapshot must be taken at once.
    private func apply(
        _ entries: ArraySlice<RaftEntry>, to applier: Applier
    ) throws(NodeError) -> LogIndex? {
        var forcedSnapshotIndex: LogIndex?
        for entry in entries {
            do throws(ApplyError) {
                if try applier.apply(entry).forcesSnapshot { forcedSnapshotIndex = LogIndex(entry.index) }
            } catch {
                throw .apply(error)
            }
        }
        return forcedSnapshotIndex
    }

    /// The etcd that the member is for others until it ends: the one asked for, or that of what is known of the cluster.
    private func etcdVersion(beside cluster: Cluster) throws(NodeError) -> EtcdVersion {
        let known = [cluster.version, cluster.storageVersion].compactMap(\.self).max() ?? settings.clusterVersion
        let version = settings.etcdVersion ?? EtcdVersion.presented(beside: known)
        guard cluster.admits(server: version) else {
            throw .olderThanCluster(server: version.release, cluster: cluster.version ?? version)
        }
        return version
    }
}
