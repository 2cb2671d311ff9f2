internal import Primitives

extension GRPCServer {
    /// Sets what the health service answers for the server as a whole; it starts as serving.
    package func setServing(_ isServing: Bool) {
        health.isServing = isServing
        for call in health.watchingCalls where canSend(call) { sendHealth(call) }
    }

    /// Answers `grpc.health.v1.Health/Check`.
    func checkHealth(_ call: CallID, _ message: RawSpan) {
        switch HealthService.asksForServer(message) {
        case nil: fail(call, Self.malformedMessage)
        case false?: fail(call, HealthService.unknownService)
        case true?: reply(call, message: HealthService.response(health.status))
        }
    }

    /// Starts to answer `grpc.health.v1.Health/Watch`: the status now, and each change of it.
    func watchHealth(_ call: CallID, _ message: RawSpan) {
        guard let isKnown = HealthService.asksForServer(message) else {
            fail(call, Self.malformedMessage)
            return
        }
        health.watch(call, isKnown: isKnown)
        sendHealth(call)
    }

    /// A status has gone out: the next, if it changed meanwhile.
    func healthSendCompleted(_ call: CallID) {
        sendHealth(call)
    }

    private func sendHealth(_ call: CallID) {
        guard let status = health.nextStatus(for: call) else { return }
        send(call, message: HealthService.response(status))
    }

    private static let malformedMessage = EtcdError(
        .internal, "grpc: error unmarshalling request: proto: cannot parse invalid wire-format data")
}
