internal import Membership
internal import Node
internal import Primitives

/// The members that a cluster begins with, or has when it is joined: `name=URL,name=URL`, where a name that stands several
/// times has all its URLs (etcd v3.6 `client/pkg/types/urlsmap.go`).
struct InitialCluster: Equatable, CustomStringConvertible {
    struct Entry: Equatable {
        var name: String
        /// In the order of their texts.
        var urls: [ServerURL]
    }

    /// In the order of their names.
    private(set) var members: [Entry]

    /// A cluster of one member.
    init(name: String, urls: [ServerURL]) {
        members = [Entry(name: name, urls: Self.sorted(urls))]
    }

    /// Reads a list of members. Empty places in it do not count.
    init(parsing text: String) throws(BootstrapError) {
        var urls: [String: [ServerURL]] = [:]
        for part in text.split(separator: ",") {
            let pair = part.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
            do throws(FlagReason) {
                urls[pair[0], default: []].append(try ServerURL((pair.count == 2 ? pair[1] : "").trimmingSpaces()))
            } catch {
                throw BootstrapError("error setting up initial cluster: \(error.text)")
            }
        }
        members = urls.map { Entry(name: $0.key, urls: Self.sorted($0.value)) }.sorted { $0.name < $1.name }
    }

    private static func sorted(_ urls: [ServerURL]) -> [ServerURL] { urls.sorted { $0.text < $1.text } }

    /// The URLs of a member; nil if there is none of this name.
    func urls(of name: String) -> [ServerURL]? { members.first { $0.name == name }?.urls }

    /// The URLs of all but one member, in order.
    func urls(except name: String) -> [String] {
        members.filter { $0.name != name }.flatMap(\.urls).map(\.text).sorted()
    }

    /// Whether a URL stands twice.
    var hasDuplicateURL: Bool {
        let urls = members.flatMap(\.urls).map(\.text)
        return Set(urls).count < urls.count
    }

    /// The members with their URLs as etcd writes them, from which their ids are made.
    var initialMembers: [InitialMember] {
        members.map { entry in
            InitialMember(
                name: entry.name, peerURLs: entry.urls.map { PeerURL(Bytes(text: $0.text))?.text.text ?? $0.text })
        }
    }

    /// As `--initial-cluster` would be given it.
    var description: String {
        members.flatMap { entry in entry.urls.map { "\(entry.name)=\($0.text)" } }.sorted().joined(separator: ",")
    }
}
