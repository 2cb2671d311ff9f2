/// A date in UTC by the calendar (the arithmetic is H. Hinnant's, "chrono-Compatible Low-Level Date Algorithms").
struct CivilDate: Equatable {
    var year: Int64
    var month: Int64
    var day: Int64
    /// Seconds since midnight.
    var second: Int64

    static let daySeconds: Int64 = 86_400

    init(year: Int64, month: Int64, day: Int64, second: Int64) {
        self.year = year
        self.month = month
        self.day = day
        self.second = second
    }

    /// - Parameter unixSeconds: since 1970, or negative before it.
    init(unixSeconds: Int64) {
        let (days, second) = Self.divide(unixSeconds, by: Self.daySeconds)
        let (era, day) = Self.divide(days + 719_468, by: 146_097)
        let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365
        let dayOfYear = day - (365 * year + year / 4 - year / 100)
        let shifted = (5 * dayOfYear + 2) / 153
        let month = shifted < 10 ? shifted + 3 : shifted - 9
        self.init(
            year: year + era * 400 + (month <= 2 ? 1 : 0), month: month, day: dayOfYear - (153 * shifted + 2) / 5 + 1,
            second: second)
    }

    /// Seconds since 1970.
    var unixSeconds: Int64 {
        let (era, yearOfEra) = Self.divide(month <= 2 ? year - 1 : year, by: 400)
        let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
        let days = era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
        return days * Self.daySeconds + second
    }

    /// `15:04:05`.
    var clock: String {
        "\(Self.padded(second / 3600, 2)):\(Self.padded(second / 60 % 60, 2)):\(Self.padded(second % 60, 2))"
    }

    /// Divides so that the rest is not negative.
    static func divide(_ number: Int64, by divisor: Int64) -> (Int64, Int64) {
        let rest = ((number % divisor) + divisor) % divisor
        return ((number - rest) / divisor, rest)
    }

    /// A number with zeros in front.
    static func padded(_ number: Int64, _ width: Int) -> String {
        let digits = String(number)
        return String(repeating: "0", count: max(0, width - digits.utf8.count)) + digits
    }
}

/// The date in the form of HTTP (RFC 9110, section 5.6.7).
package enum PeerDate {
    private static let weekdays = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"]
    private static let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]

    package static func text(unixNanoseconds: Int64) -> String {
        let (seconds, _) = CivilDate.divide(unixNanoseconds, by: 1_000_000_000)
        let (days, _) = CivilDate.divide(seconds, by: CivilDate.daySeconds)
        let date = CivilDate(unixSeconds: seconds)
        let weekday = weekdays[Int(CivilDate.divide(days, by: 7).1)]
        let month = months[Int(date.month - 1)]
        return
            "\(weekday), \(CivilDate.padded(date.day, 2)) \(month) \(CivilDate.padded(date.year, 4)) \(date.clock) GMT"
    }
}
