import Primitives
import Testing

@Suite struct JSONTests {
    private func parse(_ text: String) throws -> JSONValue {
        try JSONValue.parse(Bytes(text: text))
    }

    private func rewritten(_ text: String) throws -> String {
        try parse(text).encoded().text
    }

    @Test(arguments: [
        "null", "true", "false", "0", "-0", "18446744073709551615", "-9223372036854775808", "1.5e+10", "\"\"", "[]",
        "{}",
        "[1,[2,[]],{}]", #"{"b":1,"a":{"c":[null]},"b":2}"#, #""\b\f\n\r\t\"\\\u0000\u001f""#, "\"\u{7f}é€😀\"",
        #""\u003c\u003e\u0026\u2028\u2029""#,
        #"{"id":17623282757708193879,"peerURLs":["http://127.0.0.1:34791"],"name":"s1"}"#,
    ])
    func canonicalTextIsKept(_ text: String) throws {
        #expect(try rewritten(text) == text)
    }

    @Test(arguments: [
        (" [ 1 ,\t2\r\n] ", "[1,2]"), (#""\/\u0041\u00e9""#, "\"/Aé\""), (#""\ud83d\ude00\uD83D\uDE00""#, "\"😀😀\""),
        (#""\ud83d""#, "\"\u{fffd}\""), (#""\ude00x""#, "\"\u{fffd}x\""), (#""\ud83d\u0041""#, "\"\u{fffd}A\""),
        (#""\ud83d\ud83d\ude00""#, "\"\u{fffd}😀\""), (#""<&>""#, #""\u003c\u0026\u003e""#),
    ])
    func otherTextIsMadeCanonical(_ text: String, _ canonical: String) throws {
        #expect(try rewritten(text) == canonical)
    }

    @Test(arguments: [
        "", " ", "nul", "tru", "falsey", "01", "-", "1.", ".5", "1e", "+1", "NaN", "\"", "\"\\", "\"\\x\"",
        "\"\\u12g4\"",
        "\"\\u12", "\"a\nb\"", "[", "[1", "[1,", "[1,]", "[,]", "]", "{", "{1:2}", "{\"a\"}", "{\"a\":}", "{\"a\":1,}",
        "1 2",
        "'a'", "\u{feff}1",
    ])
    func whatIsNotJSONIsRefused(_ text: String) {
        #expect(throws: JSONError.self) { try parse(text) }
    }

    @Test func nestingIsBounded() throws {
        let deepest = String(repeating: "[", count: 100) + String(repeating: "]", count: 100)
        #expect(try rewritten(deepest) == deepest)
        #expect(throws: JSONError(offset: 100, what: "nested too deeply")) {
            try parse(String(repeating: "[", count: 1_000_000))
        }
        #expect(throws: JSONError.self) { try parse(String(repeating: "{\"a\":", count: 1_000_000)) }
    }

    @Test func bytesThatAreNotUTF8AreReplaced() throws {
        let broken: Bytes = [0xff, 0xc0, 0x80, 0xed, 0xa0, 0x80, 0xf4, 0x90, 0x80, 0x80, 0xe2, 0x82]
        let parsed = try JSONValue.parse([0x22] + broken + [0x22])
        #expect(parsed == .string(text: String(repeating: "\u{fffd}", count: broken.count)))
        let written = JSONValue.string(broken + Bytes(text: "é")).encoded().text
        #expect(written == "\"" + String(repeating: "\\ufffd", count: broken.count) + "é\"")
    }

    @Test func numbersAreExact() throws {
        #expect(try parse("18446744073709551615").uint64Value == UInt64.max)
        #expect(try parse("18446744073709551616").uint64Value == nil)
        #expect(try parse("-9223372036854775808").int64Value == Int64.min)
        #expect(try parse("1.0").uint64Value == nil)
        #expect(try parse("-1").uint64Value == nil)
        #expect(JSONValue.number(UInt64.max).encoded().text == "18446744073709551615")
    }

    @Test func fieldsAreFoundAsGoFindsThem() throws {
        let value = try parse(#"{"Name":"a","peerURLs":["x","y"],"name":"b","isLearner":true,"n":[1]}"#)
        #expect(value[field: "name"]?.stringValue == Bytes(text: "b"))
        #expect(value[field: "PeerUrls"]?.stringsValue == [Bytes(text: "x"), Bytes(text: "y")])
        #expect(value[field: "isLearner"]?.boolValue == true)
        #expect(value[field: "n"]?.stringsValue == nil)
        #expect(value[field: "none"] == nil)
        #expect(JSONValue.array([])[field: "a"] == nil)
    }

    @Test func anyBytesGiveAValueOrAnError() {
        var entropy = SplitMix(seed: 7)
        let alphabet = Bytes(text: "{}[]\",:\\u0dD8nulltrue-1.e \u{80}")
        for _ in 0..<20_000 {
            let count = Int(entropy.next() % 24)
            let bytes = (0..<count).map { _ in alphabet[Int(entropy.next() % UInt64(alphabet.count))] }
            guard let value = try? JSONValue.parse(bytes) else { continue }
            // What was accepted, written and parsed again, is the same.
            #expect((try? JSONValue.parse(value.encoded())) == value)
        }
    }
}

/// SplitMix64; the generator of Environment is above this module.
private struct SplitMix {
    var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        let mixed = (state ^ (state >> 30)) &* 0xbf58_476d_1ce4_e5b9
        return mixed ^ (mixed >> 27)
    }
}
