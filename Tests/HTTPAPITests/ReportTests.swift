import EtcdMessages
import Primitives
import Testing

@testable import HTTPAPI

@Suite struct ReportTests {
    @Test func versionsThatAreNotKnownYetAreSaidToBeSo() {
        let server = EtcdVersion(major: 3, minor: 6, patch: 14)
        let decided = VersionReport(server: server, cluster: server.release, storage: server.release).response
        #expect(decided.body == #"{"etcdserver":"3.6.14","etcdcluster":"3.6.0","storage":"3.6.0"}"#)
        #expect(decided.status == 200 && decided.fields == [HTTPResponse.json])
        let early = VersionReport(server: server, cluster: nil, storage: nil).response
        #expect(early.body == #"{"etcdserver":"3.6.14","etcdcluster":"not_decided","storage":"unknown"}"#)
    }

    @Test func alarmsCountUnlessExcluded() {
        func problem(_ alarms: [AlarmType], excluding: [String] = []) -> String? {
            HealthReport.problem(HealthQuestion(excludedAlarms: excluding), alarms: alarms, hasLeader: true)
        }
        #expect(problem([]) == nil)
        #expect(problem([.noSpace]) == "ALARM NOSPACE")
        #expect(problem([.corrupt, .noSpace]) == "ALARM CORRUPT")
        #expect(problem([AlarmType(rawValue: 9)]) == "ALARM UNKNOWN")
        #expect(problem([.noSpace], excluding: ["NOSPACE"]) == nil)
        #expect(problem([.noSpace], excluding: ["nospace", "", "CORRUPT"]) == "ALARM NOSPACE")
        #expect(problem([.noSpace, .corrupt], excluding: ["NOSPACE"]) == "ALARM CORRUPT")
        #expect(problem([AlarmType(rawValue: 9)], excluding: ["9"]) == nil)
    }

    @Test func aLeaderIsMissedUnlessTheReadIsSerializable() {
        #expect(
            HealthReport.problem(HealthQuestion(isSerializable: false), alarms: [], hasLeader: false)
                == "RAFT NO LEADER")
        #expect(HealthReport.problem(HealthQuestion(isSerializable: true), alarms: [], hasLeader: false) == nil)
    }

    @Test func aReadRefusedForWantOfRightsIsHealthy() {
        #expect(HealthReport.problem(nil) == nil)
        #expect(HealthReport.problem(.userEmpty) == nil)
        #expect(HealthReport.problem(.permissionDenied) == nil)
        #expect(HealthReport.problem(.timeout) == "RANGE ERROR:etcdserver: request timed out")
    }

    @Test func onlyTheUnhealthyBodyEndsWithALineFeed() {
        let healthy = HealthReport(reason: nil).response
        #expect(healthy.status == 200 && healthy.body == #"{"health":"true","reason":""}"#)
        #expect(healthy.fields == [HTTPResponse.plainText])
        let unhealthy = HealthReport(reason: #"RANGE ERROR:"<x>""#).response
        #expect(unhealthy.status == 503)
        #expect(
            unhealthy.body == #"{"health":"false","reason":"RANGE ERROR:\"\u003cx\u003e\""}"# + "\n")
        #expect(unhealthy.fields == [HTTPResponse.plainText, HTTPResponse.noSniffing])
    }

    @Test func checksAreListedOnRequestOrWhenOneFails() {
        let good = CheckReport.Outcome(check: .serializableRead, failure: nil)
        let bad = CheckReport.Outcome(check: .dataCorruption, failure: "alarm activated: CORRUPT")
        func response(_ outcomes: [CheckReport.Outcome], _ isVerbose: Bool) -> HTTPResponse {
            CheckReport(outcomes: outcomes, isVerbose: isVerbose).response
        }
        #expect(response([], false).body == "ok\n")
        #expect(response([], true).body == "ok\n")
        #expect(response([good], false).body == "ok\n")
        #expect(response([good], true).body == "[+]serializable_read ok\nok\n")
        for isVerbose in [false, true] {
            let failed = response([bad, good], isVerbose)
            #expect(failed.status == 503)
            #expect(
                failed.body
                    == "[-]data_corruption failed: alarm activated: CORRUPT\n[+]serializable_read ok\n\n")
        }
    }

    @Test func aReasonIsQuotedAsGoQuotesIt() {
        let report = HealthReport(reason: "a\"\\\n\r\t\u{8}\u{c}\u{1}/é\u{2028}&")
        #expect(report.response.body.contains(#""a\"\\\n\r\t\b\f\u0001/é\u2028\u0026""#))
    }

    @Test(arguments: [
        (0, "Thu, 01 Jan 1970 00:00:00 GMT"), (784_111_777, "Sun, 06 Nov 1994 08:49:37 GMT"),
        (951_782_399, "Mon, 28 Feb 2000 23:59:59 GMT"), (951_782_400, "Tue, 29 Feb 2000 00:00:00 GMT"),
        (951_868_800, "Wed, 01 Mar 2000 00:00:00 GMT"), (1_735_689_599, "Tue, 31 Dec 2024 23:59:59 GMT"),
        (4_107_542_400, "Mon, 01 Mar 2100 00:00:00 GMT"),
    ])
    func datesAreThoseOfTheCalendar(_ seconds: Int, _ text: String) {
        #expect(HTTPDate.text(unixSeconds: seconds) == text)
    }
}
