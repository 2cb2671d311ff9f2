/// Values as Go's standard library reads and writes them.
enum GoText {
    /// The spellings of `strconv.ParseBool`.
    static func boolean(_ text: String) -> Bool? {
        switch text {
        case "1", "t", "T", "true", "TRUE", "True": true
        case "0", "f", "F", "false", "FALSE", "False": false
        default: nil
        }
    }

    /// Between double quotes, as `%q` does for what can be printed.
    static func quoted(_ text: String) -> String {
        "\"" + text.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"") + "\""
    }

    static func split(_ text: String) -> [String] {
        text.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
    }

    private static let units: [(name: String, nanoseconds: UInt64)] = [
        ("ns", 1), ("us", 1000), ("µs", 1000), ("μs", 1000), ("ms", 1_000_000), ("s", 1_000_000_000),
        ("m", 60_000_000_000), ("h", 3_600_000_000_000),
    ]

    /// A duration of `time.ParseDuration`: numbers, each with a unit, with a sign before them or without.
    static func nanoseconds(_ text: String) -> Int64? {
        let isNegative = text.first == "-"
        var rest = isNegative || text.first == "+" ? text.dropFirst() : text[...]
        if rest == "0" { return 0 }
        if rest.isEmpty { return nil }
        var total: UInt64 = 0
        while !rest.isEmpty {
            let number = rest.prefix { $0.isASCII && $0.isNumber || $0 == "." }
            rest.removeFirst(number.count)
            let unitName = rest.prefix { !($0.isASCII && $0.isNumber) && $0 != "." }
            rest.removeFirst(unitName.count)
            guard let unit = units.first(where: { $0.name == unitName }),
                let part = nanoseconds(number, of: unit.nanoseconds)
            else { return nil }
            let (sum, overflows) = total.addingReportingOverflow(part)
            if overflows { return nil }
            total = sum
        }
        guard total <= UInt64(Int64.max) else { return nil }
        return isNegative ? -Int64(total) : Int64(total)
    }

    /// A decimal number of units.
    private static func nanoseconds(_ number: Substring, of unit: UInt64) -> UInt64? {
        let parts = number.split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
        let fraction = parts.count == 2 ? parts[1] : ""
        guard !(parts[0].isEmpty && fraction.isEmpty), let whole = parts[0].isEmpty ? 0 : UInt64(parts[0]) else {
            return nil
        }
        let (product, overflows) = whole.multipliedReportingOverflow(by: unit)
        guard !overflows else { return nil }
        if fraction.isEmpty { return product }
        guard let share = Double("0." + fraction) else { return nil }
        let (sum, tooLarge) = product.addingReportingOverflow(UInt64(share * Double(unit)))
        return tooLarge ? nil : sum
    }

    /// A duration as `time.Duration` prints itself, such as `1m30s`, `300ms`, `1.5s`, `0s`.
    static func duration(_ nanoseconds: Int64) -> String {
        let magnitude = nanoseconds.magnitude
        let sign = nanoseconds < 0 ? "-" : ""
        switch magnitude {
        case 0: return "0s"
        case ..<1000: return "\(sign)\(magnitude)ns"
        case ..<1_000_000: return sign + decimal(magnitude, unit: 1000) + "µs"
        case ..<1_000_000_000: return sign + decimal(magnitude, unit: 1_000_000) + "ms"
        default: break
        }
        let (minutes, rest) = magnitude.quotientAndRemainder(dividingBy: 60_000_000_000)
        let (hours, minute) = minutes.quotientAndRemainder(dividingBy: 60)
        let seconds = decimal(rest, unit: 1_000_000_000) + "s"
        if hours > 0 { return "\(sign)\(hours)h\(minute)m\(seconds)" }
        return minutes > 0 ? "\(sign)\(minutes)m\(seconds)" : sign + seconds
    }

    private static let sizeUnits = ["B", "kB", "MB", "GB", "TB", "PB", "EB"]

    /// A number of bytes as etcd logs it, by `humanize.Bytes` (github.com/dustin/go-humanize): `7 B`, `1.5 MB`, `234 MB`.
    static func size(_ byteCount: Int) -> String {
        let count = max(0, byteCount)
        if count < 10 { return "\(count) B" }
        var (unit, power) = (0, 1)
        while count / power >= 1000 { (unit, power) = (unit + 1, power * 1000) }
        let value = (Double(count) / Double(power) * 10 + 0.5).rounded(.down) / 10
        if value < 10 { return "\(value) \(sizeUnits[unit])" }
        return "\(Int(value.rounded(.toNearestOrEven))) \(sizeUnits[unit])"
    }

    /// A number of units with as many decimals as it takes.
    private static func decimal(_ value: UInt64, unit: UInt64) -> String {
        let (whole, rest) = value.quotientAndRemainder(dividingBy: unit)
        guard rest > 0 else { return "\(whole)" }
        let width = String(unit).count - 1
        let digits = String(rest)
        var fraction = String(repeating: "0", count: width - digits.count) + digits
        while fraction.last == "0" { fraction.removeLast() }
        return "\(whole).\(fraction)"
    }
}
