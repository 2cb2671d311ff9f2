package import BoltStore

/// How the store keeps its file.
package struct StoreSettings: Sendable {
    package var bolt: BoltSettings

    package init(bolt: BoltSettings = BoltSettings()) {
        self.bolt = bolt
    }
}
