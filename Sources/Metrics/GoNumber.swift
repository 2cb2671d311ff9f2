/// Numbers as Go's Prometheus client writes them (client_golang's `expfmt`, `writeFloat`): the shortest digits that read
/// back as the same number, with an exponent from a million up and below a ten-thousandth.
enum GoNumber {
    static func text(_ value: Double) -> String {
        if value.isNaN { return "NaN" }
        if value.isInfinite { return value < 0 ? "-Inf" : "+Inf" }
        if value.magnitude < 1_000_000, value == value.rounded(.towardZero) { return String(Int(value)) }
        return (value < 0 ? "-" : "") + text(of: Decimal(value.magnitude))
    }

    /// A number's digits, without zeros at either end, and how many of them stand before the point.
    private struct Decimal {
        var digits: [UInt8] = []
        var pointPosition = 0

        /// Swift's own text has the same shortest digits, in a form of its own: `123.5`, `1.5e-07`.
        init(_ value: Double) {
            var exponent = 0
            var mantissa = Array(value.description.utf8)
            if let mark = mantissa.firstIndex(of: UInt8(ascii: "e")) {
                exponent = Int(String(decoding: mantissa[(mark + 1)...], as: UTF8.self)) ?? 0
                mantissa.removeSubrange(mark...)
            }
            let point = mantissa.firstIndex(of: UInt8(ascii: ".")) ?? mantissa.count
            digits = mantissa.filter { $0 != UInt8(ascii: ".") }
            pointPosition = point + exponent
            let zeros = digits.prefix { $0 == UInt8(ascii: "0") }.count
            digits.removeFirst(zeros)
            pointPosition -= zeros
            while digits.last == UInt8(ascii: "0") { digits.removeLast() }
        }
    }

    private static func text(of decimal: Decimal) -> String {
        let exponent = decimal.pointPosition - 1
        if exponent < -4 || exponent >= 6 {
            var text = [decimal.digits.first ?? UInt8(ascii: "0")]
            if decimal.digits.count > 1 { text += [UInt8(ascii: ".")] + decimal.digits.dropFirst() }
            let size = String(exponent.magnitude)
            let sign = exponent < 0 ? "-" : "+"
            return String(decoding: text, as: UTF8.self) + "e" + sign + (size.utf8.count < 2 ? "0" : "") + size
        }
        var text = decimal.digits
        if decimal.pointPosition <= 0 {
            text = Array("0.".utf8) + Array(repeating: UInt8(ascii: "0"), count: -decimal.pointPosition) + text
        } else if decimal.pointPosition < text.count {
            text.insert(UInt8(ascii: "."), at: decimal.pointPosition)
        } else {
            text += Array(repeating: UInt8(ascii: "0"), count: decimal.pointPosition - text.count)
        }
        return String(decoding: text, as: UTF8.self)
    }
}
