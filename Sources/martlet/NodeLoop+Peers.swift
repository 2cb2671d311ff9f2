internal import Node
internal import PeerTransport

/// What comes from the other members.
extension NodeLoop {
    func deliver(_ event: PeerEvent) {
        switch event {
        case .messages(let messages, let byteCount):
            for message in messages { node.receive(message) }
            peers.taken(byteCount: byteCount)
        case .unreachable(let id): node.peerUnreachable(id)
        case .connected(let id): node.peerConnected(id)
        case .disconnected(let id): node.peerDisconnected(id)
        case .answered(let number, let answer): node.peerAnswered(number, answer)
        case .call(let call): peerServices.ask(call)
        case .removed: node.peerSaysRemoved()
        case .snapshotReceived(let message, let path): node.receivedSnapshot(message, databasePath: path)
        case .snapshotSent(let token, let id, let succeeded): node.snapshotSent(token, to: id, succeeded: succeeded)
        }
    }
}
