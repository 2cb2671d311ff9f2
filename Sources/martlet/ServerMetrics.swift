internal import ClientAPI
internal import GRPCCore
internal import HTTPAPI
internal import Metrics
internal import Node
internal import PeerTransport
internal import Platform

/// All that `/metrics` tells: etcd's metrics under etcd's names, of the values that this server has (docs/metrics.md).
///
/// The numbers are where the work is done, in the core and the shells; here they get their names. Belongs to the loop's
/// thread; a scrape only takes copies of them there.
final class ServerMetrics {
    let node: Node
    let server: GRPCServer
    let services: EtcdServices
    let peerCounts: PeerCounts
    let clock: RealClock
    let features: FeatureGates
    /// Whether calls are timed (`--metrics extensive`).
    let isExtensive: Bool
    var timings = ServerTimings()
    /// The labels of the gRPC methods, in the order of the server's list.
    let methodLabels: [GRPCMethodLabels]

    init(
        node: Node, server: GRPCServer, services: EtcdServices, peerCounts: PeerCounts, clock: RealClock,
        features: FeatureGates, isExtensive: Bool
    ) {
        self.node = node
        self.server = server
        self.services = services
        self.peerCounts = peerCounts
        self.clock = clock
        self.features = features
        self.isExtensive = isExtensive
        methodLabels = server.counts.methods.map { GRPCMethodLabels($0) }
        node.measurements.stopwatch = { clock.monotonicNanoseconds() }
    }

    /// Reads everything as it is now. What is not the loop's is read when the answer is made, on another thread: to count the
    /// files of a process takes a while if there are many.
    func scrape(_ http: HTTPCounts) -> @Sendable () -> [MetricFamily] {
        let families =
            memberFamilies + promotionFamilies + proposalFamilies + applyFamilies + keyFamilies + compactionFamilies
            + watchFamilies + leaseFamilies + logFamilies + storeFamilies + snapshotFamilies + callFamilies
            + networkFamilies + probeFamilies(http) + constantFamilies
        return { families + ProcessFigures().families }
    }
}
