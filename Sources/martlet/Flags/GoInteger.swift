/// Go's integer types, and the ways in which Go writes their values: `10`, `0x0A`, `0b1010`, `012`, `1_000`.
enum GoInteger: String, Equatable, Sendable {
    case int
    case int64
    case uint
    case uint32
    case uint64

    private var isSigned: Bool { self == .int || self == .int64 }

    func value(of text: String) throws(FlagReason) -> FlagValue {
        if !isSigned {
            let magnitude = try Self.magnitude(text[...])
            guard self != .uint32 || magnitude <= UInt32.max else { throw .range }
            return .unsigned(magnitude)
        }
        let isNegative = text.first == "-"
        let digits = isNegative || text.first == "+" ? text.dropFirst() : text[...]
        let magnitude = try Self.magnitude(digits)
        guard magnitude <= UInt64(Int64.max) + (isNegative ? 1 : 0) else { throw .range }
        return .integer(isNegative ? Int64(truncatingIfNeeded: 0 &- magnitude) : Int64(magnitude))
    }

    private static func magnitude(_ text: Substring) throws(FlagReason) -> UInt64 {
        let lower = text.lowercased()
        let (radix, body): (UInt64, Substring) =
            if lower.hasPrefix("0x") {
                (16, lower.dropFirst(2))
            } else if lower.hasPrefix("0b") {
                (2, lower.dropFirst(2))
            } else if lower.hasPrefix("0o") {
                (8, lower.dropFirst(2))
            } else if lower.hasPrefix("0"), lower.count > 1 {
                (8, lower.dropFirst(1))
            } else {
                (10, lower[...])
            }
        // Underscores may stand between digits, and behind a prefix.
        let mayBeginWithUnderscore = body.count < lower.count
        guard !body.isEmpty, body.last != "_", mayBeginWithUnderscore || body.first != "_", !body.contains("__") else {
            throw .syntax
        }
        var value: UInt64 = 0
        var overflows = false
        for character in body where character != "_" {
            guard let digit = character.hexDigitValue, character.isASCII, UInt64(digit) < radix else { throw .syntax }
            let (product, first) = value.multipliedReportingOverflow(by: radix)
            let (sum, second) = product.addingReportingOverflow(UInt64(digit))
            overflows = overflows || first || second
            value = sum
        }
        if overflows { throw .range }
        return value
    }
}
