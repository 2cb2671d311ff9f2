import Testing

@testable import HTTPAPI

@Suite struct HTTPRequestTests {
    private func path(_ target: String) -> String? { HTTPRequest(method: "GET", target: target)?.path }

    @Test func targetsArePathsOrURLs() {
        #expect(path("/version") == "/version")
        #expect(path("/version?x=/health") == "/version")
        #expect(path("/%76ersion") == "/version")
        #expect(path("/a%2Fb+c") == "/a/b+c")
        #expect(path("http://b:2379/version") == "/version")
        #expect(path("HTTPS://b/version?x") == "/version")
        #expect(path("http://b") == "/")
        #expect(path("http://b?x=1") == "/")
        #expect(path("//version") == "//version")
        for bad in ["", "version", "*", "b:80", "/%", "/%7", "/%zz", "/%7g", "?x", "ftp://b/version"] {
            #expect(path(bad) == nil, "\(bad)")
        }
    }

    @Test func bytesThatAreNoTextMatchNothing() {
        #expect(path("/%ff%00version") == "/\u{fffd}\0version")
    }

    @Test func queriesAreReadAsGoReadsThem() {
        let query = HTTPQuery("exclude=A&x&exclude=b%20c+d&=y&%zz=1&v=%q&a;b=2&k=1=2&&e=")
        #expect(query.values(of: "exclude") == ["A", "b c d"])
        #expect(query.contains("x") && query.values(of: "x") == [""])
        #expect(query.values(of: "") == ["y"])
        #expect(!query.contains("v"))
        #expect(!query.contains("a;b") && !query.contains("%zz") && !query.contains("zz"))
        #expect(query.values(of: "k") == ["1=2"])
        #expect(query.values(of: "e") == [""])
        #expect(!HTTPQuery("").contains(""))
    }
}
