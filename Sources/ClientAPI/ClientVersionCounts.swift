package import Primitives

/// How many calls came from clients of which version, by what they say themselves (`client-api-version`; etcd v3.6
/// `server/etcdserver/api/v3rpc/interceptor.go`).
///
/// etcd keeps a number for whatever a client says. Here a client cannot fill the memory: versions beyond a bound, and long
/// ones, count together.
package struct ClientVersionCounts: Sendable {
    /// The calls from clients of one version.
    package struct Version: Sendable {
        package let name: Bytes
        package fileprivate(set) var unaryCount: UInt64 = 0
        package fileprivate(set) var streamCount: UInt64 = 0
    }

    package private(set) var versions: [Version] = []
    /// The version of the last call: that of the next, most likely.
    private var last = 0

    static let maxVersionCount = 64
    static let maxNameByteCount = 64
    /// Of a client that says none.
    static let unknown = Bytes(text: "unknown")
    /// Of those beyond the bound.
    static let other = Bytes(text: "other")

    /// Counts a call. Answers whether its version is text, as it must be.
    mutating func count(_ name: RawSpan, isStream: Bool) -> Bool {
        if last >= versions.count || !isEqual(name, versions[last].name) {
            let copy = name.byteCount > Self.maxNameByteCount ? Self.other : Bytes(copying: name)
            guard String(validating: copy, as: UTF8.self) != nil else { return false }
            last = place(of: copy)
        }
        countLast(isStream: isStream)
        return true
    }

    /// Counts a call of a client that says no version.
    mutating func countUnknown(isStream: Bool) {
        if last >= versions.count || versions[last].name != Self.unknown { last = place(of: Self.unknown) }
        countLast(isStream: isStream)
    }

    @inline(__always)
    private mutating func countLast(isStream: Bool) {
        if isStream { versions[last].streamCount &+= 1 } else { versions[last].unaryCount &+= 1 }
    }

    private mutating func place(of name: Bytes) -> Int {
        if let known = versions.firstIndex(where: { $0.name == name }) { return known }
        if versions.count >= Self.maxVersionCount && name != Self.other { return place(of: Self.other) }
        versions.append(Version(name: name))
        return versions.count - 1
    }

    @inline(__always)
    private func isEqual(_ span: RawSpan, _ bytes: Bytes) -> Bool {
        unsafe span.withUnsafeBytes { left in
            unsafe bytes.withUnsafeBytes { right in unsafe left.elementsEqual(right) }
        }
    }
}
