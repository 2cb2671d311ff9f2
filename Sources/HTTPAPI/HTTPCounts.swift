/// What came of the questions that were asked over HTTP, as etcd counts it (etcd v3.6
/// `server/etcdserver/api/etcdhttp/health.go`).
package struct HTTPCounts: Sendable {
    /// What came of one check of `/livez` or `/readyz`.
    package struct Check: Sendable {
        package let probe: HealthProbe
        package let check: HealthCheck
        package fileprivate(set) var successCount: UInt64 = 0
        package fileprivate(set) var failureCount: UInt64 = 0
        package fileprivate(set) var lastSucceeded = false
    }

    /// Answers of `/health`.
    package private(set) var healthyCount: UInt64 = 0
    package private(set) var unhealthyCount: UInt64 = 0
    /// The checks that were made, in the order in which they first were.
    package private(set) var checks: [Check] = []
    /// Answers of `/metrics`.
    package private(set) var scrapeCount: UInt64 = 0

    mutating func answered(isHealthy: Bool) {
        if isHealthy { healthyCount &+= 1 } else { unhealthyCount &+= 1 }
    }

    mutating func checked(_ check: HealthCheck, of probe: HealthProbe, succeeded: Bool) {
        let known = checks.firstIndex { $0.check == check && $0.probe == probe }
        if known == nil { checks.append(Check(probe: probe, check: check)) }
        let place = known ?? checks.count - 1
        checks[place].lastSucceeded = succeeded
        if succeeded { checks[place].successCount &+= 1 } else { checks[place].failureCount &+= 1 }
    }

    mutating func scraped() { scrapeCount &+= 1 }
}
