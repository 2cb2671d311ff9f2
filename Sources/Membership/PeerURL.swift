package import Primitives

/// A URL at which a member is reached by the others, as etcd reads those that a client adds: `http://host:port` or
/// `https://host:port` without a path, or any `unix:` or `unixs:` (etcd v3.6 `client/pkg/types/urls.go`; what is a URL at
/// all, and how it is written, is Go's `net/url`).
package struct PeerURL: Equatable, Sendable {
    /// As Go writes it: the scheme in small letters, and what is not ASCII in the host escaped.
    package let text: Bytes

    /// Reads one; nil if it is none.
    package init?(_ text: Bytes) {
        let trimmed = Self.trimmed(text)
        guard trimmed.allSatisfy({ $0 >= 0x20 && $0 != 0x7f }) else { return nil }
        let (beforeFragment, fragment) = Self.cut(trimmed[...], at: UInt8(ascii: "#"))
        guard Self.isWellEscaped(fragment ?? []), let colon = beforeFragment.firstIndex(of: UInt8(ascii: ":")),
            let scheme = Self.scheme(beforeFragment[..<colon])
        else { return nil }
        let afterScheme = beforeFragment[(colon + 1)...]
        switch scheme.text {
        case "http", "https":
            let (hierarchy, _) = Self.cut(afterScheme, at: UInt8(ascii: "?"))
            let rest = afterScheme[hierarchy.endIndex...]
            guard let authority = Self.authority(hierarchy) else { return nil }
            self.text = scheme + Bytes(text: "://") + authority + rest + (fragment.map { Bytes(text: "#") + $0 } ?? [])
        case "unix", "unixs":
            guard Self.isWellEscaped(Self.cut(afterScheme, at: UInt8(ascii: "?")).before) else { return nil }
            self.text = scheme + trimmed[colon...]
        default:
            return nil
        }
    }

    /// Reads the URLs of a member to be added, and answers them as they are kept, in order.
    package static func list(_ texts: [Bytes]) throws(EtcdError) -> [Bytes] {
        let urls = texts.compactMap { PeerURL($0)?.text }
        guard !urls.isEmpty, urls.count == texts.count else { throw .memberBadURLs }
        return urls.sorted { $0.precedes($1) }
    }

    // MARK: Parts

    private static func trimmed(_ text: Bytes) -> Bytes {
        func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || (0x09...0x0d).contains(byte) }
        guard let first = text.firstIndex(where: { !isSpace($0) }), let last = text.lastIndex(where: { !isSpace($0) })
        else { return [] }
        return Bytes(text[first...last])
    }

    private static func cut(
        _ text: ArraySlice<UInt8>, at separator: UInt8
    ) -> (before: ArraySlice<UInt8>, after: ArraySlice<UInt8>?) {
        guard let position = text.firstIndex(of: separator) else { return (text, nil) }
        return (text[..<position], text[(position + 1)...])
    }

    private static func isLetter(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20)
    }

    private static func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }

    private static func hexadecimalValue(_ byte: UInt8) -> UInt8? {
        isDigit(byte)
            ? byte - UInt8(ascii: "0")
            : (UInt8(ascii: "a")...UInt8(ascii: "f")).contains(byte | 0x20)
                ? (byte | 0x20) - UInt8(ascii: "a") + 10 : nil
    }

    private static func scheme(_ text: ArraySlice<UInt8>) -> Bytes? {
        guard let first = text.first, isLetter(first),
            text.allSatisfy({ isLetter($0) || isDigit($0) || "+-.".utf8.contains($0) })
        else { return nil }
        return text.map { isLetter($0) ? $0 | 0x20 : $0 }
    }

    /// Whether every `%` begins the escape of a byte.
    private static func isWellEscaped(_ text: ArraySlice<UInt8>) -> Bool {
        text.indices.allSatisfy { position in
            text[position] != UInt8(ascii: "%") || escapedByte(text, at: position) != nil
        }
    }

    private static func escapedByte(_ text: ArraySlice<UInt8>, at position: Int) -> UInt8? {
        guard position + 2 < text.endIndex, let high = hexadecimalValue(text[position + 1]),
            let low = hexadecimalValue(text[position + 2])
        else { return nil }
        return high << 4 | low
    }

    // MARK: Host and port

    /// What stands behind the scheme's colon, if it is `//`, perhaps a user, a host and a port, and no path.
    private static func authority(_ hierarchy: ArraySlice<UInt8>) -> Bytes? {
        guard hierarchy.starts(with: "//".utf8) else { return nil }
        let authority = hierarchy.dropFirst(2)
        guard !authority.contains(UInt8(ascii: "/")) else { return nil }
        guard let at = authority.lastIndex(of: UInt8(ascii: "@")) else { return host(authority) }
        let user = authority[..<at]
        guard isWellEscaped(user),
            user.allSatisfy({ isLetter($0) || isDigit($0) || "-._:~!$&'()*+,;=%@".utf8.contains($0) }),
            let host = host(authority[(at + 1)...])
        else { return nil }
        return user + [UInt8(ascii: "@")] + host
    }

    /// `name:port` or `[address]:port`, where the port may be empty; nil if it is neither.
    private static func host(_ text: ArraySlice<UInt8>) -> Bytes? {
        guard let colon = text.lastIndex(of: UInt8(ascii: ":")), text[(colon + 1)...].allSatisfy(isDigit) else {
            return nil
        }
        var name = text[..<colon]
        var isAddress = false
        if name.first == UInt8(ascii: "[") {
            guard name.last == UInt8(ascii: "]"), name.count > 1 else { return nil }
            name = name.dropFirst().dropLast()
            isAddress = true
        } else if name.contains(UInt8(ascii: ":")) {
            return nil
        }
        guard !name.contains(UInt8(ascii: "[")), !name.contains(UInt8(ascii: "]")),
            let escaped = escapedHost(name, isAddress: isAddress)
        else { return nil }
        return isAddress
            ? [UInt8(ascii: "[")] + escaped + [UInt8(ascii: "]")] + text[colon...] : escaped + text[colon...]
    }

    /// A host's name with what is not ASCII escaped. Escapes of ASCII are not allowed in it, but for the `%25` before the
    /// zone of an address.
    private static func escapedHost(_ name: ArraySlice<UInt8>, isAddress: Bool) -> Bytes? {
        var escaped: Bytes = []
        var position = name.startIndex
        while position < name.endIndex {
            var byte = name[position]
            if byte == UInt8(ascii: "%") {
                guard let value = escapedByte(name, at: position) else { return nil }
                guard value >= 0x80 || (isAddress && value == UInt8(ascii: "%")) else { return nil }
                byte = value
                position += 2
            } else if byte < 0x80 {
                guard isLetter(byte) || isDigit(byte) || "-_.~!$&'()*+,;=:<>\"".utf8.contains(byte) else { return nil }
            }
            position += 1
            if byte < 0x80 && byte != UInt8(ascii: "%") {
                escaped.append(byte)
            } else {
                escaped += Bytes(text: "%" + (byte < 0x10 ? "0" : "") + String(byte, radix: 16, uppercase: true))
            }
        }
        return escaped
    }
}
