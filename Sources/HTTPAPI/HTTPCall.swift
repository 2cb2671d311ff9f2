/// A question of a client that waits for its answer. It may be sent to another thread, and must be answered once.
package struct HTTPCall: Sendable {
    package let question: HTTPQuestion
    private let deliver: @Sendable (HTTPResponse) -> Void

    package init(_ question: HTTPQuestion, deliver: @escaping @Sendable (HTTPResponse) -> Void) {
        self.question = question
        self.deliver = deliver
    }

    /// From any thread.
    package func answer(_ response: HTTPResponse) { deliver(response) }
}
