internal import GRPCCore
internal import Platform

/// Whether two lists of URLs lead to the same places, by their texts or by what their hosts' names resolve to (etcd v3.6
/// `pkg/netutil/netutil.go`, `URLStringsEqual`).
struct URLComparison {
    /// The first address of a host.
    var resolve: (_ host: String) throws(NameResolver.Failure) -> String = NameResolver.address

    /// Why two lists are not the same, in etcd's words; nil if they are.
    func difference(_ left: [ServerURL], _ right: [ServerURL]) -> String? {
        let (left, right) = (left.sorted { $0.text < $1.text }, right.sorted { $0.text < $1.text })
        guard left.count == right.count else { return "len(\(quoted(left))) != len(\(quoted(right)))" }
        if left.map(\.text) == right.map(\.text) { return nil }
        do throws(NameResolver.Failure) {
            let (resolvedLeft, resolvedRight) = (try resolved(left), try resolved(right))
            if resolvedLeft == resolvedRight { return nil }
            return "resolved urls: \(quoted(resolvedLeft)) != \(quoted(resolvedRight))"
        } catch {
            return "\(error)"
        }
    }

    private func resolved(_ urls: [ServerURL]) throws(NameResolver.Failure) -> [String] {
        var texts: [String] = []
        for url in urls {
            guard !url.isSocketPath, url.host != "localhost", !ListenAddress.isNumeric(host: url.host) else {
                texts.append(url.text)
                continue
            }
            let address = try resolve(url.host)
            let host = address.contains(":") ? "[\(address)]" : address
            texts.append("\(url.scheme.rawValue)://\(host):\(url.port)")
        }
        return texts.sorted()
    }

    private func quoted(_ urls: [ServerURL]) -> String { quoted(urls.map(\.text)) }

    private func quoted(_ texts: [String]) -> String {
        "[" + texts.map(GoText.quoted).joined(separator: " ") + "]"
    }
}
