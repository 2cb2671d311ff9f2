package import Primitives

/// What `/raft/probing` answers: that a member lives, and its clock, by which others see how far it is off (etcd v3.6
/// `server/etcdserver/api/rafthttp/probing_status.go`).
package struct ProbingReport: Equatable, Sendable {
    /// The date in nanoseconds since 1970.
    package var unixNanoseconds: Int64

    package init(unixNanoseconds: Int64) {
        self.unixNanoseconds = unixNanoseconds
    }

    package var body: Bytes {
        JSONValue.object([JSONMember("OK", .bool(true)), JSONMember("Now", .string(text: date))]).encoded()
            + [UInt8(ascii: "\n")]
    }

    /// Reads an answer; nil if it is none, or says that all is not well.
    package init?(_ body: Bytes) {
        guard let json = try? JSONValue.parse(body), json[field: "OK"]?.boolValue == true,
            let date = json[field: "Now"]?.stringValue, let nanoseconds = Self.read(date)
        else { return nil }
        unixNanoseconds = nanoseconds
    }

    // MARK: RFC 3339

    /// The date in UTC, with as many digits behind the second as it needs.
    private var date: String {
        let (seconds, nanoseconds) = CivilDate.divide(unixNanoseconds, by: 1_000_000_000)
        let date = CivilDate(unixSeconds: seconds)
        var fraction = nanoseconds == 0 ? "" : "." + CivilDate.padded(nanoseconds, 9)
        while fraction.hasSuffix("0") { fraction.removeLast() }
        let (month, day) = (CivilDate.padded(date.month, 2), CivilDate.padded(date.day, 2))
        return "\(CivilDate.padded(date.year, 4))-\(month)-\(day)T\(date.clock)\(fraction)Z"
    }

    /// Reads `2006-01-02T15:04:05.999999999+07:00`.
    private static func read(_ text: Bytes) -> Int64? {
        let pattern = Bytes(text: "0000-00-00T00:00:00")
        guard text.count > pattern.count, text.count <= 64 else { return nil }
        for (byte, wanted) in zip(text, pattern) {
            guard wanted == UInt8(ascii: "0") ? isDigit(byte) : byte == wanted else { return nil }
        }
        func number(_ range: Range<Int>) -> Int64 { text[range].reduce(0) { $0 * 10 + Int64($1 - 0x30) } }
        var position = pattern.count
        var nanoseconds: Int64 = 0
        if text[position] == UInt8(ascii: ".") {
            let digits = text[(position + 1)...].prefix { isDigit($0) }
            guard !digits.isEmpty else { return nil }
            for place in 0..<9 {
                nanoseconds = nanoseconds * 10
                if place < digits.count { nanoseconds += Int64(digits[digits.startIndex + place] - 0x30) }
            }
            position = digits.endIndex
        }
        guard let offset = offsetSeconds(text[position...]), (1...12).contains(number(5..<7)) else { return nil }
        let time = number(11..<13) * 3600 + number(14..<16) * 60 + number(17..<19)
        let date = CivilDate(year: number(0..<4), month: number(5..<7), day: number(8..<10), second: time)
        let seconds = date.unixSeconds - offset
        let (scaled, overflow) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
        let (sum, isTooLate) = scaled.addingReportingOverflow(nanoseconds)
        return overflow || isTooLate ? nil : sum
    }

    /// Reads `Z` or `+07:00`.
    private static func offsetSeconds(_ text: ArraySlice<UInt8>) -> Int64? {
        let zone = Bytes(text)
        if zone == [UInt8(ascii: "Z")] { return 0 }
        guard zone.count == 6, zone[0] == UInt8(ascii: "+") || zone[0] == UInt8(ascii: "-"), isDigit(zone[1]),
            isDigit(zone[2]), zone[3] == UInt8(ascii: ":"), isDigit(zone[4]), isDigit(zone[5])
        else { return nil }
        let hours = Int64(zone[1] - 0x30) * 10 + Int64(zone[2] - 0x30)
        let seconds = hours * 3600 + (Int64(zone[4] - 0x30) * 10 + Int64(zone[5] - 0x30)) * 60
        return zone[0] == UInt8(ascii: "-") ? -seconds : seconds
    }

    private static func isDigit(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) }
}
