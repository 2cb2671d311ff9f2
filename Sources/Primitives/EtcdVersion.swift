/// A version of etcd: the one Martlet presents itself as, or one found in a file or told by a peer.
///
/// What etcd decides by version (which capabilities a cluster has, which schema a file has) goes by major and minor alone.
package struct EtcdVersion: Hashable, Comparable, Sendable, CustomStringConvertible {
    package var major: Int
    package var minor: Int
    package var patch: Int

    package init(major: Int, minor: Int, patch: Int = 0) {
        self.major = major
        self.minor = minor
        self.patch = patch
    }

    /// Reads a version such as `3.6.0` or `3.6.0-rc.1`; nil if the text is none.
    package init?(_ text: String) {
        let release = text.prefix { $0 != "-" && $0 != "+" }
        let parts = release.split(separator: ".", omittingEmptySubsequences: false).map { part in
            part.utf8.allSatisfy { (0x30...0x39).contains($0) } && part.utf8.count <= 9 ? Int(part) : nil
        }
        guard parts.count == 3, let major = parts[0], let minor = parts[1], let patch = parts[2] else { return nil }
        self.init(major: major, minor: minor, patch: patch)
    }

    /// The etcd that clients and peers take Martlet for: the widest safe choice, at home beside 3.5, 3.6 and 3.7.
    package static let presented = EtcdVersion(major: 3, minor: 6, patch: 14)

    /// The etcd of the next release that Martlet can be taken for: its formats are the same.
    package static let presented37 = EtcdVersion(major: 3, minor: 7, patch: 1)

    /// The newest release whose data directories are read: its formats are those of 3.6.
    package static let newestReadable = EtcdVersion(major: 3, minor: 7)

    /// The same major and minor with patch 0, which is how clusters and files are versioned.
    package var release: EtcdVersion { EtcdVersion(major: major, minor: minor) }

    package static func < (left: EtcdVersion, right: EtcdVersion) -> Bool {
        (left.major, left.minor, left.patch) < (right.major, right.minor, right.patch)
    }

    package var description: String { "\(major).\(minor).\(patch)" }
}
