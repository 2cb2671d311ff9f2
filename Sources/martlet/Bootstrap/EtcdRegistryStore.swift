internal import EtcdClient
internal import EtcdMessages
internal import GRPCCore
internal import Platform
internal import Primitives

/// Another etcd as the place where members register.
final class EtcdRegistryStore: RegistryStore {
    private let settings: RegistrySettings
    private let isCancelled: () -> Bool
    private var clients: [EtcdClient]
    /// The one that answered last.
    private var current = 0

    /// - Parameter isCancelled: whether the process is to end, so that nothing more is waited for.
    /// - Throws: if an endpoint is none, or needs TLS.
    init(_ settings: RegistrySettings, isCancelled: @escaping () -> Bool) throws(BootstrapError) {
        self.settings = settings
        self.isCancelled = isCancelled
        var addresses: [ListenAddress] = []
        for endpoint in settings.endpoints { addresses.append(try Self.address(endpoint)) }
        clients = addresses.map { address in
            let client = EtcdClient(address)
            client.timeoutNanoseconds = settings.requestTimeoutNanoseconds
            return client
        }
    }

    /// Must be called.
    func close() {
        for client in clients { client.close() }
        clients = []
    }

    private static func address(_ endpoint: String) throws(BootstrapError) -> ListenAddress {
        var text = endpoint.trimmingSpaces()
        if text.hasPrefix("https://") || text.hasPrefix("unix") {
            throw BootstrapError(
                "--discovery-endpoints: \(endpoint) cannot be reached: this version speaks with it over TCP without TLS"
            )
        }
        if text.hasPrefix("http://") { text.removeFirst("http://".count) }
        if text.hasSuffix("/") { text.removeLast() }
        do throws(GRPCError) {
            return try ListenAddress(parsing: text)
        } catch {
            throw BootstrapError("--discovery-endpoints: \(error)")
        }
    }

    func read(_ key: Bytes, isPrefix: Bool) throws(EtcdError) -> [KeyValue] {
        var request = RangeRequest()
        request.key = key
        if isPrefix { request.rangeEnd = key.dropLast() + [key[key.count - 1] + 1] }
        let response: RangeResponse = try call("/etcdserverpb.KV/Range", request)
        return response.kvs
    }

    func write(_ key: Bytes, _ value: Bytes) throws(EtcdError) {
        var request = PutRequest()
        request.key = key
        request.value = value
        let _: PutResponse = try call("/etcdserverpb.KV/Put", request)
    }

    func pause(nanoseconds: UInt64) throws(BootstrapError) {
        var rest = nanoseconds
        while rest > 0 {
            if isCancelled() { throw BootstrapError("the process was asked to end") }
            let slice = min(rest, 100_000_000)
            Pause.sleep(nanoseconds: slice)
            rest -= slice
        }
    }

    /// Asks one endpoint after the other, beginning with the one that answered last, until one can be reached.
    private func call<Request: EtcdMessage, Response: EtcdMessage>(
        _ path: String, _ request: Request
    ) throws(EtcdError) -> Response {
        var failure = EtcdError(.unavailable, "there are no endpoints")
        for _ in clients {
            let client = clients[current]
            do throws(EtcdError) {
                if !settings.user.isEmpty, client.metadata.isEmpty { try authenticate(client) }
                let result: Result<Response, EtcdError> = client.call(path, request)
                return try result.get()
            } catch {
                failure = error
                // Tokens come to an end.
                client.metadata = []
                current = (current + 1) % clients.count
            }
        }
        throw failure
    }

    private func authenticate(_ client: EtcdClient) throws(EtcdError) {
        var request = AuthenticateRequest()
        request.name = Bytes(text: settings.user)
        request.password = Bytes(text: settings.password)
        let result: Result<AuthenticateResponse, EtcdError> = client.call("/etcdserverpb.Auth/Authenticate", request)
        client.metadata = [GRPCMetadataEntry("token", try result.get().token.text)]
    }
}
