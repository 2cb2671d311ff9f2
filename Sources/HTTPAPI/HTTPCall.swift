/// A question of a client that waits for its answer. It may be sent to another thread, and must be answered once.
package struct HTTPCall: Sendable {
    package let question: HTTPQuestion
    private let deliver: @Sendable (@escaping @Sendable () -> HTTPResponse) -> Void

    /// - Parameter deliverMade: takes what makes the answer, and does so where it is sent from.
    init(_ question: HTTPQuestion, deliverMade: @escaping @Sendable (@escaping @Sendable () -> HTTPResponse) -> Void) {
        self.question = question
        deliver = deliverMade
    }

    package init(_ question: HTTPQuestion, deliver: @escaping @Sendable (HTTPResponse) -> Void) {
        self.init(question, deliverMade: { make in deliver(make()) })
    }

    /// From any thread.
    package func answer(_ response: HTTPResponse) { deliver { response } }

    /// From any thread, with an answer that takes a while to make: that is done on the server's thread.
    package func answer(making make: @escaping @Sendable () -> HTTPResponse) { deliver(make) }
}
