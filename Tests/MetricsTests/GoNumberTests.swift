import Testing

@testable import Metrics

@Suite struct GoNumberTests {
    /// Left, what Go 1.16's `strconv.FormatFloat(x, 'g', -1, 64)` prints, partly taken from a real etcd's metrics.
    @Test(
        arguments: [
            ("0", 0), ("1", 1), ("-1", -1), ("0.5", 0.5), ("-2.25", -2.25), ("0.0001", 0.0001), ("1e-05", 0.00001),
            ("4.8272e-05", 4.8272e-05), ("0.00022025499999999998", 0.00022025499999999998),
            ("0.0034300700000000003", 0.0034300700000000003), ("999999", 999_999), ("1e+06", 1_000_000),
            ("1.234567e+06", 1_234_567), ("2.83648e+07", 28_364_800), ("1.79564687856e+09", 1_795_646_878.56),
            ("2.147483648e+09", 2_147_483_648), ("1.8446744073709552e+19", 18_446_744_073_709_551_616),
            ("123456.75", 123_456.75), ("1.5e+100", 1.5e100), ("999999.5", 999_999.5),
        ] as [(String, Double)])
    func asGoWrites(_ text: String, _ value: Double) {
        #expect(GoNumber.text(value) == text)
    }

    @Test func whatIsNoNumber() {
        #expect(GoNumber.text(.nan) == "NaN")
        #expect(GoNumber.text(.infinity) == "+Inf")
        #expect(GoNumber.text(-.infinity) == "-Inf")
    }
}
