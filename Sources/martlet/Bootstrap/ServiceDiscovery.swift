internal import GRPCCore
internal import Logging
internal import Platform

/// Finding the members of a cluster by records of DNS (etcd v3.6 `client/pkg/srv/srv.go`, `server/embed/config.go`,
/// `GetDNSClusterNames`): `_etcd-server-ssl._tcp.domain` for those with TLS, and `_etcd-server._tcp.domain` for those without.
struct ServiceDiscovery {
    /// The records of a service.
    var lookUp: (_ name: String) throws(NameResolver.Failure) -> [ServiceRecord] = NameResolver.services
    /// The first address of a host.
    var resolve: (_ host: String) throws(NameResolver.Failure) -> String = NameResolver.address
    var log = Logger(label: "martlet")

    /// The members of a cluster. This one is known by the addresses of its URLs; the others have numbers for names, until they
    /// tell theirs.
    func members(
        domain: String, suffix: String, name: String, peerURLs: [ServerURL]
    ) throws(BootstrapError) -> InitialCluster {
        var members: [String] = []
        var failures: [String] = []
        for (scheme, base) in [("https", "etcd-server-ssl"), ("http", "etcd-server")] {
            let service = base + (suffix.isEmpty ? "" : "-\(suffix)")
            var fields: Logger.Metadata = [
                "service-scheme": "\(scheme)", "service-name": "\(service)", "server-name": "\(name)",
                "discovery-srv": "\(domain)", "advertise-peer-urls": .array(peerURLs.map { .string($0.text) }),
            ]
            do throws(NameResolver.Failure) {
                let found = try self.members(scheme, service, domain, name, peerURLs)
                fields["found-cluster"] = .array(found.map { .string($0) })
                members += found
            } catch {
                let text = "error querying DNS SRV records for _\(service) \(error)"
                failures.append(text)
                fields["error"] = .string(text)
            }
            log.info("get cluster for \(base) SRV", metadata: fields)
        }
        guard !members.isEmpty else {
            throw BootstrapError("error setting up initial cluster: \(failures.joined(separator: "; "))")
        }
        for member in members { log.info("got bootstrap from DNS for etcd-server", metadata: ["node": "\(member)"]) }
        let cluster = try InitialCluster(parsing: members.joined(separator: ","))
        guard cluster.urls(of: name) != nil else {
            throw BootstrapError(
                "error setting up initial cluster: cannot find local etcd member \(GoText.quoted(name)) in SRV records")
        }
        return cluster
    }

    /// The members that a service's records name, as `--initial-cluster` would.
    private func members(
        _ scheme: String, _ service: String, _ domain: String, _ name: String, _ peerURLs: [ServerURL]
    ) throws(NameResolver.Failure) -> [String] {
        var own: [String: ServerURL] = [:]
        for url in peerURLs where !url.isSocketPath { own[try address(url.host, url.port)] = url }
        var members: [String] = []
        var failure: NameResolver.Failure?
        var count = 0
        for record in try lookUp("_\(service)._tcp.\(domain)") {
            let url = "\(scheme)://\(joined(record.target, "\(record.port)"))"
            do throws(NameResolver.Failure) {
                let ownURL = own[try address(record.target, "\(record.port)")]
                var memberName = ownURL == nil ? "" : name
                if memberName.isEmpty {
                    memberName = "\(count)"
                    count += 1
                }
                if let ownURL, ownURL.scheme.rawValue != scheme {
                    throw NameResolver.Failure(
                        "bootstrap at \(url) from DNS for \(service) has scheme mismatch with expected peer "
                            + ownURL.text)
                }
                members.append("\(memberName)=\(url)")
            } catch {
                failure = error
            }
        }
        if members.isEmpty, let failure { throw failure }
        return members
    }

    private func address(_ host: String, _ port: String) throws(NameResolver.Failure) -> String {
        joined(try resolve(host), port)
    }

    private func joined(_ host: String, _ port: String) -> String {
        host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
    }
}
