internal import Environment
internal import Metrics
internal import NIOCore
internal import NIOHTTP1
internal import PeerProtocol
internal import Primitives

/// Asks a peer now and then whether it lives, how long it takes to say so, and what its clock shows (etcd v3.6
/// `server/etcdserver/api/rafthttp/probing_status.go`). Lives on the transport's event loop.
final class Prober {
    private let link: PeerLink
    private let hub: PeerHub
    private var next: Scheduled<Void>?
    private var isStopped = false
    /// When a clock that is off may be warned of again.
    private var nextWarning = NIODeadline.uptimeNanoseconds(0)

    /// By how much a clock may be off, in nanoseconds.
    private static let maxClockDifference: UInt128 = 1_000_000_000

    init(link: PeerLink, hub: PeerHub) {
        self.link = link
        self.hub = hub
    }

    func start() { schedule() }

    func stop() {
        isStopped = true
        next?.cancel()
    }

    private func schedule() {
        let pause = TimeAmount.milliseconds(hub.settings.probeMilliseconds)
        next = hub.loop.assumeIsolated().scheduleTask(in: pause) { [weak self] in self?.probe() }
    }

    private func probe() {
        guard !isStopped else { return }
        guard let endpoint = link.endpoints.current else { return schedule() }
        let exchange = PeerExchange(
            method: .GET, path: "/raft/probing", fields: [], body: nil,
            timeoutMilliseconds: hub.settings.readTimeoutMilliseconds, maxAnswerByteCount: 4096)
        hub.client.perform(exchange, with: endpoint).assumeIsolated().whenComplete { [weak self] result in
            self?.ended(result)
        }
    }

    private func ended(_ result: Result<PeerExchange.Answer, any Error>) {
        guard !isStopped else { return }
        schedule()
        switch result {
        case .failure(let error): unhealthy(Dialler.describe(error))
        case .success(let answer):
            guard answer.status == 200, let report = ProbingReport(answer.body) else {
                unhealthy("not a health report")
                return
            }
            let time = UInt64(max(0, answer.roundTripNanoseconds))
            hub.counts.count(link.id) { $0.roundTrips.observe(nanoseconds: time) }
            compare(report, answer.roundTripNanoseconds)
        }
    }

    private func unhealthy(_ reason: String) {
        hub.log(.warning, "prober detected unhealthy status", link.fields() + [("error", reason)])
    }

    private func compare(_ report: ProbingReport, _ roundTrip: Int64) {
        let drift =
            Int128(hub.settings.clock.unixNanoseconds()) - Int128(report.unixNanoseconds) - Int128(roundTrip / 2)
        guard drift.magnitude > Self.maxClockDifference, NIODeadline.now() >= nextWarning else { return }
        nextWarning = .now() + .seconds(30)
        hub.log(
            .warning, "prober found high clock drift", link.fields() + [("clock-drift", "\(drift / 1_000_000)ms")])
    }
}
