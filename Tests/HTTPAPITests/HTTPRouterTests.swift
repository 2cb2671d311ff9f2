import Testing

@testable import HTTPAPI

@Suite struct HTTPRouterTests {
    private func route(_ target: String, method: String = "GET") throws -> HTTPRouter.Route {
        HTTPRouter.route(try #require(HTTPRequest(method: method, target: target)))
    }

    @Test func everyServedPathLeadsToItsQuestion() throws {
        #expect(try route("/version?x=1") == .ask(.version))
        #expect(try route("/health") == .ask(.health(HealthQuestion())))
        #expect(
            try route("/health?exclude=NOSPACE&exclude=CORRUPT&serializable=true")
                == .ask(.health(HealthQuestion(excludedAlarms: ["NOSPACE", "CORRUPT"], isSerializable: true))))
        #expect(try route("/health?serializable=1&serializable=true") == .ask(.health(HealthQuestion())))
        #expect(try route("/livez") == .ask(.checks([.serializableRead], of: .live, isVerbose: false)))
        #expect(try route("/livez?exclude=serializable_read&verbose") == .ask(.checks([], of: .live, isVerbose: true)))
        #expect(
            try route("/readyz?verbose=")
                == .ask(
                    .checks(
                        [.dataCorruption, .serializableRead, .linearizableRead, .nonLearner], of: .ready,
                        isVerbose: true)))
        #expect(
            try route("/readyz?exclude=non_learner&exclude=nonsense&exclude=data_corruption")
                == .ask(.checks([.serializableRead, .linearizableRead], of: .ready, isVerbose: false)))
    }

    @Test func oneCheckHasAPathOfItsOwn() throws {
        #expect(
            try route("/livez/serializable_read?exclude=serializable_read")
                == .ask(.checks([.serializableRead], of: .live, isVerbose: false)))
        for check in HealthProbe.ready.checks {
            #expect(try route("/readyz/\(check.rawValue)") == .ask(.checks([check], of: .ready, isVerbose: false)))
        }
    }

    @Test func allElseIsNotFound() throws {
        for target in [
            "/", "/version/", "/Version", "//version", "/health/x", "/livez/", "/livez/linearizable_read",
            "/livez/non_learner", "/readyz/nonsense", "/readyz/serializable_read/", "/v3/kv/range", "/metrics/",
            "/v2/keys",
        ] {
            #expect(try route(target) == .answer(.notFound), "\(target)")
            #expect(try route(target, method: "POST") == .answer(.notFound), "\(target)")
        }
    }

    @Test func metricsAreAnsweredWhateverTheMethod() throws {
        for method in ["GET", "HEAD", "POST"] {
            #expect(try route("/metrics", method: method) == .ask(.metrics(acceptsGzip: false)))
        }
        var request = try #require(HTTPRequest(method: "GET", target: "/metrics?name%5B%5D=x"))
        request.acceptsGzip = true
        #expect(HTTPRouter.route(request) == .ask(.metrics(acceptsGzip: true)))
    }

    @Test func onlyGETIsAnswered() throws {
        for target in ["/version", "/health", "/livez", "/readyz/non_learner"] {
            for method in ["POST", "PUT", "DELETE", "HEAD", "PATCH", "get"] {
                #expect(try route(target, method: method) == .answer(.methodNotAllowed), "\(method) \(target)")
            }
        }
        for target in ["/version", "/nonsense"] {
            #expect(try route(target, method: "OPTIONS") == .answer(.options))
        }
    }
}
