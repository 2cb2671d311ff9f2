import Environment
import EtcdMessages
import Linearizability
import Primitives
import Testing

/// The file that a history is recorded in.
@Suite struct HistoryReaderTests {
    @Test func whatIsWrittenIsReadAgain() throws {
        var entropy = SeededEntropy(seed: 1)
        var history = RandomHistory(operationCount: 60, unknownPercent: 30).make(&entropy)
        var store = PlainStore()
        _ = store.apply(Ask.put("a", "1"))
        history.startRevision = store.revision
        history.startRecords = store.records
        history.operations[0].outcome = .failed
        var request = WatchCreateRequest()
        request.key = Bytes(text: "k")
        var watch = RecordedWatch(number: 4, request: request)
        var response = WatchResponse()
        response.created = true
        watch.responses = [RecordedWatch.Response(response), RecordedWatch.Response(response, at: 9)]
        watch.completeRevision = 17
        history.watches = [watch]
        #expect(try History(reading: history.recorded) == history)
    }

    @Test func aLineOfTheDocumentationIsUnderstood() throws {
        let text = """
            {"client": 3, "op": "Put", "call": 1000, "return": 2000, "request": "0a016b120176", "response": "0a021802"}

            {"client": 4, "op": "DeleteRange", "call": 3000, "outcome": "failed", "request": "0A016B"}
            """
        let history = try History(reading: Bytes(text: text))
        #expect(history.operations.count == 2)
        guard case .linearizable = LinearizabilityChecker().check(history) else {
            Issue.record("not linearizable")
            return
        }
    }

    @Test(arguments: [
        ("{}", "start is missing"),
        ("[]", "no object"),
        ("{", "JSON"),
        (#"{"op":"Put","call":1,"request":"0a016b"}"#, "return is missing"),
        (#"{"op":"Put","call":5,"return":1,"request":"0a016b","response":"0a021802"}"#, "returns before"),
        (#"{"op":"Put","call":1,"return":2,"request":"0a016b","response":""}"#, "no header"),
        (#"{"op":"Put","call":1,"outcome":"unknown","request":"0a016"}"#, "hexadecimal"),
        (#"{"op":"Put","call":1,"outcome":"unknown","request":"ffff"}"#, "no PutRequest"),
        (#"{"op":"Put","call":-1,"outcome":"unknown","request":""}"#, "no time"),
        (#"{"op":"Put","call":1,"outcome":"perhaps","request":""}"#, "neither"),
        (#"{"op":"Move","call":1,"outcome":"unknown","request":""}"#, "unknown operation Move"),
        (#"{"op":"Put","call":1,"outcome":"unknown","request":"","colour":1}"#, "unknown field colour"),
        (#"{"op":"Put","op":"Put","call":1,"outcome":"unknown","request":""}"#, "twice"),
        (#"{"op":"Range","call":1,"outcome":"unknown","request":"2801"}"#, "not judged"),
        (#"{"watch":1,"response":""}"#, "was not asked for"),
        (#"{"start":""}"#, "no revision"),
    ])
    func whatIsNoHistoryIsRefused(line: String, words: String) {
        #expect {
            _ = try History(reading: Bytes(text: line))
        } throws: { error in
            "\(error)".contains(words) && "\(error)".contains("line 1")
        }
    }
}
