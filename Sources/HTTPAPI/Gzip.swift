internal import CGRPCShim
internal import Primitives

/// Compression of answers, and whether a client takes it.
enum Gzip {
    /// The data compressed, at zlib's fastest; nil if that cannot be had.
    static func compress(_ data: Bytes) -> Bytes? {
        var length = -1
        let compressed = unsafe Bytes(unsafeUninitializedCapacity: martlet_gzip_bound(data.count)) { output, count in
            length = unsafe data.withUnsafeBufferPointer { input in
                unsafe martlet_gzip(input.baseAddress, input.count, output.baseAddress, output.count)
            }
            count = max(0, length)
        }
        return length < 0 ? nil : compressed
    }

    /// Whether a client that sent these values of `Accept-Encoding` takes gzip (RFC 9110, section 12.5.3).
    static func isAccepted(by values: [String]) -> Bool {
        values.joined(separator: ",").split(separator: ",").contains { coding in
            let parts = coding.lowercased().split(separator: ";").map { $0.filter { $0 != " " && $0 != "\t" } }
            guard parts.first == "gzip" else { return false }
            // A weight of nothing but zeros is a refusal.
            return !parts.dropFirst().contains { part in
                part.hasPrefix("q=0") && part.dropFirst(2).allSatisfy { $0 == "0" || $0 == "." }
            }
        }
    }
}
