internal import Alarms
internal import Apply
internal import Auth
internal import EtcdMessages
internal import Membership
internal import Metrics
internal import Node
internal import Primitives
internal import Raft

/// The member, its cluster and its log.
extension ServerMetrics {
    var memberFamilies: [MetricFamily] {
        let cluster = node.applier.cluster
        let (version, id) = (node.etcdVersion, "\(node.memberID)")
        let quota = node.settings.quotaByteCount
        return [
            MetricFamily(
                .gauge, "etcd_cluster_version",
                "Which version is running. 1 for 'cluster_version' label with current cluster version",
                cluster.version.map { [MetricSample(1, [MetricLabel("cluster_version", "\($0.major).\($0.minor)")])] }
                    ?? []),
            .text(
                "etcd_server_version",
                "Which version is running. 1 for 'server_version' label with current version.",
                label: "server_version", "\(version)"),
            .text(
                "etcd_server_go_version",
                "Which Go version server is running with. 1 for 'server_go_version' label with current version.",
                label: "server_go_version", "swift\(MartletVersion.swift)"),
            .text(
                "etcd_server_id",
                "Server or member ID in hexadecimal format. 1 for 'server_id' label with current ID.",
                label: "server_id", id),
            .gauge(
                "etcd_server_has_leader", "Whether or not a leader exists. 1 is existence, 0 is not.", node.hasLeader),
            .gauge(
                "etcd_server_is_leader", "Whether or not this member is a leader. 1 if is, 0 otherwise.",
                node.raft.role == .leader),
            .gauge(
                "etcd_server_is_learner", "Whether or not this member is a learner. 1 if is, 0 otherwise.",
                node.isLearner),
            .counter(
                "etcd_server_heartbeat_send_failures_total",
                "The total number of leader heartbeat send failures (likely overloaded from slow disk).",
                node.measurements.lateHeartbeatCount),
            .gauge("etcd_debugging_auth_revision", "The current revision of auth store.", node.applier.auth.revision),
            .gauge(
                "etcd_server_quota_backend_bytes", "Current backend storage quota size in bytes.",
                quota == 0 ? Quota.defaultByteCount : quota),
            MetricFamily(
                .gauge, "etcd_server_feature_enabled",
                "Whether or not a feature is enabled. 1 is enabled, 0 is not.",
                featureSamples),
            MetricFamily(
                .gauge, "etcd_network_known_peers", "The current number of known peers.",
                cluster.members.map { member in
                    MetricSample(1, [MetricLabel("Local", id), MetricLabel("Remote", "\(member.id)")])
                }),
            MetricFamily(
                .gauge, "etcd_debugging_server_alarms",
                "Alarms for every member in cluster. 1 for 'server_id' label with current ID. "
                    + "2 for 'alarm_type' label with type of this alarm",
                node.applier.alarms.alarms.map { alarm in
                    MetricSample(
                        1,
                        [
                            MetricLabel("alarm_type", Self.name(of: alarm.alarm)),
                            MetricLabel("server_id", "\(MemberID(alarm.memberID))"),
                        ])
                }),
        ]
    }

    var promotionFamilies: [MetricFamily] {
        [
            .counter(
                "etcd_server_learner_promote_successes",
                "The total number of successful learner promotions while this member is leader.",
                node.measurements.promotionCount),
            MetricFamily(
                .counter, "etcd_server_learner_promote_failures",
                "The total number of failed learner promotions (likely learner not ready) while this member is leader.",
                node.measurements.failedPromotions.map { MetricSample($0.count, [MetricLabel("Reason", $0.reason)]) }),
        ]
    }

    private var featureSamples: [MetricSample] {
        func sample(_ name: String, _ stage: FeatureGates.Stage, _ isEnabled: Bool) -> MetricSample {
            MetricSample(isEnabled ? 1 : 0, [MetricLabel("name", name), MetricLabel("stage", stage.rawValue)])
        }
        return FeatureGates.Gate.allCases.map { sample($0.rawValue, $0.stage, features.isEnabled($0)) } + [
            sample("AllAlpha", .alpha, features.isBulkEnabled(.alpha)),
            sample("AllBeta", .beta, features.isBulkEnabled(.beta)),
        ]
    }

    private static func name(of alarm: AlarmType) -> String {
        switch alarm {
        case .none: "NONE"
        case .noSpace: "NOSPACE"
        case .corrupt: "CORRUPT"
        default: String(alarm.rawValue)
        }
    }

    var proposalFamilies: [MetricFamily] {
        let measurements = node.measurements
        return [
            .gauge(
                "etcd_server_proposals_committed_total", "The total number of consensus proposals committed.",
                node.raft.log.committedIndex.rawValue),
            .gauge(
                "etcd_server_proposals_applied_total", "The total number of consensus proposals applied.",
                node.raft.log.appliedIndex.rawValue),
            .gauge(
                "etcd_server_proposals_pending", "The current number of pending proposals to commit.",
                node.pendingProposalCount),
            .counter(
                "etcd_server_proposals_failed_total", "The total number of failed proposals seen.",
                measurements.failedProposalCount),
            .counter(
                "etcd_server_leader_changes_seen_total", "The number of leader changes seen.",
                measurements.leaderChangeCount),
            .counter(
                "etcd_server_slow_read_indexes_total",
                "The total number of pending read indexes not in sync with leader's or timed out read index requests.",
                measurements.slowReadIndexCount),
            .counter(
                "etcd_server_read_indexes_failed_total", "The total number of failed read indexes seen.",
                measurements.failedReadIndexCount),
        ]
    }

    var applyFamilies: [MetricFamily] {
        let measurements = node.measurements
        var applies: [MetricSample] = []
        for operation in AppliedOperation.allCases {
            for succeeded in [false, true] {
                guard let times = measurements.applyTimes(of: operation, succeeded: succeeded) else { continue }
                applies.append(
                    MetricSample(
                        times,
                        [
                            MetricLabel("op", operation.name), MetricLabel("success", "\(succeeded)"),
                            MetricLabel("version", operation.apiVersion),
                        ]))
            }
        }
        let ranges = [(measurements.failedRangeTimes, "false"), (measurements.succeededRangeTimes, "true")]
        return [
            MetricFamily(
                .histogram, "etcd_server_apply_duration_seconds",
                "The latency distributions of v2 apply called by backend.", applies),
            MetricFamily(
                .histogram, "etcd_server_range_duration_seconds", "The latency distributions of txn.Range",
                ranges.compactMap { times, success in
                    times.map { MetricSample($0, [MetricLabel("success", success)]) }
                }),
            .counter(
                "etcd_server_slow_apply_total",
                "The total number of slow apply requests (likely overloaded from slow disk).",
                measurements.slowApplyCount),
        ]
    }
}
