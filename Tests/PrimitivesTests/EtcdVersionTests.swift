import Primitives
import Testing

@Suite struct EtcdVersionTests {
    @Test func readsWhatEtcdWrites() {
        #expect(EtcdVersion("3.6.14") == EtcdVersion(major: 3, minor: 6, patch: 14))
        #expect(EtcdVersion("3.8.0-alpha.0") == EtcdVersion(major: 3, minor: 8))
        #expect(EtcdVersion("3.6.0")?.description == "3.6.0")
    }

    @Test(arguments: ["", "3", "3.6", "3.6.x", "3.6.0.1", "-3.6.0", "3..0", "3.6.+1", "3.6.99999999999999999999"])
    func refusesWhatIsNoVersion(text: String) {
        #expect(EtcdVersion(text) == nil)
    }

    @Test func ordersByNumberNotByText() {
        #expect(EtcdVersion(major: 3, minor: 6, patch: 9) < EtcdVersion(major: 3, minor: 6, patch: 14))
        #expect(EtcdVersion.presented.release < EtcdVersion(major: 3, minor: 10))
    }
}
