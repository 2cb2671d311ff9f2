import Membership
import Primitives
import Testing

/// What is a peer URL, and how it is kept: as Go's `net/url` and etcd's `types.NewURLs` have it.
@Suite struct PeerURLTests {
    @Test(arguments: [
        ("http://127.0.0.1:2380", "http://127.0.0.1:2380"), ("https://a.example:1", "https://a.example:1"),
        ("HTTP://Host:1", "http://Host:1"), ("  http://a:1\t\n", "http://a:1"), ("http://:2380", "http://:2380"),
        ("http://a:", "http://a:"), ("http://a:99999", "http://a:99999"), ("http://[::1]:2380", "http://[::1]:2380"),
        ("http://[fe80::1%25eth0]:1", "http://[fe80::1%25eth0]:1"), ("http://u:p@a:1", "http://u:p@a:1"),
        ("http://a:1?x=y", "http://a:1?x=y"), ("http://a:1?", "http://a:1?"), ("http://a:1#f%20", "http://a:1#f%20"),
        ("http://caf\u{e9}:1", "http://caf%C3%A9:1"), ("http://caf%c3%a9:1", "http://caf%C3%A9:1"),
        ("unix://localhost:m1", "unix://localhost:m1"), ("unix:relative/path", "unix:relative/path"),
        ("unixs:///run/m1.sock?a", "unixs:///run/m1.sock?a"),
    ])
    func kept(text: String, as kept: String) {
        #expect(PeerURL(Bytes(text: text))?.text.text == kept)
    }

    @Test(arguments: [
        "", " ", "x", "nonsense", "127.0.0.1:12380", "http://", "http://127.0.0.1", "http://127.0.0.1:1/path",
        "http://a:1/", "ftp://127.0.0.1:1", "http://%zz:1", "http://%41:1", "http://a:port", "http://a:1:2",
        "http://::1:2", "http://[::1]", "http://[::1:2", "http://[]x:1", "http://a b:1", "http://a\\b:1", "http:a:1",
        "http:///a:1", "http://a:1#%z", "http://u[@a:1", "http://a\u{1}:1", "1http://a:1", ":http://a:1", "://a:1",
        "unix:%zz", "http://[a%41]:1", "http://%e4%:1",
    ])
    func refused(text: String) {
        #expect(PeerURL(Bytes(text: text)) == nil)
        #expect(throws: EtcdError.memberBadURLs) { try PeerURL.list([Bytes(text: text)]) }
    }

    @Test func listsAreKeptInOrder() throws {
        let list = ["http://b:1", "http://a:2", "HTTP://a:1"].map { Bytes(text: $0) }
        #expect(try PeerURL.list(list).map(\.text) == ["http://a:1", "http://a:2", "http://b:1"])
        #expect(throws: EtcdError.memberBadURLs) { try PeerURL.list([]) }
        #expect(throws: EtcdError.memberBadURLs) { try PeerURL.list([Bytes(text: "http://b:1"), Bytes(text: "x")]) }
    }
}
