import EtcdMessages
import Metrics
import Node
import Primitives
import Testing

@testable import HTTPAPI

/// A member whose reads are answered when the test says so.
private final class TestMember: HTTPMember {
    var versions = VersionReport(server: EtcdVersion(major: 3, minor: 6, patch: 14), cluster: nil, storage: nil)
    var activeAlarms: [AlarmType] = []
    var hasLeader = true
    var isLearner = false
    var reads: [(isSerializable: Bool, token: RequestToken)] = []

    func probe(isSerializable: Bool, _ token: RequestToken) { reads.append((isSerializable, token)) }
}

@Suite struct HTTPServicesTests {
    private let member = TestMember()
    private let services: HTTPServices
    private let given = Mutexed<[HTTPResponse]>([])

    init() { services = HTTPServices(member: member) { _ in { [] } } }

    private func ask(_ question: HTTPQuestion) {
        let given = given
        services.ask(HTTPCall(question) { response in given.update { $0.append(response) } })
    }

    private var success: Result<Reply, EtcdError> { .success(Reply(revision: 1, body: [])) }

    @Test func theVersionIsAnsweredAtOnce() {
        ask(.version)
        #expect(given.value.map(\.body) == [member.versions.response.body])
        #expect(member.reads.isEmpty)
    }

    @Test func healthIsAnsweredAfterItsRead() {
        for isSerializable in [false, true] {
            ask(.health(HealthQuestion(isSerializable: isSerializable)))
            let read = member.reads.removeLast()
            #expect(read.isSerializable == isSerializable)
            #expect(read.token.asker == .http)
            #expect(given.value.isEmpty)
            services.answer(read.token, success)
            #expect(given.update { $0.popLast() }?.status == 200)
        }
        ask(.health(HealthQuestion()))
        services.answer(member.reads.removeLast().token, .failure(.timeout))
        let answer = given.update { $0.popLast() }
        #expect(answer?.body == #"{"health":"false","reason":"RANGE ERROR:etcdserver: request timed out"}"# + "\n")
    }

    @Test func whatIsKnownToBeWrongNeedsNoRead() {
        member.hasLeader = false
        ask(.health(HealthQuestion()))
        member.activeAlarms = [.noSpace]
        ask(.health(HealthQuestion(isSerializable: true)))
        #expect(member.reads.isEmpty)
        #expect(given.value.map(\.status) == [503, 503])
    }

    @Test func checksAreAnsweredAfterTheLastOfTheirReads() throws {
        ask(.checks(HealthProbe.ready.checks, of: .ready, isVerbose: true))
        #expect(member.reads.map(\.isSerializable).sorted { $0 && !$1 } == [true, false])
        let serializable = try #require(member.reads.first { $0.isSerializable })
        let linearizable = try #require(member.reads.first { !$0.isSerializable })
        services.answer(serializable.token, success)
        #expect(given.value.isEmpty)
        member.activeAlarms = [.noSpace, .corrupt]
        member.isLearner = true
        services.answer(linearizable.token, .failure(.timeout))
        #expect(
            given.value.map(\.body) == [
                """
                [-]data_corruption failed: alarm activated: CORRUPT
                [+]serializable_read ok
                [-]linearizable_read failed: etcdserver: request timed out
                [-]non_learner failed: not supported for learner


                """
            ])
    }

    @Test func checksWithoutReadsAreAnsweredAtOnce() {
        ask(.checks([.dataCorruption, .nonLearner], of: .ready, isVerbose: true))
        ask(.checks([], of: .ready, isVerbose: true))
        #expect(member.reads.isEmpty)
        #expect(given.value.map(\.body) == ["[+]data_corruption ok\n[+]non_learner ok\nok\n", "ok\n"])
    }

    @Test func questionsDoNotGetEachOthersAnswers() {
        for number in 0..<10 {
            ask(.checks([.serializableRead, .linearizableRead], of: .ready, isVerbose: number % 2 == 0))
        }
        #expect(Set(member.reads.map(\.token)).count == 20)
        // Those of odd numbers fail.
        for (index, read) in member.reads.enumerated().reversed() {
            services.answer(read.token, index / 2 % 2 == 0 ? success : .failure(.timeout))
        }
        #expect(given.value.map(\.status) == (0..<10).reversed().map { $0 % 2 == 0 ? 200 : 503 })
    }

    @Test func aScrapeIsAnsweredWithWhatIsThere() {
        let services = HTTPServices(member: member) { counts in
            let scrapeCount = counts.scrapeCount
            return { [.counter("scrapes_total", "How often.", scrapeCount)] }
        }
        let given = given
        for _ in 0..<2 {
            services.ask(HTTPCall(.metrics(acceptsGzip: false)) { response in given.update { $0.append(response) } })
        }
        #expect(
            given.value.map(\.body)
                == (0..<2).map {
                    "# HELP scrapes_total How often.\n# TYPE scrapes_total counter\nscrapes_total \($0)\n"
                })
        let type = given.value.first?.fields.first
        #expect(type?.name == "Content-Type" && type?.value == "text/plain; version=0.0.4; charset=utf-8")
    }

    @Test func whatBecameOfProbesIsCounted() throws {
        ask(.health(HealthQuestion()))
        services.answer(member.reads.removeLast().token, success)
        ask(.health(HealthQuestion()))
        services.answer(member.reads.removeLast().token, .failure(.timeout))
        member.activeAlarms = [.corrupt]
        ask(.health(HealthQuestion()))
        #expect(services.counts.healthyCount == 1 && services.counts.unhealthyCount == 2)

        ask(.checks([.dataCorruption, .nonLearner], of: .ready, isVerbose: false))
        member.activeAlarms = []
        ask(.checks([.dataCorruption], of: .ready, isVerbose: false))
        ask(.checks([.serializableRead], of: .live, isVerbose: false))
        services.answer(member.reads.removeLast().token, success)
        let checks = services.counts.checks
        #expect(checks.map(\.check) == [.dataCorruption, .nonLearner, .serializableRead])
        #expect(checks.map(\.probe) == [.ready, .ready, .live])
        #expect(checks.map(\.successCount) == [1, 1, 1] && checks.map(\.failureCount) == [1, 0, 0])
        #expect(checks.map(\.lastSucceeded) == [true, true, true])
    }
}
