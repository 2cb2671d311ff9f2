internal import CPlatform
internal import Glibc
internal import Primitives

/// The system's resolver of names.
package enum NameResolver {
    /// Why a name could not be resolved, in the words of Go's resolver.
    package struct Failure: Error, Equatable, CustomStringConvertible {
        package let description: String

        package init(_ description: String) {
            self.description = description
        }
    }

    /// Asks DNS for the records of a service, such as `_etcd-server._tcp.example.com`. Waits for the answer, for as long as
    /// resolv.conf says.
    package static func services(_ name: String) throws(Failure) -> [ServiceRecord] {
        // No message of DNS is greater.
        var answer = Bytes(repeating: 0, count: 65_535)
        var error: Int32 = 0
        let length = unsafe martlet_query_names(
            name, Int32(ServiceRecord.type), &answer, Int32(answer.count), &error)
        guard length >= 0 else {
            // The numbers of <netdb.h>, of which the last means that the name has no record of this type.
            let reason =
                switch error {
                case 1, 4: "no such host"
                case 2: "server misbehaving"
                default: "the name server failed"
                }
            throw Failure("lookup \(name): \(reason)")
        }
        guard let records = ServiceRecord.list(answer: Bytes(answer[..<Int(length)])) else {
            throw Failure("lookup \(name): cannot unmarshal DNS message")
        }
        guard !records.isEmpty else { throw Failure("lookup \(name): no such host") }
        return records
    }

    /// The first address of a host, in numbers; an address is its own.
    package static func address(of host: String) throws(Failure) -> String {
        var text = [CChar](repeating: 0, count: Int(NI_MAXHOST))
        let error = unsafe martlet_resolve_host(host, &text, Int32(text.count))
        guard error == 0 else {
            let reason = unsafe gai_strerror(error).map { unsafe String(cString: $0) } ?? "no such host"
            throw Failure("lookup \(host): \(error == EAI_NONAME ? "no such host" : reason)")
        }
        return String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}
