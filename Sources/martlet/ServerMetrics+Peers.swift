internal import Metrics
internal import Node
internal import PeerTransport
internal import Primitives

/// What goes between members (etcd v3.6 `server/etcdserver/api/rafthttp/metrics.go`).
extension ServerMetrics {
    var networkFamilies: [MetricFamily] {
        let state = peerCounts.state
        let peers = state.peers.sorted { $0.key < $1.key }
        let local = "\(node.memberID)"
        func family(
            _ kind: MetricFamily.Kind, _ name: String, _ help: String, _ label: String,
            _ value: (PeerCounts.Peer) -> UInt64
        ) -> MetricFamily {
            let samples = peers.compactMap { id, peer -> MetricSample? in
                let value = value(peer)
                return value == 0 ? nil : MetricSample(value, [MetricLabel(label, "\(id)")])
            }
            return MetricFamily(kind, name, help, samples)
        }
        let reached = peers.filter(\.value.wasActive)
        func pair(_ id: MemberID) -> [MetricLabel] { [MetricLabel("Local", local), MetricLabel("Remote", "\(id)")] }
        return [
            MetricFamily(
                .gauge, "etcd_network_active_peers", "The current number of active peer connections.",
                reached.map { MetricSample($0.value.isActive ? 1 : 0, pair($0.key)) }),
            MetricFamily(
                .counter, "etcd_network_disconnected_peers_total", "The total number of disconnected peers.",
                reached.filter { $0.value.disconnectionCount > 0 }
                    .map { MetricSample($0.value.disconnectionCount, pair($0.key)) }),
            family(
                .counter, "etcd_network_peer_sent_bytes_total", "The total number of bytes sent to peers.", "To",
                \.sentByteCount),
            family(
                .counter, "etcd_network_peer_received_bytes_total", "The total number of bytes received from peers.",
                "From", \.receivedByteCount),
            family(
                .counter, "etcd_network_peer_sent_failures_total", "The total number of send failures from peers.",
                "To", \.sendFailureCount),
            family(
                .counter, "etcd_network_peer_received_failures_total",
                "The total number of receive failures from peers.", "From", \.receiveFailureCount),
            MetricFamily(
                .histogram, "etcd_network_peer_round_trip_time_seconds", "Round-Trip-Time histogram between peers",
                peers.filter { $0.value.roundTrips.count > 0 }
                    .map { MetricSample($0.value.roundTrips, [MetricLabel("To", "\($0.key)")]) }),
            .histogram(
                "etcd_snap_db_fsync_duration_seconds", "The latency distributions of fsyncing .snap.db file",
                state.databaseSyncs),
            .histogram(
                "etcd_snap_db_save_total_duration_seconds", "The total latency distributions of v3 snapshot save",
                state.databaseSaves),
        ] + snapshotFamilies(peers, sending: true, unknownFailureCount: 0)
            + snapshotFamilies(peers, sending: false, unknownFailureCount: state.unknownSnapshotFailureCount)
    }

    /// - Parameter unknownFailureCount: of snapshots refused before it was known who sent them.
    private func snapshotFamilies(
        _ peers: [(key: MemberID, value: PeerCounts.Peer)], sending: Bool, unknownFailureCount: UInt64
    ) -> [MetricFamily] {
        let (verb, done, label) = sending ? ("send", "sends", "To") : ("receive", "receives", "From")
        let counts = peers.map { ($0.key, sending ? $0.value.sentSnapshots : $0.value.receivedSnapshots) }
            .filter { $0.1.successCount > 0 || $0.1.failureCount > 0 || $0.1.underWayCount > 0 }
        func labels(_ id: MemberID) -> [MetricLabel] { [MetricLabel(label, "\(id)")] }
        var failures = counts.filter { $0.1.failureCount > 0 }.map { MetricSample($0.1.failureCount, labels($0.0)) }
        if unknownFailureCount > 0 {
            failures.append(MetricSample(unknownFailureCount, [MetricLabel(label, "UNKNOWN_SNAPSHOT_SENDER")]))
        }
        return [
            MetricFamily(
                .counter, "etcd_network_snapshot_\(verb)_success", "Total number of successful snapshot \(done)",
                counts.filter { $0.1.successCount > 0 }.map { MetricSample($0.1.successCount, labels($0.0)) }),
            MetricFamily(
                .counter, "etcd_network_snapshot_\(verb)_failures", "Total number of snapshot \(verb) failures",
                failures
            ),
            MetricFamily(
                .gauge, "etcd_network_snapshot_\(verb)_inflights_total", "Total number of inflight snapshot \(done)",
                counts.map { MetricSample($0.1.underWayCount, labels($0.0)) }),
            MetricFamily(
                .histogram, "etcd_network_snapshot_\(verb)_total_duration_seconds",
                "Total latency distributions of v3 snapshot \(done)",
                counts.filter { $0.1.successCount > 0 }.map { MetricSample($0.1.durations, labels($0.0)) }),
        ]
    }
}
