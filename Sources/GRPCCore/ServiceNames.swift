internal import Primitives

/// The services a server has, to tell a client that calls something else which part of the name is wrong.
///
/// Texts and rules are those of grpc-go (`server.go`, `handleStream`).
struct ServiceNames {
    private let names: Set<Bytes>

    /// The services of methods given by their paths, `/service/method`.
    init(paths: [String]) {
        names = Set(paths.map { Self.split(Bytes(text: $0))?.service ?? [] })
    }

    /// What to answer to a call of a path that is not registered.
    func refusal(ofPath path: Bytes) -> EtcdError {
        guard let (service, method) = Self.split(path) else {
            return EtcdError(.unimplemented, "malformed method name: \(Self.quoted(path))")
        }
        if names.contains(service) {
            return EtcdError(.unimplemented, "unknown method \(method.text) for service \(service.text)")
        }
        return EtcdError(.unimplemented, "unknown service \(service.text)")
    }

    /// What stands before and after the last slash, less one leading slash; nil if there is no other.
    private static func split(_ path: Bytes) -> (service: Bytes, method: Bytes)? {
        let slash = UInt8(ascii: "/")
        let name = path.first == slash ? path.dropFirst() : path[...]
        guard let last = name.lastIndex(of: slash) else { return nil }
        return (Bytes(name[..<last]), Bytes(name[(last + 1)...]))
    }

    /// The text as Go's `%q` shows it. HTTP/2 lets only printable characters into a path, of which two are escaped.
    private static func quoted(_ path: Bytes) -> String {
        var quoted = "\""
        for character in path.text {
            if character == "\"" || character == "\\" { quoted.append("\\") }
            quoted.append(character)
        }
        return quoted + "\""
    }
}
