import Foundation
import Simulation
import Testing

@testable import martlet_sim

/// What goes between the program and its child processes.
@Suite struct RunRequestTests {
    @Test func linesAreReadAsTheyWereWritten() throws {
        let plain = RunRequest(.member, 17)
        #expect(plain.line == "member 17 - plain")
        #expect(RunRequest(line: plain.line) == plain)
        let told = RunRequest(.cluster, .max, try #require(Overrides("members=3,faults.crash=0")), isTold: true)
        #expect(told.line == "cluster 18446744073709551615 members=3,faults.crash=0 told")
        #expect(RunRequest(line: told.line) == told)
        for line in ["", "member 17 -", "castle 17 - plain", "member x - plain", "member 1 = plain", "member 1 - loud"]
        {
            #expect(RunRequest(line: line) == nil)
        }
    }

    @Test func aPersonIsToldTheCommand() throws {
        let request = RunRequest(.cluster, 5, try #require(Overrides("members=3")), isTold: true)
        #expect(request.command(canary: nil) == "martlet-sim --kind cluster --seed 5 --overrides members=3")
        #expect(RunRequest(.member, 5).command(canary: "a") == "martlet-sim --kind member --seed 5 --canary a")
    }

    @Test func reportsAreReadAsTheyWereWritten() throws {
        let (encoder, decoder) = (JSONEncoder(), JSONDecoder())
        var report = Worker.run(RunRequest(.member, 3, try #require(Overrides("requests=20,crashes=1"))))
        #expect(report.failure == nil && report.outcome?.operationCount == 20 && report.processorNanoseconds > 0)
        report.marks = ["a": 2]
        #expect(try decoder.decode(RunReport.self, from: encoder.encode(report)) == report)
        let failed = RunReport(RunRequest(.member, 3), failure: .init("a \"rule\"\n is broken", trace: ["1 x", "2 y"]))
        #expect(try decoder.decode(RunReport.self, from: encoder.encode(failed)) == failed)
        #expect(!(try encoder.encode(failed)).contains(UInt8(ascii: "\n")))
    }

    @Test func anOverrideThatThereIsNotFailsTheRun() throws {
        let report = Worker.run(RunRequest(.member, 3, try #require(Overrides("castles=20"))))
        #expect(report.failure?.text.hasPrefix("no setting castles; there are requests") == true)
    }

    @Test func failuresOfOneSortDifferInNumbersAndNamesAlone() {
        let failure = RunReport.Failure("index 17 was applied, which no quorum holds")
        #expect(failure.sort == RunReport.Failure("index 4 of another").sort)
        #expect(failure.sort != RunReport.Failure("the member does not start: x").sort)
        #expect(RunReport.Failure("7 leases are left").sort == "7 leases are left")
    }
}
