package import PeerProtocol

/// A question of a peer that waits for its answer. It may be sent to another thread, and must be answered once.
package struct PeerCall: Sendable {
    package let kind: PeerCallKind
    private let deliver: @Sendable (PeerResponse) -> Void

    package init(_ kind: PeerCallKind, deliver: @escaping @Sendable (PeerResponse) -> Void) {
        self.kind = kind
        self.deliver = deliver
    }

    /// From any thread.
    package func answer(_ response: PeerResponse) { deliver(response) }
}
